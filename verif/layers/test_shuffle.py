"""shuffle: depth to space, so many positions at a time, at the planned cycles, whatever the pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.kind import Arrivals
from sigmabit.hdl.layers.shuffle import ShuffleConfig, ShuffleKind, shuffle
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.layer_suite import overfilled, unpacked
from ..harness.operands import delayed, full_speed, paced
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Frames:
    """Frames of codes in stream order, and the pauses before beats."""

    frames: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]


def kind(
    height: int,
    width: int,
    rows: int,
    columns: int,
    channels: int,
    bottom: int,
    right: int,
    positions: int = 1,
    places: int = 1,
) -> ShuffleKind:
    """What answers for a layer of 3-bit codes: blocks so many side by side, and so many positions side by side of them."""
    tensor = TensorType(height, width, rows * columns * channels, Range.of_levels(8))
    layer = Shuffle("shuffle", (), tensor, rows, columns, height * rows - bottom, width * columns - right)
    return ShuffleKind(layer, positions=positions).giving(places)


@st.composite
def kinds(draw: st.DrawFn) -> ShuffleKind:
    """Blocks up to 3 x 3, cut off in every way, any number of them side by side, and any number of positions."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    bottom, right = (draw(st.integers(0, n - 1)) for n in (rows, columns))
    positions, places = (draw(st.integers(1, n)) for n in (width, width * columns - right))
    return kind(height, width, rows, columns, draw(st.integers(1, 2)), bottom, right, positions, places)


class ShuffleSuite(BlockSuite):
    """Several frames, at full speed and with pauses."""

    samples = (
        kind(3, 2, 2, 2, 2, 0, 0),
        kind(2, 3, 3, 2, 1, 1, 1),
        kind(1, 1, 4, 4, 2, 0, 0),
        kind(4, 1, 1, 3, 1, 0, 2),
        kind(2, 4, 2, 2, 1, 0, 0, positions=2, places=4),
        kind(2, 4, 2, 2, 1, 0, 1, positions=1, places=4),
        kind(3, 3, 2, 3, 2, 1, 2, positions=2, places=3),
        kind(2, 5, 1, 2, 1, 0, 0, positions=3, places=7),
        kind(1, 1, 7, 7, 1, 1, 2, positions=1, places=5),
        kind(2, 3, 2, 3, 1, 0, 2, positions=3, places=1),
        kind(2, 4, 2, 2, 1, 0, 1, positions=4, places=7),
        kind(1, 1, 7, 7, 12, 1, 2, positions=1, places=5),  # words that are written in shares
    )

    flags, before = ("source_valid",), 6

    def configs(self) -> st.SearchStrategy[ShuffleKind]:
        return kinds() | st.sampled_from(self.samples[11:])

    def stimuli(self, config: ShuffleKind) -> st.SearchStrategy[Frames]:
        codes = st.tuples(*[st.integers(0, 7)] * config.layer.input.size)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 1, 9]), min_size=1, max_size=5).map(tuple))
        return st.builds(Frames, st.lists(codes, min_size=1, max_size=3).map(tuple), pauses)

    def always(self, config: ShuffleKind) -> Sequence[Frames]:
        """At full speed; a cycle slower in front of each beat; and in front of each frame."""
        frames = tuple((frame % 2 * 7,) * config.layer.input.size for frame in range(4))
        return [Frames(frames, pauses) for pauses in ((0,), (1,), (*[0] * (config.sink.beats - 1), 1))]

    def assumed(self, config: ShuffleKind) -> str:
        return paced(config.sink.beats, config.least_cycles)

    def expected(self, config: ShuffleKind, stimulus: Frames) -> list[int]:
        layer = config.layer
        tensor, channels = layer.input, layer.output.channels
        results = []
        for frame in stimulus.frames:
            for y in range(layer.height):
                for x in range(layer.width):
                    beat = (y // layer.rows * tensor.width + x // layer.columns) * tensor.channels
                    place = (y % layer.rows * layer.columns + x % layer.columns) * channels
                    results += [frame[beat + place + channel] for channel in range(channels)]
        return results

    def golden(self, config: ShuffleKind, stimulus: Frames) -> list[int]:
        return config.layer.run(self._codes(config, stimulus)).reshape(-1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: ShuffleKind) -> Any:
        sink, source = Flow(config.sink.beat_bits), Flow(config.source.beat_bits)
        return shuffle(bit(), reset(), sink, source, self._blocks(config))

    def play(self, dut: Dut, config: ShuffleKind, stimulus: Frames) -> list[int]:
        dut.reset({"sink_valid": 0})
        arrivals = delayed(self._full_speed(config, len(stimulus.frames)), stimulus.pauses)
        due = config.results(Arrivals(arrivals, arrivals[:, -1], 1), None, self._blocks(config)).reshape(-1).tolist()
        beats = overfilled(config.sink, self._codes(config, stimulus))
        played = list(zip(arrivals.reshape(-1).tolist(), beats, strict=True))
        seen = play_flow(dut, "sink", played, due[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        return unpacked(config.source, [outputs["source_data"] for _, outputs in seen]).reshape(-1).tolist()  # type: ignore[no-any-return]

    @staticmethod
    def _codes(config: ShuffleKind, stimulus: Frames) -> NDArray[np.int64]:
        return np.array(stimulus.frames, np.int64).reshape(-1, *config.layer.input.shape)

    @staticmethod
    def _full_speed(config: ShuffleKind, frames: int) -> NDArray[np.int64]:
        return full_speed(frames, config.sink.beats, config.least_cycles)

    def _blocks(self, config: ShuffleKind) -> ShuffleConfig:
        beats = self._full_speed(config, 6)
        return config.sized(Arrivals(beats, beats[:, -1], 1), None)


class TestGolden(ShuffleSuite, GoldenTests):
    pass


class TestMyHdl(ShuffleSuite, MyHdlTests):
    pass


class TestVerilog(ShuffleSuite, VerilogTests):
    pass
