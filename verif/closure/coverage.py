"""Which lines of a block's Verilog its own suite runs, which bits it sees rise and fall, and which of its covers it reaches.

    python -m sigmabit.verif.closure.coverage pool egress

By Verilator. Lines and bits count of all samples together, covers, which are what the suite itself says that it must be seen to
do, of each. What is not reached is listed; what cannot be is excluded here, with the reason. A bit of which is proven that it
never rises, or never falls (transitions.py), such as a zero behind a word that is shifted, is no point.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..harness.bench import CLOCK_NAMES, RESET_LEVELS
from ..harness.suite import SIDE_BY_SIDE, BlockSuite, SideBySide
from .mutants import named, quietly
from .transitions import Transition, never

BUILDING = ("--coverage-line", "--coverage-toggle", "--coverage-user")

KINDS = {"v_line": "line", "v_branch": "line", "v_toggle": "toggle", "v_user": "cover"}
"""What Verilator calls points, and what they are."""

COVER = "cover_"
"""How a cover's name begins in Verilog, so that it is no signal's."""

EXCLUDED = {
    r"toggle .* (?:frames_in|frames_out|malformed|dropped|refused|busy_cycles)\[(?:[89]|[12]\d|3[01])\]:": (
        "counters of 32 bits: a simulation counts to some hundreds"
    ),
    r"line adders_\w+\.v:\d+ cond_(?:then|else)$": (
        "which arm of a sum is taken is a parameter, and a file may have instances of one alone"
    ),
    r"toggle .* \w+\[\d+\]\[\d+\]:": "words of a memory: which of them are written is the stimulus'; its ports are looked at",
}
"""Points that no suite reaches, and why."""


@dataclass(frozen=True)
class Point:
    """A line, or a branch of one, or a bit that rises or falls, or a sample's cover."""

    kind: str
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place} {self.what}".rstrip()

    @property
    def transition(self) -> Transition | None:
        """What of which bit a toggle is."""
        found = (
            re.fullmatch(r"(\w+(?:(?:\[\d+\])?\.\w+)*)(?:\[(\d+)\])?:([01])->[01]", self.what) if self.kind == "toggle" else None
        )
        return Transition(self.place, found[1], int(found[2] or 0), rises=found[3] == "0") if found else None

    @property
    def excluded(self) -> bool:
        """Is it said why no suite reaches it?"""
        return any(re.match(pattern, str(self)) for pattern in EXCLUDED)


@dataclass(frozen=True)
class Coverage:
    """How often each point of a suite's samples was reached."""

    times: dict[Point, int]

    def share(self, kind: str) -> tuple[int, int]:
        """Points of a kind that were reached, and all that are not excluded."""
        counted = [times for point, times in self.times.items() if point.kind == kind and (times or not point.excluded)]
        return sum(times > 0 for times in counted), len(counted)

    def missed(self) -> Iterator[Point]:
        """What was not reached and is not excluded."""
        return (point for point, times in self.times.items() if not times and not point.excluded)

    def listed(self) -> list[str]:
        """The same, bits of one signal that neither rise nor fall on one line."""
        found: dict[str, list[str]] = {}
        for point in self.missed():
            name, bit, way = re.fullmatch(r"(.*?)(?:\[(\d+)\])?(:[01]->[01])?", str(point)).groups()  # type: ignore[union-attr]
            found.setdefault(name, []).append(f"{bit or ''}{way or ''}")
        lines = []
        for name, each in found.items():
            bits = {one.partition(":")[0] for one in each}
            whole = {bit for bit in bits if f"{bit}:0->1" in each and f"{bit}:1->0" in each}
            parts = sorted(whole - {""}, key=int) + [one for one in each if one and one.partition(":")[0] not in whole]
            lines.append(f"{name} {', '.join(parts)}".rstrip())
        return lines


def measured(suites: Iterable[type[BlockSuite]]) -> Coverage:
    """By these suites, all together. SystemExit where one fails."""
    times: Counter[Point] = Counter()
    for suite in suites:
        with tempfile.TemporaryDirectory() as folder:
            bench, here = SideBySide.of(suite, Path(folder)), Counter[Point]()
            covered(bench).run(building=BUILDING)
            for point, count in points((Path(folder) / "verilog" / "coverage.dat").read_text(errors="replace")):
                here[point] += count
            missed = {each: point for point, count in here.items() if not count and (each := point.transition)}
            for each in unreachable(bench, missed, Path(folder)):
                del here[missed[each]]
            for point, count in here.items():
                times[point] += count
    return Coverage(dict(times))


def unreachable(bench: SideBySide, missed: Collection[Transition], folder: Path) -> set[Transition]:
    """Of transitions, those that never come in any sample that has them. folder: where there is room for one for each sample."""
    possible = set[Transition]()
    for sample in bench.samples:
        asked = {each for each in missed if each.file in sample.texts} - possible
        if asked:
            possible |= asked - never(sample, asked, folder / f"never_{sample.name}")
    return {*missed} - possible


def covered(bench: SideBySide) -> SideBySide:
    """The same, with each sample's covers as the last words of its module."""
    texts = dict(bench.texts)
    for sample, config in zip(bench.samples, bench.suite.samples, strict=True):
        ports = [port.name for port in sample.ports]
        clock = next((name for name in CLOCK_NAMES if name in ports), "")
        outside = "".join(f"{name} != {level} && " for name, level in RESET_LEVELS.items() if name in ports)
        covers = bench.suite().covers(config)
        said = "".join(
            f"{COVER}{name}: cover property (@(posedge {clock}) {outside}({what}));\n" for name, what in covers.items()
        )
        file = f"{sample.top}.v"
        texts[file] = texts[file].replace("\nendmodule\n", f"\n{said}endmodule\n")
    return replace(bench, texts=texts)


def points(text: str) -> Iterator[tuple[Point, int]]:
    """Those of Verilator's coverage.dat, each as often as a module was built."""
    for line in text.splitlines():
        if not line.startswith("C '"):
            continue
        fields, _, count = line[3:].rpartition("' ")
        known = dict(pair.split("\x02", 1) for pair in fields.split("\x01") if "\x02" in pair)
        kind = known["page"].partition("/")[0]
        if kind == "v_user":
            sample, name = known["h"].split(".")[-2:]
            yield Point(KINDS[kind], sample, name.removeprefix(COVER)), int(count)
        elif kind in KINDS and Path(known["f"]).stem != SIDE_BY_SIDE:
            yield Point(KINDS[kind], f"{Path(known['f']).name}:{known['l']}", known.get("o", "")), int(count)


def main(names: list[str]) -> None:
    """Print how much each suite reaches, and what it does not; without names, of all."""
    for suite in named(names):
        with quietly():
            found = measured([suite])
        shares = ", ".join("{} of {} {}s".format(*found.share(kind), kind) for kind in ("line", "toggle", "cover"))
        print(f"{suite.__name__}: {shares}", flush=True)
        for line in found.listed():
            print(f"    {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
