"""A drawing of each block's ports over some cycles, for its page: `python -m sigmabit.verif.house.drawings [OPTION] [NAME...]`.

What is drawn was simulated: a stimulus of the block's own suite, played into one of its samples in MyHDL. The inputs, cycle by
cycle from power-up on, stand in the drawing's metadata, so that a test can play them again and see whether the block still
gives that. --write draws anew, with a new choice of stimulus; --again what the same inputs give today.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from ..harness.bench import CLOCK_NAMES, RESET_LEVELS, Interrupted, MyHdlDut, Values
from ..harness.suite import BlockSuite

DOCS = Path(__file__).resolve().parents[2] / "docs"
VERIF = DOCS.with_name("verif")

CYCLES, LONGEST = 26, 700
"""Most columns that are drawn, and most cycles that they may stand for: where nothing changes for long, time is cut."""

QUIET = 3
"""Cycles without any change that are drawn; of more, the first and the last one."""

SAMPLES, TRIED = 5, 14
"""Of a suite that are looked at, and stimuli drawn for each: one of them is good to look at."""

CELL, ROW, LEFT, HIGH = 30, 26, 170, 14
"""Sizes: width of a cycle, height of a row, room for names, height of a line."""


class Recorder(MyHdlDut):
    """A block in MyHDL's simulator that keeps what its ports were in each cycle, from power-up on.

    begun: the cycle in which the last reset ended. driven: the ports that are inputs.
    """

    def __init__(self, suite: BlockSuite, config: Any) -> None:
        super().__init__(lambda: suite.elaborate(config))
        self.driven: dict[str, None] = {}
        self.cycles: list[Values] = []
        self.begun = 0
        self.now: Values = {}

    def settle(self, inputs: Values) -> Values:
        self.driven |= dict.fromkeys(inputs)
        self.now = super().settle(inputs)
        return self.now

    def rise(self) -> None:
        self.cycles.append(self.now)
        super().rise()

    def reset(self, idle: Values, cycles: int | None = None) -> Values:
        last = super().reset(idle, cycles)
        self.begun = len(self.cycles)
        return last


@dataclass(frozen=True)
class Timing:
    """Ports over cycles. inputs, outputs: by name, the values in each cycle. before: the inputs in the cycles before those.

    config: the sample's, in Python's words. widths: bits of each port. columns: the cycles that are drawn.
    """

    name: str
    config: str
    before: Mapping[str, Sequence[int]]
    inputs: Mapping[str, Sequence[int]]
    outputs: Mapping[str, Sequence[int]]
    widths: Mapping[str, int]
    columns: Sequence[int]

    @staticmethod
    def of(name: str, config: Any, recorded: Recorder) -> Timing:
        """Of a recording, from the end of its reset on, as far as there is room for."""
        hidden = {*CLOCK_NAMES}
        inputs = [each for each in recorded.driven if each not in hidden]
        outputs = [each for each in recorded.ports if each not in recorded.driven and each not in hidden]
        old, seen = recorded.cycles[: recorded.begun], recorded.cycles[recorded.begun :]
        seen = seen[: (_columns(seen) or [-1])[-1] + 1]
        widths = {each: len(recorded.signals[each]) or 1 for each in (*inputs, *outputs)}

        def over(part: Sequence[Values], names: Sequence[str]) -> dict[str, list[int]]:
            return {each: [values[each] for values in part] for each in names}

        return Timing(name, repr(config), over(old, inputs), over(seen, inputs), over(seen, outputs), widths, _columns(seen))

    @staticmethod
    def again(text: str) -> Timing:
        """The inputs of a drawing, played into the block as it is today."""
        told = json.loads(html.unescape(re.search(r"<metadata>(.*?)</metadata>", text, re.DOTALL)[1]))  # type: ignore[index]
        suite = suite_of(told["name"])
        config = next((each for each in suite.samples if repr(each) == told["config"]), None)
        if config is None:
            raise LookupError(f"{told['name']}: its suite has no sample {told['config']} any more")
        dut = Recorder(suite, config)
        try:
            for part in ("before", "inputs"):
                values = {each: _spread(runs) for each, runs in told[part].items()}
                for cycle in range(len(next(iter(values.values()), ()))):
                    dut.step({each: of[cycle] for each, of in values.items()})
                dut.begun = len(dut.cycles) if part == "before" else dut.begun
        finally:
            dut.close()
        return Timing.of(told["name"], config, dut)

    @property
    def length(self) -> int:
        """Columns that are drawn."""
        return len(self.columns)

    @property
    def events(self) -> int:
        """How often an output that says something changes."""
        outputs = {each: [values[cycle] for cycle in self.columns] for each, values in self.outputs.items()}
        shown = [values for each, values in outputs.items() if each.endswith("valid")] or list(outputs.values())
        return sum(len(list(groupby(values))) - 1 for values in shown)

    def svg(self) -> str:
        """The drawing."""
        rows = [each for each in (*self.inputs, *self.outputs) if each not in RESET_LEVELS]
        width, height = LEFT + CELL * self.length + 10, ROW * (len(rows) + 2) + 8
        runs = {part: {each: _runs(of) for each, of in ports.items()} for part, ports in self._played.items()}
        told = {"name": self.name, "config": self.config, **runs}
        title = f"{self.config}: ports over {self.columns[-1] + 1} cycles, simulated"
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{html.escape(title)}">',
            f"<metadata>{html.escape(json.dumps(told, separators=(',', ':')))}</metadata>",
            STYLE,
            f'<rect class="paper" width="{width}" height="{height}" rx="4"/>',
            *(self._number(cycle, height) for cycle in range(self.length)),
            f'<text class="name" x="{LEFT - 10}" y="{ROW + 12}">clock</text>{self._clock(ROW)}',
        ]
        for place, each in enumerate(rows):
            y, kind = ROW * (place + 2), "in" if each in self.inputs else "out"
            parts.append(f'<text class="name {kind}" x="{LEFT - 10}" y="{y + 12}">{html.escape(each)}</text>')
            parts.append(f'<g class="{kind}">{self._row(each, y)}</g>')
        return "\n".join([*parts, "</svg>"]) + "\n"

    @property
    def _played(self) -> dict[str, Mapping[str, Sequence[int]]]:
        return {"before": self.before, "inputs": self.inputs}

    def _number(self, column: int, height: int) -> str:
        x, cycle = LEFT + CELL * column, self.columns[column]
        cut = column > 0 and cycle > self.columns[column - 1] + 1
        line = f'<path class="{"cut" if cut else "grid"}" d="M{x} {ROW - 4}V{height - 6}"/>'
        return f'{line}<text class="cycle" x="{x + CELL / 2:g}" y="{ROW - 10}">{cycle}</text>'

    def _clock(self, y: int) -> str:
        half = f"v-{HIGH}h{CELL / 2:g}v{HIGH}h{CELL / 2:g}"
        return f'<path class="wave" d="M{LEFT} {y + HIGH}{half * self.length}"/>'

    def _row(self, each: str, y: int) -> str:
        values = [{**self.inputs, **self.outputs}[each][cycle] for cycle in self.columns]
        if self.widths[each] == 1:
            level = [y + (0 if value else HIGH) for value in values]
            return f'<path class="wave" d="M{LEFT} {level[0]}{"".join(f"V{at}h{CELL}" for at in level)}"/>'
        meant, parts, at = self._meant(each), [], 0
        for value, cells in groupby(value if says else None for value, says in zip(values, meant, strict=True)):
            count = len(list(cells))
            parts.append(self._box(LEFT + CELL * at, y, CELL * count, value))
            at += count
        return "".join(parts)

    def _meant(self, each: str) -> list[bool]:
        """In which columns a vector means something: where the valid that goes with it is 1."""
        every = {**self.inputs, **self.outputs}
        stem = each.rpartition("_")[0]
        names = [f"{stem}_valid" if stem else "valid", f"{stem}_tvalid", "valid"]
        marks = next((every[name] for name in names if name in every and name != each), None)
        same = marks is not None and (stem != "" or each in self.inputs)
        return [bool(marks[cycle]) for cycle in self.columns] if marks is not None and same else [True] * self.length

    def _box(self, x: int, y: int, width: int, value: int | None) -> str:
        points = f"M{x} {y + HIGH / 2:g}l3 -{HIGH / 2:g}h{width - 6}l3 {HIGH / 2:g}l-3 {HIGH / 2:g}h-{width - 6}z"
        if value is None:
            return f'<path class="bus idle" d="{points}"/>'
        digits, room = f"{value:x}", max(1, (width - 6) // 7)
        text = digits if len(digits) <= room else f"{digits[: room - 1]}…" if room > 1 else "…"
        shown = f'<text class="value" x="{x + width / 2:g}" y="{y + 11}">{text}</text>'
        return f'<g><title>{digits}</title><path class="bus" d="{points}"/>{shown}</g>'


def _columns(cycles: Sequence[Values]) -> list[int]:
    """Which cycles are drawn: all in which a port changes, and a few of those in which none does."""
    columns: list[int] = []
    begun = 0
    for _, alike in groupby(
        cycles[:LONGEST], key=lambda values: tuple(value for name, value in values.items() if name not in CLOCK_NAMES)
    ):
        count = len(list(alike))
        columns += range(begun, begun + count) if count <= QUIET else (begun, begun + count - 1)
        begun += count
    return columns[:CYCLES]


def _runs(values: Sequence[int]) -> list[list[int]]:
    """Values, each with how often it comes in a row."""
    return [[value, len(list(alike))] for value, alike in groupby(values)]


def _spread(runs: Sequence[Sequence[int]]) -> list[int]:
    return [value for value, count in runs for _ in range(count)]


STYLE = """<style>
.paper{fill:#fff;stroke:#ccc}.grid{stroke:#e4e4e4;stroke-dasharray:2 3;fill:none}
.cut{stroke:#b00;stroke-width:1.5;stroke-dasharray:4 3;fill:none}
.wave{fill:none;stroke:#444;stroke-width:1.4}
.in .wave,.in .bus{stroke:#00695c}.out .wave,.out .bus{stroke:#1a4f9c}.bus{fill:#fff;stroke-width:1.2}.in .bus{fill:#e5f3f1}
.out .bus{fill:#e8eefa}.bus.idle{fill:#f0f0f0;stroke:#c4c4c4}text{font:11px ui-monospace,monospace;fill:#222}
.name{text-anchor:end;font-size:12px}.name.in{fill:#00695c}.name.out{fill:#1a4f9c}.cycle,.value{text-anchor:middle}
.cycle{fill:#777}.value{font-size:10.5px}
</style>"""


def suite_of(name: str) -> BlockSuite:
    """The suite of a block: the first that its test module defines."""
    where = f"sigmabit.verif.{file_of(name).parent.name}.test_{name}"
    own = [each for each in vars(import_module(where)).values() if isinstance(each, type) and each.__module__ == where]
    suites = [each for each in own if issubclass(each, BlockSuite) and "samples" in vars(each)]
    suite: BlockSuite = suites[0]()
    return suite


def recordings(suite: BlockSuite, name: str, config: Any) -> list[Timing]:
    """Some of a sample, one for each stimulus."""
    found: list[Timing] = []

    @settings(
        max_examples=TRIED,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(suite.stimuli(config))
    def play(stimulus: Any) -> None:
        dut = Recorder(suite, config)
        dut.left = LONGEST
        try:
            suite.play(dut, config, stimulus)
        except Interrupted:
            pass
        finally:
            dut.close()
        found.append(Timing.of(name, config, dut))

    play()
    return found


def drawn(name: str) -> Timing:
    """The best of them to look at: few ports and small ones, with as much going on as there can be in so many cycles."""
    suite = suite_of(name)
    played = [each for config in suite.samples[:SAMPLES] for each in recordings(suite, name, config)]
    every = [each for each in played if each.length > 3 and each.events] or played
    bits = min(sum(each.widths.values()) for each in every)

    def worth(each: Timing) -> float:
        return min(each.events, 10) - 0.15 * each.length - 2 * (sum(each.widths.values()) / bits) ** 0.5

    return max(every, key=worth)


def file_of(name: str) -> Path:
    """Where a block's drawing lies."""
    return next(DOCS.glob(f"*/{name}.md")).with_name(f"{name}_timing.svg")


def blocks() -> list[str]:
    """All that have a page and a suite."""
    pages = [(page, VERIF / page.parent.name / f"test_{page.stem}.py") for page in sorted(DOCS.glob("*/*.md"))]
    return [
        page.stem
        for page, test in pages
        if "\n## Ports\n" in page.read_text() and re.search(r"^class \w+Suite\(", _text(test), re.MULTILINE)
    ]


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def main(arguments: Sequence[str]) -> None:
    """Draw anew, or say which drawings are no longer what blocks do."""
    write, again, stale = "--write" in arguments, "--again" in arguments, []
    for name in [each for each in arguments if not each.startswith("--")] or blocks():
        file = file_of(name)
        found = drawn(name) if write else Timing.again(file.read_text())
        if write or again:
            file.write_text(found.svg())
            print(f"{name}: {found.config}, {found.length} columns, {found.events} events", flush=True)
        elif found.svg() != file.read_text():
            stale.append(name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what is drawn; --again draws it")


if __name__ == "__main__":
    main(sys.argv[1:])
