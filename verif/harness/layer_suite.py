"""What the suites of convolution and dense have in common: a layer, its folding, and the cycles at which results come."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.types.layout import Layout
from sigmabit.hdl.layers.kind import Arrivals
from sigmabit.hdl.layers.layer import LayerConfig
from sigmabit.hdl.layers.weighted import Weighted
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from .bench import Dut
from .layers import Frames, LayerCase, frames, naive
from .operands import delayed, full_speed
from .stream import play_flow
from .suite import BlockSuite


class LayerSuite(BlockSuite):
    """Whole layers, window or gather included, against loops over everything."""

    examples = 4

    @abstractmethod
    def kind(self, case: LayerCase) -> Weighted:
        """What answers for its layer."""

    @abstractmethod
    def block(self) -> Any:
        """The layer's block."""

    def stimuli(self, config: LayerCase) -> st.SearchStrategy[Frames]:
        return frames(config.layer)

    def expected(self, config: LayerCase, stimulus: Frames) -> list[list[int]]:
        layer = config.layer
        return [result for frame in stimulus.codes(layer) for result in naive(layer, frame)]

    def golden(self, config: LayerCase, stimulus: Frames) -> list[list[int]]:
        layer = config.layer
        return layer.run(stimulus.codes(layer)).reshape(-1, layer.channels).tolist()  # type: ignore[no-any-return]

    def full_speed(self, case: LayerCase, count: int) -> NDArray[np.int64]:
        """Cycles of the positions of `count` frames without pauses."""
        kind = self.kind(case)
        return full_speed(count, kind.sink.beats, kind.turns * kind.folds(case.folding))

    def configured(self, case: LayerCase) -> LayerConfig:
        """The blocks with the smallest buffer for positions that arrive at full speed."""
        return self.kind(case).sized(self.arrivals(case, self.full_speed(case, 6)), case.folding)

    def arrivals(self, case: LayerCase, beats: NDArray[np.int64]) -> Arrivals:
        """Positions of well-formed frames at such cycles."""
        return Arrivals(beats, beats[:, -1], self.kind(case).folds(case.folding))

    def elaborate(self, config: LayerCase) -> Any:
        kind = self.kind(config)
        sink, source = Flow(kind.sink.beat_bits), Flow(kind.source.beat_bits)
        return self.block()(bit(), reset(), sink, source, self.configured(config))

    def play(self, dut: Dut, config: LayerCase, stimulus: Frames) -> list[list[int]]:
        layer, kind = config.layer, self.kind(config)
        dut.reset({"sink_valid": 0})
        positions = delayed(self.full_speed(config, len(stimulus.frames)), stimulus.pauses)
        arrivals = self.arrivals(config, positions)
        due = kind.results(arrivals, config.folding, self.configured(config)).reshape(-1).tolist()
        beats = overfilled(kind.sink, stimulus.codes(layer))
        played = list(zip(positions.reshape(-1).tolist(), beats, strict=True))
        seen = play_flow(dut, "sink", played, due[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        results = unpacked(kind.source, [outputs["source_data"] for _, outputs in seen])
        return results.reshape(-1, layer.channels).tolist()  # type: ignore[no-any-return]


def unpacked(layout: Layout, beats: Sequence[int]) -> NDArray[np.int64]:
    """(N, height, width, channels) codes of beats, whatever they are filled up with."""
    width = -(-layout.beat_bits // 8)
    raw = b"".join(beat.to_bytes(width, "little") for beat in beats)
    return layout.unpack(np.frombuffer(raw, np.uint8).reshape(len(beats), width))


def overfilled(layout: Layout, codes: NDArray[np.integer]) -> list[int]:
    """Beats of frames of codes in which all bits are set that beats are filled up with: nobody may look at them."""
    beats = [int.from_bytes(beat.tobytes(), "little") for beat in layout.pack(codes)]
    kept = (layout.positions - layout.filler) * layout.channels * layout.field
    ones = (1 << layout.beat_bits) - (1 << kept)
    return [beat | (ones if number % layout.line == layout.line - 1 else 0) for number, beat in enumerate(beats)]
