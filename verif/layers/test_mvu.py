"""mvu: sums and decisions of folded matrices, `latency` cycles after each position's last operand, whatever the pauses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.layers.mvu import multiply
from sigmabit.hdl.arithmetic.accumulate import AccumulateConfig
from sigmabit.hdl.arithmetic.collect import CollectConfig
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.arithmetic.rom import RomConfig, pack_words, style_of
from sigmabit.hdl.layers.binary import BinaryMvuConfig
from sigmabit.hdl.layers.convolution import operand_for
from sigmabit.hdl.layers.mvu import MvuConfig, mvu
from sigmabit.hdl.verilog.stream import ADDRESS_LEAD, Flow, bit, index_bits, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Unit:
    """A unit whose weights and start values a seed draws; `missing` lanes of the last repeat have no channel."""

    inputs: int
    bits: int
    chunks: int
    repeats: int
    lanes: int
    missing: int
    borders: int
    gain: int
    sum_bits: int
    scores: bool
    block: bool
    seed: int

    @property
    def channels(self) -> int:
        """Output channels; a single repeat has no lane too many."""
        return self.repeats * self.lanes - (min(self.missing, self.lanes - 1) if self.repeats > 1 else 0)

    @property
    def repeat_bits(self) -> int:
        """Bits of the repeat in operand.bias."""
        return index_bits(self.repeats) if self.repeats > 1 else 0

    @cached_property
    def flips(self) -> NDArray[np.int64]:
        """(repeats, chunks, inputs, lanes), 1 for a weight of -1."""
        return np.random.default_rng(self.seed).integers(0, 2, (self.repeats, self.chunks, self.inputs, self.lanes))

    @cached_property
    def bias(self) -> NDArray[np.int64]:
        """(borders, repeats, lanes) start values."""
        return np.random.default_rng(self.seed + 1).integers(0, 1 << self.sum_bits, (self.borders, self.repeats, self.lanes))

    @property
    def config(self) -> MvuConfig:
        """The blocks."""
        counting = PopcountConfig(self.inputs, self.bits, self.lanes, constant=self.chunks * self.repeats == 1)
        adding = AccumulateConfig(self.lanes, counting.count_bits, self.sum_bits, self.gain, self.chunks > 1, self.scores)
        weights = pack_words(self.flips.reshape(self.chunks * self.repeats, -1), 1)
        starts = np.zeros((self.borders, 1 << self.repeat_bits, self.lanes), np.int64)
        starts[:, : self.repeats] = self.bias
        biases = pack_words(starts.reshape(-1, self.lanes), self.sum_bits)
        return BinaryMvuConfig(
            "unit",
            counting,
            adding,
            RomConfig("unit", "weights", self.inputs * self.lanes, weights, style_of(len(weights), 8, 2 if self.block else 99)),
            RomConfig("unit", "biases", self.lanes * self.sum_bits, biases, style_of(len(biases), 8, 99)),
            CollectConfig(self.channels * adding.result_bits, self.lanes * adding.result_bits, self.repeats)
            if self.repeats > 1
            else None,
        )


@dataclass(frozen=True)
class Position:
    """The chunks of one position, which border it has, and the idle cycles before each operand, again and again."""

    chunks: tuple[tuple[int, ...], ...]
    border: int
    idle: tuple[int, ...]


class MvuSuite(BlockSuite):
    """Positions one after the other, with and without pauses."""

    examples = 6

    samples = (
        Unit(7, 1, 1, 1, 4, 0, 1, 1, 5, scores=False, block=False, seed=1),
        Unit(5, 2, 3, 3, 2, 1, 4, 3, 9, scores=True, block=True, seed=2),
        Unit(2, 1, 2, 2, 3, 2, 3, 1, 4, scores=False, block=False, seed=3),
    )

    def configs(self) -> st.SearchStrategy[Unit]:
        sizes = [st.integers(1, n) for n in (12, 3, 3, 4, 3)]
        return st.builds(
            Unit,
            *sizes,
            st.integers(0, 2),
            st.integers(1, 5),
            st.integers(1, 4),
            st.integers(1, 12),
            st.booleans(),
            st.booleans(),
            st.integers(0, 99),
        )

    def stimuli(self, config: Unit) -> st.SearchStrategy[list[Position]]:
        chunk = st.tuples(*[st.integers(0, (1 << config.bits) - 1)] * config.inputs)
        idle = st.one_of(st.just((0,)), st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple))
        position = st.builds(Position, st.tuples(*[chunk] * config.chunks), st.integers(0, config.borders - 1), idle)
        return st.lists(position, min_size=1, max_size=6)

    def expected(self, config: Unit, stimulus: list[Position]) -> list[list[int]]:
        results = []
        for position in stimulus:
            channels = []
            for channel in range(config.channels):
                repeat, lane = divmod(channel, config.lanes)
                total = int(config.bias[position.border, repeat, lane])
                for chunk, codes in enumerate(position.chunks):
                    for i, code in enumerate(codes):
                        flipped = (1 << config.bits) - 1 - code
                        total += config.gain * (flipped if config.flips[repeat, chunk, i, lane] else code)
                total %= 1 << config.sum_bits
                negative = total >= 1 << (config.sum_bits - 1)
                channels.append(total - (negative << config.sum_bits) if config.scores else int(negative))
            results.append(channels)
        return results

    def golden(self, config: Unit, stimulus: list[Position]) -> list[list[int]]:
        operands = np.array([position.chunks for position in stimulus])
        bias = config.bias[[position.border for position in stimulus]]
        of_config = config.bits, config.gain, config.sum_bits, config.channels, config.scores
        return multiply(operands, config.flips, bias, *of_config).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Unit) -> Any:
        blocks = config.config
        count = len(blocks.biases.words)
        folds = index_bits(config.chunks * config.repeats)
        operand = operand_for(config.inputs * config.bits, folds, index_bits(count) if count > 1 else 0, blocks)
        return mvu(bit(), reset(), operand, Flow(config.channels * blocks.accumulate.result_bits), blocks)

    def play(self, dut: Dut, config: Unit, stimulus: list[Position]) -> list[list[int]]:
        dut.reset({"operand_valid": 0})
        inputs: dict[int, dict[str, int]] = {}
        due, now = [], ADDRESS_LEAD
        for position in stimulus:
            for number in range(config.chunks * config.repeats):
                repeat, chunk = divmod(number, config.chunks)
                now += 1 + position.idle[number % len(position.idle)]
                data = sum(code << (i * config.bits) for i, code in enumerate(position.chunks[chunk]))
                inputs.setdefault(now, {}).update(
                    operand_valid=1,
                    operand_data=data,
                    operand_first=chunk == 0,
                    operand_last=chunk == config.chunks - 1,
                    operand_bias=(position.border << config.repeat_bits) + repeat,
                )
                inputs.setdefault(now - ADDRESS_LEAD, {})["operand_address"] = number
            due.append(now + config.config.latency)
        ports = dut.ports
        seen = []
        for cycle in range(due[-1] + 3):
            values = {"operand_valid": 0, **inputs.get(cycle, {})}
            seen.append(dut.step({name: int(value) for name, value in values.items() if name in ports}))
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]] == due
        bits = config.config.accumulate.result_bits
        fields = [[seen[cycle]["source_data"] >> (i * bits) & ((1 << bits) - 1) for i in range(config.channels)] for cycle in due]
        sign = 1 << (bits - 1) if config.scores else 0
        return [[(field ^ sign) - sign for field in position] for position in fields]


class TestGolden(MvuSuite, GoldenTests):
    pass


class TestMyHdl(MvuSuite, MyHdlTests):
    pass


class TestVerilog(MvuSuite, VerilogTests):
    pass
