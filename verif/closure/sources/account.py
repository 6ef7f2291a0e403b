"""Faults in Python, drawn, judged and counted: what of golden, the importer and the planner no test sees.

    python -m sigmabit.verif.closure.sources.account                       # so many of each room
    python -m sigmabit.verif.closure.sources.account --room planner --count 40 --workers 2

Verdicts are kept in build/closure/sources: what is interrupted goes on, and what was not seen is tried again where tests have
changed. argued.toml says of faults that change nothing why that is so. What is neither seen nor argued is listed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import tomllib
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .drawn import ROOMS, Change, drawn
from .judge import SUITE, Fault, judged
from .reach import Reach, digest

ROOT = Path(__file__).resolve().parents[3]
KEPT = Path("build/closure/sources")
ARGUED = Path(__file__).with_name("argued.toml")

FOUND = Path(__file__).with_name("found.json")

COUNT = 250
"""Faults of each room."""

LIMIT_S = 20.0
"""Of tests that may see a fault."""

MORE = 9
"""What a suite takes of the time of one that draws little, if it is run as it is, too."""


@dataclass(frozen=True)
class Account:
    """What became of a room's faults. seen: how many. argued: those that change nothing, and why. left: what no test sees."""

    room: str
    drawn: int
    seen: int
    argued: Sequence[tuple[str, str]]
    left: Sequence[str]

    def __str__(self) -> str:
        counted = f"{self.drawn} drawn, {self.seen} seen, {len(self.argued)} argued, {len(self.left)} left"
        return "\n".join([f"{self.room}: {counted}", *self.left])


def read() -> list[Account]:
    """As found last."""
    return [Account(**each) for each in json.loads(FOUND.read_text())]


def key(change: Change) -> str:
    """Of a verdict: the file as it is now, and the fault."""
    source = (ROOT / change.file).read_text()
    return hashlib.sha256(f"{source} {change.operator} {change.occurrence}".encode()).hexdigest()[:16]


def account(room: str, count: int, seed: int, workers: int) -> Account:
    """Draw, judge and count, whatever of it is still to be done."""
    (KEPT / "reach").mkdir(parents=True, exist_ok=True)
    changes = drawn(ROOT, room, count, seed)
    state = digest(ROOT, ("golden", "hdl", "scripts", "verif"))
    file = KEPT / "verdicts.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {each["key"]: each["seen"] for each in lines if each["seen"] or each["state"] == state}
    if todo := [change for change in changes if key(change) not in known]:
        reach = Reach.measured(
            ROOT, KEPT / "reach", lambda what: print(f"which lines {what} reaches", file=sys.stderr, flush=True)
        )
        faults = {fault(change, reach): key(change) for change in todo}
        with tempfile.TemporaryDirectory() as work, file.open("a") as more:
            for each, verdict in judged(ROOT, Path(work), list(faults), workers):
                known[faults[each]] = verdict.seen
                print(json.dumps({"key": faults[each], "state": state, **asdict(verdict)}), file=more, flush=True)
    survivors, why = [change for change in changes if not known[key(change)]], argued()
    return Account(
        room,
        len(changes),
        len(changes) - len(survivors),
        [(str(change), why[change.key]) for change in survivors if change.key in why],
        [str(change) for change in survivors if change.key not in why],
    )


def fault(change: Change, reach: Reach) -> Fault:
    """A change with the tests that may see it."""
    tests = reach.judges(change.file, change.line, LIMIT_S)
    seconds = sum(reach.seconds[test] * (MORE if test.endswith(SUITE) else 1) for test in tests)
    return Fault(change.file, change.text((ROOT / change.file).read_text()), tuple(tests), seconds)


def argued() -> Mapping[tuple[str, str, str], str]:
    """Why faults change nothing."""
    held = tomllib.loads(ARGUED.read_text()).get("fault", [])
    return {(each["file"], each["before"], each["after"]): each["why"] for each in held}


def main() -> None:
    """As the module says."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this (default: all)")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into found.json, of which closure.page makes a part of its page")
    asked = parser.parse_args()
    accounts = [account(room, asked.count, asked.seed, asked.workers) for room in asked.room or ROOMS]
    if asked.write:
        kept = {each.room: asdict(each) for each in (*read(), *accounts)}
        FOUND.write_text(json.dumps([kept[room] for room in ROOMS if room in kept], indent=1) + "\n")
    print("\n".join(map(str, accounts)))
    counts = (
        sum(counts)
        for counts in zip(*((each.drawn, each.seen, len(each.argued), len(each.left)) for each in accounts), strict=True)
    )
    print("all together: {} drawn, {} seen, {} argued, {} left".format(*counts))


if __name__ == "__main__":
    main()
