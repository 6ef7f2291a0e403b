"""Beats on two ways that meet, as late and as early as the blocks that join them are promised, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.types.range import Range
from sigmabit.hdl.layers.layer import LayerConfig

from .bench import Dut


class Meeting(Protocol):
    """What a case of such a block says of its queue. swapped: is skip the way that is waited for?"""

    @property
    def wait(self) -> int: ...

    @property
    def depth(self) -> int: ...

    @property
    def swapped(self) -> bool: ...

    @property
    def config(self) -> LayerConfig: ...


@dataclass(frozen=True)
class Beat:
    """Numbers of both ways; the late one comes so many cycles after the one before, the early one somewhere between the first and
    the last cycle that it may, in quarters of the way.
    """

    gap: int
    quarters: int
    main: tuple[int, ...]
    skip: tuple[int, ...]


def beats(main: tuple[Range, int], skip: tuple[Range, int]) -> st.SearchStrategy[list[Beat]]:
    """Beats of so many numbers of a range each; the early ones as early as may be, too, so that they fill the queue and wait."""
    rows = [st.tuples(*[st.integers(codes.low, codes.high)] * count) for codes, count in (main, skip)]
    some = st.lists(st.builds(Beat, st.sampled_from([1, 1, 1, 2, 5]), st.integers(0, 4), *rows), min_size=1, max_size=9)
    return some | st.lists(st.builds(Beat, st.integers(2, 3), st.just(0), *rows), min_size=4, max_size=9)


def play(dut: Dut, case: Meeting, stimulus: list[Beat], bits: tuple[int, int], results: Range, numbers: int) -> list[list[int]]:
    """The results of each beat, so many numbers of a range, each in its cycle. bits: of a number of main and of skip."""
    dut.reset({"main_valid": 0, "skip_valid": 0})
    late = np.cumsum([beat.gap for beat in stimulus]) + len(stimulus)
    read, early = late + case.wait, [-1]
    for k, beat in enumerate(stimulus):
        first = max(early[-1] + 1, read[k - case.depth] if k >= case.depth else 0)
        early.append(first + (int(read[k]) - 1 - first) * beat.quarters // 4)
    times = [early[1:], late.tolist()] if case.swapped else [late.tolist(), early[1:]]
    words = [[_word(beat.main, bits[0]) for beat in stimulus], [_word(beat.skip, bits[1]) for beat in stimulus]]
    main, skip = (dict(zip(cycles, row, strict=True)) for cycles, row in zip(times, words, strict=True))
    due = (late + case.config.latency).tolist()
    seen: list[tuple[int, Any]] = []
    full = [(1 << len(row) * width) - 1 for row, width in zip((stimulus[0].main, stimulus[0].skip), bits, strict=True)]
    while dut.cycle <= due[-1] + 3:
        now = dut.cycle
        nothing = [now % 2 * each for each in full]  # all bits, that none of it may be taken for a beat's
        inputs = {"main_valid": int(now in main), "main_data": main.get(now, nothing[0])}
        outputs = dut.step({**inputs, "skip_valid": int(now in skip), "skip_data": skip.get(now, nothing[1])})
        if outputs["source_valid"]:
            seen.append((now, outputs["source_data"]))
    assert [cycle for cycle, _ in seen] == due
    above = 1 << results.bits
    found = [[data >> (n * results.bits) & (above - 1) for n in range(numbers)] for _, data in seen]
    return [[n - above if results.signed and n >= above // 2 else n for n in row] for row in found]


def extremes(case: Meeting, main: tuple[Range, int], skip: tuple[Range, int]) -> list[list[Beat]]:
    """Beats in every cycle, more than there is room for: all as early as they may come, and all as late."""
    rows = [[(codes.low,) * count, (codes.high,) * count] for codes, count in (main, skip)]
    many = 2 * case.depth + 3
    return [[Beat(1, quarters, rows[0][k % 2], rows[1][k % 2]) for k in range(many)] for quarters in (0, 4)]


def covers(case: Meeting, inside: str = "") -> dict[str, str]:
    """What a queue must be seen to do: be full, and be empty but for the beat that is read next. inside: its module."""
    write, read = (f"{inside}bring_together0_count{which}_value" for which in (0, 1))
    late, early = ("skip_valid", "main_valid") if case.swapped else ("main_valid", "skip_valid")
    reads = f"{inside}ready" if case.wait else late
    following = f"({read} == {case.depth - 1} ? 0 : {read} + 1)"
    return {
        "one_takes_the_place_of_what_is_read": f"{early} && {reads} && {write} == {read}",
        "one_comes_at_the_last_moment": f"{reads} && $past({early}) && {write} == {following}",
    }


def _word(numbers: tuple[int, ...], width: int) -> int:
    return sum((n & ((1 << width) - 1)) << (i * width) for i, n in enumerate(numbers))
