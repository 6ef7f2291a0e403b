"""delay: values a number of cycles late; cleared by reset where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st

from sigmabit.golden.arithmetic.delay import copies
from sigmabit.golden.arithmetic.delay import delay as golden_delay
from sigmabit.hdl.arithmetic.delay import DelayConfig, delay
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


class DelaySuite(BlockSuite):
    """A value in every cycle."""

    samples: ClassVar[Sequence[DelayConfig]] = (
        DelayConfig(1, 1, reset=False),
        DelayConfig(1, 5, reset=True),
        DelayConfig(7, 3, reset=False),
        DelayConfig(3, 2, reset=True),
        DelayConfig(1, 1, reset=True, copies=3),
        DelayConfig(1, 4, reset=False, copies=2),
    )
    resets, interrupted = 4, (2, 12)

    def configs(self) -> st.SearchStrategy[DelayConfig]:
        words = st.builds(DelayConfig, st.integers(1, 6), st.integers(1, 6), st.booleans())
        return words | st.builds(DelayConfig, st.just(1), st.integers(1, 6), st.booleans(), st.integers(2, 5))

    def stimuli(self, config: DelayConfig) -> st.SearchStrategy[list[int]]:
        return st.lists(st.integers(0, (1 << config.bits) - 1), min_size=1, max_size=12)

    def expected(self, config: DelayConfig, stimulus: list[int]) -> list[int]:
        every = (1 << config.copies) - 1 if config.copies > 1 else 1
        return [every * stimulus[i - config.cycles] for i in range(config.cycles, len(stimulus))]

    def golden(self, config: DelayConfig, stimulus: list[int]) -> list[int]:
        return [copies(value, config.copies) for value in golden_delay(stimulus, config.cycles)]

    def elaborate(self, config: DelayConfig) -> Any:
        source, delayed = (bit() if width == 1 else wire(width) for width in (config.bits, config.width))
        return delay(bit(), reset() if config.reset else None, source, delayed, config)

    def play(self, dut: Dut, config: DelayConfig, stimulus: list[int]) -> list[int]:
        top = (1 << config.bits) - 1
        if config.reset:
            dut.reset({"source": top}, cycles=1)
        seen = [dut.step({"source": value})["delayed"] for value in stimulus]
        if config.reset:
            assert not any(seen[: config.cycles])
        return seen[config.cycles :]


class TestGolden(DelaySuite, GoldenTests):
    pass


class TestMyHdl(DelaySuite, MyHdlTests):
    pass


class TestVerilog(DelaySuite, VerilogTests):
    pass
