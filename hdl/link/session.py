"""Executes the requests of the session that holds the device, each in its turn, and answers all others at once."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from sigmabit.golden.link.controller import ANSWER, NONCE_BYTES, SEED_BYTES, Kind, Status
from sigmabit.golden.link.datagram import WORD
from sigmabit.golden.link.deframer import Reason
from sigmabit.golden.link.session import PROTOCOL, Exchange, Hold

from ..family import Billed, Cost, Family
from ..verilog.fabric import pass_on, pick, tally
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire
from .controller import RESET_CYCLES, constant


@dataclass(frozen=True)
class SessionConfig(Billed):
    """exchange: what requests and answers hold. source_bytes: of a transfer at the network's input. model, version: 16 bytes and
    three numbers that the device says of itself. lease: so many cycles, two to this power, without a request of the session that
    holds the device let another have it.
    """

    exchange: Exchange
    source_bytes: int
    model: bytes
    version: tuple[int, int, int]
    lease: int = 27

    def __post_init__(self) -> None:
        if self.exchange.frame_bytes % self.source_bytes:
            raise ValueError(
                f"frame_bytes={self.exchange.frame_bytes} is no multiple of the {self.source_bytes} bytes of a transfer"
            )
        if len(self.model) != 16:
            raise ValueError(f"model of {len(self.model)} bytes, expected 16")
        if not 4 <= self.lease <= 40:
            raise ValueError(f"lease={self.lease} is not between 4 and 40")

    @property
    def module(self) -> str:
        return "session"

    def bill(self, family: Family) -> Cost:
        """The state machine, the status, and what turns words into transfers."""
        return family.logic(480) + family.registers(430 + 8 * self.source_bytes + 64 * self.exchange.seeded)


IDLE, SECOND, JUDGE, MEASURE, PUSH, FEED, LOAD, SKIP, DRAIN, CLEAR, REPLY, WAIT = range(12)
STATUS, DATA, RESET, SEED, REFUSED = map(int, (Kind.STATUS, Kind.DATA, Kind.RESET, Kind.SEED, Kind.REFUSED))
OPEN, CLOSE = map(int, Hold)
BAD_KIND, BAD_SIZE, BAD_SEQUENCE, HELD = map(int, (Reason.KIND, Reason.SIZE, Reason.SEQUENCE, Reason.HELD))
STATUS_BYTES = NONCE_BYTES + Status.BYTES
STATUS_WORDS = STATUS_BYTES // WORD


@block
def hand_over(clk, rst, clear, filled, beat, full, s_axis, transfers):
    """A transfer that is there until it is taken, the last of each frame's marked. filled: `beat` is whole with this cycle."""
    last_transfer = transfers - 1
    number = wire(index_bits(transfers))

    @always_comb
    def show():
        s_axis.tdata.next = beat
        s_axis.tvalid.next = full
        s_axis.tlast.next = number == last_transfer

    @always_seq(clk.posedge, reset=rst)
    def step():
        if clear:
            full.next = False
            number.next = 0
        else:
            if full and s_axis.tready:
                full.next = False
                if number != last_transfer:
                    number.next = number + 1
                else:
                    number.next = 0
            if filled:
                full.next = True

    return show, step


@block
def feed_words(clk, rst, clear, word, there, taken, s_axis, several, transfers):
    """Transfers of `several` words each, `transfers` of them to a frame."""
    last_word = several - 1
    full, fill, beat, loading, filled = bit(), wire(index_bits(several)), wire(32 * several), bit(), bit()

    @always_comb
    def decide():
        loading.next = there and (not full or s_axis.tready)

    @always_comb
    def show():
        taken.next = loading
        filled.next = loading and fill == last_word

    @always_seq(clk.posedge, reset=rst)
    def step():
        if clear or filled:
            fill.next = 0
        elif loading:
            fill.next = fill + 1

    if several == 1:

        @always(clk.posedge)
        def load():
            if loading:
                beat.next = word
    else:

        @always(clk.posedge)
        def load():
            if loading:
                beat.next = concat(word, beat[32 * several : 32])

    return decide, show, step, load, hand_over(clk, rst, clear, filled, beat, full, s_axis, transfers)


@block
def feed_bytes(clk, rst, clear, word, there, taken, s_axis, size, transfers):
    """Transfers of `size` bytes each. Those that fill up a frame's last word are left out."""
    last_byte, last_transfer = size - 1, transfers - 1
    full, fill, beat, loading, filled = bit(), wire(index_bits(size)), wire(8 * size), bit(), bit()
    loaded, ends, rest, left = wire(index_bits(transfers)), bit(), wire(32), wire(3)

    @always_comb
    def decide():
        loading.next = left != 0 and (not full or s_axis.tready)

    @always_comb
    def show():
        filled.next = loading and fill == last_byte
        ends.next = fill == last_byte and loaded == last_transfer

    @always_comb
    def take():
        taken.next = there and (left == 0 or (loading and (left == 1 or ends)))

    @always_seq(clk.posedge, reset=rst)
    def step():
        if clear:
            fill.next = 0
            loaded.next = 0
            left.next = 0
        else:
            if loading:
                left.next = left - 1
                rest.next = rest[32:8]
                if fill != last_byte:
                    fill.next = fill + 1
                else:
                    fill.next = 0
                    if loaded != last_transfer:
                        loaded.next = loaded + 1
                    else:
                        loaded.next = 0
                        left.next = 0
            if taken:
                rest.next = word
                left.next = 4

    if size == 1:

        @always(clk.posedge)
        def load():
            if loading:
                beat.next = rest[8:]
    else:

        @always(clk.posedge)
        def load():
            if loading:
                beat.next = concat(rest[8:], beat[8 * size : 8])

    return decide, show, take, step, load, hand_over(clk, rst, clear, filled, beat, full, s_axis, transfers)


@leaf
def session(clk, rst, letters, refused, orders, reply, s_axis, counters, seed, core_aresetn, config):
    """Reads messages from letters; a DATA request's frames go through s_axis. Tells `orders` and `reply` what to answer.

    core_aresetn resets the network; seed is its sampler's, or None.
    """
    exchange = config.exchange
    window, frame_words, most, seeded = exchange.window, exchange.frame_words, exchange.frames, exchange.seeded
    lease, last_pulse = config.lease, RESET_CYCLES - 1
    # the request
    state, kind, turn, whose, length = wire(4), wire(8), wire(16), wire(16), wire(16)
    remaining, reason, silent = wire(14), wire(4), bit()
    taking, there, taken, clear, about_it = bit(), bit(), bit(), bit(), bit()
    # the session
    holding, held_by, holder, mine = bit(), wire(16), wire(len(letters.sender)), bit()
    expected, kept, repeated = wire(16), wire(window.bit_length()), bit()
    silence = wire(lease + 1)
    # where in a frame the next request begins; frames that end in this one
    place, measured, completed = wire(16), wire(17), wire(8)
    pulses, alive, working, busy_cycles, held_seed = wire(5), bit(), bit(), wire(48), wire(8 * SEED_BYTES)
    nonce, told = wire(32), wire(32)
    fixed = (window, 1), (most, 1), (int(seeded), 1), (exchange.frame_bytes, 2), (exchange.result_bytes, 2)
    about = ConcatSignal(
        constant(0, 2),
        busy_cycles,
        refused,
        counters.dropped,
        counters.malformed,
        counters.frames_out,
        counters.frames_in,
        constant(int.from_bytes(config.model, "little"), len(config.model)),
        *(constant(value, size) for value, size in reversed(fixed)),
        expected(8, 0),
        *(constant(value, 1) for value in reversed((PROTOCOL, *config.version))),
        nonce,
    )

    @always_comb
    def look():
        past = intbv(0)[17:]
        past[:] = expected + 65535
        past[:] = past - turn
        repeated.next = past[16:] < kept
        mine.next = holding and whose == held_by
        there.next = state == FEED and remaining != 0 and letters.waiting
        clear.next = state == CLEAR
        about_it.next = state == FEED or not orders.idle

    @always_comb
    def read():
        taking.next = letters.waiting and (
            state == IDLE or state == SECOND or ((state == SKIP or state == LOAD) and remaining != 0) or (state == FEED and taken)
        )

    @always_comb
    def connect():
        letters.take.next = taking
        working.next = about_it
        orders.restart.next = state == CLEAR and kind == OPEN
        orders.sequence.next = turn
        orders.kind.next = kind[3:]
        orders.count.next = completed
        orders.session.next = held_by
        orders.holder.next = holder

    @always_comb
    def say():
        reply.start.next = state == REPLY
        reply.sequence.next = turn
        reply.session.next = whose
        reply.to.next = letters.sender
        reply.kind.next = kind | ANSWER
        reply.size.next = 0
        reply.length.next = 0
        reply.word.next = told
        if reason != 0:
            reply.kind.next = REFUSED
            reply.size.next = 1
            reply.length.next = 4
            reply.word.next = concat(expected, intbv(0)[12:], reason)
        elif kind == STATUS:
            reply.size.next = STATUS_WORDS
            reply.length.next = STATUS_BYTES

    @always(clk.posedge)
    def measure():
        more = intbv(0)[17:]
        if state == JUDGE:
            measured.next = place + length[16:2]
            completed.next = 0
        elif state == MEASURE and measured >= frame_words and completed != most:
            more[:] = measured - frame_words
            measured.next = more
            completed.next = completed + 1
        elif state == CLEAR:
            measured.next = 0
            completed.next = 0

    @always_seq(clk.posedge, reset=rst)
    def step():
        padded = intbv(0)[17:]
        letters.done.next = False
        orders.push.next = False
        orders.again.next = False
        alive.next = state != CLEAR
        if not silence[lease]:
            silence.next = silence + 1
        if taking and (state == FEED or state == SKIP or state == LOAD):
            remaining.next = remaining - 1
        if state == IDLE:
            reason.next = 0
            silent.next = False
            pulses.next = 0
            kind.next = letters.word[8:]
            length.next = letters.word[32:16]
            if taking:
                state.next = SECOND
        elif state == SECOND:
            padded[:] = length + 3
            remaining.next = padded[16:2]
            turn.next = letters.word[16:]
            whose.next = letters.word[32:16]
            if taking:
                state.next = JUDGE
        elif state == JUDGE:
            state.next = SKIP
            if mine:
                silence.next = 0
            if kind == STATUS:
                if length == NONCE_BYTES:
                    state.next = LOAD
                else:
                    reason.next = BAD_SIZE
            elif kind == OPEN or kind == CLOSE:
                if length != 0:
                    reason.next = BAD_SIZE
                elif holding and not mine and (kind == CLOSE or not silence[lease]):
                    reason.next = HELD
                elif kind == CLOSE:
                    holding.next = False
                elif not mine:
                    state.next = DRAIN
            elif kind != DATA and kind != RESET and not (seeded and kind == SEED):
                reason.next = BAD_KIND
            elif not mine:
                reason.next = HELD
            elif turn != expected:
                if repeated:
                    orders.again.next = True
                    silent.next = True
                else:
                    reason.next = BAD_SEQUENCE
            elif kind == DATA and length != 0 and length[2:] == 0:
                state.next = MEASURE
            elif kind == RESET and length == 0:
                state.next = DRAIN
            elif kind == SEED and length == SEED_BYTES:
                state.next = LOAD
            else:
                reason.next = BAD_SIZE
        elif state == MEASURE:
            if measured < frame_words:
                state.next = PUSH
            elif completed == most:
                reason.next = BAD_SIZE
                state.next = SKIP
        elif state == PUSH:
            if not orders.full:
                orders.push.next = True
                place.next = measured[16:]
                expected.next = expected + 1 if expected != 65535 else 0
                if kept != window:
                    kept.next = kept + 1
                state.next = FEED
        elif state == FEED:
            if remaining == 0:
                letters.done.next = True
                state.next = IDLE
        elif state == LOAD:
            if remaining == 0:
                state.next = REPLY if kind == STATUS else DRAIN
        elif state == SKIP:
            if remaining == 0:
                state.next = REPLY
                if silent:
                    letters.done.next = True
                    state.next = IDLE
        elif state == DRAIN:
            # what is kept for a session must be on its way before another's takes its place
            if orders.idle and not reply.busy:
                state.next = CLEAR
        elif state == CLEAR:
            pulses.next = pulses + 1
            if pulses == last_pulse:
                state.next = PUSH
                if kind == OPEN:
                    holding.next = True
                    held_by.next = whose
                    holder.next = letters.sender
                    expected.next = 0
                    kept.next = 0
                    place.next = 0
                    silence.next = 0
                    state.next = REPLY
        elif state == REPLY:
            if not reply.busy:
                state.next = WAIT
        elif not reply.busy:
            letters.done.next = True
            state.next = IDLE

    @always(clk.posedge)
    def load():
        if state == LOAD and taking:
            nonce.next = letters.word

    if config.source_bytes % WORD == 0:
        several = config.source_bytes // WORD
        fed = feed_words(
            clk, rst, clear, letters.word, there, taken, s_axis, several, exchange.frame_bytes // config.source_bytes
        )
    else:
        transfers = exchange.frame_bytes // config.source_bytes
        fed = feed_bytes(clk, rst, clear, letters.word, there, taken, s_axis, config.source_bytes, transfers)
    instances = [
        fed,
        pick(about, reply.index, told),
        tally(clk, rst, working, busy_cycles),
        pass_on(alive, core_aresetn),
    ]
    if seeded:

        @always_seq(clk.posedge, reset=rst)
        def load_seed():
            if state == LOAD and kind == SEED and taking:
                held_seed.next = concat(letters.word, held_seed[64:32])

        instances += [load_seed, pass_on(held_seed, seed)]
    return instances, look, read, connect, say, measure, step, load
