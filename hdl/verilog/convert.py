"""From elaborated blocks to Verilog: one module per distinct configuration, the same text every time."""

from __future__ import annotations

import copy
import inspect
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import myhdl
from myhdl import ResetSignal, ToVerilogWarning
from myhdl._always_comb import _AlwaysComb
from myhdl._always_seq import _AlwaysSeq
from myhdl._block import _Block
from myhdl._ShadowSignal import _SliceSignal
from myhdl._Signal import _Signal

from sigmabit.golden import OutputError, SigmabitError

from .module import COMPOSITE, LEAF, WRITTEN, forget_elaborations, kind_of, outline
from .quick import quick_elaboration

PORT = re.compile(r"^(input|output) (signed )?(?:\[(\d+)-1:0\] |\[(\d+):0\] )?(\w+);$")


LINT_OFF = """\
/* verilator lint_off WIDTHEXPAND */  // MyHDL extends a narrower operand without saying so
/* verilator lint_off UNUSEDSIGNAL */ // single bits; a signal that is not read at all has been refused

"""
"""What heads a module that MyHDL has written."""


UNREAD = """\
/* verilator lint_off UNUSEDSIGNAL */ // an output for which this module has no use
{}
/* verilator lint_on UNUSEDSIGNAL */"""
"""What stands around such a wire in a composite."""


class ConversionError(SigmabitError):
    """A block cannot be converted; the message names it."""


@dataclass(frozen=True)
class Port:
    """A port of a Verilog module."""

    name: str
    output: bool
    bits: int
    vector: bool

    @property
    def range(self) -> str:
        """The declaration's range, with a blank behind it, or nothing for a single bit."""
        return f"[{self.bits - 1}:0] " if self.vector else ""


@dataclass(frozen=True)
class Module:
    """A converted module: its text, its ports, the files that it reads, and the modules inside it."""

    name: str
    config: Any
    text: str
    ports: tuple[Port, ...]
    contents: dict[str, str] = field(default_factory=dict)
    below: tuple[str, ...] = ()


@dataclass
class Design:
    """All modules of a design, leaves first, by name."""

    top: str
    modules: dict[str, Module] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        """The Verilog files, in order of dependence."""
        return [f"{name}.v" for name in self.modules]

    def files_of(self, name: str) -> list[str]:
        """The Verilog files that a module needs, its own last."""
        needed = {name}
        for module in reversed(self.modules.values()):
            if module.name in needed:
                needed.update(module.below)
        return [f"{module}.v" for module in self.modules if module in needed]

    @property
    def texts(self) -> dict[str, str]:
        """Everything that is written, by file name; the file list left out."""
        texts: dict[str, str] = {}
        for module in self.modules.values():
            texts |= {f"{module.name}.v": module.text, **module.contents}
        return texts

    def within(self, texts: Mapping[str, str]) -> Design:
        """This design inside modules of other origin, by name, the top last."""
        return Design([*texts][-1], {**self.modules, **{name: Module(name, None, text, ()) for name, text in texts.items()}})

    def write(self, folder: Path) -> list[Path]:
        """Write every module, the files that modules read, and <top>.f, the list of Verilog files. Returns the Verilog files.

        Raises OutputError where the folder cannot be made, or not be written to.
        """
        folder = Path(folder)
        listed = "".join(f"{name}\n" for name in self.files)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in {**self.texts, f"{self.top}.f": listed}.items():
                with _named(folder / name):
                    (folder / name).write_text(text)
        except OSError as error:
            raise OutputError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
        return [folder / name for name in self.files]


def convert(instance: Any, progress: Callable[[str], None] = lambda name: None) -> Design:
    """The Verilog of an elaborated module block and of all below it.

    Every warning of the converter is an error, as is a net without a driver or with two. Raises ConversionError.
    """
    design = Design(top=_config(instance).module)
    try:
        with quick_elaboration():
            _convert(instance, design, progress)
    finally:
        forget_elaborations()
    return design


def _convert(instance: Any, design: Design, progress: Callable[[str], None]) -> Module:
    config = _config(instance)
    known = design.modules.get(config.module)
    if known is not None:
        if known.config != config:
            raise ConversionError(f"two configurations share the module name {config.module}: {known.config} and {config}")
        return known
    kind = kind_of(instance)
    if kind == COMPOSITE:
        below = [_convert(sub, design, progress) for sub in instance.subs]
        module = _structure(instance, config, below)
    elif kind == LEAF:
        module = _flatten(instance, config)
    else:
        ports = tuple(
            Port(name, output=name == "data", bits=len(signal), vector=_is_vector(signal))
            for name, signal in _signals(_arguments(instance))
        )
        module = Module(config.module, config, config.verilog(), ports, config.contents())
    if module.name in design.modules:
        raise ConversionError(f"{module.name} is the name of a module inside it, too")
    design.modules[module.name] = module
    progress(module.name)
    return module


def _config(instance: Any) -> Any:
    if kind_of(instance) not in (LEAF, COMPOSITE, WRITTEN):
        raise ConversionError(f"{instance.func.__name__} is not a module: mark it as leaf, composite or written")
    return _arguments(instance)["config"]


def _arguments(instance: Any) -> dict[str, Any]:
    bound = inspect.signature(instance.func).bind(*instance.args, **instance.kwargs)
    return dict(bound.arguments)


def port_signals(instance: Any) -> Iterator[tuple[str, Any]]:
    """The names of an elaborated module block's ports, as in Verilog, and their signals."""
    return _signals(_arguments(instance))


def _signals(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Port names and signals: an argument that is a signal, or the signals of one that is an interface."""
    for name, value in arguments.items():
        if isinstance(value, _Signal):
            yield name, value
        elif name != "config" and hasattr(value, "__dict__"):
            for attribute, signal in vars(value).items():
                if isinstance(signal, _Signal):
                    yield f"{name}_{attribute}", signal


def _is_vector(signal: Any) -> bool:
    return not isinstance(signal.val, bool)


def _flatten(instance: Any, config: Any) -> Module:
    """A leaf, by MyHDL's own converter."""
    arguments = {name: _fresh(value) for name, value in _arguments(instance).items()}
    _forget_names()
    try:
        with outline(False):
            elaborated = instance.decorator(**arguments)
        text = LINT_OFF + _by_myhdl(elaborated, config.module) + "\n"
    except (myhdl.Error, ToVerilogWarning, AttributeError) as error:  # the last of a concatenation that is sliced
        raise ConversionError(f"{config.module}: {error}") from error
    ports = tuple(_ports(text))
    fault = next(_faults(text, ports, elaborated, {name for name, _ in _signals(arguments)}), None)
    if fault:
        raise ConversionError(f"{config.module}: {fault}")
    return Module(config.module, config, text, ports)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Have an error name the file that is written: that of a full disk names none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _forget_names() -> None:
    """Names inside a module depend on what was elaborated before, unless MyHDL's memory of it is wiped."""
    myhdl._block._name_set.clear()
    myhdl._block._inst_name_set.clear()
    for decorated in myhdl._simulator._blocks:
        decorated.calls = 0


def _by_myhdl(elaborated: Any, name: str) -> str:
    """The text that MyHDL writes for a block, from its first word to its last."""
    _put_in_order(elaborated)
    elaborated.name = name
    elaborated._clear = _nothing_to_clear
    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # constants may be tens of thousands of bits wide
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error", ToVerilogWarning)
            settings = {"testbench": False, "initial_values": False, "no_myhdl_header": True}
            file = Path(folder) / f"{name}.v"
            with _named(file):
                elaborated.convert(hdl="Verilog", path=folder, name=name, **settings)
            text = file.read_text()
    finally:
        sys.set_int_max_str_digits(digits)
    return re.sub(r"^`timescale .*\n", "", text.strip(), flags=re.MULTILINE).strip()


def _ports(text: str) -> Iterator[Port]:
    """The ports that a module's text declares."""
    for line in text.splitlines():
        match = PORT.match(line)
        if match:
            direction, _, wide, narrow, name = match.groups()
            vector = wide is not None or narrow is not None
            yield Port(name, direction == "output", int(wide) if wide else int(narrow) + 1 if narrow else 1, vector)


def _faults(text: str, ports: tuple[Port, ...], elaborated: Any, expected: set[str]) -> Iterator[str]:
    """What MyHDL is known to get wrong without a word."""
    body = text[text.index(");") :]
    for port in ports:
        declarations = len(re.findall(rf"^(?:input|output|reg|wire)\b.*\b{port.name};$", body, re.MULTILINE))
        if len(re.findall(rf"\b{port.name}\b", body)) <= declarations:
            yield f"port {port.name} is not used"
    twice = re.search(r"\w+\[[^\]]*:[^\]]*\]\[", body)
    if twice:
        yield f"a slice of a slice, which Verilog does not have: {twice[0]}"
    for lost in _nameless(elaborated):
        yield f"{lost} became a constant, as nothing drives what it is a slice of"
    idle = re.search(r"^initial begin\n\s*(\w+)\[", body, re.MULTILINE)
    if idle:
        yield f"nothing drives the signals of the list {idle[1]}"
    found = {port.name for port in ports}
    if expected != found:
        yield f"ports {sorted(found)}, expected {sorted(expected)}"


def _nameless(top: Any) -> Iterator[str]:
    """Slices whose signal no block knows by a name, since nothing drives it. MyHDL writes an initial value in their place."""
    blocks = list(_hierarchy(top))
    lists = (signal for block in blocks for memory in block.memdict.values() for signal in memory.mem)
    named = {id(signal) for signal in (*lists, *(signal for block in blocks for signal in block.sigdict.values()))}
    for block in blocks:
        for generator in block.subs:
            if not isinstance(generator, _Block):
                for name, signal in generator.sigdict.items():
                    if isinstance(signal, _SliceSignal) and id(_whole(signal)) not in named:
                        yield f"{block.name}.{name}"


def _hierarchy(block: Any) -> Iterator[Any]:
    """A block and all blocks inside it."""
    yield block
    for sub in block.subs:
        if isinstance(sub, _Block):
            yield from _hierarchy(sub)


def _whole(signal: Any) -> Any:
    """The signal that a slice is taken from, in the end."""
    while isinstance(signal, _SliceSignal):
        signal = signal._sig
    return signal


def _put_in_order(block: Any) -> None:
    """Sensitivity lists and resets in the order of names. MyHDL takes them from sets, whose order changes from run to run."""
    for sub in block.subs:
        if isinstance(sub, _Block):
            _put_in_order(sub)
        elif isinstance(sub, _AlwaysComb | _AlwaysSeq):
            named = (sub.symdict[name] for name in sorted(sub.inputs | sub.outputs))
            signals = [signal for entry in named for signal in (entry if isinstance(entry, list) else [entry])]
            rank = {id(signal): position for position, signal in enumerate(signals)}
            if isinstance(sub, _AlwaysComb):
                sub.senslist = tuple(sorted(sub.senslist, key=lambda signal: rank[id(signal)]))
            else:
                sub.sigregs.sort(key=lambda signal: rank[id(signal)])
                sub.varregs.sort()


def _nothing_to_clear() -> None:
    """In place of MyHDL's second elaboration, which renews what an earlier conversion left on signals: these are fresh."""


def _fresh(value: Any) -> Any:
    """The same kind of signal or interface, with new signals."""
    if isinstance(value, ResetSignal):
        return ResetSignal(bool(value._init), active=value.active, isasync=value.isasync)
    if isinstance(value, _Signal):
        return myhdl.Signal(copy.deepcopy(value._init))
    if hasattr(value, "__dict__") and any(isinstance(v, _Signal) for v in vars(value).values()):
        clone = copy.copy(value)
        for name, signal in vars(value).items():
            if isinstance(signal, _Signal):
                setattr(clone, name, _fresh(signal))
        return clone
    return value


def _structure(instance: Any, config: Any, below: list[Module]) -> Module:
    """A composite, written out as instances."""
    ports = {id(signal): name for name, signal in _signals(_arguments(instance))}
    signals = {id(signal): signal for _, signal in _signals(_arguments(instance))}
    names: dict[int, str] = {}
    drivers: dict[int, str] = {}
    counts: dict[str, int] = {}
    labels = []
    for sub, module in zip(instance.subs, below, strict=True):
        label = getattr(module.config, "label", sub.func.__name__)
        number = counts[label] = counts.get(label, 0) + 1
        labels.append(label if number == 1 else f"{label}_{number}")
    for label, sub, module in zip(labels, instance.subs, below, strict=True):
        outputs = {port.name for port in module.ports if port.output}
        for name, signal in _signals(_arguments(sub)):
            if name in outputs:
                if id(signal) in drivers:
                    raise ConversionError(f"{config.module}: {label}.{name} and {drivers[id(signal)]} drive one net")
                drivers[id(signal)] = f"{label}.{name}"
                names[id(signal)] = ports.get(id(signal)) or f"{label}_{name}"
    wires, instances = [], []
    taken = set()
    for sub, module in zip(instance.subs, below, strict=True):
        inputs = {port.name for port in module.ports if not port.output}
        taken |= {id(signal) for name, signal in _signals(_arguments(sub)) if name in inputs}
    for label, sub, module in zip(labels, instance.subs, below, strict=True):
        by_name = {port.name: port for port in module.ports}
        connections = []
        for name, signal in _signals(_arguments(sub)):
            net = names.get(id(signal)) or ports.get(id(signal))
            if net is None:
                raise ConversionError(f"{config.module}: nothing drives {label}.{name}")
            if by_name[name].output and id(signal) not in ports:
                wire = f"wire {by_name[name].range}{net};"
                wires.append(wire if id(signal) in taken else UNREAD.format(wire))
            connections.append(f"    .{name}({net})")
        instances.append(f"{module.name} {label}_instance (\n" + ",\n".join(connections) + "\n);\n")
    own = tuple(
        Port(name, output=identity in drivers, bits=len(signals[identity]), vector=_is_vector(signals[identity]))
        for identity, name in ports.items()
    )
    header = ",\n".join(f"    {'output' if port.output else 'input'} wire {port.range}{port.name}" for port in own)
    text = f"module {config.module} (\n{header}\n);\n\n" + "\n".join(wires) + "\n\n" + "\n".join(instances) + "\nendmodule\n"
    return Module(config.module, config, text, own, below=tuple(dict.fromkeys(module.name for module in below)))
