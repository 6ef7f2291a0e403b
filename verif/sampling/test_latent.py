"""latent: the samples of each frame, at the planned cycles; well-formed frames alone consume the normal's samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.sampling.deviations import Table
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.sampling.reparameterise import EPS_BITS
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.kind import Arrivals
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning import schedule
from sigmabit.hdl.planning.kinds import kind_of
from sigmabit.hdl.planning.plan import Plan, ends_early, make_plan
from sigmabit.hdl.sampling import latent as block
from sigmabit.hdl.verilog.stream import Flow, FrameStatus, bit, reset, wire

from ..harness.bench import Dut, MyHdlDut
from ..harness.operands import delayed
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_reparameterise import latents, sample_of
from .test_score import Posterior, codes, packed, scores_of, signed

FRAMES = 3
"""Whose statuses may be ahead of their last read."""

EAGER = Folding(1, 1, 1, eager=True)
"""Codes are looked up whole."""

IN_ROWS = replace(EAGER, products="logic")
"""The same without multipliers."""


@dataclass(frozen=True)
class Case:
    """A sampling layer, and the samples that are drawn. early: may a frame's codes come before its status? eager: are they looked
    up whole, and how are they multiplied? carried: codes that are given as they are, but saturated.
    """

    latents: int
    bits: int
    fraction: int
    log_sigma: bool
    score: bool
    z_bits: int
    samples: int
    pace: int
    early: bool
    eager: Folding | None = None
    carried: int = 0

    @cached_property
    def layer(self) -> Latent:
        """The golden layer."""
        tensor = TensorType(1, 1, 2 * self.latents + self.carried, Range.of_bits(self.bits, signed=True))
        form = self.fraction, self.log_sigma, self.score, self.z_bits, self.z_bits // 2
        return Latent("latent", (), tensor, *form, carried=self.carried)

    @cached_property
    def config(self) -> block.LatentConfig:
        """The blocks."""
        return block.configure(self.layer, self.samples, self.pace, FRAMES, self.early, self.eager)


@dataclass(frozen=True)
class Frame:
    """Codes of all latents, the samples of the normal that are the frame's if it is good, and what is carried.

    status: cycles from the frame's codes to its status, which come after it where negative. late: further cycles to wait.
    """

    good: bool
    posterior: Posterior
    eps: tuple[tuple[int, ...], ...]
    status: int
    late: int
    carried: tuple[int, ...] = ()


class LatentSuite(BlockSuite):
    """Results of well-formed frames, with malformed ones in between; those have results, too, which the exit drops."""

    samples: ClassVar[Sequence[Case]] = (
        Case(2, 6, 3, False, False, 8, 1, 1, False),
        Case(3, 8, 4, False, True, 10, 3, 4, False),
        Case(1, 12, 8, True, True, 12, 2, 1, True),
        Case(2, 7, 3, True, False, 9, 1, 2, True),
        Case(2, 8, 3, False, True, 9, 2, 1, True, eager=EAGER),
        Case(2, 9, 4, False, False, 7, 3, 2, False, carried=3),
        Case(1, 6, 3, False, False, 8, 1, 1, True, eager=EAGER, carried=2),
        Case(1, 7, 3, False, True, 9, 2, 1, True, eager=IN_ROWS, carried=1),
    )
    resets, flags, before = 4, ("source_valid",), 12

    def configs(self) -> st.SearchStrategy[Case]:
        flags, bits = st.booleans(), st.integers(2, 12)
        shape = st.integers(1, 3), bits, st.integers(0, 10), flags, flags, bits
        eager, carried = st.sampled_from([None, EAGER, IN_ROWS]), st.sampled_from([0, 0, 1, 3])
        return st.builds(Case, *shape, st.sampled_from([1, 2, 4]), st.integers(1, 4), flags, eager, carried)

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Frame]]:
        def frame(
            drawn: tuple[tuple[int, int, int], ...],
            others: tuple[tuple[int, ...], ...],
            good: bool,
            when: tuple[int, int],
            carried: tuple[int, ...],
        ) -> Frame:
            mu, logvar, eps = zip(*drawn, strict=True)
            return Frame(good, Posterior(mu, logvar), (*others, eps), *when, carried)

        others = st.tuples(*[codes(EPS_BITS, config.latents)] * (config.samples - 1))
        status = st.integers(-9, 9) if config.early else st.integers(-9, -2)
        late = st.sampled_from([0, 0, 0, 3, 20])
        carried = codes(config.bits, config.carried)
        one = st.builds(frame, self.latents(config), others, st.booleans(), st.tuples(status, late), carried)
        return st.lists(one, min_size=1, max_size=6)

    def latents(self, config: Case) -> st.SearchStrategy[tuple[tuple[int, int, int], ...]]:
        """Mean, logarithm and sample of each latent."""
        return latents(block.arithmetic(config.layer))

    def expected(self, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        sampling = block.arithmetic(config.layer)
        results, limit = [], 1 << config.layer.result_bits - 1
        for frame in stimulus:
            carried = [min(max(code, -limit), limit - 1) for code in frame.carried]
            scores = scores_of(frame.posterior, sampling.scores.variance) if config.score else ()
            for vector in frame.eps if frame.good else ():
                z = zip(frame.posterior.mu, frame.posterior.logvar, vector, strict=True)
                results.append([*(sample_of(mu, log, eps, sampling) for mu, log, eps in z), *scores, *carried])
        return results

    def golden(self, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        good = [frame for frame in stimulus if frame.good]
        if not good:
            return []
        heads = np.array([(*frame.posterior.mu, *frame.posterior.logvar, *frame.carried) for frame in good])
        return config.layer.run(heads[:, None, None, :], np.array([frame.eps for frame in good]))[:, 0, 0].tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        layer = config.layer
        sink, source = Flow(layer.input.layout.beat_bits), Flow(layer.output.layout.beat_bits)
        eps = wire(config.latents * EPS_BITS)
        return block.latent(bit(), reset(), sink, FrameStatus(), eps, bit(), source, config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        dut.reset({"sink_valid": 0, "status_done": 0, "eps": 0})
        beats, statuses, starts = self._times(config, stimulus)
        paced = [start + config.pace * number for start in starts for number in range(config.samples)]
        due = [cycle + config.config.latency for cycle in paced]
        good = [frame.good for frame in stimulus for _ in range(config.samples)]
        behind = config.config.latency - config.config.sampling.latency + config.config.sampling.eps_latency
        queue = [packed(vector, EPS_BITS) for frame in stimulus if frame.good for vector in frame.eps]
        seen, consumed = [], []
        for cycle in range(due[-1] + 4):
            inputs = {"sink_valid": int(cycle in beats), "status_done": int(cycle in statuses), "eps": queue[0] if queue else 0}
            inputs["sink_data"] = beats.get(cycle, 0)
            inputs["status_good"] = int(statuses.get(cycle, 1))
            outputs = dut.step(inputs)
            if outputs["consume"]:
                queue.pop(0)
                consumed.append(cycle)
            if outputs["source_valid"]:
                seen.append((cycle, outputs["source_data"]))
        assert [cycle for cycle, _ in seen] == due
        assert consumed == [cycle + behind for cycle, wanted in zip(paced, good, strict=True) if wanted]
        bits, mask = config.layer.result_bits, (1 << config.layer.result_bits) - 1
        words = [word for (_, word), wanted in zip(seen, good, strict=True) if wanted]
        return [[signed(word >> (i * bits) & mask, bits) for i in range(config.layer.output.channels)] for word in words]

    def _times(self, config: Case, stimulus: Sequence[Frame]) -> tuple[dict[int, int], dict[int, bool], list[int]]:
        """When codes and statuses come, and from when on the frames' samples are paced."""
        beats: dict[int, int] = {}
        statuses: dict[int, bool] = {}
        starts: list[int] = []
        apart = max(12, config.samples * config.pace)
        now = 12
        for frame in stimulus:
            now += frame.late
            word = packed((*frame.posterior.mu, *frame.posterior.logvar, *frame.carried), config.bits)
            beats[now], statuses[now + frame.status] = word, frame.good
            starts.append(max(now, now + frame.status + 1) if config.early else now)
            # the next codes come after this status, and samples and statuses are an interval apart
            now = max(now, starts[-1], now + frame.status) + apart + 9
        return beats, statuses, starts


class TestGolden(LatentSuite, GoldenTests):
    pass


class TestMyHdl(LatentSuite, MyHdlTests):
    pass


class TestVerilog(LatentSuite, VerilogTests):
    pass


# --- frames whose end no window looks at: what is drawn from is known before the frame's status is


def network(*layers: Layer) -> Network:
    """Pixels of 3 bits through layers."""
    tensor = layers[0].input
    order = np.arange(tensor.size)
    given = InputFormat("x", (tensor.size,), order, tensor, Grid(1, 0, 1.0), None)
    size = layers[-1].output.channels
    return Network("net", given, layers, OutputFormat("y", (size,), np.arange(size), np.ones((), np.float32), 1, 0, Chain(())))


def encoder(rows: Axis, columns: Axis) -> Network:
    """A convolution with a single window, and a sampling layer of one latent."""
    random = np.random.default_rng(0)
    tensor = TensorType(rows.size, columns.size, 1, Range.of_levels(8))
    weights, bias = random.integers(-4, 4, (rows.kernel, columns.kernel, 1, 2)), random.integers(-4, 4, 2)
    shape = tensor, Grid(1, 0, 1.0), Window(rows, columns), weights, bias, Activation(0, 5, True)
    heads = Fixed("heads", (), *shape)
    return network(heads, Latent("latent", (), heads.output, 2, False, False, 8, 4))


def plan_of(model: Network, interval: int, samples: int = 1) -> Plan:
    """Heads in one fold."""
    heads = model.layers[0]
    assert isinstance(heads, Fixed)
    return make_plan(model, {"heads": Folding(heads.window.columns.kernel, 1, 2)}, "xc7vx690t", 200.0, interval, samples)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("pause_at", [None, 4, 5, 8])
@pytest.mark.parametrize("interval", [9, 90])
def test_frames_whose_end_nobody_looks_at(interval: int, pause_at: int | None, samples: int) -> None:
    """A 2 x 2 window in the corner of 3 x 3 pixels: well-formed frames get their samples, however late the frame's end comes."""
    model = encoder(Axis(3, 2, 2), Axis(3, 2, 2))
    plan = plan_of(model, interval, samples)
    random = np.random.default_rng(1)
    pixels, good = random.integers(0, 8, (7, 3, 3, 1)), [True, False, True, True, False, False, True]
    eps = random.integers(-9000, 9000, (sum(good), samples, 1))
    beats = []
    for frame, wanted in zip(pixels, good, strict=True):
        sent = [*frame.reshape(-1).tolist(), *([] if wanted else [0, 0])]  # a malformed frame is two beats too long
        beats += [(code, i == len(sent) - 1) for i, code in enumerate(sent)]
    dut = MyHdlDut(lambda: Pipeline(plan.variant(epsilon=True)).instance())
    try:
        results = _run(dut, beats, eps.reshape(-1), pause_at, plan.quiet)
    finally:
        dut.close()
    assert results == (model.results(pixels[good], eps).reshape(-1) % 256).tolist()


def _run(dut: Dut, beats: list[tuple[int, bool]], eps: NDArray[np.int64], pause_at: int | None, quiet: int) -> list[int]:
    """What comes out before nothing moves for `quiet` cycles. The source pauses for 200 before beat `pause_at` of each frame."""
    idle = {"s_axis_tvalid": 0, "s_axis_tlast": 0, "s_axis_eps_tvalid": 0, "m_axis_tready": 1}
    dut.reset(idle)
    vectors = [int(value) & 0xFFFF for value in eps] + [0] * 9  # malformed frames are promised some
    results, place, pause, moved = [], 0, 0, 0
    while dut.cycle - moved < quiet:
        inputs = dict(idle)
        if beats and not pause:
            inputs |= {"s_axis_tvalid": 1, "s_axis_tdata": beats[0][0], "s_axis_tlast": int(beats[0][1])}
        if vectors:
            inputs |= {"s_axis_eps_tvalid": 1, "s_axis_eps_tdata": vectors[0]}
        outputs = dut.step(inputs)
        pause = max(0, pause - 1)
        if inputs["s_axis_tvalid"] and outputs["s_axis_tready"]:
            place = 0 if beats.pop(0)[1] else place + 1
            pause = 200 if place == pause_at else 0
            moved = dut.cycle
        if vectors and outputs["s_axis_eps_tready"]:
            vectors.pop(0)
        if outputs["m_axis_tvalid"]:
            results.append(outputs["m_axis_tdata"])
            moved = dut.cycle
    return results


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_distances(data: st.DataObject) -> None:
    """What docs/pipeline/flow.md shows of frames' beats, samples and statuses, by the schedule's rules, for any plan and any
    pauses.
    """
    axes = [data.draw(st.sampled_from([Axis(2, 2), Axis(3, 2, 2), Axis(4, 2, 3), Axis(4, 3, 2), Axis(3, 3)])) for _ in range(2)]
    model = encoder(*axes)
    heads = model.layers[0]
    assert isinstance(heads, Fixed)
    group = heads.window.taps if heads.dense else data.draw(st.sampled_from([1, heads.window.columns.kernel]))
    folding = Folding(group, 1, data.draw(st.integers(1, 2)))
    samples, slack = data.draw(st.integers(1, 7)), data.draw(st.sampled_from([0, 1, 5, 100]))
    least = make_plan(model, {"heads": folding}, "xc7vx690t", 200.0, None, samples).interval
    plan = make_plan(model, {"heads": folding}, "xc7vx690t", 200.0, least + slack, samples)
    ingress, config, pace = plan.pipeline.ingress, plan.layers[1].config, plan.interval // samples
    assert isinstance(config, block.LatentConfig)

    pauses = data.draw(st.just([0]) | st.lists(st.sampled_from([0, 0, 0, 1, 3, 50, 500]), min_size=1, max_size=11))
    entered = delayed(schedule.entries(20, ingress.beats, ingress.pace, plan.interval), pauses)
    arrivals, status = entered + 1, entered[:, -1] + 1
    results = kind_of(heads).results(Arrivals(arrivals, status, plan.interval), folding, plan.layers[0].config)
    beats = results[:, -1]
    begun = beats if config.wait is None else np.maximum(beats, status + 1)
    assert np.all(np.diff(begun) >= plan.interval)
    first = begun + config.latency - config.sampling.latency + config.sampling.eps_latency
    assert np.all(first > status)
    last = first + (samples - 1) * pace
    waiting = [int((status <= now).sum() - (last <= now).sum()) for now in status]
    assert max(waiting) < config.draw.frames, "the plan takes one more than the argument asks for"


def test_ends_early() -> None:
    """Where the last window leaves out the last row or column, through all kinds of layers."""

    def early(model: Network) -> bool:
        sampling = model.latent
        assert sampling is not None
        return ends_early(model, sampling)

    assert not early(encoder(Axis(3, 3), Axis(3, 3)))
    assert not early(encoder(Axis(3, 3, 1), Axis(4, 4, 1)))
    assert early(encoder(Axis(3, 2, 2), Axis(2, 2)))
    assert early(encoder(Axis(2, 2), Axis(3, 2, 2)))
    waits = [plan_of(encoder(rows, Axis(2, 2)), 9).layers[-1].config.wait for rows in (Axis(3, 2, 2), Axis(2, 2))]  # type: ignore[attr-defined]
    assert [wait is not None for wait in waits] == [True, False]

    # a row of blocks, windows over the rows of what it gives, and heads over all of them
    blocks = Shuffle("blocks", (), TensorType(2, 2, 4, Range.of_levels(8)), 2, 2, 4, 3)
    sampling = encoder(Axis(1, 1), Axis(1, 1)).layers[-1]
    for rows, expected in ((Axis(4, 1, 3), False), (Axis(4, 2, 3), True)):
        middle = ones("middle", blocks.output, Window(rows, Axis(3, 1)), 1, Activation(0, 3, False))
        heads = ones("heads", middle.output, Window(Axis(rows.outputs, rows.outputs), Axis(3, 3)), 2, Activation(0, 5, True))
        assert early(network(blocks, middle, heads, sampling)) == expected


def ones(name: str, tensor: TensorType, window: Window, channels: int, activation: Activation) -> Fixed:
    """A layer whose weights are all 1."""
    weights = np.ones((window.rows.kernel, window.columns.kernel, tensor.channels, channels), np.int64)
    return Fixed(name, (), tensor, Grid(1, 0, 1.0), window, weights, np.zeros(channels, np.int64), activation)


@pytest.mark.parametrize("log_sigma", [False, True])
def test_log_variances(log_sigma: bool) -> None:
    """Codes are logarithms of variances, or of deviations, which are half of these."""
    tensor = TensorType(1, 1, 2, Range.of_bits(6, signed=True))
    layer = Latent("latent", (), tensor, 3, log_sigma, False, 8, 4)
    assert layer.log_variances(np.array([[-32, 0, 4, 31]])).tolist() == [[x * (1 + log_sigma) for x in (-4.0, 0.0, 0.5, 3.875)]]


def test_log_variances_of_a_table() -> None:
    """Of deviations that follow from codes by any function, 0 among them."""
    tensor = TensorType(1, 1, 2, Range.of_bits(6, signed=True))
    table = Table.tabulated(lambda numbers: np.maximum(numbers, 0.0), 6, 3, 1e3)
    layer = Latent("latent", (), tensor, 3, False, False, 8, 4, table)
    found = layer.log_variances(np.array([[-32, 0, 4, 16, 31]]))
    assert np.isneginf(found[0, :2]).all()
    assert found[0, 2:].tolist() == pytest.approx([2 * math.log(deviation) for deviation in (0.5, 2.0, 3.875)])


@pytest.mark.parametrize(
    ("shape", "signed", "carried"),
    [((1, 2, 4), True, 0), ((2, 1, 4), True, 0), ((1, 1, 3), True, 0), ((1, 1, 4), True, 1), ((1, 1, 4), False, 0)],
)
def test_no_means_and_logarithms(shape: tuple[int, int, int], signed: bool, carried: int) -> None:
    """Of several positions, of an odd number, or without a sign."""
    tensor = TensorType(*shape, Range.of_bits(6, signed))
    with pytest.raises(ValueError, match=r"^latent: means and logarithms from .*, expected signed codes at one position$"):
        Latent("latent", (), tensor, 3, False, False, 8, 4, carried=carried)
