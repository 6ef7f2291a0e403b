"""A suite's samples, and what is claimed of them: each assertion proven, and each seen to fail on a fault made for it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.quick import quick_elaboration

from .formal import Fault, Problem

ROOT = Path(__file__).parents[1]

S3, S4 = "S3", "S4"
"""Rules that are looked for in the netlist: a fault that breaks one makes a path."""


class ProofTests:
    """Mixed into a suite, as GoldenTests and its like are; it says what is claimed: `claims(config)`."""

    quick: ClassVar[Sequence[int]] = (0,)
    """Samples, by number, whose proofs take seconds; those of others are long tests."""

    quick_fault: ClassVar[bool] = True
    """Does it take seconds until the first fault is seen? All others are long tests."""

    left_out: ClassVar[Sequence[int]] = ()
    """Samples of which nothing is claimed."""

    registered: ClassVar[tuple[str, ...]] = ()
    """Inputs that come from registers of a neighbour's, and may be in the way to a tready."""

    faults: ClassVar[Sequence[Fault]]
    """One for each assertion, and for each rule of streams that is looked for in the netlist."""

    def claims(self: Any, config: Any) -> Any:
        """What is claimed of a block of that configuration."""
        raise NotImplementedError

    def design(self: Any, config: Any) -> Design:
        """What it is claimed of."""
        with outline(), quick_elaboration():
            instance = self.elaborate(config)
        return convert(instance)

    def problem(self: Any, number: int) -> Problem:
        """The proof that is to be found for a sample."""
        config = self.samples[number]
        return Problem.of(self.design(config), *self.claims(config), registered=self.registered)

    def numbers(self: Any) -> list[int]:
        """Of the samples of which something is claimed."""
        return [number for number in range(len(self.samples)) if number not in self.left_out]

    def pytest_generate_tests(self: Any, metafunc: Any) -> None:
        """A test for each sample, and for each fault, of which the first is quick."""
        if "sample" in metafunc.fixturenames:
            marks = {number: () if number in self.quick else (pytest.mark.long,) for number in self.numbers()}
            metafunc.parametrize("sample", [pytest.param(number, marks=each) for number, each in marks.items()])
        if "fault" in metafunc.fixturenames:
            quick = self.faults[: int(self.quick_fault)]
            marks = {fault: () if fault in quick else (pytest.mark.long,) for fault in self.faults}
            metafunc.parametrize("fault", [pytest.param(fault, id=fault.breaks, marks=each) for fault, each in marks.items()])

    def test_proven(self: Any, sample: int, tmp_path: Path) -> None:
        """All assertions, by induction; and no path that a rule of streams forbids."""
        assert set(self.problem(sample).prove(tmp_path).assertions) == self._claimed([sample])

    def test_broken(self: Any, fault: Fault, tmp_path: Path) -> None:
        """An assertion fails within some cycles where the block has the fault; or a path is there."""
        problem = self.problem(fault.sample).faulty(fault)
        if fault.breaks in (S3, S4):
            assert any(path.startswith(f"{fault.breaks}: ") for path in problem.paths(tmp_path))
        else:
            assert problem.breaks(fault.breaks, tmp_path) > 0

    def test_every_claim_is_broken(self: Any) -> None:
        """By one fault each, which can be made."""
        for fault in self.faults:
            self.problem(fault.sample).faulty(fault)
        rules = {rule for rule, _, _ in self.problem(0).forbidden()}
        assert sorted(fault.breaks for fault in self.faults) == sorted(self._claimed(self.numbers()) | rules)

    def _claimed(self: Any, numbers: Iterable[int]) -> set[str]:
        """The names of all assertions about these samples."""
        each = (claims for number in numbers for claims in self.claims(self.samples[number]))
        return {name for claims in each for name in claims.assertions}


@dataclass(frozen=True)
class Proven:
    """What a test module claims: how many assertions, of how many configurations, and faults that are seen to break them."""

    assertions: int
    configurations: int
    faults: int


def every() -> dict[str, Proven]:
    """Test modules with claims, such as pipeline.egress, and what they claim."""
    found = {}
    for file in sorted(ROOT.glob("*/test_*.py")):
        if "ProofTests)" in file.read_text():
            module = importlib.import_module(f"sigmabit.verif.{file.parent.name}.{file.stem}")
            tests = [each() for each in vars(module).values() if isinstance(each, type) and "faults" in vars(each)]
            counts = [(len(test._claimed(test.numbers())), len(test.numbers()), len(test.faults)) for test in tests]
            found[f"{file.parent.name}.{file.stem.removeprefix('test_')}"] = Proven(*map(sum, zip(*counts, strict=True)))
    return found
