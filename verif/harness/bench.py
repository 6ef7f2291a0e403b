"""Blocks under test, cycle by cycle, in MyHDL's simulator or in a Verilog simulator, behind one interface.

Test code is ordinary synchronous Python in both cases. Ports have their Verilog names (sink_data for sink.data); single bits and
vectors alike are plain integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from myhdl import Simulation, delay

from sigmabit.hdl.verilog.convert import port_signals
from sigmabit.hdl.verilog.module import forget_elaborations
from sigmabit.hdl.verilog.quick import quick_elaboration

Values = Mapping[str, int]

CLOCK_NAMES = ("clk", "aclk")
RESET_LEVELS = {"rst": 1, "aresetn": 0}
"""Reset ports, and the level at which they reset."""


class Interrupted(BaseException):
    """Whoever plays into a block has been stopped in the middle of it. No error, so that nothing takes it for one."""


class Dut(ABC):
    """A block under test. One clock cycle is settle(inputs), in which outputs are seen, and edge().

    left: after how many further cycles an edge is to raise Interrupted; None for never. edges: that there have been; whoever
    counts them sets it to 0. watched: an output whose steps, by their number of edges before, are noted in `high`. reset_cycles:
    what a reset lasts of which nothing else is said.
    """

    cycle = 0
    reset_cycles = 3
    left: int | None = None
    edges = 0
    watched: str | None = None
    high: list[int]

    @abstractmethod
    def settle(self, inputs: Values) -> Values:
        """Apply inputs before the clock edge, let logic settle, and return all outputs."""

    @abstractmethod
    def rise(self) -> None:
        """The clock's rising edge."""

    def edge(self) -> None:
        """Let the clock rise."""
        self.rise()
        self.cycle += 1
        self.edges += 1
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.left = None
                raise Interrupted

    def step(self, inputs: Values) -> Values:
        """One cycle: the outputs that go with `inputs`, before the edge."""
        outputs = self.settle(inputs)
        if self.watched is not None and outputs[self.watched] == 1:
            self.high.append(self.edges)
        self.edge()
        return outputs

    def reset(self, idle: Values, cycles: int | None = None) -> Values:
        """Hold reset for some cycles, with the inputs idle; cycles are counted from its end. Returns its last outputs."""
        outputs: Values = {}
        for asserted in (True, False):
            levels = {name: level if asserted else 1 - level for name, level in self.reset_ports.items()}
            if asserted:
                for _ in range(cycles or self.reset_cycles):
                    outputs = self.step({**idle, **levels})
            else:
                self.settle(levels)
        self.cycle = 0
        return outputs

    @property
    @abstractmethod
    def ports(self) -> Collection[str]:
        """Names of the block's ports, of both directions."""

    @property
    def reset_ports(self) -> dict[str, int]:
        """The block's reset ports, and the level at which each resets."""
        return {name: level for name, level in RESET_LEVELS.items() if name in self.ports}


class MyHdlDut(Dut):
    """A block in MyHDL's simulator."""

    def __init__(self, elaborate: Callable[[], Any]) -> None:
        """elaborate: makes the block with fresh signals."""
        with quick_elaboration():
            instance = elaborate()
        self.signals = dict(port_signals(instance))
        self.clock = next((self.signals[name] for name in CLOCK_NAMES if name in self.signals), None)
        self.simulation = Simulation(instance, self._keep_going())
        self.cycle = 0

    @staticmethod
    def _keep_going() -> Iterator[Any]:
        while True:  # a simulation in which nothing waits would end, and reset all signals
            yield delay(1)

    @property
    def ports(self) -> Collection[str]:
        return self.signals

    def settle(self, inputs: Values) -> Values:
        for name, value in inputs.items():
            self._drive(self.signals[name], value)
        if self.clock is not None:
            self.clock.next = False
        self.simulation.run(1, quiet=1)
        return {name: int(signal) for name, signal in self.signals.items()}

    def rise(self) -> None:
        if self.clock is not None:
            self.clock.next = True
        self.simulation.run(1, quiet=1)

    def close(self) -> None:
        """Free MyHDL's one simulator for the next test."""
        self.simulation.quit()
        forget_elaborations()

    @staticmethod
    def _drive(signal: Any, value: int) -> None:
        signal.next = bool(value) if isinstance(signal.val, bool) else value


class VerilogDut(Dut):
    """A Verilog module under cocotb.

    call: lets the simulator go on, which is what takes time: (whether the clock rises first, inputs) to the outputs.
    """

    def __init__(self, call: Callable[[bool, Values], Values], ports: list[str]) -> None:
        self.call, self._ports = call, ports
        self.rises = False
        self.driven: dict[str, int] = {}
        self.cycle = 0

    @property
    def ports(self) -> Collection[str]:
        return self._ports

    def settle(self, inputs: Values) -> Values:
        rises, self.rises = self.rises, False
        changed = {name: value for name, value in inputs.items() if self.driven.get(name) != value}
        self.driven.update(changed)
        return self.call(rises, changed)

    def rise(self) -> None:
        if self.rises:
            self.settle({})
        self.rises = True  # nobody looks before the next inputs
