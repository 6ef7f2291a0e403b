"""residual: sums of two ways, whenever their beats come as the block is promised; and that it is promised nothing untrue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.residual import Residual, range_of_sums, weighed
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.types.range import BITS, Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic import steps as step
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.layers.folding import Unsuitable
from sigmabit.hdl.layers.kind import Arrivals, Kind
from sigmabit.hdl.layers.residual import MeetConfig, Operand, ResidualConfig, ResidualKind
from sigmabit.hdl.layers.threshold import ThresholdKind
from sigmabit.hdl.layers.timing import Times
from sigmabit.hdl.planning.plan import LayerPlan
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness import ways
from ..harness.bench import Dut
from ..harness.random_residuals import ResidualCase
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..harness.ways import Beat


@dataclass(frozen=True)
class Case:
    """A block: (width, signed) of main's numbers and of skip's, their gains by channel, places side by side, and the queue."""

    main: tuple[int, bool]
    skip: tuple[int, bool]
    gains: tuple[tuple[int, int], ...]
    places: int
    depth: int
    wait: int
    levels: int  # of a code; 0 leaves the sums as they are
    swapped: bool
    seed: int

    @property
    def ranges(self) -> tuple[Range, Range]:
        """Of main's numbers and of skip's."""
        main, skip = (Range.of_bits(*numbers) for numbers in (self.main, self.skip))
        return main, skip

    @cached_property
    def steps(self) -> Steps | None:
        """Thresholds that sums reach."""
        if not self.levels:
            return None
        random, reach = np.random.default_rng(self.seed), sum(max(abs(r.low), r.high) * 4 for r in self.ranges)
        return Steps(np.sort(random.integers(-reach, reach, (len(self.gains), self.levels - 1)), axis=1))

    @cached_property
    def config(self) -> ResidualConfig:
        """The blocks."""
        sums, steps = range_of_sums(np.array(self.gains).T, *self.ranges), self.steps
        largest = max(abs(sums.low), sums.high, 0 if steps is None else int(np.abs(steps.thresholds).max()))
        sum_bits = sums.bits if steps is None else Range(-largest, largest).bits
        gains = self.gains * self.places
        operands = [Operand(*self.main, tuple(g for g, _ in gains)), Operand(*self.skip, tuple(g for _, g in gains))]
        late, early = reversed(operands) if self.swapped else operands
        meeting = MeetConfig("add1", late, early, self.depth, self.wait, sum_bits)
        coded = None if steps is None else step.configure("add1", steps, len(self.gains), sum_bits, self.places)
        return ResidualConfig("add1", meeting, coded, self.swapped)

    @property
    def results(self) -> Range:
        """Codes, or sums."""
        return range_of_sums(np.array(self.gains).T, *self.ranges) if self.steps is None else self.steps.codes

    @property
    def numbers(self) -> int:
        """Of a beat."""
        return len(self.gains) * self.places


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Widths from a bit on, gains of either sign, powers of two or not."""
    numbers = st.tuples(st.integers(2, 6), st.booleans()) | st.just((1, False))
    gain = st.sampled_from([1, 1, 2, 4, -1, -2, 3, -5])
    gains = draw(st.lists(st.tuples(gain, gain), min_size=1, max_size=3).map(tuple))
    shape = draw(st.integers(1, 2)), draw(st.integers(1, 5)), draw(st.sampled_from([0, 0, 1, 3]))
    return Case(
        draw(numbers),
        draw(numbers),
        gains,
        *shape,
        draw(st.sampled_from([2, 3, 4, 8, 0])),
        draw(st.booleans()),
        draw(st.integers(0, 99)),
    )


class ResidualSuite(BlockSuite):
    """Beats as late and as early as may be."""

    samples = (
        Case((6, True), (2, False), ((1, 4), (1, 4), (-1, -4)), 1, 4, 0, 4, False, 1),
        Case((4, True), (3, True), ((3, 1), (-1, 2)), 1, 1, 2, 8, False, 2),  # a product; the late way is delayed
        Case((1, False), (1, False), ((1, -1), (-2, 1)), 2, 3, 0, 2, True, 3),  # bits, two places, skip is waited for
        Case((5, False), (2, False), ((1, 1), (-1, -1), (1, -1)), 1, 5, 1, 3, True, 4),
        Case((4, True), (3, False), ((3, -1), (1, 1)), 1, 2, 0, 0, False, 5),  # sums as they are
    )

    def configs(self) -> st.SearchStrategy[Case]:
        return cases()

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Beat]]:
        main, skip = ((codes, config.numbers) for codes in config.ranges)
        return ways.beats(main, skip)

    def always(self, config: Case) -> Sequence[list[Beat]]:
        main, skip = ((codes, config.numbers) for codes in config.ranges)
        return ways.extremes(config, main, skip)

    def expected(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        thresholds = None if config.steps is None else config.steps.thresholds.tolist()
        results = []
        for beat in stimulus:
            codes = []
            for number, (one, other) in enumerate(zip(beat.main, beat.skip, strict=True)):
                channel = number % len(config.gains)
                first, second = config.gains[channel]
                total = first * one + second * other
                codes.append(total if thresholds is None else sum(total >= t for t in thresholds[channel]))
            results.append(codes)
        return results

    def golden(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        shape = len(stimulus), config.places, len(config.gains)
        main, skip = (np.array([getattr(beat, way) for beat in stimulus]).reshape(shape) for way in ("main", "skip"))
        sums = weighed(np.array(config.gains).T, main, skip)
        codes = sums if config.steps is None else config.steps(sums)
        return codes.reshape(len(stimulus), -1).tolist()  # type: ignore[no-any-return]

    def covers(self, config: Case) -> Mapping[str, str]:
        return ways.covers(config, "meet_instance.")

    def elaborate(self, config: Case) -> Any:
        flows = [Flow(bits * config.numbers) for bits in (config.main[0], config.skip[0], config.results.bits)]
        return config.config.block(bit(), reset(), *flows, config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        return ways.play(dut, config, stimulus, (config.main[0], config.skip[0]), config.results, config.numbers)


class TestGolden(ResidualSuite, GoldenTests):
    pass


class TestMyHdl(ResidualSuite, MyHdlTests):
    pass


class TestVerilog(ResidualSuite, VerilogTests):
    pass


# --- times


class Replay:
    """The layers of a plan, with beats at the entrance at any times."""

    def __init__(self, case: ResidualCase) -> None:
        self.plan = case.plan
        self.planned: dict[str, LayerPlan] = {layer.name: layer for layer in case.plan.layers}
        self.waiting: list[tuple[ResidualKind, Times, Times]] = []

    def results(self, chain: tuple[str, ...], beats: Times) -> Times:
        """When those of a chain come. Of each sum on the way, when both its ways' do is kept."""
        for name in chain:
            planned = self.planned[name]
            kind: Kind[Any] = planned.kind
            branches = [tuple(inner.layer.name for inner in branch) for branch in kind.branches]
            ways = tuple(self.results(branch, beats) for branch in branches)
            if isinstance(kind, ResidualKind):
                late, early = kind.ordered((ways[0], ways[1]))
                self.waiting.append((kind, late, early))
            arrivals = Arrivals(beats, beats[:, -1], self.plan.interval, ways=ways)
            beats = kind.results(arrivals, planned.folding, planned.config)
        return beats

    def entered(self, frames: int, random: np.random.Generator) -> Times:
        """Beats no closer than the entrance lets them in, with pauses of any length here and there, or at every beat, or none."""
        ingress = self.plan.pipeline.ingress
        gaps = np.full((frames, ingress.beats), ingress.pace)
        gaps[:, 0] = ingress.interval - ingress.pace * (ingress.beats - 1)
        longest = int(random.choice([2, 20, 3 * ingress.interval]))
        paused = random.random(gaps.shape) < random.choice([0.0, 0.02, 0.3, 1.0])
        return np.cumsum(gaps + paused * random.integers(0, 1 + longest, gaps.shape)).reshape(gaps.shape)


def configured(replay: Replay, kind: ResidualKind) -> MeetConfig:
    """The queue that was planned for a sum."""
    config = replay.planned[kind.layer.name].config
    assert isinstance(config, ResidualConfig)
    return config.meet


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seeds", [range(25), range(25, 50), range(153, 154)], ids=["0-24", "25-49", "153"])
def test_distances(seeds: range, whole: bool) -> None:
    """Whatever the pauses, an early beat is there before it is read, and the one that takes its place comes no sooner.

    The last seed's queue would be too small if it were reckoned with the early way's own times at full speed.
    """
    sums = 0
    for seed in seeds:
        case, random = ResidualCase(seed, whole=whole), np.random.default_rng(seed)
        for _ in range(12):
            replay = Replay(case)
            replay.results(tuple(layer.name for layer in case.network.layers), replay.entered(9, random))
            for kind, late, early in replay.waiting:
                meet = configured(replay, kind)
                read, written = late.reshape(-1) + meet.wait, early.reshape(-1)
                assert np.all(written < read)
                assert np.all(written[meet.depth :] >= read[: -meet.depth])
                sums += 1
    assert sums >= 12 * len(seeds)


def test_depth_of_an_identity_is_the_least() -> None:
    """At full speed as many beats wait as there is room for: one place less, and a beat would be lost."""
    found = 0
    for seed in range(60):
        case = ResidualCase(seed)
        replay = Replay(case)
        ingress = case.plan.pipeline.ingress
        entered = ingress.interval * np.arange(40)[:, None] + ingress.pace * np.arange(ingress.beats) + 1
        replay.results(tuple(layer.name for layer in case.network.layers), entered)
        for kind, late, early in replay.waiting:
            meet = configured(replay, kind)
            if not kind.ordered((kind.main, kind.skip))[1] and meet.depth > 1:
                read, written = late.reshape(-1) + meet.wait, early.reshape(-1)
                assert np.any(written[meet.depth - 1 :] < read[: len(read) - meet.depth + 1])
                found += 1
    assert found > 10


# --- what is refused

TENSOR = TensorType(2, 2, 1, Range(0, 3))
ONE = Steps(np.array([[1]]))


class Sometimes(ThresholdKind):
    """A way whose first results need more than theirs, and whose last ones less."""

    def needs(self, position: int) -> int:
        return min(position + 1, 2)


def test_neither_is_later() -> None:
    """Then the sum would have to wait for both, and its results would not be dominated."""
    tensor = TensorType(2, 2, 1, BITS)
    layer = Residual("add1", (), tensor, (), (), np.ones((2, 1), int), ONE)
    sometimes = Sometimes(Threshold("sign1", (), tensor, np.ones(tensor.shape, int), np.zeros(tensor.shape, bool)))
    with pytest.raises(Unsuitable, match="add1: neither of its ways is always the later: beat 3 needs input 2 of one, and 3"):
        ResidualKind(layer, (sometimes,), ()).check_positions()


@pytest.mark.parametrize(
    ("late", "early", "bits"),
    [((True, True), (1, 1), 9), ((True, False), (1, 1), 4), ((False, True), (1, -1), 9), ((True, True), (4, 1), 7)],
)
def test_bits_that_are_added(late: tuple[bool, bool], early: tuple[int, int], bits: int) -> None:
    """Of a sum of nine bits: where both ways are signed, the sign of each goes up to the top."""
    first, second = (Operand(4, signed, (gain,)) for signed, gain in zip(late, early, strict=True))
    meeting = MeetConfig("add1", first, second, depth=1, wait=0, sum_bits=9)
    one = Operand(4, False, (1 << 8,))
    bare = MeetConfig("add1", one, one, depth=1, wait=0, sum_bits=9)
    assert meeting.bill(SERIES7).lut - bare.bill(SERIES7).lut == bits - 1


def test_refused() -> None:
    """Ways that do not begin at the input, results of two shapes, gains and thresholds of other channels."""
    conv = ResidualCase(0).network.every[0]
    with pytest.raises(ValueError, match=f"{conv.name} takes .*, what is before it gives"):
        Residual("add1", (), TENSOR, (conv,), (), np.ones((2, 1), int), ONE)
    with pytest.raises(ValueError, match=r"add1: gains of shape \(2, 2\), expected \(2, 1\), none 0"):
        Residual("add1", (), TENSOR, (), (), np.ones((2, 2), int), ONE)
    with pytest.raises(ValueError, match=r"add1: thresholds of 2 channels for 1"):
        Residual("add1", (), TENSOR, (), (), np.ones((2, 1), int), Steps(np.array([[1], [1]])))
    shrinks = next(
        layer
        for seed in range(99)
        for layer in ResidualCase(seed).network.every
        if not isinstance(layer, Residual) and layer.output.shape != layer.input.shape
    )
    with pytest.raises(ValueError, match="add1: results of shapes"):
        Residual("add1", (), shrinks.input, (shrinks,), (), np.ones((2, shrinks.output.channels), int), ONE)
