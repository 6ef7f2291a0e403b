"""seeder: splitmix64's words, and lanes 2**64 steps apart."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import strategies as st

from sigmabit.golden.noise.seeder import lane_states, splitmix
from sigmabit.golden.noise.uniform import ahead
from sigmabit.hdl.arithmetic.delay import Copies
from sigmabit.hdl.noise.seeder import LANES, SeederConfig, seeder
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_uniform import PUBLISHED_JUMP, State, naive

SEEDS = st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)


def naive_seed(seed: int) -> State:
    """Two words of splitmix64, by the authors' program."""
    found = []
    for number in (1, 2):
        z = (seed + number * 0x9E3779B97F4A7C15) % 2**64
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        found.append(z ^ (z >> 31))
    return found[0], found[1]


def naive_jump(state: State) -> State:
    """The authors' jump(): 2**64 steps."""
    total = [0, 0]
    generator = naive(state)
    for power in range(128):
        if PUBLISHED_JUMP >> power & 1:
            total = [total[0] ^ state[0], total[1] ^ state[1]]
        _, state = next(generator)
    return total[0], total[1]


class SeederSuite(BlockSuite):
    """A seed; what is loaded goes into a chain of generators that stands here for the lanes."""

    samples = (SeederConfig(1), SeederConfig(2), SeederConfig(5), SeederConfig(LANES + 1))
    examples = 3
    interrupted = (4, 1500)
    flags = ("loads_copy_0",)

    def configs(self) -> st.SearchStrategy[SeederConfig]:
        return st.builds(SeederConfig, st.integers(1, 5))

    def stimuli(self, config: SeederConfig) -> st.SearchStrategy[int]:
        return SEEDS

    def expected(self, config: SeederConfig, stimulus: int) -> list[State]:
        states = [naive_seed(stimulus)]
        while len(states) < config.lanes:
            states.append(naive_jump(states[-1]))
        return states

    def golden(self, config: SeederConfig, stimulus: int) -> list[State]:
        return [(int(first), int(second)) for first, second in lane_states(stimulus, config.lanes).T]

    def elaborate(self, config: SeederConfig) -> Any:
        many = config.lanes > 1
        state = (wire(64), wire(64), bit()) if many else (None, None, None)
        return seeder(bit(), reset(), wire(64), *state, Copies(config.copies), wire(64), bit() if many else None, bit(), config)

    def play(self, dut: Dut, config: SeederConfig, stimulus: int) -> list[State]:
        many = config.lanes > 1
        chain: list[State] = [(0, 0)] * config.lanes
        dut.reset({"seed": stimulus, **({"first": 0, "second": 0, "step": 0} if many else {})})
        inputs: dict[str, int] = {"seed": 0}  # read by now
        while True:
            if many:
                inputs |= {"first": chain[0][0], "second": chain[0][1]}
            seen = dut.step(inputs)
            if seen["seeded"]:
                break
            loads = {seen[name] for name in (f"loads_copy_{number}" for number in range(config.copies))}
            assert len(loads) == 1
            if loads == {1}:
                incoming = [seen["source"], *(first for first, _ in chain)]
                chain = [(second, word) for (_, second), word in zip(chain, incoming, strict=False)]
            elif many and seen["step_first"]:
                chain[0] = next(naive(chain[0]))[1]
        assert dut.cycle == config.latency + 1
        if many:
            assert dut.step({"step": 1})["step_first"] == 1
            assert dut.step({"step": 0})["step_first"] == 0
        return chain


class TestGolden(SeederSuite, GoldenTests):
    def test_splitmix(self) -> None:
        """The words of the seed 1234567 that are published with the author's program."""
        published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
        assert list(islice(splitmix(1234567), 5)) == published

    def test_lanes_are_apart(self) -> None:
        """Lane i begins where lane 0 is after i * 2**64 steps; a lane does not depend on how many there are."""
        states = lane_states(7, 4)
        assert ahead(3 << 64) != ahead(2 << 64)
        assert (lane_states(7, 2) == states[:, :2]).all()

    @pytest.mark.parametrize("seed", [-1, 2**64])
    def test_seeds_of_more_bits(self, seed: int) -> None:
        with pytest.raises(ValueError, match="is not a number of 64 bits"):
            lane_states(seed, 1)


class TestMyHdl(SeederSuite, MyHdlTests):
    pass


class TestVerilog(SeederSuite, VerilogTests):
    pass
