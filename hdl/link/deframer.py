"""From bytes on the link to whole requests in a memory, and a mark for each frame that holds none."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, always_seq, concat, intbv

from sigmabit.golden.link.crc import RESIDUE
from sigmabit.golden.link.deframer import REFUSAL, Reason
from sigmabit.golden.link.framer import CRC_BYTES, HEADER_BYTES, LONGEST_RUN

from ..family import Billed, Cost, Family
from ..verilog.fabric import BANK_BITS, DEEP_CYCLES, deep_bank, tally
from ..verilog.module import leaf
from ..verilog.stream import Flow, bit, wire
from .crc import CrcConfig, crc

BROKEN, OVERSIZED, TRUNCATED, CRC, LENGTH = range(1, 6)

INTERVAL = DEEP_CYCLES + 1
"""Cycles per word at the exit."""

NO_ROOM_WORD = REFUSAL | Reason.NO_ROOM.value


@dataclass(frozen=True)
class DeframerConfig(Billed):
    """limit: bytes of the largest payload. depth: words of the memory, of which one stays free; a power of two."""

    limit: int
    depth: int

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 0xFFFF:
            raise ValueError(f"limit={self.limit} is not between 1 and 65535")
        if self.depth & (self.depth - 1) or self.depth <= self.largest:
            raise ValueError(f"depth={self.depth} is no power of two above the {self.largest} bytes of the largest frame")

    @property
    def largest(self) -> int:
        """Bytes of the largest frame: header, payload, CRC."""
        return HEADER_BYTES + self.limit + CRC_BYTES

    @property
    def module(self) -> str:
        return f"deframer_{self.limit}_{self.depth}"

    def bill(self, family: Family) -> Cost:
        """The CRC, counters and pointers."""
        banks = -(-self.depth >> BANK_BITS)
        kept = family.registers(240 + 9 * (banks + 1)) + family.multiplexer(banks) * 9
        return family.logic(280) + kept + family.block_ram(9, self.depth)

    @property
    def latency(self) -> int:
        """Cycles from a frame's last byte to its first word at the empty memory's exit."""
        return 3 + DEEP_CYCLES


@leaf
def deframer(clk, rst, sink, broken, head, waiting, take, refused, config):
    """head gives the whole requests among the frames in sink, word by word; refused counts the frames that are none.

    A request is its header (kind, sequence, length) and its payload. A frame that is no request, or found no room, leaves one
    word with bit 8 set, the reason in it. broken: a byte without its stop bit. While waiting is high, head is the oldest word;
    take goes on to the next, which can be seen INTERVAL cycles later.
    """
    depth, largest = config.depth, config.largest
    pointer = depth.bit_length() - 1
    less_crc = depth - CRC_BYTES
    # one frame being read
    left = wire(8)
    zero_due, started, damaged, over = bit(), bit(), bit(), bit()
    count = wire(largest.bit_length())
    length = wire(16)
    emitting, closing = bit(), bit()
    checked, check = Flow(8), wire(32)
    # a byte on its way to the memory, the verdict on a frame
    passed, arrived = wire(8), bit()
    done, fault, faulty = bit(), wire(4), bit()
    # the memory
    tail, commit, oldest, readable = (wire(pointer) for _ in range(4))
    after_tail, after_commit = (Signal(intbv(1)[pointer:]) for _ in range(2))
    lost, marked, marking, refusing, storing, idle = (bit() for _ in range(6))
    place, word, keeping, known, settled = wire(pointer), wire(9), bit(), bit(), bit()
    at, kept, writing = wire(pointer), wire(9), bit()

    @always_comb
    def decode():
        checked.data.next = sink.data if left != 0 else 0
        emitting.next = sink.valid and sink.data != 0 and (left != 0 or zero_due)
        closing.next = sink.valid and sink.data == 0

    @always_comb
    def feed_check():
        checked.valid.next = emitting
        idle.next = not started

    @always_seq(clk.posedge, reset=rst)
    def parse():
        if broken:
            damaged.next = True
            started.next = True
        elif closing:
            left.next = 0
            zero_due.next = False
            started.next = False
            damaged.next = False
            over.next = False
            count.next = 0
        elif sink.valid:
            started.next = True
            if left != 0:
                left.next = left - 1
            else:
                left.next = sink.data - 1
                zero_due.next = sink.data <= LONGEST_RUN
            if emitting:
                if count == largest:
                    over.next = True
                else:
                    count.next = count + 1

    @always(clk.posedge)
    def measure():
        if emitting and count == 2:
            length.next = concat(length[16:8], checked.data)
        if emitting and count == 3:
            length.next = concat(checked.data, length[8:])

    @always_seq(clk.posedge, reset=rst)
    def judge():
        expected = intbv(0)[17:]
        expected[:] = length + 8
        done.next = closing and started
        arrived.next = emitting and count != largest
        faulty.next = True
        if damaged:
            fault.next = BROKEN
        elif over:
            fault.next = OVERSIZED
        elif left != 0 or count < 8:
            fault.next = TRUNCATED
        elif check != RESIDUE:
            fault.next = CRC
        elif expected != count:
            fault.next = LENGTH
        else:
            fault.next = 0
            faulty.next = False

    @always(clk.posedge)
    def pass_byte():
        passed.next = checked.data

    @always_comb
    def decide():
        refusing.next = done and (faulty or lost)
        # a refusal behind one that nobody has read says nothing new
        marking.next = done and (faulty or lost) and after_commit != oldest and not (marked and oldest != commit)
        storing.next = arrived and after_tail != oldest

    @always_comb
    def choose():
        word.next = concat(done, passed)
        keeping.next = storing or marking
        place.next = tail
        if done:
            place.next = commit
            word.next = concat(True, intbv(0)[4:], fault)
            if not faulty:
                word.next = NO_ROOM_WORD

    @always_seq(clk.posedge, reset=rst)
    def write():
        writing.next = keeping
        readable.next = commit

    @always(clk.posedge)
    def pass_word():
        at.next = place
        kept.next = word

    @always_seq(clk.posedge, reset=rst)
    def account():
        # both numbers and those behind them are kept: what is compared is not added first
        whole = intbv(0)[pointer + 1 :]
        behind = intbv(0)[pointer + 1 :]
        if arrived:
            if storing:
                behind[:] = after_tail + 1
                tail.next = after_tail
                after_tail.next = behind[pointer:]
            else:
                lost.next = True
        elif done:
            lost.next = False
            if not refusing:
                # the CRC at the end has served: a power of two more, less the carry, is that many less
                whole[:] = tail + less_crc
                behind[:] = after_tail + less_crc
                tail.next = whole[pointer:]
                commit.next = whole[pointer:]
                after_tail.next = behind[pointer:]
                after_commit.next = behind[pointer:]
                marked.next = False
            elif marking:
                behind[:] = after_commit + 1
                tail.next = after_commit
                commit.next = after_commit
                after_tail.next = behind[pointer:]
                after_commit.next = behind[pointer:]
                marked.next = True
            else:
                tail.next = commit
                after_tail.next = after_commit

    @always_seq(clk.posedge, reset=rst)
    def present():
        further = intbv(0)[pointer + 1 :]
        known.next = oldest != readable and not take
        settled.next = known and not take
        waiting.next = settled and not take
        if take:
            further[:] = oldest + 1
            oldest.next = further[pointer:]

    counted = tally(clk, rst, refusing, refused)
    memory = deep_bank(clk, writing, at, kept, oldest, head, depth)
    checksum = crc(clk, idle, checked, check, CrcConfig())
    parts = decode, feed_check, parse, measure, judge, pass_byte, decide, choose, write, pass_word, account, present
    return counted, memory, checksum, parts
