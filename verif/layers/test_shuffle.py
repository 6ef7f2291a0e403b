"""shuffle: depth to space, position by position at the planned cycles, whatever the pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers import shuffle as block
from sigmabit.hdl.layers.kind import Arrivals
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.operands import delayed, full_speed
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Frames:
    """Frames of codes in stream order, and the pauses before beats."""

    frames: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]


def layer(height: int, width: int, rows: int, columns: int, channels: int, bottom: int, right: int) -> Shuffle:
    """A layer of 3-bit codes."""
    tensor = TensorType(height, width, rows * columns * channels, Range.of_levels(8))
    return Shuffle("shuffle", (), tensor, rows, columns, height * rows - bottom, width * columns - right)


@st.composite
def layers(draw: st.DrawFn) -> Shuffle:
    """Blocks up to 3 x 3, cut off in every way."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height, width = (draw(st.integers(1, n)) for n in (3, 4))
    bottom, right = (draw(st.integers(0, n - 1)) for n in (rows, columns))
    return layer(height, width, rows, columns, draw(st.integers(1, 2)), bottom, right)


class ShuffleSuite(BlockSuite):
    """Several frames, at full speed and with pauses."""

    samples = (layer(3, 2, 2, 2, 2, 0, 0), layer(2, 3, 3, 2, 1, 1, 1), layer(1, 1, 4, 4, 2, 0, 0), layer(4, 1, 1, 3, 1, 0, 2))

    def configs(self) -> st.SearchStrategy[Shuffle]:
        return layers()

    def stimuli(self, config: Shuffle) -> st.SearchStrategy[Frames]:
        codes = st.tuples(*[st.integers(0, 7)] * config.input.size)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 1, 9]), min_size=1, max_size=5).map(tuple))
        return st.builds(Frames, st.lists(codes, min_size=1, max_size=3).map(tuple), pauses)

    def expected(self, config: Shuffle, stimulus: Frames) -> list[int]:
        tensor, channels = config.input, config.output.channels
        results = []
        for frame in stimulus.frames:
            for y in range(config.height):
                for x in range(config.width):
                    beat = (y // config.rows * tensor.width + x // config.columns) * tensor.channels
                    place = (y % config.rows * config.columns + x % config.columns) * channels
                    results += [frame[beat + place + channel] for channel in range(channels)]
        return results

    def golden(self, config: Shuffle, stimulus: Frames) -> list[int]:
        return config.run(self._codes(config, stimulus)).reshape(-1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Shuffle) -> Any:
        tensor, result = config.input, config.output
        return block.shuffle(bit(), reset(), Flow(tensor.layout.beat_bits), Flow(result.layout.beat_bits), self._blocks(config))

    def play(self, dut: Dut, config: Shuffle, stimulus: Frames) -> list[int]:
        dut.reset({"sink_valid": 0})
        arrivals = delayed(self._full_speed(config, len(stimulus.frames)), stimulus.pauses)
        kind, full = block.ShuffleKind(config), Arrivals(arrivals, arrivals[:, -1], 1)
        due = kind.results(full, None, self._blocks(config)).reshape(-1).tolist()
        beats = [int.from_bytes(beat.tobytes(), "little") for beat in config.input.layout.pack(self._codes(config, stimulus))]
        played = list(zip(arrivals.reshape(-1).tolist(), beats, strict=True))
        seen = play_flow(dut, "sink", played, due[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        channels = config.output.channels
        return [outputs["source_data"] >> (3 * channel) & 7 for _, outputs in seen for channel in range(channels)]

    @staticmethod
    def _codes(config: Shuffle, stimulus: Frames) -> NDArray[np.int64]:
        return np.array(stimulus.frames, np.int64).reshape(-1, *config.input.shape)

    @staticmethod
    def _full_speed(config: Shuffle, frames: int) -> NDArray[np.int64]:
        return full_speed(frames, config.input.height * config.input.width, block.ShuffleKind(config).least_cycles)

    def _blocks(self, config: Shuffle) -> block.ShuffleConfig:
        beats = self._full_speed(config, 6)
        return block.ShuffleKind(config).sized(Arrivals(beats, beats[:, -1], 1), None)


class TestGolden(ShuffleSuite, GoldenTests):
    pass


class TestMyHdl(ShuffleSuite, MyHdlTests):
    pass


class TestVerilog(ShuffleSuite, VerilogTests):
    pass
