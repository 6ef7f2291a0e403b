"""Driver, monitor and protocol checker of AXI4-Streams, and the cycle loop that joins them to a block under test.

The rules S1-S4 are those of hdl/verilog/stream.py. Every stream of every test goes through one `StreamBench`, which plays
beats, plays readiness, and raises ProtocolError by the rule's number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from .bench import Dut, Values


class ProtocolError(AssertionError):
    """A stream rule was broken; the message begins with its number."""


@dataclass(frozen=True)
class Beat:
    """One transfer's data and tlast."""

    data: int
    last: bool


@dataclass(frozen=True)
class Stalls:
    """In which cycles a source has nothing to give and a sink is not ready, as patterns that repeat; () is never."""

    idle: tuple[bool, ...] = ()
    backpressure: tuple[bool, ...] = ()

    def source_idles(self, cycle: int) -> bool:
        """Is the source idle in this cycle?"""
        return bool(self.idle) and self.idle[cycle % len(self.idle)]

    def sink_stalls(self, cycle: int) -> bool:
        """Is the sink not ready in this cycle?"""
        return bool(self.backpressure) and self.backpressure[cycle % len(self.backpressure)]


def stalls() -> st.SearchStrategy[Stalls]:
    """Idle and back-pressure, each none, cyclic or drawn; never for ever."""
    drawn = st.lists(st.booleans(), min_size=1, max_size=12).map(lambda bits: (*bits, False))
    cyclic = st.sampled_from([(True, False), (True, True, True, False), (False, False, True)])
    pattern = st.one_of(st.just(()), cyclic, drawn)
    return st.builds(Stalls, pattern, pattern)


@dataclass
class Recorded:
    """What a bench saw: transfers in and out with their cycles, and the block's other outputs in the last cycle."""

    entered: list[tuple[int, Beat]] = field(default_factory=list)
    left: list[tuple[int, Beat]] = field(default_factory=list)
    others: Values = field(default_factory=dict)


class StreamBench:
    """Plays beats into one stream of a block and takes them from another, and checks both.

    sink, source: the block's stream ports, such as s_axis; None where it has none. Other inputs are held at `fixed`.
    """

    def __init__(self, dut: Dut, sink: str | None = "s_axis", source: str | None = "m_axis", fixed: Values | None = None) -> None:
        self.dut, self.sink, self.source = dut, sink, source
        self.fixed = dict(fixed or {})
        self.waiting: list[Beat] = []
        self.offered = False
        self.held: tuple[int, int] | None = None
        self.seen = Recorded()

    def send(self, beats: Sequence[Beat]) -> None:
        """Queue beats."""
        self.waiting.extend(beats)

    def idle(self) -> Values:
        """Inputs with nothing offered and nothing taken."""
        inputs = dict(self.fixed)
        if self.sink:
            inputs |= {f"{self.sink}_tvalid": 0, f"{self.sink}_tdata": 0, f"{self.sink}_tlast": 0}
        if self.source:
            inputs |= {f"{self.source}_tready": 0}
        return inputs

    def cycle(self, patterns: Stalls, extra: Values | None = None) -> Values:
        """One clock cycle; returns the block's outputs in it."""
        now = self.dut.cycle
        inputs = {**self.idle(), **(extra or {})}
        if self.sink and self.waiting and (self.offered or not patterns.source_idles(now)):
            beat = self.waiting[0]
            inputs |= {f"{self.sink}_tvalid": 1, f"{self.sink}_tdata": beat.data, f"{self.sink}_tlast": int(beat.last)}
        if self.source:
            inputs[f"{self.source}_tready"] = int(not patterns.sink_stalls(now))
        # the same cycle with other inputs: what must depend on registers alone may not move
        before = self.dut.settle(self._opposite(inputs))
        outputs = self.dut.settle(inputs)
        self._check(before, outputs, inputs)
        self._record(now, inputs, outputs)
        self.dut.edge()
        return outputs

    def run(self, patterns: Stalls, results: int, quiet: int) -> Recorded:
        """Until all beats have entered and `results` have left, or nothing has moved for `quiet` cycles."""
        last_move, moved = self.dut.cycle, 0
        while self.waiting or len(self.seen.left) < results:
            self.cycle(patterns)
            now_moved = len(self.seen.entered) + len(self.seen.left)
            if now_moved != moved:
                last_move, moved = self.dut.cycle, now_moved
            if self.dut.cycle - last_move > quiet:
                break
        for _ in range(4):
            self.seen.others = self.cycle(Stalls())
        return self.seen

    def _opposite(self, inputs: Values) -> Values:
        other = dict(inputs)
        for port in (f"{self.sink}_tvalid", f"{self.sink}_tlast", f"{self.source}_tready"):
            if port in other:
                other[port] = 1 - other[port]
        if self.sink:
            other[f"{self.sink}_tdata"] = 0
        return other

    def _check(self, before: Values, outputs: Values, inputs: Values) -> None:
        if self.sink and before[f"{self.sink}_tready"] != outputs[f"{self.sink}_tready"]:
            raise ProtocolError(f"S4: {self.sink}_tready depends on inputs in cycle {self.dut.cycle}")
        if not self.source:
            return
        offer = ("tvalid", "tdata", "tlast") if outputs[f"{self.source}_tvalid"] else ("tvalid",)
        for name in offer:
            if before[f"{self.source}_{name}"] != outputs[f"{self.source}_{name}"]:
                raise ProtocolError(f"S3: {self.source}_{name} depends on inputs in cycle {self.dut.cycle}")
        now = outputs[f"{self.source}_tdata"], outputs[f"{self.source}_tlast"]
        if self.held is not None and (not outputs[f"{self.source}_tvalid"] or now != self.held):
            raise ProtocolError(f"S2: {self.source} changed before its transfer, in cycle {self.dut.cycle}")
        waits = outputs[f"{self.source}_tvalid"] and not inputs[f"{self.source}_tready"]
        self.held = now if waits else None

    def _record(self, now: int, inputs: Values, outputs: Values) -> None:
        if self.sink:
            offered = bool(inputs[f"{self.sink}_tvalid"])
            taken = offered and bool(outputs[f"{self.sink}_tready"])
            if taken:  # S1
                self.seen.entered.append((now, self.waiting.pop(0)))
            self.offered = offered and not taken
        if self.source and outputs[f"{self.source}_tvalid"] and inputs[f"{self.source}_tready"]:
            beat = Beat(outputs[f"{self.source}_tdata"], bool(outputs[f"{self.source}_tlast"]))
            self.seen.left.append((now, beat))


def play_flow(
    dut: Dut,
    sink: str,
    beats: Sequence[tuple[int, int]],
    until: int,
    idle: Values,
    watch: str,
    note: Callable[[Values], None] = lambda outputs: None,
) -> list[tuple[int, Values]]:
    """Play beats (cycle, data) into a flow; the cycles and outputs, up to cycle `until`, in which `watch` was high.

    Between beats the flow's data are garbage, the complement of the last beat's lowest bit. note sees every cycle's outputs.
    """
    pending = dict(beats)
    data, seen = 0, []
    while dut.cycle <= until:
        now = dut.cycle
        data = pending[now] if now in pending else data ^ 1
        outputs = dut.step({**idle, f"{sink}_valid": int(now in pending), f"{sink}_data": data})
        note(outputs)
        if outputs[watch]:
            seen.append((now, outputs))
    return seen
