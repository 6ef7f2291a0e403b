"""Whole pipelines, by induction: whatever comes, good frames' results leave once and in order, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.types.range import BITS
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.layer import LayerConfig
from sigmabit.hdl.layers.pool import MaximumConfig, PoolConfig
from sigmabit.hdl.layers.recode import RecodeConfig
from sigmabit.hdl.pipeline.egress import EgressConfig
from sigmabit.hdl.pipeline.ingress import IngressConfig
from sigmabit.hdl.pipeline.top import Pipeline, PipelineConfig
from sigmabit.hdl.planning.plan import Plan, make_plan
from sigmabit.hdl.verilog.convert import Design, convert

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import PIPELINE, stream
from ..harness.layers import BIPOLAR_BITS


@dataclass(frozen=True)
class Ends:
    """An entrance joined to an exit: `beats` of `bits` bits."""

    beats: int
    bits: int
    pace: int
    slack: int
    frames: int

    @property
    def layers(self) -> tuple[LayerConfig, ...]:
        """What stands in between: nothing."""
        return ()

    @property
    def pipeline(self) -> PipelineConfig:
        """The whole."""
        ingress = IngressConfig(self.beats, 1, self.bits, self.pace, self.beats * self.pace + self.slack, self.frames)
        leaving = EgressConfig(len(self.results((0,) * self.beats)), 1, self.bits, False, self.frames)
        return PipelineConfig("ends", ingress, self.layers, (self.bits,) * len(self.layers), leaving)

    def results(self, frame: tuple[int, ...]) -> tuple[int, ...]:
        """What is made of a frame."""
        return frame

    @property
    def patience(self) -> int:
        """Cycles within which something must happen at a port."""
        return self.pipeline.ingress.interval + self.frames * self.beats + 4 + 2 * len(self.layers)


class Recoded(Ends):
    """With a layer that inverts codes."""

    @property
    def layers(self) -> tuple[LayerConfig, ...]:
        return (RecodeConfig("recode1", self.bits, self.bits, (tuple(reversed(range(1 << self.bits))),)),)

    def results(self, frame: tuple[int, ...]) -> tuple[int, ...]:
        return tuple((1 << self.bits) - 1 - code for code in frame)


class Pooled(Ends):
    """With a layer that gives the largest code of a frame, and has to forget it before the next."""

    @property
    def layers(self) -> tuple[LayerConfig, ...]:
        window = Window(Axis(1, 1), Axis(self.beats, self.beats, self.beats))
        return (PoolConfig("pool1", MaximumConfig(window, 1, mixed=False, bits=self.bits), None),)

    def results(self, frame: tuple[int, ...]) -> tuple[int, ...]:
        return (max(frame),)


@dataclass(frozen=True)
class Planned:
    """A binary network of dense layers behind an input of so many positions and channels, as it is planned, with room for one
    frame. weights: of each layer, (inputs, outputs); all thresholds are the same.
    """

    positions: int
    channels: int
    weights: tuple[tuple[tuple[int, ...], ...], ...]
    threshold: int

    @cached_property
    def network(self) -> Network:
        """The network."""
        tensor = first = TensorType(1, self.positions, self.channels, BITS)
        layers: list[Dense] = []
        for number, rows in enumerate(self.weights, 1):
            weights = np.array(rows, np.int8)
            levels = np.full(weights.shape[1], self.threshold)
            layers.append(Dense.of(f"dense{number}", (), tensor, BIPOLAR_BITS.grid, weights, levels))
            tensor = layers[-1].output
        taken = InputFormat("x", (first.size,), np.arange(first.size), first, BIPOLAR_BITS.grid, None)
        given = OutputFormat("y", (tensor.size,), np.arange(tensor.size), np.ones((), np.float32), 1, 0, Chain(()))
        return Network("planned", taken, tuple(layers), given)

    @cached_property
    def plan(self) -> Plan:
        """A lane for each layer."""
        return make_plan(self.network, {layer.name: Folding(1, 1, 1) for layer in self.network.layers}, "xc7vx690t", 200.0)

    @property
    def pipeline(self) -> PipelineConfig:
        """The plan's, where one frame is inside at most."""
        whole = self.plan.pipeline
        ends = replace(whole.ingress, frames=1), replace(whole.egress, frames=1)
        return replace(whole, name="ends", ingress=ends[0], egress=ends[1])

    def results(self, frame: tuple[int, ...]) -> tuple[int, ...]:
        """What golden makes of a frame's beats."""
        codes = [[beat >> channel & 1 for channel in range(self.channels)] for beat in frame]
        (found,) = self.network.results(np.array(codes).reshape(1, *self.network.input.tensor.shape))
        return (sum(int(bit) << place for place, bit in enumerate(found.reshape(-1))),)

    @property
    def patience(self) -> int:
        """Cycles within which something must happen at a port."""
        return self.plan.latency + self.plan.interval + 7


def claims(case: Ends | Planned) -> Claims:
    """What is claimed of a case's pipeline."""
    config = case.pipeline
    entrance, leaving = config.ingress, config.egress
    beat, number = entrance.channels * entrance.bits, leaving.channels * leaving.bits
    table = 0
    for beats in product(range(1 << beat), repeat=entrance.beats):
        frame = sum(code << place * beat for place, code in enumerate(beats))
        result = sum(code << place * number for place, code in enumerate(case.results(beats)))
        table |= result << frame * leaving.beats * number
    given = {"BEATS": entrance.beats, "CHANNELS": entrance.channels, "BITS": entrance.bits, "FIELD": entrance.field}
    taken = {"RESULTS": leaving.beats, "NUMBERS": leaving.channels, "NUMBER_BITS": leaving.bits, "NUMBER_FIELD": leaving.field}
    rest = {"FRAMES": entrance.frames, "PATIENCE": case.patience, "TABLE": table}
    return Claims(Path(__file__).with_name("pipeline_claims.sv"), config.name, {**given, **taken, **rest})


class TestEnds(ProofTests):
    samples = (
        *(Ends(1, 1, 1, 0, 1), Ends(2, 1, 1, 0, 2)),
        *(Pooled(2, 1, 1, 0, 1), Recoded(1, 1, 1, 0, 1), Recoded(1, 1, 1, 0, 2)),
        Planned(2, 1, (((1,), (-1,)),), 1),
        Planned(1, 2, (((1, 1), (-1, 1)), ((1,), (-1,))), 1),
    )
    left_out = (1,)  # for which no proof of all was awaited; faults show there
    quick = (0, 2)
    faults = (
        Fault("in_order", "data <= words[read];", "data <= words[0];", sample=1),
        Fault("room", "free <= (free - 1);", "free <= free;", sample=1),
        Fault("nothing_twice", "valid <= good;", "valid <= 1'b1;", sample=1),
        Fault("nothing_lost", "(stored != 0) && known", "(stored > 1) && known", sample=1),
        Fault("last_marked", "last <= closing;", "last <= (!closing);", sample=1),
        Fault("nothing_counted_twice", "suppressed = (ends && (!good))", "suppressed = (take && (!good))", sample=1),
        Fault("at_rest", "(valid && m_axis_tready && finishing)", "(valid && m_axis_tready && finishing && (!sink_valid))", 1),
        Fault("never_wedged", "vacant <= 1'b1;", "vacant <= vacant;", sample=1),
        Fault("s2_valid", "else if (m_axis_tready) begin", "else begin", sample=1),
        Fault("s2_data", "if (take) begin\n        data <=", "if (take || known) begin\n        data <=", sample=1),
        Fault("s2_last", "last <= closing;", "last <= closing;\n    end\n    else if (known) begin\n    last <= 0;", sample=1),
        Fault("S3", "assign m_axis_tvalid = valid;", "assign m_axis_tvalid = (valid && m_axis_tready);", sample=1),
        Fault("S4", "assign s_axis_tready = ready;", "assign s_axis_tready = (ready && s_axis_tvalid);", sample=1),
    )

    def test_a_trace_in_a_layer_is_seen(self, tmp_path: Path) -> None:
        """Of a frame that the pool does not forget, in the results of the next."""
        kept = Fault("in_order", "remember0_history <= sink_data;", "remember0_history <= (remember0_history | sink_data);")
        assert self.problem(2).faulty(kept).breaks("in_order", tmp_path) > 0

    def design(self, case: Ends | Planned) -> Design:
        return convert(Pipeline(case.pipeline).outline())

    def claims(self, case: Ends | Planned) -> tuple[Claims, ...]:
        config = case.pipeline
        sent = stream("ends", "s_axis", config.ingress.channels * config.ingress.field, promised=True, others=PIPELINE)
        given = stream("ends", "m_axis", config.egress.channels * config.egress.field, others=PIPELINE)
        return claims(case), sent, given
