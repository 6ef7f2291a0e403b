"""One suite per block, inherited by its golden model, its MyHDL and its Verilog: only how a stimulus is run differs.

A suite says how configurations and stimuli are drawn, what an independent reference expects, and how a stimulus is played into
a block under test. `GoldenTests`, `MyHdlTests` and `VerilogTests` turn it into tests: many drawn configurations for golden and
MyHDL, and the suite's `samples`, a few telling ones, for Verilog on each simulator that is installed.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from sigmabit.hdl.verilog.convert import Design, Port, convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.quick import quick_elaboration

from ..simulation.toolchain import environment, verilator_environment
from . import needs
from .bench import Dut, Interrupted, MyHdlDut

VERIF = Path(__file__).parents[1]

CONFIGS = int(os.environ.get("SIGMABIT_CONFIGS", "20"))
"""Configurations drawn for each suite in MyHDL and for golden; `make closure` draws ten times as many."""

ANYTHING = "wire allowed = 1;\n"
"""Of inputs, all that there may be (`BlockSuite.assumed`)."""

EXAMPLES = 12
"""Stimuli drawn for each configuration."""

RESETS = int(os.environ.get("SIGMABIT_RESETS", "2"))
"""Resets in the middle of work that are drawn for each configuration."""

FEWER = int(os.environ.get("SIGMABIT_FEWER", "1"))
"""How many times fewer stimuli are drawn. Set for a second simulator: what it is for is another reading of the same Verilog."""

SIMULATORS = ("verilator", "icarus")

SIDE_BY_SIDE = "samples"
"""The module that holds a suite's samples in Verilog."""

MUTANT, MUTANT_BITS = "sigmabit_mutant", 16
"""The port of samples with mutants (verif/closure) that chooses one; 0 is none."""

_COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.generate, *(() if "SIGMABIT_AS_FOUND" in os.environ else (Phase.shrink,))),
}


class BlockSuite(ABC):
    """What is tested about one block."""

    samples: ClassVar[Sequence[Any]]
    """Configurations to be tried in Verilog."""

    examples: ClassVar[int] = EXAMPLES
    """Stimuli drawn for each configuration."""

    costly: ClassVar[int] = 1
    """How much longer MyHDL takes for a configuration than for most blocks'; so many times fewer are drawn there."""

    resets: ClassVar[int] = 1
    """How many times as many resets in the middle of work are drawn in Verilog as for most blocks."""

    interrupted: ClassVar[tuple[int, int]] = (4, 150)
    """Cycles after which, of which the first three are usually those of a reset."""

    flags: ClassVar[Sequence[str]] = ()
    """Outputs of registers that reset clears. Resets are drawn for cycles in which they are high, and for those before, too."""

    before: ClassVar[int] = 0
    """By how many cycles more a reset comes before a flag at the most: what is on its way there is in registers, too."""

    brief: ClassVar[bool] = False
    """Is one reset of a single cycle tried, too, the one that `play` begins with? It leaves nothing behind, not even what longer
    ones flush out of chains of registers."""

    @abstractmethod
    def configs(self) -> st.SearchStrategy[Any]:
        """Configurations."""

    @abstractmethod
    def stimuli(self, config: Any) -> st.SearchStrategy[Any]:
        """Inputs for a configuration, with the pauses between them."""

    def always(self, config: Any) -> Sequence[Any]:
        """Stimuli that are tried whatever is drawn: what is rare among those, and must be seen."""
        return ()

    @abstractmethod
    def expected(self, config: Any, stimulus: Any) -> Any:
        """What must come out, by a naive reference that shares nothing with the golden model."""

    @abstractmethod
    def golden(self, config: Any, stimulus: Any) -> Any:
        """What the golden model gives."""

    @abstractmethod
    def elaborate(self, config: Any) -> Any:
        """The MyHDL block, with fresh signals."""

    @abstractmethod
    def play(self, dut: Dut, config: Any, stimulus: Any) -> Any:
        """Play a stimulus into a block that has just been reset or drained, assert its timing, and return what came out."""

    def covers(self, config: Any) -> Mapping[str, str]:
        """What a sample's Verilog must be seen to do under the suite: names, and conditions at a rising clock outside reset.

        They speak of the block's own signals, and may ask for `$past`.
        """
        return {}

    def assumed(self, config: Any) -> str:
        """Verilog beside a sample, of its inputs' names, whose signal `allowed` says that they are as the block expects them,
        such as no faster than was planned. Proofs rely on it, and stimuli keep to it.
        """
        return ANYTHING

    def check(self, config: Any, run: Callable[[Any], Any]) -> None:
        """The property: for every stimulus, `run` gives what the reference expects."""
        tried = 0

        @settings(max_examples=-(-self.examples // FEWER), **_COMMON)
        @given(self.stimuli(config))
        def agree(stimulus: Any) -> None:
            nonlocal tried
            tried += 1
            assert run(stimulus) == self.expected(config, stimulus)

        for stimulus in self.always(config):
            agree = example(stimulus)(agree)
        agree()
        assert tried > 0

    def check_dut(self, config: Any, dut: Dut, resets: int = 1) -> None:
        """The property on a block under test, and after a reset in the middle of work. resets: so many times as many."""
        self.check(config, lambda stimulus: self.play(dut, config, stimulus))
        if dut.reset_ports:
            self.check_reset(config, dut, resets)

    def check_reset(self, config: Any, dut: Dut, resets: int) -> None:
        """A reset, however long another stimulus was played and with its inputs as they were, leaves nothing of it."""

        def agree(first: Any, cycles: int, second: Any) -> None:
            dut.left = cycles
            with contextlib.suppress(Interrupted):
                self.play(dut, config, first)
            dut.left = None
            if flags:
                outputs = dut.reset({}, cycles=2)
                assert [name for name in flags if outputs[name]] == [], f"high in reset, which began in cycle {cycles}"
            dut.reset({})
            assert self.play(dut, config, second) == self.expected(config, second), f"after a reset in cycle {cycles}"

        def agree_at(flag: str, first: Any, which: int, back: int, second: Any) -> None:
            """A reset in a cycle in which a flag is high, or so many before, and in the one before that."""
            dut.watched, dut.high, dut.edges = flag, [], 0
            self.play(dut, config, first)
            dut.watched = None
            if dut.high:
                cycle = dut.high[which % len(dut.high)] - back
                agree(first, cycle, second)
                agree(first, cycle - 1, second)

        def agree_after_one_cycle(first: Any, cycles: int, second: Any) -> None:
            dut.left = cycles
            with contextlib.suppress(Interrupted):
                self.play(dut, config, first)
            dut.left, dut.reset_cycles = None, 1
            try:
                assert self.play(dut, config, second) == self.expected(config, second), f"reset in cycle {cycles} alone"
            finally:
                dut.reset_cycles = Dut.reset_cycles

        flags = [name for name in self.flags if name in dut.ports]
        some = settings(max_examples=-(-resets * RESETS // FEWER), **_COMMON)
        stimuli = self.stimuli(config)
        some(given(stimuli, st.integers(*self.interrupted), stimuli)(agree))()
        if self.brief:
            some(given(stimuli, st.integers(*self.interrupted), stimuli)(agree_after_one_cycle))()
        for flag in flags:
            some(given(st.just(flag), stimuli, st.integers(0, 9), st.integers(0, self.before), stimuli)(agree_at))()


class GoldenTests:
    """The suite on the golden model."""

    def test_golden(self: Any) -> None:
        @settings(max_examples=CONFIGS, **_COMMON)
        @given(self.configs())
        def every(config: Any) -> None:
            self.check(config, lambda stimulus: self.golden(config, stimulus))

        every()
        for config in self.samples:
            self.check(config, lambda stimulus, c=config: self.golden(c, stimulus))


class MyHdlTests:
    """The suite in MyHDL's simulator."""

    def test_myhdl(self: Any) -> None:
        @settings(max_examples=max(1, CONFIGS // self.costly), **_COMMON)
        @given(self.configs())
        def every(config: Any) -> None:
            dut = MyHdlDut(lambda: self.elaborate(config))
            try:
                self.check_dut(config, dut)
            finally:
                dut.close()

        every()


class VerilogTests:
    """The suite's samples as Verilog, under cocotb."""

    @pytest.mark.parametrize("simulator", SIMULATORS)
    def test_verilog(self: Any, simulator: str, tmp_path: Path) -> None:
        if simulator == "icarus":
            needs.icarus()
        suite = next(base for base in type(self).__mro__ if "samples" in vars(base))
        run_cocotb(suite, tmp_path, simulator)


def run_cocotb(suite: type[BlockSuite], folder: Path, simulator: str = "verilator") -> None:
    """Convert a suite's samples, build them side by side, and run the suite on them; its failure is one here."""
    SideBySide.of(suite, folder, simulator).run()


@dataclass(frozen=True)
class SideBySide:
    """A suite's samples as one design: one build and one start of a simulator cost more than all that most samples do in it.

    texts: all files by name.
    """

    suite: type[BlockSuite]
    folder: Path
    simulator: str
    texts: Mapping[str, str]
    samples: Sequence[Sample]

    @staticmethod
    def of(suite: type[BlockSuite], folder: Path, simulator: str = "verilator") -> SideBySide:
        """All samples, converted."""
        tests, samples = suite(), []
        texts: dict[str, str] = {}
        for number, config in enumerate(suite.samples):
            with outline(), quick_elaboration():
                instance = tests.elaborate(config)
            sample = replace(Sample.of(f"sample_{number}", convert(instance), texts), assumed=tests.assumed(config))
            texts |= sample.texts
            samples.append(sample)
        texts[f"{SIDE_BY_SIDE}.v"] = side_by_side(samples)
        return SideBySide(suite, folder, simulator, texts, samples)

    def judge(self, mutants: Sequence[tuple[int, int]], verdicts: Path, workers: int, building: Sequence[str] = ()) -> None:
        """Whether the suite passes on a sample with a mutant, for each such pair: a line of JSON in the file `verdicts`.

        What fails is not made smaller: whether it does is what is asked. SystemExit where a sample fails without a mutant.
        """
        more = {
            "SIGMABIT_MUTANTS": json.dumps(mutants),
            "SIGMABIT_VERDICTS": str(verdicts.absolute()),
            "SIGMABIT_WORKERS": str(workers),
            "SIGMABIT_AS_FOUND": "1",
        }
        self.run(more, building)

    def run(self, more: Mapping[str, str] | None = None, building: Sequence[str] = ()) -> None:
        """Build it, if that is to be done, and run verif/harness/cocotb_entry.py on the samples one after the other.

        more: what else cocotb_entry.py finds in its environment. building: further options of the simulator's.
        """
        from cocotb_test.simulator import run

        verilog = self.folder / "verilog"
        if not verilog.exists():
            verilog.mkdir(parents=True)
            for name, text in self.texts.items():
                (verilog / name).write_text(text)
        # pytest gives test modules names of its own
        file = Path(inspect.getfile(self.suite)).resolve().relative_to(VERIF.resolve()).with_suffix("")
        extra = {
            "SIGMABIT_SUITE": f"{'.'.join(('sigmabit.verif', *file.parts))}:{self.suite.__name__}",
            "SIGMABIT_PORTS": json.dumps([{port.name: port.output for port in sample.ports} for sample in self.samples]),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(VERIF.resolve().parent / ".hypothesis"),  # for what it reads in sources
            "COCOTB_REWRITE_ASSERTION_FILES": f"suite.py {file.name}.py",  # it would take seconds to rewrite all that is imported
        }
        extra |= more or {}
        arguments: dict[str, Any] = {
            "make_args": ["-j2", "OPT_FAST=-O0"],
            "extra_args": ["--timescale", "1ns/1ps", "--output-split", "0", *building],
        }
        if self.simulator == "icarus":
            arguments = {"extra_args": ["-g2005", "-Wall"], "timescale": "1ns/1ps"}
            extra["SIGMABIT_FEWER"] = "3"
        with environment(verilator_environment()), contextlib.chdir(verilog):  # where memories read their contents
            run(
                simulator=self.simulator,
                toplevel=SIDE_BY_SIDE,
                module="sigmabit.verif.harness.cocotb_entry",
                verilog_sources=[str(verilog / name) for name in self.texts if name.endswith(".v")],
                sim_build=str(self.folder / "build"),
                work_dir=str(verilog),
                extra_env=extra,
                **arguments,
            )


@dataclass(frozen=True)
class Sample:
    """A sample's Verilog: its instance's name, its top module, that one's ports, all files by name, and what inputs may be."""

    name: str
    top: str
    ports: tuple[Port, ...]
    texts: dict[str, str]
    assumed: str = ANYTHING

    @staticmethod
    def of(name: str, design: Design, others: Mapping[str, str]) -> Sample:
        """A design's, with other names for all that it has where one of them is another sample's for something else."""
        top, texts = design.top, design.texts
        if any(others.get(file, text) != text for file, text in texts.items()):
            named = re.compile(rf"\b({'|'.join(sorted({Path(file).stem for file in texts}))})\b")
            top = named.sub(rf"\1_{name}", top)
            texts = {named.sub(rf"\1_{name}", file): named.sub(rf"\1_{name}", text) for file, text in texts.items()}
        return Sample(name, top, design.modules[design.top].ports, texts)


def side_by_side(samples: Sequence[Sample], mutants: bool = False) -> str:
    """A module of one instance for each sample, with all of its ports: `clk` of sample 3 is `sample_3_clk`.

    mutants: with a port that chooses one, which samples that have such a port share.
    """
    ports, instances = [f"input wire [{MUTANT_BITS - 1}:0] {MUTANT}"] if mutants else [], []
    for sample in samples:
        for port in sample.ports:
            if port.name == MUTANT:
                continue
            kind, width = "output" if port.output else "input", f"[{port.bits - 1}:0] " if port.vector else ""
            ports.append(f"{kind} wire {width}{sample.name}_{port.name}")
        wires = {port.name: MUTANT if port.name == MUTANT else f"{sample.name}_{port.name}" for port in sample.ports}
        joined = ", ".join(f".{name}({wire})" for name, wire in wires.items())
        instances.append(f"{sample.top} {sample.name} ({joined});\n")
    return f"module {SIDE_BY_SIDE} (\n" + ",\n".join(ports) + ");\n" + "".join(instances) + "endmodule\n"
