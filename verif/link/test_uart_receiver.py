"""uart_receiver: bytes at the cycle foretold, at clocks that are off, through glitches, and past missing stop bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from myhdl import Signal

from sigmabit.golden.link.uart_receiver import SYNCHRONISER, receive
from sigmabit.hdl.link.uart_receiver import UartReceiverConfig, uart_receiver
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Sent:
    """A byte on the line: how many cycles the line is high before it, whether its stop bit is missing, for how many cycles a
    glitch pulls the line down before it, if it does, and whether the stop bit is the opposite until it is looked at.
    """

    byte: int
    pause: int
    broken: bool
    glitch: int
    late: bool


@dataclass(frozen=True)
class Line:
    """Bytes, and by how many thousandths the sender's bits are longer than they should be. early: the first start bit begins in
    reset, which keeps nothing from being seen but when it began.
    """

    sent: tuple[Sent, ...]
    slow: int
    early: bool

    def levels(self, divisor: int) -> tuple[list[int], list[int]]:
        """The line in each cycle from two before the end of reset on, and the cycles in which start bits begin."""
        length = divisor * (1000 + self.slow) / 1000
        levels, starts = [] if self.early else [1] * 4, []
        for sent in self.sent:
            if levels:
                if sent.glitch:
                    levels += [0] * sent.glitch + [1] * divisor
                levels += [1] * sent.pause
            starts.append(len(levels))
            bits = [0, *(sent.byte >> position & 1 for position in range(8)), int(not sent.broken)]
            for cycle in range(round(10 * length)):
                number = min(int(cycle / length), 9)
                early = sent.late and number == 9 and cycle < 9 * divisor + divisor // 2
                levels.append(bits[number] ^ early)
            if sent.broken:
                levels += [0] * sent.pause + [1] * divisor  # low for as long as it likes
        return levels + [1] * (divisor + 4), starts


class UartReceiverSuite(BlockSuite):
    """All that may happen on a line."""

    samples = (UartReceiverConfig(8), UartReceiverConfig(9), UartReceiverConfig(16), UartReceiverConfig(217))
    examples = 8
    resets = 4
    flags = ("source_valid", "broken")

    def configs(self) -> st.SearchStrategy[UartReceiverConfig]:
        return st.builds(UartReceiverConfig, st.integers(8, 20))

    def stimuli(self, config: UartReceiverConfig) -> st.SearchStrategy[Line]:
        glitch = st.one_of(st.just(0), st.integers(0, config.divisor // 2))
        sent = st.builds(
            Sent, st.integers(0, 255), st.integers(0, 40), st.sampled_from([False, False, True]), glitch, st.booleans()
        )
        # the last bit is sampled 9.5 bits after the start: 2 % is a fifth of a bit there, and an edge may be a cycle late besides
        slow = st.integers(-20, 20)
        most = 6 if config.divisor < 100 else 2  # a byte takes ten times the divisor
        return st.builds(Line, st.lists(sent, min_size=1, max_size=most).map(tuple), slow, st.booleans())

    def expected(self, config: UartReceiverConfig, stimulus: Line) -> list[tuple[int, int | None]]:
        _, starts = stimulus.levels(config.divisor)
        found = [None if sent.broken else sent.byte for sent in stimulus.sent]
        return [(start - SYNCHRONISER + config.latency, byte) for start, byte in zip(starts, found, strict=True)]

    def golden(self, config: UartReceiverConfig, stimulus: Line) -> list[tuple[int, int | None]]:
        return [(cycle - SYNCHRONISER, byte) for cycle, byte in receive(stimulus.levels(config.divisor)[0], config.divisor)]

    def elaborate(self, config: UartReceiverConfig) -> Any:
        return uart_receiver(bit(), reset(), Signal(bool(1)), Flow(8), bit(), config)

    def play(self, dut: Dut, config: UartReceiverConfig, stimulus: Line) -> list[tuple[int, int | None]]:
        levels, _ = stimulus.levels(config.divisor)
        dut.reset({"rx": levels[0]})
        seen: list[tuple[int, int | None]] = []
        for level in levels[SYNCHRONISER:]:
            now, outputs = dut.cycle, dut.step({"rx": level})
            assert not (outputs["source_valid"] and outputs["broken"])
            if outputs["source_valid"]:
                seen.append((now, outputs["source_data"]))
            if outputs["broken"]:
                seen.append((now, None))
        return seen


class TestGolden(UartReceiverSuite, GoldenTests):
    pass


class TestMyHdl(UartReceiverSuite, MyHdlTests):
    pass


class TestVerilog(UartReceiverSuite, VerilogTests):
    pass
