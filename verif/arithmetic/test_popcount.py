"""popcount: every lane's count of differing bits, `latency` cycles after its operand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic import popcount as golden
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Term:
    """One cycle's input: codes, and for each one bit per lane, 1 for a weight of -1, and one that says whether it is there."""

    codes: tuple[int, ...]
    flips: tuple[int, ...]
    there: tuple[int, ...] = ()


class PopcountSuite(BlockSuite):
    """A new operand and new weights in every cycle."""

    samples = (
        PopcountConfig(1, 1, 1),
        PopcountConfig(2, 1, 3),
        PopcountConfig(9, 8, 4, constant=True),
        PopcountConfig(37, 1, 5),
        PopcountConfig(130, 1, 2),
        PopcountConfig(27, 3, 3),
        PopcountConfig(31, 8, 1, constant=True),
        PopcountConfig(7, 2, 3, ternary=True),
        PopcountConfig(26, 1, 2, ternary=True),
        PopcountConfig(9, 3, 2, masked=True),
        PopcountConfig(5, 2, 3, constant=True, most=(3,), picks=((0, 2, 4), (3, None, None), (1, 4, None))),
        PopcountConfig(
            6, 2, 3, constant=True, most=(2, 0, 3), picks=((0, 5, 1, 2, 5), (3, None, 3, None, None), (1, 4, 0, 4, None))
        ),
        PopcountConfig(2, 1, 2, constant=True, most=(0, 1), picks=((1,), (0,))),
    )

    def configs(self) -> st.SearchStrategy[PopcountConfig]:
        sizes = st.integers(1, 40), st.integers(1, 4), st.integers(1, 5)
        kinds = st.sampled_from([{}, {"constant": True}, {"ternary": True}, {"masked": True}])
        plain = st.builds(lambda *parts: PopcountConfig(*parts[:3], **parts[3]), *sizes, kinds)
        return plain | st.integers(1, 12).flatmap(self.picking)

    @staticmethod
    def picking(inputs: int) -> st.SearchStrategy[PopcountConfig]:
        """Lanes that take some elements alone, of several weights."""
        sizes = st.lists(st.integers(0, inputs), min_size=1, max_size=3).filter(any).map(tuple)

        def configured(bits: int, lanes: int, most: tuple[int, ...], seed: int) -> PopcountConfig:
            random = np.random.default_rng(seed)

            def group(size: int) -> list[int | None]:
                some = random.permutation(inputs)[: random.integers(0, size + 1)].tolist()
                return [*some, *[None] * (size - len(some))]

            picks = tuple(tuple(place for size in most for place in group(size)) for _ in range(lanes))
            return PopcountConfig(inputs, bits, lanes, constant=True, most=most, picks=picks)

        return st.builds(configured, st.integers(1, 4), st.integers(1, 4), sizes, st.integers(0, 1 << 16))

    def stimuli(self, config: PopcountConfig) -> st.SearchStrategy[list[Term]]:
        def several(count: int, limit: int) -> st.SearchStrategy[tuple[int, ...]]:
            return st.lists(st.integers(0, limit - 1), min_size=count, max_size=count).map(tuple)

        extremes = st.sampled_from([(0,) * config.inputs, ((1 << config.bits) - 1,) * config.inputs])
        codes, flips = several(config.inputs, 1 << config.bits), several(config.elements, 1 << config.lanes)
        term = st.builds(Term, codes | extremes, flips, flips if config.ternary else st.just(()))
        return st.lists(term, min_size=1, max_size=8) | st.integers(0, 1 << 32).map(lambda seed: self.crowd(config, seed))

    @staticmethod
    def crowd(config: PopcountConfig, seed: int) -> list[Term]:
        """Terms with few, half and most of their bits set: counts of random bits are near the middle, and never at the ends."""
        random = np.random.default_rng(seed)

        def several(count: int, bits: int) -> tuple[int, ...]:
            there = random.random((count, bits)) < random.choice([0, 0.1, 0.5, 0.9, 1], bits)
            return tuple((there << np.arange(bits)).sum(axis=1).tolist())

        def term() -> Term:
            flips = several(config.elements, config.lanes)
            there = several(config.elements, config.lanes) if config.ternary else ()
            return Term(several(config.inputs, config.bits), flips, there)

        return [term() for _ in range(20)]

    def expected(self, config: PopcountConfig, stimulus: list[Term]) -> list[list[int]]:
        counts, places = [], [place for place, size in enumerate(config.groups) for _ in range(size)]
        for term in stimulus:
            lanes = [0] * config.lanes
            for element, flips in enumerate(term.flips):
                for lane in range(config.lanes):
                    place = config.picks[lane][element] if config.picks else element % config.inputs
                    code = 0 if place is None else term.codes[place]
                    flip = (flips >> lane) & 1
                    if term.there and not term.there[element] >> lane & 1:
                        continue
                    for b in range(config.bits):
                        differs = code >> b & 1 and flip if config.masked else (code >> b & 1) != flip
                        lanes[lane] += differs << b + places[element]
            counts.append(lanes)
        return counts

    def golden(self, config: PopcountConfig, stimulus: list[Term]) -> list[list[int]]:
        def bits(words: tuple[int, ...]) -> Any:
            return (np.array(words)[:, None] >> np.arange(config.lanes)) & 1

        def counts(term: Term) -> list[int]:
            flips = bits(term.flips)
            if config.ternary:
                return golden.counts_of_some(np.array(term.codes), flips, bits(term.there), config.bits).tolist()
            if config.masked:
                return golden.counts_of_some(np.array(term.codes), np.zeros_like(flips), flips, config.bits).tolist()
            if not config.picks:
                return golden.counts(np.array(term.codes), flips, config.bits).tolist()
            codes = np.array([[0 if place is None else term.codes[place] for place in lane] for lane in config.picks])
            return golden.counts_of_places(codes, flips, config.groups, config.bits).tolist()

        return [counts(term) for term in stimulus]

    def elaborate(self, config: PopcountConfig) -> Any:
        inputs = wire(config.inputs * config.bits), wire(config.weights)
        return popcount(bit(), *inputs, wire(config.lanes * config.count_bits), config)

    def play(self, dut: Dut, config: PopcountConfig, stimulus: list[Term]) -> list[list[int]]:
        seen = []
        for term in stimulus:
            operand = sum(code << (i * config.bits) for i, code in enumerate(term.codes))
            weights = sum(flips << (i * config.lanes) for i, flips in enumerate(term.flips + term.there))
            seen.append(dut.step({"operand": operand, "weights": weights}))
        seen += [dut.step({}) for _ in range(config.latency)]
        mask = (1 << config.count_bits) - 1
        late = seen[config.latency :][: len(stimulus)]
        return [[out["counts"] >> (lane * config.count_bits) & mask for lane in range(config.lanes)] for out in late]


class TestGolden(PopcountSuite, GoldenTests):
    pass


class TestMyHdl(PopcountSuite, MyHdlTests):
    pass


class TestVerilog(PopcountSuite, VerilogTests):
    pass


@pytest.mark.parametrize("constant", [False, True])
def test_any_size_converts(constant: bool) -> None:
    """Also those whose last compressors have a carry that no count reaches."""
    for inputs, bits in ((31, 8), (61, 8), (429, 1), (511, 1), (784, 1), (1000, 1)):
        config = PopcountConfig(inputs, bits, 1, constant)
        with outline():
            operands = wire(inputs * bits), wire(inputs)
            block = popcount(bit(), *operands, wire(config.count_bits), config)
        design = convert(block)
        assert f"[{config.count_bits - 1}:0]" in design.modules[design.top].text


def test_short_lines() -> None:
    """Of a thousand elements that lanes take alone: Icarus reads no word of 17,000 characters."""
    random = np.random.default_rng(1)
    picks = tuple(tuple(random.permutation(300)[:250].tolist()) for _ in range(4))
    config = PopcountConfig(300, 2, 4, constant=True, most=(150, 100), picks=picks)
    with outline():
        operands = wire(config.inputs * config.bits), wire(config.weights)
        block = popcount(bit(), *operands, wire(config.lanes * config.count_bits), config)
    text = convert(block).modules[config.module].text
    assert max(map(len, text.splitlines())) < 1000


@pytest.mark.parametrize("size", [1, 100])
def test_parts(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are the same in parts of any size, of one row of codes that takes more included."""
    random = np.random.default_rng(1)
    codes, flips = random.integers(0, 8, (9, 2, 70)), random.integers(0, 2, (70, 5))
    monkeypatch.setattr(golden, "BLOCK_BYTES", size)
    expected = [
        [[sum(7 - x if flip else x for x, flip in zip(row, lane, strict=True)) for lane in flips.T] for row in rows]
        for rows in codes
    ]
    assert golden.counts(codes, flips, 3).tolist() == expected
