"""gaussian: the sample of every word."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.noise.gaussian import EARLY, gaussian
from sigmabit.hdl.noise.gaussian import GaussianConfig
from sigmabit.hdl.noise.gaussian import gaussian as gaussian_block
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests

TABLE = GaussianConfig().table.words


def naive(word: int) -> int:
    """The sample of a word, from its bits and the hardware's table."""
    text = f"{word:064b}"
    toss, first, sign, lean, extra, second, column = (
        int(text[a:b], 2) for a, b in ((0, 21), (21, 27), (27, 28), (28, 42), (42, 50), (50, 56), (56, 64))
    )
    if text[28:42] == "1" * 14:
        row = (384 if text[42:56] == "1" * 14 else 256) + column % 128
        mark = 64 * extra + 32
    else:
        row, mark = column, lean
    entry = f"{TABLE[row]:031b}"
    threshold, other = int(entry[9:], 2), int(entry[:9], 2)
    segment = row if 2 * toss + (column >= 128) < threshold else other
    place = min(first, second) if mark < 2 * segment + 1 else first
    steps = (64 * segment + place + 1) // 2
    return -steps if sign else steps


WORDS = st.binary(min_size=8, max_size=8).map(int.from_bytes)
"""All bits alike: most numbers that hypothesis draws of a range are small."""


def rare(bits: int) -> st.SearchStrategy[int]:
    """Words whose fields lead to the tail, or further."""
    return WORDS.map(lambda word: word | ((1 << 14) - 1) << 22 | ((1 << bits) - 1) << 8)


def partly_rare() -> st.SearchStrategy[int]:
    """Words of the tail that go no further, by their second place alone."""
    return WORDS.map(lambda word: word | 0x3FFF << 22 | 0xFF << 14)


def leaning() -> st.SearchStrategy[int]:
    """Words in most of which the smaller of two places counts: their `lean` is below 32."""
    return WORDS.map(lambda word: word & ~(0x3FE0 << 22))


def narrow() -> list[int]:
    """Words that decide as narrowly as can be.

    Between segments: the last toss for the one and the first for the other. Between places: a `lean` or `extra` of twice the
    segment, and those beside it.
    """
    found = []
    for column in (*range(0, 256, 5), 255, 256, 272, 273, 304, 336, 368, 383):
        threshold, other = TABLE[column] & 0x3FFFFF, TABLE[column] >> 22
        for toss in {max(0, threshold - 1), threshold, threshold + 1}:
            segment = column if toss < threshold else other
            row = column if column < 256 else column % 128 + toss % 2 * 128
            places = toss // 2 << 43 | 40 << 37 | toss % 4 // 2 << 36 | 5 << 8 | row
            if column < 256:
                found += [places | lean << 22 for lean in range(max(0, 2 * segment - 1), 2 * segment + 2)]
            else:
                nearest = segment // 32
                found += [places | 0x3FFF << 22 | extra << 14 for extra in range(max(0, nearest - 1), nearest + 2)]
    return found


class GaussianSuite(BlockSuite):
    """A word in every cycle; those of the tail and of two places are drawn as often as others; and those that decide narrowly."""

    samples = (GaussianConfig(),)
    examples = 40

    def configs(self) -> st.SearchStrategy[GaussianConfig]:
        return st.just(GaussianConfig())

    def stimuli(self, config: GaussianConfig) -> st.SearchStrategy[list[int]]:
        word = st.one_of(WORDS, WORDS, rare(0), rare(14), partly_rare(), leaning(), leaning())
        return st.lists(word, min_size=1, max_size=60) | st.just(narrow())

    def expected(self, config: GaussianConfig, stimulus: list[int]) -> list[int]:
        return [naive(word) for word in stimulus]

    def golden(self, config: GaussianConfig, stimulus: list[int]) -> list[int]:
        return gaussian(np.array(stimulus, np.uint64)).tolist()

    def elaborate(self, config: GaussianConfig) -> Any:
        return gaussian_block(bit(), wire(EARLY), wire(64 - EARLY), wire(16), config)

    def play(self, dut: Dut, config: GaussianConfig, stimulus: list[int]) -> list[int]:
        idle = [0] * (config.latency + 1)
        early = [word % 2**EARLY for word in (*stimulus, *idle)]
        late = [0, *(word >> EARLY for word in (*stimulus, *idle[1:]))]
        seen = [dut.step({"early": a, "late": b})["sample"] for a, b in zip(early, late, strict=True)]
        samples = seen[config.latency : config.latency + len(stimulus)]
        return [sample - (sample >> 15 << 16) for sample in samples]


class TestGolden(GaussianSuite, GoldenTests):
    def test_many_words(self) -> None:
        """Words at random, half of them of the tail, and half of those of its end."""
        drawn = np.random.default_rng(1).integers(0, 2**64, 20_000, np.uint64)
        drawn[::2] |= np.uint64(((1 << 14) - 1) << 22)
        drawn[::4] |= np.uint64(((1 << 14) - 1) << 8)
        assert gaussian(drawn).tolist() == [naive(word) for word in drawn.tolist()]

    def test_narrow_decisions(self) -> None:
        assert gaussian(np.array(narrow(), np.uint64)).tolist() == [naive(word) for word in narrow()]

    def test_largest(self) -> None:
        """Eight standard deviations are reached, on both sides."""
        first = (1 << 6) - 1
        words = [
            toss << 43 | first << 37 | sign << 36 | ((1 << 28) - 1) << 8 | 0xFF for toss in (0, 2**21 - 1) for sign in (0, 1)
        ]
        assert {-16384, 16384} <= set(gaussian(np.array(words, np.uint64)).tolist())


class TestMyHdl(GaussianSuite, MyHdlTests):
    pass


class TestVerilog(GaussianSuite, VerilogTests):
    pass
