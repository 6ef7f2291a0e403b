"""The signals that join blocks.

A `Stream` is AXI4-Stream and stands at the two ends of a pipeline. Its rules are cited by number everywhere:

S1  a transfer happens when tvalid and tready are both high at the clock edge;
S2  once tvalid is high, tvalid, tdata and tlast hold until the transfer;
S3  tvalid never waits for tready;
S4  tready is a function of registers only.

Inside, nothing can be stopped (docs/pipeline/flow.md says why nothing needs to be): a `Flow` is a stream that is always ready.
"""

from __future__ import annotations

from myhdl import ResetSignal, Signal, intbv

COUNTER_BITS = 32
"""Of what a pipeline counts."""


def wire(bits: int) -> Signal:
    """A vector of `bits` bits, unsigned."""
    return Signal(intbv(0)[bits:])


def bit() -> Signal:
    """A single bit."""
    return Signal(bool(0))


def bits(count: int) -> Signal:
    """`count` bits that stand for themselves: a single bit, or a vector of them."""
    return bit() if count == 1 else wire(count)


def reset() -> ResetSignal:
    """A synchronous reset, active high."""
    return ResetSignal(0, active=1, isasync=False)


class Stream:
    """An AXI4-Stream of `bits` data bits."""

    def __init__(self, bits: int) -> None:
        self.tdata, self.tvalid, self.tready, self.tlast = wire(bits), bit(), bit(), bit()


class VectorStream:
    """An AXI4-Stream of `bits` data bits in which every transfer stands for itself: without tlast.

    of: a stream with one, which this is then, tlast left out.
    """

    def __init__(self, bits: int, of: Stream | None = None) -> None:
        self.tdata, self.tvalid, self.tready = (wire(bits), bit(), bit()) if of is None else (of.tdata, of.tvalid, of.tready)


class Flow:
    """Beats that are taken in the cycle in which they are valid."""

    def __init__(self, bits: int) -> None:
        self.data, self.valid = wire(bits), bit()


class Operand:
    """What an array of weights multiplies in one cycle: a chunk of a window, and where in the layer's fold it belongs.

    data, valid, first and last (chunk of an accumulation) and bias (which initial value the accumulation has) belong together.
    address, of the chunk's weights, comes ADDRESS_LEAD cycles earlier, so that a memory's answer meets the data. What a folding
    has no use for is None: first and last without chunks, address with constant weights, bias with one initial value.
    """

    def __init__(self, bits: int, address_bits: int, bias_bits: int, folded: bool) -> None:
        self.data, self.valid = wire(bits), bit()
        self.first = bit() if folded else None
        self.last = bit() if folded else None
        self.address = wire(address_bits) if address_bits else None
        self.bias = wire(bias_bits) if bias_bits else None


ADDRESS_LEAD = 2
"""Cycles by which an operand's weight address runs ahead of its data: the latency of `rom`."""


class FrameStatus:
    """One pulse per frame as its last beat enters: was it well formed?"""

    def __init__(self) -> None:
        self.done, self.good = bit(), bit()


class Counters:
    """What a pipeline has seen since reset, COUNTER_BITS bits each, wrapping.

    frames_in: frames that have entered, malformed ones included; frames_out: results delivered; malformed: frames with an early
    or missing tlast; dropped: results suppressed for that reason. At rest frames_in = frames_out + dropped.
    """

    def __init__(self) -> None:
        self.frames_in, self.frames_out, self.malformed, self.dropped = (wire(COUNTER_BITS) for _ in range(4))


def index_bits(count: int) -> int:
    """Bits of an index below `count`; at least 1."""
    return max(1, (count - 1).bit_length())
