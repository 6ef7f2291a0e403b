"""Collects the results of each request's frames, keeps the answers, and sends them as datagrams, again where asked again."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq, block, concat, intbv

from sigmabit.golden.link.controller import ANSWER
from sigmabit.golden.link.datagram import CRC_WORDS, HEADER_WORDS, WORD
from sigmabit.golden.link.session import Exchange

from ..family import Billed, Cost, Family
from ..verilog.fabric import bank, pass_on, pick
from ..verilog.module import leaf
from ..verilog.stream import Flow, bit, index_bits, wire
from .crc import CrcConfig, crc
from .datagram_receiver import ADDRESS_BITS

KIND_BITS, COUNT_BITS, PLACE_BITS = 3, 8, 9


class Orders:
    """What the controller tells. push: of a request in its turn, `count` frames end in it; its answer is to be kept in the slot
    that its sequence number ends with. again: that slot's answer is asked for again. restart: all answers are forgotten. holder:
    who gets the answers, of which session. idle: no results are waited for. full: no more requests may be pushed.
    """

    def __init__(self) -> None:
        self.push, self.again, self.restart, self.idle, self.full = bit(), bit(), bit(), bit(), bit()
        self.kind, self.sequence, self.count = wire(KIND_BITS), wire(16), wire(COUNT_BITS)
        self.session, self.holder = wire(16), wire(ADDRESS_BITS)


class Reply:
    """An answer that is kept by nobody. start: send it, while busy is low; size: words of its payload, of which word number
    `index` is `word`; all but these stay until busy is low again.
    """

    def __init__(self) -> None:
        self.start, self.busy, self.size, self.length = bit(), bit(), wire(4), wire(8)
        self.kind, self.sequence, self.session, self.to = wire(8), wire(16), wire(16), wire(ADDRESS_BITS)
        self.index, self.word = wire(4), wire(32)


class Sent:
    """Datagrams on their way out, word by word: rules S1 to S3 of a stream hold for all but length and to, which hold for all of
    a datagram. length: its bytes. to: see ADDRESS_BITS.
    """

    def __init__(self) -> None:
        self.data, self.valid, self.ready, self.last = wire(32), bit(), bit(), bit()
        self.length, self.to = wire(16), wire(ADDRESS_BITS)


@dataclass(frozen=True)
class AnswererConfig(Billed):
    """exchange: what requests and answers hold. result_bytes: of a transfer at the network's output."""

    exchange: Exchange
    result_bytes: int

    def __post_init__(self) -> None:
        if self.exchange.result_bytes % self.result_bytes:
            raise ValueError(
                f"result_bytes={self.exchange.result_bytes} is no multiple of the {self.result_bytes} bytes of a transfer"
            )

    @property
    def module(self) -> str:
        return "answerer"

    @property
    def place_bits(self) -> int:
        """Of a word's place in a slot."""
        return index_bits(self.exchange.frames * self.exchange.result_words)

    @property
    def unit(self) -> int:
        """Bytes of results that are taken in a cycle."""
        return WORD if self.result_bytes % WORD == 0 else 1

    def bill(self, family: Family) -> Cost:
        """The answers, the choice of what is taken of a transfer, the CRC, and what counts."""
        window = self.exchange.window
        memory = family.block_ram(32, window << self.place_bits)
        choice = family.multiplexer(self.result_bytes // self.unit) * (8 * self.unit)
        orders = family.distributed_ram(16 + KIND_BITS + COUNT_BITS, window) + family.distributed_ram(28, window)
        return memory + choice + orders + CrcConfig(4).bill(family) + family.logic(330) + family.registers(330)


@block
def gather_words(clk, rst, unit, keep, over, number, word, whole, last_transfer):
    """Whole words of units of a byte: a word is whole with its fourth, or with the last of a frame, filled up with zeros.

    over: the unit is the last of its transfer, the number of which is that in its frame.
    """
    held, place = wire(24), wire(2)

    @always_comb
    def show():
        whole.next = keep and (place == 3 or (over and number == last_transfer))
        word.next = concat(intbv(0)[24:], unit)
        if place == 1:
            word.next = concat(intbv(0)[16:], unit, held[8:])
        elif place == 2:
            word.next = concat(intbv(0)[8:], unit, held[16:])
        elif place == 3:
            word.next = concat(unit, held)

    @always(clk.posedge)
    def hold():
        if keep:
            if place == 0:
                held.next = concat(intbv(0)[16:], unit)
            elif place == 1:
                held.next = concat(intbv(0)[8:], unit, held[8:])
            else:
                held.next = concat(unit, held[16:])

    @always_seq(clk.posedge, reset=rst)
    def count():
        if whole:
            place.next = 0
        elif keep:
            place.next = place + 1

    return show, hold, count


@block
def gather_whole(unit, keep, word, whole):
    """The same of units that are words."""

    @always_comb
    def show():
        whole.next = keep
        word.next = unit

    return show


IDLE, FETCH, COLLECT, KEEP = range(4)
LOOK, FIND, HEAD, SEND = range(4)


@leaf
def answerer(clk, rst, orders, reply, m_axis, sent, config):
    """Answers to what `orders` and `reply` tell, with results from m_axis, as datagrams in sent."""
    exchange = config.exchange
    window, place_bits = exchange.window, config.place_bits
    slot_bits, last_slot, turns = index_bits(window), window - 1, 2 * window - 1
    units, unit_bits = config.result_bytes // config.unit, 8 * config.unit
    last_unit, last_transfer = units - 1, exchange.result_bytes // config.result_bytes - 1
    # requests whose results are waited for
    state, pushed, collected, told = wire(2), wire(slot_bits + 1), wire(slot_bits + 1), wire(16 + KIND_BITS + COUNT_BITS)
    pushing, oldest = wire(16 + KIND_BITS + COUNT_BITS), wire(slot_bits)
    frames, number, part = wire(COUNT_BITS), wire(index_bits(last_transfer + 1)), wire(index_bits(last_unit + 1))
    results, unit, keep, over = wire(8 * config.result_bytes), wire(unit_bits), bit(), bit()
    word, whole, place, storing_at = wire(32), bit(), wire(PLACE_BITS + 1), wire(slot_bits + place_bits)
    finishing, about, told_slot, asked_slot = bit(), wire(16 + KIND_BITS + PLACE_BITS + 1), wire(slot_bits), wire(slot_bits)
    # answers that are there, and those that are to be sent
    there, due = wire(window), wire(window)
    # one on its way
    sending, at, found = wire(2), wire(slot_bits), wire(16 + KIND_BITS + PLACE_BITS + 1)
    of_slot, step, size, moved = bit(), wire(PLACE_BITS + 2), wire(PLACE_BITS + 1), bit()
    first, second, following, fetched, reading = wire(32), wire(32), wire(slot_bits + place_bits), wire(32), wire(PLACE_BITS + 1)
    out, summed, check, clear = wire(32), Flow(32), wire(32), bit()
    payload_end = wire(PLACE_BITS + 2)

    @always_comb
    def tell():
        pushing.next = concat(orders.sequence, orders.kind, orders.count)
        asked_slot.next = orders.sequence[slot_bits:]
        told_slot.next = told[KIND_BITS + COUNT_BITS + slot_bits : KIND_BITS + COUNT_BITS]
        oldest.next = collected[slot_bits:]
        orders.idle.next = pushed == collected and state == IDLE
        orders.full.next = pushed != collected and pushed[slot_bits:] == collected[slot_bits:]

    @always_comb
    def take():
        keep.next = state == COLLECT and m_axis.tvalid
        over.next = part == last_unit
        m_axis.tready.next = state == COLLECT and part == last_unit
        finishing.next = state == KEEP
        about.next = concat(told[16 + KIND_BITS + COUNT_BITS : COUNT_BITS], place)

    @always_comb
    def put():
        storing_at.next = concat(told_slot, place[place_bits:])

    @always_seq(clk.posedge, reset=rst)
    def collect():
        if orders.restart:
            pushed.next = 0
            collected.next = 0
            state.next = IDLE
        elif orders.push:
            if pushed != turns:
                pushed.next = pushed + 1
            else:
                pushed.next = 0
        if orders.restart:
            part.next = 0
            number.next = 0
        elif state == IDLE:
            place.next = 0
            if pushed != collected:
                state.next = FETCH
        elif state == FETCH:
            frames.next = told[COUNT_BITS:]
            state.next = COLLECT
            if told[COUNT_BITS:] == 0:
                state.next = KEEP
        elif state == COLLECT:
            if whole:
                place.next = place + 1
            if keep:
                if not over:
                    part.next = part + 1
                else:
                    part.next = 0
                    if number != last_transfer:
                        number.next = number + 1
                    else:
                        number.next = 0
                        frames.next = frames - 1
                        if frames == 1:
                            state.next = KEEP
        else:
            if collected != turns:
                collected.next = collected + 1
            else:
                collected.next = 0
            state.next = IDLE

    @always_seq(clk.posedge, reset=rst)
    def mark():
        if orders.restart:
            there.next = 0
            due.next = 0
        else:
            if sending == LOOK and not reply.start and due[at]:
                due.next[at] = False
            if orders.again and there[asked_slot]:
                due.next[asked_slot] = True
            if finishing:
                there.next[told_slot] = True
                due.next[told_slot] = True
            if orders.push:
                there.next[asked_slot] = False

    @always_comb
    def choose():
        payload_end.next = size + HEADER_WORDS
        moved.next = sending == SEND and (not sent.valid or sent.ready)
        clear.next = sending == HEAD

    @always_comb
    def fetch_ahead():
        # of the word that is looked at in the next cycle
        later = intbv(0)[PLACE_BITS + 1 :]
        later[:] = reading
        if moved and step >= HEADER_WORDS:
            later[:] = reading + 1
        following.next = concat(at, later[place_bits:])
        reply.index.next = reading[4:]

    @always_comb
    def select():
        out.next = fetched
        if step == 0:
            out.next = first
        elif step == 1:
            out.next = second
        elif step == payload_end:
            out.next = check
        elif not of_slot:
            out.next = reply.word

    @always_comb
    def feed_check():
        summed.data.next = out
        summed.valid.next = moved and step != payload_end

    @always_seq(clk.posedge, reset=rst)
    def send():
        if sending == LOOK:
            if reply.start:
                sending.next = HEAD
            elif due[at] and not orders.restart:
                sending.next = FIND
            elif at != last_slot:
                at.next = at + 1
            else:
                at.next = 0
        elif sending == FIND:
            sending.next = HEAD
        elif sending == HEAD:
            if not sent.valid:
                sending.next = SEND
        elif moved and step == payload_end:
            sending.next = LOOK
        if moved:
            sent.valid.next = True
        elif sent.ready:
            sent.valid.next = False

    @always_comb
    def show():
        reply.busy.next = sending != LOOK

    @always(clk.posedge)
    def compose():
        bytes_of = intbv(0)[16:]
        more = intbv(0)[16:]
        if sending == LOOK:
            of_slot.next = not reply.start
            step.next = 0
            reading.next = 0
        if sending == HEAD and not sent.valid:
            if of_slot:
                bytes_of[:] = concat(found[PLACE_BITS + 1 :], intbv(0)[2:])
                size.next = found[PLACE_BITS + 1 :]
                first.next = concat(
                    bytes_of, intbv(0)[8:], True, intbv(0)[4:], found[PLACE_BITS + 1 + KIND_BITS : PLACE_BITS + 1]
                )
                second.next = concat(orders.session, found[PLACE_BITS + KIND_BITS + 17 : PLACE_BITS + KIND_BITS + 1])
                sent.to.next = orders.holder
            else:
                bytes_of[:] = concat(intbv(0)[10:], reply.size, intbv(0)[2:])
                size.next = reply.size
                first.next = concat(intbv(0)[8:], reply.length, intbv(0)[8:], reply.kind)
                second.next = concat(reply.session, reply.sequence)
                sent.to.next = reply.to
            more[:] = bytes_of + (HEADER_WORDS + CRC_WORDS) * WORD
            sent.length.next = more
        if moved:
            step.next = step + 1
            if step >= HEADER_WORDS:
                reading.next = reading + 1
            sent.data.next = out
            sent.last.next = step == payload_end

    parts = tell, take, put, collect, mark, choose, fetch_ahead, select, feed_check, send, show, compose
    gathered = (
        gather_whole(unit, keep, word, whole)
        if config.unit == WORD
        else gather_words(clk, rst, unit, keep, over, number, word, whole, last_transfer)
    )
    return (
        parts,
        gathered,
        pass_on(m_axis.tdata, results),
        pass_on(results, unit) if units == 1 else pick(results, part, unit),
        crc(clk, clear, summed, check, CrcConfig(4)),
        bank(clk, orders.push, pushed(slot_bits, 0), pushing, oldest, told),
        bank(clk, whole, storing_at, word, following, fetched),
        bank(clk, finishing, told_slot, about, at, found),
    )


assert ANSWER == 0x80, "the highest bit of a kind, as `compose` writes it"
