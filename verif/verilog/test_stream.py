"""stream: the checker that every stream of every test goes through sees what is wrong, and passes what is right."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest

from ..harness.bench import Dut, Values
from ..harness.stream import Beat, ProtocolError, Stalls, StreamBench

PATTERNS = (
    Stalls(),
    Stalls(idle=(True, False)),
    Stalls(backpressure=(True, True, False)),
    Stalls(idle=(False, True, True), backpressure=(True, False)),
)
BEATS = tuple(Beat(data, data % 3 == 2) for data in range(9))


@dataclass
class State:
    """A register slice: a beat that waits for the reader, and the cycles since reset."""

    beat: Beat | None = None
    age: int = 0


class Slice(Dut):
    """A register between two streams, correct unless `fault` changes its outputs, of which it sees inputs and state."""

    def __init__(self, fault: Callable[[Values, Values, State], Values] = lambda outputs, inputs, state: {}) -> None:
        self.fault, self.state = fault, State()
        self.inputs: Values = {}

    @property
    def ports(self) -> Collection[str]:
        return "rst", *(f"{stream}_{name}" for stream in ("s_axis", "m_axis") for name in ("tready", "tvalid", "tdata", "tlast"))

    def settle(self, inputs: Values) -> Values:
        self.inputs = {**self.inputs, **inputs}
        beat = self.state.beat or Beat(0, False)
        outputs: Values = {
            "s_axis_tready": int(self.state.beat is None),
            "m_axis_tvalid": int(self.state.beat is not None),
            "m_axis_tdata": beat.data,
            "m_axis_tlast": int(beat.last),
        }
        self.outputs = {**outputs, **self.fault(outputs, self.inputs, self.state)}
        return self.outputs

    def rise(self) -> None:
        self.state.age += 1
        if self.inputs.get("rst"):
            self.state = State()
        elif self.outputs["s_axis_tready"] and self.inputs["s_axis_tvalid"]:
            self.state.beat = Beat(self.inputs["s_axis_tdata"], bool(self.inputs["s_axis_tlast"]))
        elif self.outputs["m_axis_tvalid"] and self.inputs["m_axis_tready"]:
            self.state.beat = None


def played(dut: Dut, patterns: Stalls) -> StreamBench:
    """A bench that has sent all beats through."""
    bench = StreamBench(dut)
    dut.reset(bench.idle())
    bench.send(BEATS)
    bench.run(patterns, len(BEATS), quiet=50)
    return bench


@pytest.mark.parametrize("patterns", PATTERNS)
def test_correct_streams_pass(patterns: Stalls) -> None:
    """Each beat is seen once on either side, in order, a cycle apart or more."""
    seen = played(Slice(), patterns).seen
    assert tuple(beat for _, beat in seen.entered) == BEATS
    assert tuple(beat for _, beat in seen.left) == BEATS
    assert all(left > entered for (entered, _), (left, _) in zip(seen.entered, seen.left, strict=True))


FAULTS: dict[str, Callable[[Values, Values, State], Values]] = {
    "S2 valid falls": lambda outputs, inputs, state: {"m_axis_tvalid": outputs["m_axis_tvalid"] and state.age % 5 != 0},
    "S2 data change": lambda outputs, inputs, state: {"m_axis_tdata": state.age},
    "S2 last changes": lambda outputs, inputs, state: {"m_axis_tlast": state.age % 2},
    "S3 valid waits for ready": lambda outputs, inputs, state: {
        "m_axis_tvalid": outputs["m_axis_tvalid"] and inputs["m_axis_tready"]
    },
    "S3 data depend on ready": lambda outputs, inputs, state: {"m_axis_tdata": inputs["m_axis_tready"]},
    "S4 ready waits for valid": lambda outputs, inputs, state: {
        "s_axis_tready": outputs["s_axis_tready"] and inputs["s_axis_tvalid"]
    },
    "S4 ready depends on data": lambda outputs, inputs, state: {"s_axis_tready": int(inputs["s_axis_tdata"] == 0)},
    "S4 ready depends on the reader": lambda outputs, inputs, state: {
        "s_axis_tready": outputs["s_axis_tready"] or inputs["m_axis_tready"]
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_named(fault: str) -> None:
    """A slice with one fault is refused, and the message begins with the rule that it breaks."""
    with pytest.raises(ProtocolError, match=f"^{fault[:2]}: "):
        played(Slice(FAULTS[fault]), Stalls(backpressure=(True, True, True, False)))
