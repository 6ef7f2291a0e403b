"""Keeps the datagrams that hold a whole message, word by word, until they are read; drops and counts all others."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq, intbv

from sigmabit.golden.link.crc import RESIDUE
from sigmabit.golden.link.datagram import CRC_WORDS, HEADER_WORDS, LARGEST, WORD

from ..family import Billed, Cost, Family
from ..verilog.fabric import bank, tally
from ..verilog.module import leaf
from ..verilog.stream import Flow, bit, wire
from .crc import CrcConfig, crc

LEAST_WORDS = HEADER_WORDS + CRC_WORDS
ADDRESS_BITS = 48
"""Of who sent a datagram: an IPv4 address, and above it a UDP port."""


class Received:
    """A datagram's words as they come, the first byte lowest, at least one cycle between two datagrams.

    last: of it; length: its bytes, those behind them left out; sender: see ADDRESS_BITS. Nothing waits: what has no room is
    dropped.
    """

    def __init__(self) -> None:
        self.data, self.valid, self.last = wire(32), bit(), bit()
        self.length, self.sender = wire(16), wire(ADDRESS_BITS)


class Letters:
    """The oldest message: its words, one at a time, and its sender.

    While waiting is high, word is the next; take goes on to the one behind it. done: the message was read as a whole, in the
    cycle of the last take or later; the next one's words wait two cycles later.
    """

    def __init__(self) -> None:
        self.word, self.waiting, self.take = wire(32), bit(), bit()
        self.sender, self.done = wire(ADDRESS_BITS), bit()


@dataclass(frozen=True)
class DatagramReceiverConfig(Billed):
    """depth: words of the memory. messages: that it keeps the senders of. Both are powers of two, and one place stays free."""

    depth: int
    messages: int

    def __post_init__(self) -> None:
        for name, least in (("depth", 2 * LARGEST // WORD), ("messages", 4)):
            value = getattr(self, name)
            if value < least or value & (value - 1):
                raise ValueError(f"{name}={value} is no power of two of at least {least}")

    @property
    def module(self) -> str:
        return "datagram_receiver"

    def bill(self, family: Family) -> Cost:
        """The memories, the CRC, and what counts and compares."""
        memories = family.block_ram(32, self.depth) + family.distributed_ram(ADDRESS_BITS, self.messages)
        return memories + CrcConfig(4).bill(family) + family.logic(150) + family.registers(220)

    @property
    def latency(self) -> int:
        """Cycles from a message's last word to its first word at the exit of the empty memory."""
        return 4


@leaf
def datagram_receiver(clk, rst, received, letters, refused, config):
    """letters gives the whole messages among the datagrams received; refused counts those that are none, or found no room."""
    pointer, places = config.depth.bit_length() - 1, config.messages.bit_length() - 1
    less_crc = config.depth - CRC_WORDS
    # a word on its way to the memory
    word, arrived, ends, size, whose = wire(32), bit(), bit(), wire(16), wire(ADDRESS_BITS)
    count, wanted = wire(9), wire(14)
    counted, storing = bit(), bit()
    checked, check, clear = Flow(32), wire(32), bit()
    # the verdict on a datagram
    judging, announced, due, over, odd, held = bit(), wire(15), wire(14), bit(), bit(), wire(ADDRESS_BITS)
    total, good, bad, lost = wire(16), bit(), bit(), bit()
    # the memories
    tail, after_tail, commit, oldest, following = (wire(pointer) for _ in range(5))
    newest, after_newest, eldest, next_eldest = (wire(places) for _ in range(4))

    @always(clk.posedge)
    def enter():
        word.next = received.data
        ends.next = received.last
        size.next = received.length
        whose.next = received.sender

    @always_seq(clk.posedge, reset=rst)
    def notice():
        arrived.next = received.valid

    @always_comb
    def decide():
        wanted.next = size[16:2]
        counted.next = arrived and count < wanted and not judging
        clear.next = judging or (count == 0 and not arrived)

    @always_comb
    def feed_check():
        checked.data.next = word
        checked.valid.next = counted
        storing.next = counted and after_tail != oldest and not lost

    @always_seq(clk.posedge, reset=rst)
    def walk():
        judging.next = False
        if judging:
            count.next = 0
        if counted and count != 511:
            count.next = count + 1
        if arrived and ends:
            judging.next = True

    @always(clk.posedge)
    def measure():
        padded = intbv(0)[17:]
        odd.next = size[2:] != 0
        over.next = size > LARGEST
        due.next = wanted
        held.next = whose
        if counted and count == 0:
            padded[:] = word[32:16] + 3
            announced.next = padded[17:2]

    @always_comb
    def add_up():
        total.next = announced + LEAST_WORDS

    @always_comb
    def judge():
        whole = not odd and not over and not lost and count == due and total == count
        good.next = judging and whole and check == RESIDUE and after_newest != eldest

    @always_comb
    def reject():
        bad.next = judging and not good

    @always_comb
    def look_ahead():
        next_tail = intbv(0)[pointer + 1 :]
        next_newest = intbv(0)[places + 1 :]
        next_tail[:] = tail + 1
        next_newest[:] = newest + 1
        after_tail.next = next_tail[pointer:]
        after_newest.next = next_newest[places:]

    @always_seq(clk.posedge, reset=rst)
    def account():
        whole = intbv(0)[pointer + 1 :]
        if storing:
            tail.next = after_tail
        elif counted:
            lost.next = True
        elif judging:
            lost.next = False
            if good:
                # the CRC at the end has served: a power of two more, less the carry, is that many less
                whole[:] = tail + less_crc
                tail.next = whole[pointer:]
                commit.next = whole[pointer:]
                newest.next = after_newest
            else:
                tail.next = commit

    @always_comb
    def ahead():
        further = intbv(0)[pointer + 1 :]
        later = intbv(0)[places + 1 :]
        following.next = oldest
        next_eldest.next = eldest
        if letters.take:
            further[:] = oldest + 1
            following.next = further[pointer:]
        if letters.done:
            later[:] = eldest + 1
            next_eldest.next = later[places:]

    @always_seq(clk.posedge, reset=rst)
    def present():
        oldest.next = following
        eldest.next = next_eldest
        letters.waiting.next = following != commit

    return (
        (enter, notice, decide, feed_check, walk, measure, add_up, judge, reject, look_ahead, account, ahead, present),
        crc(clk, clear, checked, check, CrcConfig(4)),
        bank(clk, storing, tail, word, following, letters.word),
        bank(clk, good, newest, held, next_eldest, letters.sender),
        tally(clk, rst, bad, refused),
    )
