"""Faults drawn by Yosys in the Verilog of a block's samples: does the block's own suite see each?

    sigmabit bench mutants pool egress --count 50

A mutant is one bit of one cell's port, or of a register, that is inverted, stuck, or confused with another (Yosys' `mutate`).
All of a suite's are in one build, and a port chooses one. What the suite passes goes to a proof (equivalence.py) that the sample
is the same with it as without it. What is neither seen nor proven equivalent is left: a hole in the suite, or logic that is not
needed.

Verdicts are kept in build/closure/mutants, by a digest of the Verilog, the draw and the suite, proofs by one of the first two:
what is interrupted goes on.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sigmabit.fpga.synthesis import run_yosys
from sigmabit.golden import SigmabitError
from sigmabit.hdl.verilog.convert import Port

from ..harness.suite import MUTANT, MUTANT_BITS, SIDE_BY_SIDE, BlockSuite, Sample, SideBySide, side_by_side
from . import equivalence
from .resets import every, suites

KEPT = Path("build/closure/mutants")
"""Where verdicts are kept, in the folder in which the command runs."""

COUNT = 50
"""Mutants drawn of each sample."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Mutant:
    """A fault in a sample: its number there, from 1 on, what Yosys calls it, and the source lines that the cell is of."""

    sample: int
    number: int
    change: str
    lines: tuple[str, ...] = ()

    @staticmethod
    def of(sample: int, command: str, texts: Mapping[str, str]) -> Mutant:
        """The one that a `mutate` command makes: mutate -ctrl NAME WIDTH NUMBER -mode inv -module ... -src file:line.column."""
        number, options = re.findall(r"-ctrl \S+ \d+ (\d+) (.*)", command)[0]
        places = re.findall(r"-src (\S+?):(\d+)\.", options)
        lines = [f"{file}:{line}: {texts[file].splitlines()[int(line) - 1].strip()}" for file, line in places if file in texts]
        change = re.sub(r" -(?:src|module) \S+", "", options).replace("-mode ", "")
        return Mutant(sample, int(number), change, tuple(dict.fromkeys(lines)))

    def __str__(self) -> str:
        return f"sample {self.sample}, mutant {self.number}: {self.change}\n" + "\n".join(f"    {line}" for line in self.lines)


@dataclass(frozen=True)
class Account:
    """What became of a suite's mutants."""

    suite: str
    drawn: tuple[Mutant, ...]
    killed: frozenset[tuple[int, int]]
    equivalent: frozenset[tuple[int, int]]

    @cached_property
    def left(self) -> list[Mutant]:
        """Those that are neither seen nor proven equivalent."""
        return [each for each in self.drawn if (each.sample, each.number) not in self.killed | self.equivalent]

    def to_json(self) -> dict[str, Any]:
        """Its figures, and all that are left."""
        return {
            "suite": self.suite,
            "drawn": len(self.drawn),
            "killed": len(self.killed),
            "equivalent": len(self.equivalent),
            "left": [asdict(mutant) for mutant in self.left],
        }


@dataclass(frozen=True)
class Trial:
    """A suite, and how its mutants are drawn.

    count: of each sample. limit_s: for the proof that one is equivalent. workers: processes. kept: a folder for verdicts.
    """

    suite: type[BlockSuite]
    count: int = COUNT
    seed: int = 1
    limit_s: float = 10.0
    workers: int = 1
    kept: Path = KEPT
    report: Report = field(default=lambda what, done, total: None, compare=False)

    @property
    def name(self) -> str:
        """The suite's, with its module's: pool.MaximumSuite."""
        return f"{Path(inspect.getfile(self.suite)).stem.removeprefix('test_')}.{self.suite.__name__}"

    @cached_property
    def plain(self) -> SideBySide:
        """The samples without mutants."""
        with tempfile.TemporaryDirectory() as nowhere:
            return SideBySide.of(self.suite, Path(nowhere))

    @cached_property
    def drawing(self) -> Path:
        """For what is drawn in this Verilog, and proofs about it."""
        found = hashlib.sha256(f"{self.count} {self.seed} {digest(self.plain.texts)}".encode())
        return self.kept / f"{self.name}-{found.hexdigest()[:12]}"

    @cached_property
    def folder(self) -> Path:
        """For this suite's verdicts on it."""
        found = hashlib.sha256(Path(inspect.getfile(self.suite)).read_bytes())
        return self.drawing / found.hexdigest()[:12]

    def account(self) -> Account:
        """Draw, judge and prove, whatever of it is still to be done. SystemExit where the suite fails without a mutant."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            judged, drawn = _lines(self.folder / "verdicts.jsonl"), _lines(self.drawing / "drawn.jsonl")
            netlists = Path(work)
            if not drawn or len(judged) < len(drawn):
                samples, mutants = self._draw(netlists)
                _write(self.drawing / "drawn.jsonl", [asdict(mutant) for mutant in mutants])
                self._judge(samples, mutants, {(each["sample"], each["mutant"]) for each in judged}, netlists / "bench")
                judged, drawn = _lines(self.folder / "verdicts.jsonl"), _lines(self.drawing / "drawn.jsonl")
            passed = sorted((each["sample"], each["mutant"]) for each in judged if each["passes"])
            tool = hashlib.sha256(Path(equivalence.__file__).read_bytes()).hexdigest()[:12]
            known = (each for each in _lines(self.drawing / "proofs.jsonl") if each["equivalent"] or each["tool"] == tool)
            proofs = {(each["sample"], each["mutant"]): each["equivalent"] for each in known}
            if todo := [each for each in passed if each not in proofs]:
                if not (netlists / "sample_0").exists():
                    self._draw(netlists)
                for number in sorted({sample for sample, _ in todo}):
                    mine = [mutant for sample, mutant in todo if sample == number]
                    self.report(f"{self.name}: proofs", number, len(self.plain.samples))
                    found = equivalence.proven(netlists / f"sample_{number}", self.plain.samples[number], mine, self.limit_s)
                    for mutant, same in zip(mine, found, strict=True):
                        proofs[number, mutant] = same
                        with (self.drawing / "proofs.jsonl").open("a") as lines:
                            entry = {"sample": number, "mutant": mutant, "equivalent": same, "tool": tool}
                            print(json.dumps(entry), file=lines)
        killed = frozenset((each["sample"], each["mutant"]) for each in judged if not each["passes"])
        assert killed.isdisjoint(each for each, same in proofs.items() if same), f"{self.name}: a proof is wrong, or the suite is"
        return Account(
            self.name,
            tuple(Mutant(each["sample"], each["number"], each["change"], tuple(each["lines"])) for each in drawn),
            killed,
            frozenset(each for each in passed if proofs[each]),
        )

    def _draw(self, work: Path) -> tuple[list[Sample], list[Mutant]]:
        """The samples with their mutants: each flat, and with a port that chooses."""
        samples, mutants = [], []
        for number, sample in enumerate(self.plain.samples):
            self.report(f"{self.name}: drawing", number + 1, len(self.plain.samples))
            folder = work / f"sample_{number}"
            text, found = drawn(number, sample, folder, self.count, self.seed)
            mutants += found
            chooses = [Port(MUTANT, output=False, bits=MUTANT_BITS, vector=True)] if found else []  # none in what is but wires
            ports = *sample.ports, *chooses
            top = f"mutated_{number}"
            samples.append(replace(sample, top=top, ports=ports, texts={f"{top}.v": text}))
        return samples, mutants

    def _judge(self, samples: Sequence[Sample], mutants: Sequence[Mutant], known: set[tuple[int, int]], folder: Path) -> None:
        texts = {name: text for sample in samples for name, text in sample.texts.items()}
        texts[f"{SIDE_BY_SIDE}.v"] = side_by_side(samples, mutants=True)
        bench = replace(self.plain, folder=folder, texts=texts, samples=samples)
        todo = [(each.sample, each.number) for each in mutants if (each.sample, each.number) not in known]
        self.report(f"{self.name}: judging", 0, len(todo))
        # Yosys' wires of many bits make loops of what is none; a choice that is right in the end may be none for a moment
        building = ["-Wno-fatal", "--no-assert-case"]
        bench.judge(todo, self.folder / "verdicts.jsonl", self.workers, building)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _write(file: Path, entries: Sequence[dict[str, Any]]) -> None:
    new = file.with_suffix(".new")
    new.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    os.replace(new, file)


DRAWN_FROM = "* t:$meminit* %d"
"""All cells but those that fill a memory before the first cycle, whose contents a port cannot choose."""

READ_CONTROL = re.compile(r"-cell \$memrd\S* -port (?!ADDR|DATA)")
"""Of a memory that is read without a clock: Yosys has no such ports in mind, and stops."""


def digest(texts: Mapping[str, str]) -> str:
    """Of files of Verilog."""
    return hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()


def drawn(number: int, sample: Sample, folder: Path, count: int, seed: int) -> tuple[str, list[Mutant]]:
    """A sample as one flat module, mutated_NUMBER, with its mutants, and what they are. The module is in mutated.json, too."""
    folder.mkdir(parents=True)
    for name, text in sample.texts.items():
        (folder / name).write_text(text)
    sources = [name for name in sample.texts if name.endswith(".v")]
    run_yosys(
        [
            f"read_verilog -nosynthesis {' '.join(sources)}",
            f"hierarchy -check -top {sample.top}",
            *("proc -norom", "flatten", "opt_expr -mux_undef", "wreduce", "opt_expr", "opt_clean"),
            f"rename {sample.top} mutated_{number}",
            f"mutate -list {count} -seed {seed} -ctrl {MUTANT} {MUTANT_BITS} 1 -o drawn.ys {DRAWN_FROM}",
            "write_rtlil flat.il",
        ],
        "draw",
        folder,
        folder / "yosys",
    )
    lines = (folder / "drawn.ys").read_text().splitlines()
    commands = [line for line in lines if line.startswith("mutate ") and not READ_CONTROL.search(line)]
    (folder / "drawn.ys").write_text("\n".join(commands) + "\n")
    run_yosys(
        ["read_rtlil flat.il", "script drawn.ys", "opt_clean", "write_json mutated.json", "write_verilog -noattr mutated.v"],
        "mutate",
        folder,
        folder / "yosys",
    )
    return (folder / "mutated.v").read_text(), [Mutant.of(number, command, sample.texts) for command in commands]


def named(blocks: Sequence[str]) -> Iterator[type[BlockSuite]]:
    """The suites of blocks by their names, such as pool or layers.pool; without any, of all. SigmabitError otherwise."""
    modules = every()
    for block in blocks:
        wing, _, name = block.rpartition(".")
        found = [each for each in modules if f".{each}".endswith(f"{wing and f'.{wing}'}.test_{name}")]
        if not found:
            raise SigmabitError(f"no suite tries {block} in Verilog; there are {', '.join(sorted(map(short, modules)))}")
        yield from suites(found)
    if not blocks:
        yield from suites(modules)


def short(module: str) -> str:
    """The name of a test module's block."""
    return module.rpartition(".test_")[2]


@contextmanager
def quietly() -> Iterator[None]:
    """Without what simulators say of each run."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
