"""Answers kept in a memory, and sent as frames as often as asked for."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, concat, intbv

from sigmabit.golden.link.framer import CRC_BYTES, HEADER_BYTES, LONGEST_RUN

from ..family import Billed, Cost, Family
from ..verilog.fabric import DEEP_CYCLES, deep_bank
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire


@dataclass(frozen=True)
class FramerConfig(Billed):
    """slots: answers that are kept. limit: bytes of the largest payload."""

    slots: int
    limit: int

    def __post_init__(self) -> None:
        if self.slots < 2:
            raise ValueError(f"slots={self.slots} is below 2")
        if not 1 <= self.limit <= 0xFFFF:
            raise ValueError(f"limit={self.limit} is not between 1 and 65535")

    @property
    def offset_bits(self) -> int:
        """Of a byte's place in its slot."""
        return index_bits(HEADER_BYTES + self.limit + CRC_BYTES)

    @property
    def slot_bits(self) -> int:
        """Of a slot's number."""
        return index_bits(self.slots)

    @property
    def address_bits(self) -> int:
        """Of a byte's address: the slot, and the place in it."""
        return self.slot_bits + self.offset_bits

    @property
    def module(self) -> str:
        return f"framer_{self.slots}x{self.limit}"

    def bill(self, family: Family) -> Cost:
        """A few counters."""
        return family.logic(90) + family.registers(60) + family.block_ram(8, self.slots << self.offset_bits)

    @property
    def latency(self) -> int:
        """Cycles from start to the first byte."""
        return 3 * DEEP_CYCLES + 3


IDLE, LOW, HIGH, OPEN, SCAN, CODE, COPY, CLOSE = range(8)


@leaf
def framer(clk, rst, write, write_address, write_data, start, slot, busy, source, config):
    """Keeps answers (header, payload, CRC) as they are written, and sends that of a slot, stuffed, between two zeros.

    start: send the answer of `slot`, now complete; only while busy is low. The answer's length is read from its header.
    """
    offset_bits = config.offset_bits
    longest_code = LONGEST_RUN + 1
    back_bits = max(offset_bits + 2, 9)
    state, sending = wire(3), wire(config.slot_bits)
    # where it reads, at last one beyond the answer; what it found there, once that is known
    place, found, moved, waits = wire(offset_bits + 1), wire(8), bit(), bit()
    settling = wire(DEEP_CYCLES - 1)
    stop = wire(offset_bits + 1)
    # bytes of a run, and one
    run = wire(8)
    gap, at_end, empty, longest, ready = bit(), bit(), bit(), bit(), bit()
    address = wire(config.address_bits)
    valid = bit()

    @always_comb
    def show():
        busy.next = state != IDLE
        address.next = concat(sending, place[offset_bits:])
        waits.next = moved or settling != 0
        shows = state == OPEN or state == CODE or state == CLOSE or (state == COPY and not empty)
        valid.next = shows and not moved and settling == 0

    @always(clk.posedge)
    def judge():
        # a cycle late: wherever `place` moves, and `run` with it, the word is waited for
        at_end.next = place == stop
        empty.next = run == 0
        longest.next = run == longest_code

    @always_comb
    def choose():
        source.tdata.next = 0
        if state == CODE:
            source.tdata.next = run
        elif state == COPY:
            source.tdata.next = found

    @always_comb
    def offer():
        source.tvalid.next = valid
        ready.next = valid and source.tready

    @always(clk.posedge)
    def send():
        total = intbv(0)[17:]
        back = intbv(0)[back_bits:]
        moved.next = False
        settling.next = concat(settling[DEEP_CYCLES - 2 :], moved)
        if state == IDLE:
            if start:
                sending.next = slot
                place.next = 2
                moved.next = True
                state.next = LOW
        elif waits:
            pass
        elif state == LOW:
            run.next = found
            place.next = 3
            moved.next = True
            state.next = HIGH
        elif state == HIGH:
            total[:] = concat(found, run)
            total[:] = total + 8
            stop.next = total[offset_bits + 1 :]
            place.next = 0
            moved.next = True
            run.next = 1
            state.next = OPEN
        elif state == OPEN:
            if ready:
                state.next = SCAN
        elif state == SCAN:
            if at_end or found == 0 or longest:
                gap.next = not at_end and not longest
                state.next = CODE
            else:
                run.next = run + 1
                place.next = place + 1
                moved.next = True
        elif state == CODE:
            if ready:
                # back to where the run begins, whose length is one less than its code
                back[:] = place + 1
                back[:] = back - run
                place.next = back[offset_bits + 1 :]
                run.next = run - 1
                moved.next = True
                state.next = COPY
        elif state == COPY:
            if ready:
                run.next = run - 1
                place.next = place + 1
                moved.next = True
            elif empty:
                # a zero behind the run is in the run's code
                run.next = 1
                state.next = SCAN
                if gap:
                    place.next = place + 1
                    moved.next = True
                elif at_end:
                    state.next = CLOSE
        elif ready:
            state.next = IDLE
        if rst:
            # what else is left over is overwritten, or waited for, before it is looked at
            state.next = IDLE

    memory = deep_bank(clk, write, write_address, write_data, address, found, config.slots << offset_bits)
    return memory, show, judge, choose, offer, send
