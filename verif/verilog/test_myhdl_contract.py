"""What MyHDL's converter makes of expressions: where Verilog agrees with MyHDL's simulator and where it silently does not.

The lint (lint_myhdl.py) refuses what disagrees here. An upgrade of MyHDL that changes any of it, for better or worse, is seen.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from myhdl import Signal, Simulation, delay, instance, intbv

from ..harness import needs
from ..simulation.toolchain import run_tool, verilator_environment

Value = int | str


@dataclass(frozen=True)
class Width:
    """A number of so many bits."""

    bits: int
    signed: bool = False

    @property
    def range(self) -> dict[str, int]:
        """Its least value, and one more than its largest."""
        half = 1 << (self.bits - 1)
        return {"min": -half, "max": half} if self.signed else {"min": 0, "max": 2 * half}

    def signal(self) -> Signal:
        return Signal(intbv(0, **self.range))

    @property
    def verilog(self) -> str:
        return f"{'signed ' if self.signed else ''}[{self.bits - 1}:0]"


U1, U4, U8, U16 = Width(1), Width(4), Width(8), Width(16)
S6, S8, S9, S10 = Width(6, True), Width(8, True), Width(9, True), Width(10, True)


@dataclass(frozen=True)
class Case:
    """Statements that drive y, the values that go in, and what comes out of each simulator."""

    name: str
    statements: str
    y: Width
    ports: dict[str, Width]
    inputs: tuple[int, ...]
    myhdl: Value
    verilog: Value


def same(name: str, statements: str, y: Width, ports: dict[str, Width], inputs: tuple[int, ...], value: Value) -> Case:
    """A case in which both agree."""
    return Case(name, statements, y, ports, inputs, value, value)


AB = {"a": U8, "b": U8}
ABC = AB | {"c": U8}
PT = {"p": U4, "t": S6}
THRESHOLD = "s = intbv(0, min=-32, max=32)\ns[:] = 2 * p - 9\ny.next = s >= t"

CASES = (
    # a carry that Verilog drops, since nothing around the sum is wide enough
    Case("average", "y.next = (a + b) >> 1", U8, AB, (200, 200), 200, 72),
    same("average_sized", "t = intbv(0)[9:]\nt[:] = a + b\ny.next = t >> 1", U8, AB, (200, 200), 200),
    Case("compared_sum", "y.next = (a + b) > c", U1, ABC, (200, 100, 60), 1, 0),
    same("compared_sum_sized", "t = intbv(0)[9:]\nt[:] = a + b\ny.next = t > c", U1, ABC, (200, 100, 60), 1),
    Case("shifted_product", "y.next = (a * b) >> 8", U8, AB, (200, 200), 156, 0),
    Case("shifted_signed_product", "y.next = (a * b) >> 8", S8, {"a": S8, "b": S8}, (100, 100), 39, 0),
    Case("shifted_twice", "y.next = (a << 4) >> 4", U8, {"a": U8}, (255,), 255, 15),
    Case("index_of_sum", "y.next = w[a + b]", U1, {"w": Width(32), "a": U4, "b": U4}, (1 << 20, 10, 10), 1, 0),
    same("sum_in_wide", "y.next = a + b", U16, AB, (200, 200), 400),
    # an operand that Verilog takes as unsigned, since MyHDL casts names only
    Case("threshold_low", "y.next = (2 * p - 9) >= t", U1, PT, (2, 0), 0, 1),
    same("threshold_high", "y.next = (2 * p - 9) >= t", U1, PT, (9, 0), 1),
    same("threshold_sized_low", THRESHOLD, U1, PT, (2, 0), 0),
    same("threshold_sized_equal", THRESHOLD, U1, PT, (2, -5), 1),
    same("threshold_folded", "y.next = p >= k", U1, {"p": U4, "k": U4}, (4, 5), 0),
    Case("twice_added", "y.next = a + 2 * p", S10, {"a": S8, "p": U4}, (-100, 15), -70, 186),
    Case("sum_added", "y.next = a + (p + q)", S10, {"a": S8, "p": U4, "q": U4}, (-100, 15, 15), -70, 186),
    Case("joined_compared", "y.next = concat(a, b) > c", U1, {"a": U4, "b": U4, "c": S9}, (1, 1, -3), 1, 0),
    Case("masked_compared", "y.next = (a & b) > c", U1, {"a": U4, "b": U4, "c": S9}, (1, 1, -3), 1, 0),
    same("mixed_compared", "y.next = a < v", U1, {"a": S8, "v": U8}, (-1, 200), 1),
    same("difference_compared", "y.next = a - b < 0", U1, AB, (3, 4), 1),
    same("slice_compared", "y.next = a[4:] > c", U1, {"a": U8, "c": S9}, (1, -3), 1),
    same("signed_slice", "y.next = a[4:].signed()", S8, {"a": U8}, (15,), -1),
    same("negated", "y.next = -a", S9, {"a": S8}, (-128,), 128),
    # rounding
    Case("quotient", "y.next = a // 4", S8, {"a": S8}, (-5,), -2, -1),
    Case("remainder", "y.next = a % 4", S8, {"a": S8}, (-5,), 3, -1),
    same("shifted", "y.next = a >> 2", S8, {"a": S8}, (-5,), -2),
    # complements
    Case("complement_of_xor", "y.next = ~(a ^ b)", U8, AB, (3, 1), "ValueError", 253),
    same("complement", "y.next = ~a", U8, {"a": U8}, (3,), 252),
    same("xor_with_ones", "y.next = a ^ b ^ 255", U8, AB, (3, 1), 253),
    # what hdl/ is built on
    same("entry", "y.next = TABLE[int(a)]", S8, {"a": U4}, (2,), -5),
    same("moving_slice", "low = a * 4\ny.next = b[low + 4:low]", U4, {"a": U1, "b": U8}, (1, 0x5A), 5),
    same("loop", "for i in range(4):\n    y.next[i] = a[2 * i] and b[2 * i + 1]", U4, AB, (0x51, 0xA2), 13),
    same("rotated", "y.next = concat(a[3:], a[8:3])", U8, {"a": U8}, (0b10110101,), 0b10110110),
)

HEAD = "from myhdl import *\n\nTABLE = (3, 4, -5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)\n\n"


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module with a block for each case."""
    path = tmp_path_factory.mktemp("contract") / "blocks.py"
    text = HEAD
    for case in CASES:
        body = "".join(f"        {line}\n" for line in case.statements.splitlines())
        text += (
            f"@block\ndef {case.name}(y, {', '.join(case.ports)}):\n    @always_comb\n    def work():\n{body}    return work\n\n"
        )
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("blocks", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signals(case: Case) -> dict[str, Signal]:
    """Fresh signals for a case's ports."""
    return {name: width.signal() for name, width in {"y": case.y, **case.ports}.items()}


def in_myhdl(block: Any, case: Case) -> Value:
    """What MyHDL's simulator makes of a case: a value, or the name of an error."""
    driven, seen = signals(case), []

    @instance
    def stimulus() -> Any:
        for name, value in zip(case.ports, case.inputs, strict=True):
            driven[name].next = value
        yield delay(1)
        seen.append(int(driven["y"]))

    simulation = Simulation(block(**driven), stimulus)
    try:
        simulation.run(quiet=1)
    except ValueError as error:
        return type(error).__name__
    finally:
        simulation.quit()
    return seen[0]


@pytest.fixture(scope="module")
def sources(blocks: Any) -> list[Path]:
    """All cases in Verilog, and a bench that prints the name and y of each."""
    folder = Path(blocks.__file__).parent
    parts, reports = [], []
    for case in CASES:
        block = getattr(blocks, case.name)(**signals(case))
        block.convert(hdl="Verilog", path=str(folder), name=case.name, testbench=False, initial_values=False)
        parts.append(f"wire {case.y.verilog} {case.name}_y;\n")
        for (name, width), value in zip(case.ports.items(), case.inputs, strict=True):
            parts.append(f"reg {width.verilog} {case.name}_{name};\ninitial {case.name}_{name} = {value};\n")
        connections = ", ".join(f".{name}({case.name}_{name})" for name in ("y", *case.ports))
        parts.append(f"{case.name} {case.name}_instance({connections});\n")
        reports.append(f'$display("{case.name} %0d", {case.name}_y);\n')
    bench = folder / "bench.v"
    # delays would make Verilator compile much more of its runtime; Icarus has no final blocks
    end = "`ifdef __ICARUS__\ninitial #1\n`else\nfinal\n`endif\n"
    bench.write_text(f"module bench;\n{''.join(parts)}{end}begin\n{''.join(reports)}end\nendmodule\n")
    return [bench, *(folder / f"{case.name}.v" for case in CASES)]


def simulated(command: list[str], environment: dict[str, str] | None = None) -> dict[str, int]:
    """What a bench printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith(("-", "$", "#"))]
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}


@pytest.fixture(scope="module")
def verilator(sources: list[Path]) -> dict[str, int]:
    """What Verilator makes of each case."""
    folder, environment = sources[0].parent, verilator_environment()
    script = str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator")
    # -Wno-fatal: some of the expressions are wrong on purpose
    command = ["perl", script, "--cc", "--main", "--exe", "--build", "--no-timing", "-Wno-fatal", "-j", "2"]
    command += ["--top-module", "bench", "--Mdir", str(folder / "objects"), "-MAKEFLAGS", "OPT_FAST=-O0 OPT_GLOBAL=-O0"]
    run_tool([*command, *map(str, sources)], folder / "verilator.log", environment)
    return simulated([str(folder / "objects" / "Vbench")])


@pytest.fixture(scope="module")
def icarus(sources: list[Path]) -> dict[str, int]:
    """What Icarus Verilog makes of each case."""
    needs.icarus()
    program = sources[0].with_suffix(".vvp")
    run_tool(["iverilog", "-g2005", "-o", str(program), *map(str, sources)], program.with_suffix(".log"), dict(os.environ))
    return simulated(["vvp", "-n", str(program)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
class TestContract:
    def test_myhdl(self, blocks: Any, case: Case) -> None:
        assert in_myhdl(getattr(blocks, case.name), case) == case.myhdl

    def test_verilator(self, verilator: dict[str, int], case: Case) -> None:
        assert verilator[case.name] == case.verilog

    def test_icarus(self, icarus: dict[str, int], case: Case) -> None:
        assert icarus[case.name] == case.verilog
