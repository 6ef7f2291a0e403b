"""Every register's reset, taken away one at a time: does the block's own suite see it?

    SIGMABIT_RESETS=6 python -m sigmabit.verif.closure.resets layers.test_pool pipeline.test_egress

All mutants of a suite's samples are in one build, and a port chooses one: a register whose number it is keeps in reset what it
holds. A register that nobody misses is one that needs no reset, or a hole in the suite.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..harness.suite import MUTANT, SIDE_BY_SIDE, BlockSuite, SideBySide, VerilogTests, side_by_side

RESET = re.compile(r"if \((?:rst(?: == 1)?|aresetn == 0)\) begin\n(?P<body>(?: +\w+(?:\[\d+\])? <= .*;\n)+)")
"""A branch of a process, as MyHDL writes it, in which registers are reset."""

ASSIGNMENT = re.compile(r"(?P<register>\w+(?:\[\d+\])?) <= (?P<value>.*);")


@dataclass(frozen=True)
class Mutant:
    """A register of a module that keeps what it holds in reset."""

    number: int
    module: str
    register: str


def mutated(texts: Mapping[str, str]) -> tuple[dict[str, str], list[Mutant]]:
    """Files of Verilog with all their mutants, which are numbered from 1 on."""
    mutants: list[Mutant] = []

    def kept(module: str, body: str) -> str:
        def keep(match: re.Match[str]) -> str:
            mutants.append(Mutant(len(mutants) + 1, module, match["register"]))
            chosen = f"{SIDE_BY_SIDE}.{MUTANT} == {len(mutants)}"
            return f"{match['register']} <= ({chosen}) ? {match['register']} : ({match['value']});"

        return ASSIGNMENT.sub(keep, body)

    def in_branch(module: str, match: re.Match[str]) -> str:
        return match[0].replace(match["body"], kept(module, match["body"]))

    return {file: RESET.sub(partial(in_branch, Path(file).stem), text) for file, text in texts.items()}, mutants


def survivors(suite: type[BlockSuite], folder: Path, workers: int = 1) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant of a suite's samples, and whether it survives. SystemExit where the suite fails without one."""
    plain = SideBySide.of(suite, folder)
    texts, mutants = mutated(plain.texts)
    if not mutants:
        return
    verdicts = folder / "verdicts.jsonl"
    todo = [
        (next(n for n, sample in enumerate(plain.samples) if f"{mutant.module}.v" in sample.texts), mutant.number)
        for mutant in mutants
    ]
    texts[f"{SIDE_BY_SIDE}.v"] = side_by_side(plain.samples, mutants=True)
    replace(plain, texts=texts).judge(todo, verdicts, workers)
    passes = {each["mutant"]: each["passes"] for each in map(json.loads, verdicts.read_text().splitlines())}
    yield from ((mutant, passes[mutant.number]) for mutant in mutants)


def suites(names: Iterable[str]) -> Iterator[type[BlockSuite]]:
    """Those of test modules, such as layers.test_pool."""
    for name in names:
        module = importlib.import_module(f"sigmabit.verif.{name}")
        tests = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, VerilogTests)]
        yield from dict.fromkeys(
            next(base for base in each.__mro__ if "samples" in vars(base)) for each in tests if each is not VerilogTests
        )


def every() -> list[str]:
    """The test modules of verif/ that try blocks in Verilog."""
    root = Path(__file__).parents[1]
    files = sorted(file for file in root.glob("*/test_*.py") if "VerilogTests)" in file.read_text())
    return [".".join(file.relative_to(root).with_suffix("").parts) for file in files]


def main(names: list[str]) -> None:
    """Print what became of each suite's mutants, and of all; without names, of all suites there are."""
    logging.disable(logging.CRITICAL)  # what simulators say of each run
    total = survived = 0
    for suite in suites(names or every()):
        with tempfile.TemporaryDirectory() as folder:
            found = list(survivors(suite, Path(folder)))
        missed = [mutant for mutant, survives in found if survives]
        total, survived = total + len(found), survived + len(missed)
        print(f"{suite.__name__}: {len(found)} resets taken away, {len(found) - len(missed)} seen", flush=True)
        for mutant in missed:
            print(f"    {mutant.module}.{mutant.register}", flush=True)
    print(f"{total} resets taken away, {survived} not seen")


if __name__ == "__main__":
    main(sys.argv[1:])
