"""uniform: the published generator, a word per step; its jumps, against the square of its matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.noise.uniform import PERIOD, Words, ahead, jump, step, words
from sigmabit.hdl.noise.uniform import UniformConfig, uniform
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests

REFERENCE = (
    393217,
    669327710093319,
    1732421326133921491,
    11394790081659126983,
    9555452776773192676,
    3586421180005889563,
    1691397964866707553,
    10735626796753111697,
    15216282715349408991,
    14247243556711267923,
)
"""The first words from the state (1, 2), as the crate rand_xoshiro has them from the authors' program."""

PUBLISHED_JUMP = 0x0992_CCAF_6A6F_CA05_2BD7_A6A6_E99C_2DDC
"""The authors' polynomial for a jump of 2**64 steps, the second of their two words first."""

State = tuple[int, int]


def rotl(value: int, distance: int) -> int:
    """A word of 64 bits rotated left."""
    text = f"{value:064b}"
    return int(text[distance:] + text[:distance], 2)


def naive(state: State) -> Iterator[tuple[int, State]]:
    """Words, each with the state that follows it; by the authors' formulas on plain integers."""
    low, high = state
    while True:
        word = (rotl((low + high) % 2**64, 17) + low) % 2**64
        high ^= low
        low, high = rotl(low, 49) ^ high ^ high * 2**21 % 2**64, rotl(high, 28)
        yield word, (low, high)


def stream(first: int, second: int) -> Words:
    """The state of a single stream."""
    return np.array([[first], [second]], np.uint64)


class UniformSuite(BlockSuite):
    """A state, and pauses before each step."""

    samples = (UniformConfig(36, 0), UniformConfig(36, 1), UniformConfig(1, 2), UniformConfig(63, 0))

    def configs(self) -> st.SearchStrategy[UniformConfig]:
        return st.builds(UniformConfig, st.integers(1, 63), st.integers(0, 2))

    def stimuli(self, config: UniformConfig) -> st.SearchStrategy[tuple[State, list[int]]]:
        number = st.integers(0, 2**64 - 1)
        return st.tuples(st.tuples(number, number), st.lists(st.integers(0, 2), min_size=1, max_size=20))

    def expected(self, config: UniformConfig, stimulus: tuple[State, list[int]]) -> list[int]:
        state, pauses = stimulus
        generator = naive(state)
        return [next(generator)[0] for _ in pauses]

    def golden(self, config: UniformConfig, stimulus: tuple[State, list[int]]) -> list[int]:
        state, pauses = stimulus
        return words(stream(*state), len(pauses))[0][:, 0].tolist()

    def elaborate(self, config: UniformConfig) -> Any:
        state = [wire(64) if config.shown > number else None for number in range(2)]
        return uniform(bit(), bit(), bit(), wire(64), *state, wire(config.early), wire(64 - config.early), config)

    def play(self, dut: Dut, config: UniformConfig, stimulus: tuple[State, list[int]]) -> list[int]:
        state, pauses = stimulus
        for word in state:
            dut.step({"load": 1, "step": 1, "source": word})
        seen, due = [], []
        for pause in pauses:
            seen += [dut.step({"load": 0, "step": 0, "source": 0}) for _ in range(pause)]
            due.append(len(seen) + config.latency)
            seen.append(dut.step({"load": 0, "step": 1, "source": 0}))
        seen += [dut.step({"step": 0}) for _ in range(config.latency + 1)]
        states = [pair for _, pair in zip(pauses, (after for _, after in naive(state)), strict=False)]
        if config.shown:
            assert seen[0]["first"] == state[0]
            assert seen[-1]["first"] == states[-1][0]
        if config.shown == 2:
            assert seen[-1]["second"] == states[-1][1]
        return [seen[cycle]["early"] | seen[cycle + 1]["late"] << config.early for cycle in due]


class TestGolden(UniformSuite, GoldenTests):
    def test_reference(self) -> None:
        """The words that are published."""
        found, _ = words(stream(1, 2), len(REFERENCE))
        assert tuple(found[:, 0].tolist()) == REFERENCE

    def test_published_jump(self) -> None:
        assert ahead(2**64) == PUBLISHED_JUMP

    def test_jump_is_the_matrix_squared(self) -> None:
        """The matrix of a step, squared 64 times, moves a state as the jump does."""
        square = [step_of(1 << column) for column in range(128)]
        for _ in range(64):
            square = [times(square, column) for column in square]
        state = stream(0x0123456789ABCDEF, 0xFEDCBA9876543210)
        assert joined(jump(state, ahead(2**64))) == times(square, joined(state))

    @pytest.mark.parametrize("steps", [0, 1, 127, 128, 1000])
    def test_jumps_are_steps(self, steps: int) -> None:
        state = stream(3, 5)
        _, after = words(state, steps)
        assert np.array_equal(jump(state, ahead(steps)), after)
        assert np.array_equal(jump(after, ahead(-steps)), state)

    def test_period(self) -> None:
        """The state comes back after the period, and after no largest proper divisor of it."""
        assert ahead(PERIOD) == 1
        primes = (3, 5, 17, 257, 641, 65537, 274177, 6700417, 67280421310721)
        assert np.prod([int(p) for p in primes], dtype=object) == PERIOD
        assert all(ahead(PERIOD // prime) != 1 for prime in primes)


def joined(state: Words) -> int:
    """A state as one number."""
    return int(state[0, 0]) | int(state[1, 0]) << 64


def step_of(number: int) -> int:
    """The state after one that is given as a number."""
    return joined(step(stream(number % 2**64, number >> 64)))


def times(matrix: list[int], vector: int) -> int:
    """The product of a matrix, given by its columns, and a vector over GF(2)."""
    total = 0
    for column, entry in enumerate(matrix):
        if vector >> column & 1:
            total ^= entry
    return total


class TestMyHdl(UniformSuite, MyHdlTests):
    pass


class TestVerilog(UniformSuite, VerilogTests):
    pass
