"""accumulate: sums over folds, started at a bias; decisions are the top bits of the sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.arithmetic import accumulate as golden
from sigmabit.hdl.arithmetic.accumulate import AccumulateConfig, accumulate
from sigmabit.hdl.verilog.stream import Flow, bit, bits, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Sum:
    """One accumulation: a bias per lane, then for each fold a count per lane; and the idle cycles before each fold."""

    bias: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]
    idle: tuple[int, ...]


MOST_FOLDS = 64
"""Of a sum."""


class AccumulateSuite(BlockSuite):
    """Accumulations one after the other, or several in turn, with and without pauses."""

    samples = (
        AccumulateConfig(1, 1, 2, 1, folded=False, scores=False),
        AccumulateConfig(4, 5, 7, 1, folded=False, scores=False),
        AccumulateConfig(3, 4, 9, 2, folded=True, scores=True),
        AccumulateConfig(5, 6, 8, 1, folded=True, scores=False),
        AccumulateConfig(2, 3, 12, 7, folded=False, scores=True),
        AccumulateConfig(200, 3, 9, 1, folded=True, scores=False),
        AccumulateConfig(3, 4, 7, 2, folded=True, scores=True, turns=2),
        AccumulateConfig(2, 3, 6, 1, folded=True, scores=False, turns=5),
        AccumulateConfig(100, 3, 9, 1, folded=True, scores=False, turns=2),
    )
    flags = ("result_valid",)

    def configs(self) -> st.SearchStrategy[AccumulateConfig]:
        sizes = [st.integers(1, n) for n in (5, 6, 12, 9)]
        single = st.builds(AccumulateConfig, *sizes, st.just(False), st.booleans())
        return single | st.builds(AccumulateConfig, *sizes, st.just(True), st.booleans(), st.integers(1, 4))

    def stimuli(self, config: AccumulateConfig) -> st.SearchStrategy[list[Sum]]:
        def several(bits: int) -> st.SearchStrategy[tuple[int, ...]]:
            if config.lanes > 16:  # more than Hypothesis draws of one stimulus
                seeds = st.integers(0, 1 << 32)
                return seeds.map(lambda seed: tuple(np.random.default_rng(seed).integers(0, 1 << bits, config.lanes).tolist()))
            return st.tuples(*[st.integers(0, (1 << bits) - 1)] * config.lanes)

        folds = st.integers(1, 4) if config.folded else st.just(1)

        def one(n: int) -> st.SearchStrategy[Sum]:
            counts, idle = st.tuples(*[several(config.count_bits)] * n), st.tuples(*[st.integers(0, 2)] * n)
            drawn = st.builds(Sum, several(config.sum_bits), counts, idle)
            return drawn | drawn.map(lambda item: self.close(config, item))

        rounds = folds.flatmap(lambda n: st.tuples(*[one(n)] * config.turns))
        some = st.lists(rounds, min_size=1, max_size=6).map(lambda drawn: list(chain(*drawn)))
        return some | st.integers(0, 1 << 32).map(lambda seed: self.many(config, seed))

    @staticmethod
    def close(config: AccumulateConfig, item: Sum) -> Sum:
        """Another bias: sums end just below or just at where the decision changes. Elsewhere few of their bits tell."""
        added = [config.gain * sum(counts) for counts in zip(*item.counts, strict=True)]
        edges = [(bias >> 1 & 1) << config.sum_bits - 1 for bias in item.bias]
        ends = [edge - (bias & 1) - count for edge, bias, count in zip(edges, item.bias, added, strict=True)]
        return replace(item, bias=tuple(end % (1 << config.sum_bits) for end in ends))

    def many(self, config: AccumulateConfig, seed: int) -> list[Sum]:
        """Sums of several folds that end there, some of them from as far away as sums come, with large counts."""
        random, largest = np.random.default_rng(seed), (1 << config.count_bits) - 1
        far = min(MOST_FOLDS, 4 + 3 * (1 << config.sum_bits - 1) // (2 * config.gain * largest))

        def one(folds: int) -> Sum:
            least = (largest + 1) // 2 if folds == far else 0
            counts = random.integers(least, largest + 1, (folds, config.lanes)).tolist()
            bias = random.integers(0, 1 << config.sum_bits, config.lanes).tolist()
            return self.close(config, Sum(tuple(bias), tuple(map(tuple, counts)), tuple(random.integers(0, 2, folds).tolist())))

        rounds = [*random.integers(2, 5, 4).tolist(), far, far] if config.folded else [1] * 12
        return [one(folds) for folds in rounds for _ in range(config.turns)]

    def expected(self, config: AccumulateConfig, stimulus: list[Sum]) -> list[list[int]]:
        results = []
        for item in stimulus:
            lanes = []
            for lane in range(config.lanes):
                total = item.bias[lane]
                for counts in item.counts:
                    total = (total + config.gain * counts[lane]) % 2**config.sum_bits
                lanes.append(total if config.scores else total // 2 ** (config.sum_bits - 1))
            results.append(lanes)
        return results

    def golden(self, config: AccumulateConfig, stimulus: list[Sum]) -> list[list[int]]:
        results = []
        for item in stimulus:
            sums = golden.accumulate(config.gain * np.array(item.counts), np.array(item.bias)) % (1 << config.sum_bits)
            results.append((sums if config.scores else golden.decide(sums, config.sum_bits)).tolist())
        return results

    def elaborate(self, config: AccumulateConfig) -> Any:
        first, last = (bits(config.copies), bit()) if config.folded else (None, None)
        counts, bias = wire(config.lanes * config.count_bits), wire(config.lanes * config.sum_bits)
        result = Flow(config.lanes * config.result_bits)
        return accumulate(bit(), reset(), counts, bias, bits(config.copies), first, last, result, config)

    def play(self, dut: Dut, config: AccumulateConfig, stimulus: list[Sum]) -> list[list[int]]:
        def pack(fields: tuple[int, ...], bits: int) -> int:
            return sum(value << (i * bits) for i, value in enumerate(fields))

        every = (1 << config.copies) - 1  # valid and first, in all their copies
        marks = {"first": 0, "last": 0} if config.folded else {}
        dut.reset({"valid": 0, **marks})
        due, seen = [], []
        for start in range(0, len(stimulus), config.turns):
            in_turn = stimulus[start : start + config.turns]
            for number, item in product(range(len(in_turn[0].counts)), in_turn):
                for _ in range(item.idle[number]):
                    seen.append(dut.step({"valid": 0, "counts": 0, "bias": 0, **dict.fromkeys(marks, 1)}))
                ends = number == len(item.counts) - 1
                if ends:
                    due.append(dut.cycle + config.latency)
                counts, bias = pack(item.counts[number], config.count_bits), pack(item.bias, config.sum_bits)
                inputs = {"valid": every, "counts": counts, "bias": bias}
                if config.folded:
                    inputs |= {"first": every * (number == 0), "last": int(ends)}
                seen.append(dut.step(inputs))
        seen += [dut.step({"valid": 0}) for _ in range(3)]
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["result_valid"]] == due
        width = config.result_bits
        words = [seen[cycle]["result_data"] for cycle in due]
        return [[word >> (lane * width) & ((1 << width) - 1) for lane in range(config.lanes)] for word in words]


class TestGolden(AccumulateSuite, GoldenTests):
    pass


class TestMyHdl(AccumulateSuite, MyHdlTests):
    pass


class TestVerilog(AccumulateSuite, VerilogTests):
    pass
