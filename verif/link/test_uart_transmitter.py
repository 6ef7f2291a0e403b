"""uart_transmitter: the line cycle by cycle; bytes that follow each other leave no gap."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from myhdl import Signal

from sigmabit.golden.link.uart_transmitter import transmit
from sigmabit.hdl.link.uart_transmitter import UartTransmitterConfig, uart_transmitter
from sigmabit.hdl.verilog.stream import VectorStream, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests

Stimulus = list[tuple[int, int]]


class UartTransmitterSuite(BlockSuite):
    """Bytes, each offered some cycles after the one before was taken."""

    samples = (UartTransmitterConfig(8), UartTransmitterConfig(9), UartTransmitterConfig(31))
    examples = 8

    def configs(self) -> st.SearchStrategy[UartTransmitterConfig]:
        return st.builds(UartTransmitterConfig, st.integers(8, 20))

    def stimuli(self, config: UartTransmitterConfig) -> st.SearchStrategy[Stimulus]:
        pause = st.one_of(st.just(0), st.integers(0, 12 * config.divisor))
        return st.lists(st.tuples(st.integers(0, 255), pause), min_size=1, max_size=6)

    def expected(self, config: UartTransmitterConfig, stimulus: Stimulus) -> list[int]:
        """The levels of all bytes, and a one: the line between bytes was high."""
        levels = []
        for byte, _ in stimulus:
            for bit_number in range(10):
                one = bit_number == 9 or (bit_number > 0 and byte & (1 << (bit_number - 1)))
                levels += [int(bool(one))] * config.divisor
        return [*levels, 1]

    def golden(self, config: UartTransmitterConfig, stimulus: Stimulus) -> list[int]:
        return [*transmit([byte for byte, _ in stimulus], config.divisor), 1]

    def elaborate(self, config: UartTransmitterConfig) -> Any:
        return uart_transmitter(bit(), reset(), VectorStream(8), Signal(bool(1)), config)

    def play(self, dut: Dut, config: UartTransmitterConfig, stimulus: Stimulus) -> list[int]:
        idle = dut.reset({"sink_tvalid": 0, "sink_tdata": 0})
        assert idle["tx"] == idle["sink_tready"] == 1
        levels: list[int] = []
        quiet, begun = 1, -1
        left, pause = list(stimulus), stimulus[0][1]
        while left or dut.cycle <= begun + config.interval + 3:
            now = dut.cycle
            offer = bool(left) and pause == 0
            outputs = dut.step({"sink_tvalid": int(offer), "sink_tdata": left[0][0] if offer else 0x5A})
            if begun >= 0 and begun + config.latency <= now < begun + config.latency + config.interval:
                levels.append(outputs["tx"])
            else:
                quiet &= outputs["tx"]
            pause = max(pause - 1, 0)
            assert outputs["sink_tready"] == (begun < 0 or now >= begun + config.interval)
            if offer and outputs["sink_tready"]:
                begun = now
                left.pop(0)
                pause = config.interval + left[0][1] - 1 if left and left[0][1] else 0
        return [*levels, quiet]


class TestGolden(UartTransmitterSuite, GoldenTests):
    pass


class TestMyHdl(UartTransmitterSuite, MyHdlTests):
    pass


class TestVerilog(UartTransmitterSuite, VerilogTests):
    pass
