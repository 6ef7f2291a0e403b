"""Whole pipelines, by induction: whatever comes, good frames' results leave once and in order, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from sigmabit.hdl.pipeline.egress import EgressConfig
from sigmabit.hdl.pipeline.ingress import IngressConfig
from sigmabit.hdl.pipeline.top import Pipeline, PipelineConfig
from sigmabit.hdl.verilog.convert import Design, convert

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import PIPELINE, stream


@dataclass(frozen=True)
class Ends:
    """An entrance joined to an exit: `beats` of `bits` bits."""

    beats: int
    bits: int
    pace: int
    slack: int
    frames: int

    @property
    def pipeline(self) -> PipelineConfig:
        """With no layer in between."""
        ingress = IngressConfig(self.beats, 1, self.bits, self.pace, self.beats * self.pace + self.slack, self.frames)
        return PipelineConfig("ends", ingress, (), (), EgressConfig(self.beats, 1, self.bits, False, self.frames))

    def results(self, frame: tuple[int, ...]) -> tuple[int, ...]:
        """What is made of a frame."""
        return frame

    @property
    def patience(self) -> int:
        """Cycles within which something must happen at a port."""
        return self.pipeline.ingress.interval + self.frames * self.beats + 4


def claims(case: Ends) -> Claims:
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
    samples = (Ends(1, 1, 1, 0, 1), Ends(2, 1, 1, 0, 2))
    left_out = (1,)  # for which no proof of all was awaited; faults show there
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

    def design(self, case: Ends) -> Design:
        return convert(Pipeline(case.pipeline).outline())

    def claims(self, case: Ends) -> tuple[Claims, ...]:
        config = case.pipeline
        sent = stream("ends", "s_axis", config.ingress.channels * config.ingress.field, promised=True, others=PIPELINE)
        given = stream("ends", "m_axis", config.egress.channels * config.egress.field, others=PIPELINE)
        return claims(case), sent, given
