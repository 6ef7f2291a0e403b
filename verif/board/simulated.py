"""A network on a board that does not exist: the whole system in Verilator, its serial line a pseudo-terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from sigmabit.fpga.board import Board, Clock, top, top_name
from sigmabit.fpga.programs import start
from sigmabit.hdl.link.link import System, SystemConfig
from sigmabit.hdl.verilog.convert import Design, Module, convert

from ..simulation.job import Progress, SimulationError
from ..simulation.verilator import compiled

HARNESS = Path(__file__).with_name("harness.cpp")

DIVISOR = 8
"""Cycles per bit of simulated lines: the fewest, since each costs time."""


def on_board(system: Design, on: Board, clock: Clock | None = None) -> Design:
    """A system's Verilog with a board's top, and with models of the vendor's primitives, to which frequencies mean nothing.

    clock: the one that is written in the top; without it the oscillator's.
    """
    texts = {on.primitives.stem: on.primitives.read_text(), **on.modules}
    name = top_name(system.top)
    texts[name] = top(system.top, on, clock or on.made_clock(on.oscillator_mhz), blink_bits=12)
    return Design(name, {**system.modules, **{stem: Module(stem, None, text, ()) for stem, text in texts.items()}})


def _header(name: str, on: Board | None) -> str:
    """How the harness reaches clock, reset and lamps of a top: a board's, or a system's own."""
    clock = {2: "top.clk_p = level; top.clk_n = !level", 1: "top.clk_in = level"}[len(on.clock)] if on else "top.aclk = level"
    port = on.reset_port if on else "aresetn"
    reset = f"top.{port} = {'' if port == 'reset' else '!'}pressed" if port else ""
    lamps = "top.lamps" if on and on.lamps else "0"
    lit = f"(~{lamps} & {(1 << len(on.lamps)) - 1})" if on and on.lamps_low else lamps
    return (
        f'#include "V{name}.h"\n#define SIM_TOP V{name}\n#define SIM_CLOCK(top, level) {clock}\n'
        f"#define SIM_RESET(top, pressed) {reset}\n#define SIM_LAMPS(top) {lit}\n"
    )


class SimulatedBoard:
    """A system that runs until it is closed. port: what to open, as one would a serial port; any rate will do."""

    def __init__(
        self,
        config: SystemConfig,
        on: Board | None = None,
        progress: Progress = lambda what, done, total: None,
        clock: Clock | None = None,
        optimise: int = 2,
    ) -> None:
        """on: the board whose top is simulated; without it the system alone. clock: what the top makes of the oscillator."""
        progress("converting", 0, 0)
        design = convert(System(config).outline())
        if on is not None:
            design = on_board(design, on, clock)
        progress("building", 0, 0)
        program = compiled(design, HARNESS, _header(design.top, on), (), optimise)
        self.name = design.top
        # the near end stays open here, or the far one would have nobody to talk to between two clients
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        command = [str(program), str(config.link.divisor)]
        self._process = start(command, stdin=self._far, stdout=self._far, stderr=subprocess.PIPE, cwd=program.parent / "verilog")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def span(self) -> int:
        """Cycles from the first start bit to the board, since it was last asked anything, to the last stop bit from it."""
        return self._ask()[0]

    def lamps(self) -> int:
        """Which lamps are lit, the first in the lowest bit."""
        return self._ask()[1]

    def _ask(self) -> tuple[int, int]:
        assert self._process.stderr is not None
        self._process.send_signal(signal.SIGUSR1)
        span, lamps = self._process.stderr.readline().split()
        return int(span), int(lamps)

    def wait(self) -> None:
        """Until the simulation ends, which it does not by itself. Raises SimulationError when it does."""
        _, message = self._process.communicate()
        raise SimulationError(f"{self.name}: {message.decode().strip() or f'ended with status {self._process.returncode}'}")

    def close(self) -> None:
        """Switch it off."""
        self._process.terminate()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        os.close(self._far)
        os.close(self._near)
