"""Conversion: the same text every time, clean for every tool, and strict about what MyHDL would lose without a word."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from myhdl import ConcatSignal, always_comb

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden import Network, import_model
from sigmabit.hdl.arithmetic.delay import DelayConfig, delay
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.arithmetic.rom import RomConfig, RomStyle, rom
from sigmabit.hdl.layers.threshold import CompareConfig, compare
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import ConversionError, Design, convert
from sigmabit.hdl.verilog.fabric import field, joined, like, register
from sigmabit.hdl.verilog.keywords import INSIDE, RESERVED, identifier
from sigmabit.hdl.verilog.module import composite, leaf, outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..harness import needs
from ..simulation.toolchain import run_tool, verilator_environment

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "digits_bcnn.onnx"
INTERVALS = (64, 1500)
"""Two foldings of the digits: as fast as pixels come, and slow enough for tables in memories."""


def digits(interval: int) -> Plan:
    """A plan for the digits."""
    return Planner(import_model(MODEL), "xc7vx690t", 200.0).plan(interval)


def converted(plan: Plan) -> Design:
    """A plan's Verilog."""
    return convert(Pipeline(plan.pipeline).outline())


def fingerprint(design: Design) -> str:
    """A hash of all files of a design, and of their order."""
    texts = [text for module in design.modules.values() for text in (module.name, module.text, *module.contents.values())]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@pytest.fixture(scope="module", params=INTERVALS)
def plan(request: pytest.FixtureRequest) -> Plan:
    """A plan of the digits."""
    return digits(request.param)


@pytest.fixture(scope="module")
def design(plan: Plan) -> Design:
    """Its Verilog."""
    return converted(plan)


def verilator_lint(files: list[Path], top: str) -> str:
    """What Verilator has to say about files."""
    environment = verilator_environment()
    script = str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator")
    command = ["perl", script, "--lint-only", "-Wall", "--quiet-stats", "--top-module", top, *map(str, files)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("- "))


def icarus_lint(files: list[Path], top: str) -> str:
    """What Icarus Verilog has to say about files; skips where it is not installed."""
    needs.icarus()
    command = ["iverilog", "-g2005", "-Wall", "-t", "null", "-s", top, *map(str, files)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


LINTS = (verilator_lint, icarus_lint)


class TestDeterminism:
    def test_in_one_process(self, plan: Plan, design: Design) -> None:
        once = fingerprint(design)
        converted(digits(640))  # what else is converted in between leaves no trace
        assert fingerprint(converted(plan)) == once

    @pytest.mark.parametrize("seed", ["0", "1"])
    def test_in_any_process(self, seed: str) -> None:
        program = (
            "from sigmabit.verif.verilog.test_convert import *; print(*(fingerprint(converted(digits(n))) for n in INTERVALS))"
        )
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [fingerprint(converted(digits(interval))) for interval in INTERVALS]


class TestDigits:
    @pytest.mark.parametrize("lint", LINTS)
    def test_clean(self, design: Design, tmp_path: Path, lint: Callable[[list[Path], str], str]) -> None:
        assert lint(design.write(tmp_path), design.top) == ""

    def test_ports(self, design: Design) -> None:
        assert [(port.name, port.output, port.bits) for port in design.modules[design.top].ports] == [
            ("aclk", False, 1),
            ("aresetn", False, 1),
            ("s_axis_tdata", False, 8),
            ("s_axis_tvalid", False, 1),
            ("s_axis_tready", True, 1),
            ("s_axis_tlast", False, 1),
            ("m_axis_tdata", True, 80),
            ("m_axis_tvalid", True, 1),
            ("m_axis_tready", False, 1),
            ("m_axis_tlast", True, 1),
            *((f"counters_{name}", True, 32) for name in ("frames_in", "frames_out", "malformed", "dropped")),
        ]

    def test_one_module_per_configuration(self, design: Design) -> None:
        configs = [module.config for module in design.modules.values()]
        assert len(set(configs)) == len(configs)
        instances = re.findall(r"^(\w+) \w+_instance \($", self.text(design), re.MULTILINE)
        assert set(instances) == set(design.modules) - {design.top} and len(instances) > len(set(instances))
        for module in design.modules.values():
            first, *helpers = re.findall(r"^module (\w+)", module.text, re.MULTILINE)
            assert first == module.name and all(name.startswith(f"{first}_") for name in helpers)

    @staticmethod
    def text(design: Design) -> str:
        return "\n".join(module.text for module in design.modules.values())

    def test_files(self, design: Design, tmp_path: Path) -> None:
        files = design.write(tmp_path)
        assert (tmp_path / f"{design.top}.f").read_text().split() == [file.name for file in files]
        memories = set(re.findall(r'\$readmemh\("([^"]+)"', self.text(design)))
        assert {path.name for path in tmp_path.iterdir()} == {file.name for file in files} | memories | {f"{design.top}.f"}

    def test_names_inside_are_those_that_a_top_avoids(self, design: Design) -> None:
        assert all(INSIDE.match(name) for name in design.modules if name != design.top)
        assert not INSIDE.match(design.top)

    def test_elaborates_in_yosys(self, design: Design, tmp_path: Path) -> None:
        files = design.write(tmp_path)
        program = "import sys; from pyosys import libyosys as ys; d = ys.Design(); [ys.run_pass(p, d) for p in sys.argv[1:]]"
        passes = [
            "read_verilog -lib +/xilinx/cells_sim.v",
            *(f"read_verilog {file}" for file in files),
            f"hierarchy -check -top {design.top}",
            "proc",
            "check -assert",
        ]
        run_tool([sys.executable, "-c", program, *passes], tmp_path / "yosys.log", folder=tmp_path)
        assert "Found and reported 0 problems." in (tmp_path / "yosys.log").read_text()


def test_maps_to_xc7(tmp_path: Path) -> None:
    """A module of the digits, mapped."""
    design = converted(digits(INTERVALS[0]))
    name = next(name for name in design.modules if name.startswith("ingress"))
    area = synthesise(design.write(tmp_path / "verilog"), name, tmp_path / "yosys").area
    assert area.lut > 0 and area.ff > 0


WORDS = (5 << 15_000 | 1, 2, 3)
"""Constants that Python refuses to print as decimals."""

BLOCKS = {
    "delay": lambda: delay(bit(), reset(), wire(3), wire(3), DelayConfig(3, 2, reset=True)),
    "popcount": lambda: popcount(bit(), wire(37), wire(185), wire(30), PopcountConfig(37, 1, 5)),
    "compare": lambda: compare(bit(), reset(), Flow(8), None, wire(12), Flow(2), CompareConfig(2, 4, 1)),
    "wide_constant": lambda: rom(None, None, wire(15_003), RomConfig("wide", "constant", 15_003, WORDS[:1], RomStyle.CONSTANT)),
    "wide_logic": lambda: rom(bit(), wire(2), wire(15_003), RomConfig("wide", "logic", 15_003, WORDS, RomStyle.LOGIC)),
    "wide_block": lambda: rom(bit(), wire(2), wire(15_003), RomConfig("wide", "block", 15_003, WORDS, RomStyle.BLOCK)),
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("lint", LINTS)
def test_blocks_are_clean(block: str, tmp_path: Path, lint: Callable[[list[Path], str], str]) -> None:
    """Blocks by themselves, wide constants among them."""
    with outline():
        design = convert(BLOCKS[block]())
    files = design.write(tmp_path)
    cwd = Path.cwd()
    os.chdir(tmp_path)  # where memories read their contents
    try:
        assert lint(files, design.top) == ""
    finally:
        os.chdir(cwd)


@dataclass(frozen=True)
class Named:
    """A configuration that is but a name."""

    module: str


@leaf
def mask(a, q, config):
    """q = a XOR a constant wider than Python likes to print."""
    ones = (1 << 15_000) - 1

    @always_comb
    def flip():
        q.next = a ^ ones

    return flip


def test_wide_constants_in_a_leaf() -> None:
    """MyHDL prints the constant; the limit that Python sets is as before afterwards."""
    limit = sys.get_int_max_str_digits()
    with outline():
        text = convert(mask(wire(15_000), wire(15_000), Named("mask"))).modules["mask"].text
    assert f"{(1 << 15_000) - 1:x}" in text.lower() and sys.get_int_max_str_digits() == limit


@leaf
def undriven(a, q, config):
    """Nothing drives `missing`."""
    missing = like(a)

    @always_comb
    def mix():
        q.next = a ^ missing

    return mix


@leaf
def unused(a, b, q, config):
    """Nothing reads `b`."""

    @always_comb
    def copy():
        q.next = a

    return copy


@leaf
def unread(a, q, config):
    """Nothing reads `spare`."""
    spare = like(a)

    @always_comb
    def copy():
        q.next = a
        spare.next = a

    return copy


@leaf
def slice_of_slice(a, q, config):
    """Which MyHDL writes as Verilog does not have it."""

    @always_comb
    def copy():
        q.next = a[8:2][6:]

    return copy


@leaf
def slice_of_one_bit(clk, a, q, config):
    """Whose part of a concatenation MyHDL slices once more; a(0) is right."""
    return register(clk, ConcatSignal(a(8, 1), a(1, 0)), q)


class Word:
    """An interface of one signal."""

    def __init__(self) -> None:
        self.data = wire(8)


@leaf
def sliced_interface(clk, sink, q, config):
    """Whose signal has no name once it is sliced."""
    return register(clk, field(sink.data, 1, 4), q)


@leaf
def sliced_nothing(clk, a, q, r, config):
    """A slice, shorter than a hexadecimal digit, of a signal that nothing drives."""
    kept = register(clk, a, q)
    return kept, register(clk, like(a)(8, 5), r)


@leaf
def list_of_slices(clk, a, number, q, r, config):
    """Which MyHDL writes as a memory of zeros."""
    parts = [a(4, 0), a(8, 4)]

    @always_comb
    def choose():
        q.next = parts[number]

    return choose, register(clk, a, r)


class Lanes:
    """An interface with a list, of which no ports are made."""

    def __init__(self) -> None:
        self.valid, self.lanes = bit(), [wire(8), wire(8)]


@leaf
def list_in_interface(sink, q, r, config):
    """Whose lanes would be zero."""

    @always_comb
    def copy():
        q.next = sink.lanes[0]
        r.next = sink.valid

    return copy


class Slotted:
    """An interface in which MyHDL sees no signals."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = wire(8)


@leaf
def slotted(clk, sink, q, config):
    """Whose sink would be zero."""
    return register(clk, sink.data, q)


@leaf
def concatenation_in_another(clk, a, q, config):
    """Whose inner one would be zero."""
    both = ConcatSignal(a, a)
    return register(clk, ConcatSignal(both, a), q)


@leaf
def chained(a, q, config):
    """A comparison of three."""

    @always_comb
    def compare_all():
        q.next = 1 < a < 3

    return compare_all


@leaf
def assigned_together(a, q, config):
    """Two locals at once."""

    @always_comb
    def copy():
        first, second = a, a
        q.next = first ^ second

    return copy


@leaf
def annotated(a, q, config):
    """A local with a type."""

    @always_comb
    def copy():
        kept: int = a
        q.next = kept

    return copy


@leaf
def list_as_table(a, q, config):
    """A table has to be a tuple."""
    entries = [1, 2, 3, 4]

    @always_comb
    def look_up():
        q.next = entries[int(a)]

    return look_up


@leaf
def made_in_a_function(clk, a, q, config):
    """A sub-block made in a function of the block."""

    def make():
        return register(clk, a, q)

    return make()


@leaf
def made_in_a_generator_expression(clk, a, q, config):
    """Sub-blocks made in a generator expression."""
    return tuple(register(clk, a, target) for target in [q])


@leaf
def sliced_concatenation(clk, a, q, config):
    """A slice of a concatenation."""
    both = ConcatSignal(a, a)
    return register(clk, both(8, 0), q)


REFUSED: dict[Any, tuple[tuple[Any, ...], str]] = {
    undriven: ((wire(8), wire(8)), "Signal is not driven: missing"),
    unused: ((wire(8), wire(8), wire(8)), "Port is not used: b"),
    unread: ((wire(8), wire(8)), "Signal is driven but not read: spare"),
    slice_of_slice: ((wire(8), wire(6)), r"a slice of a slice, which Verilog does not have: a\[8-1:2\]\["),
    slice_of_one_bit: ((bit(), wire(8), wire(8)), r"a slice of a slice, which Verilog does not have: a\[1-1:0\]\["),
    sliced_interface: ((bit(), Word(), wire(4)), "port sink_data is not used"),
    sliced_nothing: (
        (bit(), wire(8), wire(8), wire(3)),
        "register1.d became a constant, as nothing drives what it is a slice of",
    ),
    list_of_slices: ((bit(), wire(8), wire(1), wire(4), wire(8)), "nothing drives the signals of the list parts"),
    list_in_interface: ((Lanes(), wire(8), bit()), "nothing drives the signals of the list sink_lanes"),
    slotted: ((bit(), Slotted(), wire(8)), "Signal is not driven: register0_d"),
    concatenation_in_another: ((bit(), wire(8), wire(24)), "Signal is not driven: both"),
    chained: ((wire(8), bit()), ".*Not supported: chained comparison"),
    assigned_together: ((wire(8), wire(8)), ".*Not supported: tuple assignment"),
    annotated: ((wire(8), wire(8)), ".*Local variable may be referenced before assignment: kept"),
    made_in_a_function: ((bit(), wire(8), wire(8)), ".*subblock make should be encapsulated in a block decorator"),
    made_in_a_generator_expression: ((bit(), wire(8), wire(8)), ".*subblock <genexpr> should be encapsulated"),
    sliced_concatenation: ((bit(), wire(8), wire(8)), ".*_right"),
    list_as_table: ((wire(2), wire(3)), ".*Object type is not supported in this context: entries"),
}
"""Blocks, their ports, and why they are not converted."""


@leaf
def copy_of(a, q, config):
    """q = a."""

    @always_comb
    def give():
        q.next = a

    return give


@composite
def wired(a, q, config):
    """Two copies, wired as config says."""
    one, two = wire(8), wire(8)
    nets = {"a": a, "one": one, "two": two, "q": q}
    return [copy_of(nets[source], nets[target], copied) for copied, source, target in config.copies]


@dataclass(frozen=True)
class Wiring:
    """The copies in a composite: configuration, source and target of each."""

    copies: tuple[tuple[Any, str, str], ...]
    module: str = "wired"


def wiring(*copies: tuple[Any, str, str]) -> Design:
    """The Verilog of a composite of copies."""
    with outline():
        return convert(wired(wire(8), wire(8), Wiring(copies)))


@leaf
def named_late(clk, a, q, config):
    """MyHDL looks for names when the first sub-block is made."""
    early = like(a)
    first = register(clk, a, early)
    late = like(a)
    return first, register(clk, early, late), register(clk, joined([field(late, 1, 4), field(late, 0, 4)]), q)


def test_late_names() -> None:
    """A signal that is made after the first sub-block is named after the sub-block that drives it, and not lost."""
    with outline():
        text = convert(named_late(bit(), wire(8), wire(8), Named("named_late"))).modules["named_late"].text
    assert "register1_q <= early;" in text
    assert "assign register2_d[8-1:4] = register1_q[4-1:0];" in text


class TestRefusals:
    @pytest.mark.parametrize("block", REFUSED, ids=lambda block: block.func.__name__)
    def test_traps(self, block: Any) -> None:
        ports, message = REFUSED[block]
        name = block.func.__name__
        with outline():
            instance = block(*ports, Named(name))
        with pytest.raises(ConversionError, match=f"(?s)^{name}: {message}"):
            convert(instance)

    def test_composites(self) -> None:
        copied = Named("copy")
        good = wiring((copied, "a", "one"), (copied, "one", "q"))
        assert list(good.modules) == ["copy", "wired"]
        assert "copy copy_of_2_instance (\n    .a(copy_of_q),\n    .q(q)\n);" in good.modules["wired"].text
        with pytest.raises(ConversionError, match=r"^wired: copy_of_2\.q and copy_of\.q drive one net$"):
            wiring((copied, "a", "q"), (copied, "a", "q"))
        with pytest.raises(ConversionError, match=r"^wired: nothing drives copy_of\.a$"):
            wiring((copied, "one", "q"))
        with pytest.raises(ConversionError, match=r"^wired is the name of a module inside it, too$"):
            wiring((Named("wired"), "a", "q"))

    def test_shared_names(self) -> None:
        with pytest.raises(ConversionError, match=r"^two configurations share the module name copy: Named.* and Wiring"):
            wiring((Named("copy"), "a", "one"), (Wiring((), "copy"), "one", "q"))

    def test_what_is_no_module(self) -> None:
        with pytest.raises(ConversionError, match=r"^register is not a module: mark it as leaf, composite or written$"):
            convert(register(bit(), wire(8), wire(8)))


ODD = {
    "digits": "digits",
    "Digits BCNN": "digits_bcnn",
    "8x8 digits": "net_8x8_digits",
    "module": "net_module",
    "Logic": "net_logic",
    "ziffern-größe": "ziffern_gr_e",
    "数字": "network",
    "": "network",
    "___": "network",
    "$display": "display",
    "a" * 300: "a" * 64,
    "conv1": "net_conv1",
    "add1": "net_add1",
    "quantiser1_present": "net_quantiser1_present",
    "Popcount 9x5b": "net_popcount_9x5b",
    "reset_register": "net_reset_register",
    "std": "net_std",
    "sampler": "net_sampler",
    "convolutional": "convolutional",
}
"""Names of networks, and of their modules."""


class TestNames:
    @pytest.mark.parametrize("name", ODD)
    def test_identifiers(self, name: str) -> None:
        made = identifier(name)
        assert made == ODD[name]
        assert re.fullmatch(r"[A-Za-z_]\w*", made, re.ASCII) and made not in RESERVED and len(made) <= 64

    def test_all_blocks_are_avoided(self) -> None:
        """What the names of modules begin with, in the sources."""
        naming = re.compile(r"def module\(self\).*?\n\n", re.DOTALL)
        texts = [found for path in (ROOT / "hdl").rglob("*.py") for found in naming.findall(path.read_text())]
        beginnings = {name for text in texts for name in re.findall(r'return f?"([a-z][a-z_]*)', text)}
        assert len(beginnings) > 30
        assert not [name for name in beginnings if identifier(f"{name}0") == f"{name}0"]

    @pytest.mark.parametrize("name", ["8x8 größe", "conv1"])
    def test_networks(self, name: str, tmp_path: Path) -> None:
        network: Network = replace(import_model(MODEL), name=name)
        design = converted(Planner(network, "xc7vx690t", 200.0).plan(INTERVALS[0]))
        assert design.top == identifier(name) and len(design.modules) > 40
        assert verilator_lint(design.write(tmp_path), design.top) == ""
