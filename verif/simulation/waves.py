"""What viewers of waves are to show first: frames, and the stream behind each layer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from sigmabit.hdl.planning.plan import Plan

from .job import converted

ENDS = {
    "the frames": ("aclk", "aresetn", "counters_frames_in", "counters_frames_out", "counters_malformed", "counters_dropped"),
    "the input": ("s_axis_tvalid", "s_axis_tready", "s_axis_tlast", "s_axis_tdata"),
    "the results": ("m_axis_tvalid", "m_axis_tready", "m_axis_tlast", "m_axis_tdata"),
}
"""Signals that every pipeline has, by what they show."""

PERIOD, FRAMES = 10, 4
"""Units of time of a cycle in the file, and how often GTKWave's 200 pixels fit into a window: 2**-zoom units fill them."""

SOURCE = re.compile(r"^wire (?:\[\d+:0\] )?(\w+)_source_valid;$", re.MULTILINE)
DECLARED = r"(?:wire|reg) (?:signed )?\[(\d+):0\] {};?,?$"


def groups(plan: Plan, taps: bool = False, epsilon: bool = False) -> dict[str, list[str]]:
    """Signals of a simulated pipeline, each with its place in the hierarchy and its range, by what they show: frames, the input,
    each part's results by its name, and the results of all.
    """
    design = converted(plan.variant(taps, epsilon=epsilon))
    text = design.modules[design.top].text

    def placed(name: str) -> str:
        found = re.search(DECLARED.format(name), text, re.MULTILINE)
        return f"TOP.{design.top}.{name}" + (f"[{found[1]}:0]" if found else "")

    parts = {name: (f"{name}_source_valid", f"{name}_source_data") for name in SOURCE.findall(text)}
    first, second, last = ENDS.items()
    return {title: list(map(placed, names)) for title, names in (first, second, *parts.items(), last)}


def gtkwave(groups: dict[str, list[str]], file: Path, cycles: int) -> str:
    """A save file of GTKWave, beside the file of waves: so many cycles fill its window."""
    zoom = -math.log2(max(1, cycles) * PERIOD / FRAMES)
    lines = [f'[dumpfile] "{file.name}"', "[timestart] 0", "[size] 1400 900", f"*{zoom:.6f} 0{' -1' * 26}", "@28"]
    for title, signals in groups.items():
        lines += ["@200", f"-{title}"]
        for signal in signals:
            lines += ["@22" if signal.endswith("]") else "@28", signal]
    return "\n".join(lines) + "\n"


def surfer(groups: dict[str, list[str]]) -> str:
    """A file of commands for Surfer, whose dividers are named by one word: a line with more is none to it."""

    def commands() -> Iterator[str]:
        for title, signals in groups.items():
            yield f"divider_add {'_'.join(title.split())}"
            yield from (f"variable_add {signal.partition('[')[0]}" for signal in signals)
        yield "zoom_fit"

    return "\n".join(commands()) + "\n"
