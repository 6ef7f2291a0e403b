"""Executes requests one after the other, on the network behind it, and writes their answers."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from sigmabit.golden.link.controller import ANSWER, NONCE_BYTES, PROTOCOL, SEED_BYTES, Kind, Status, Traffic
from sigmabit.golden.link.deframer import Reason
from sigmabit.golden.link.framer import CRC_BYTES, HEADER_BYTES

from ..family import Billed, Cost, Family
from ..verilog.fabric import pass_on, pick, tally
from ..verilog.module import leaf
from ..verilog.stream import Flow, bit, index_bits, wire
from .crc import CrcConfig, crc
from .deframer import INTERVAL
from .framer import FramerConfig

RESET_CYCLES = 16
"""For which the network is held in reset."""


@dataclass(frozen=True)
class ControllerConfig(Billed):
    """traffic: what requests and answers hold. source_bytes, result_bytes: of a transfer at the network's input and output.
    model, version: 16 bytes and three numbers that the device says of itself. patience: so many cycles, two to this power,
    without any transfer show that the network is stuck. source_row, result_row: where the last transfer of a row is filled up,
    the transfers of a row, and the bytes of the last that are a frame's or a result's; what fills up is not on the line.
    """

    traffic: Traffic
    source_bytes: int
    result_bytes: int
    model: bytes
    version: tuple[int, int, int]
    patience: int = 28
    source_row: tuple[int, int] | None = None
    result_row: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, whole, part, row in (
            ("frame_bytes", self.traffic.frame_bytes, self.source_bytes, self.source_row),
            ("result_bytes", self.traffic.result_bytes, self.result_bytes, self.result_row),
        ):
            if row is None:
                if part < 1 or whole % part:
                    raise ValueError(f"{name}={whole} is no multiple of the {part} bytes of a transfer")
            elif not 0 < row[1] < part:
                raise ValueError(f"the last transfer of a row keeps {row[1]} of {part} bytes, expected fewer")
            elif whole % row_bytes(part, row):
                raise ValueError(f"{name}={whole} is no multiple of the {row_bytes(part, row)} bytes of a row")
        if len(self.model) != 16:
            raise ValueError(f"model of {len(self.model)} bytes, expected 16")
        if not 1 <= self.patience <= 40:
            raise ValueError(f"patience={self.patience} is not between 1 and 40")

    @property
    def module(self) -> str:
        return "controller"

    @property
    def source_beats(self) -> int:
        """Transfers of a frame."""
        row = self.source_row
        return self.traffic.frame_bytes // row_bytes(self.source_bytes, row) * (1 if row is None else row[0])

    @property
    def answers(self) -> FramerConfig:
        """The memory of answers: one for each request of the window, and one for what has no turn."""
        return FramerConfig(self.traffic.window + 1, self.traffic.answer_bytes)

    def bill(self, family: Family) -> Cost:
        """The state machine, the status, and the choice of a result's byte."""
        choice = family.multiplexer(self.result_bytes) * 8
        rows = sum(8 + 2 * index_bits(row[0]) for row in (self.source_row, self.result_row) if row is not None)
        return choice + family.logic(430 + rows) + family.registers(270 + 8 * self.source_bytes + 64 * self.traffic.seeded)

    @property
    def latency(self) -> int:
        """Cycles from the first word of a status request that is there as a whole to the start of its answer."""
        return INTERVAL * (HEADER_BYTES + NONCE_BYTES - 2) + 6 + HEADER_BYTES + Status.BYTES + CRC_BYTES


(IDLE, SEQUENCE, LOW, HIGH, JUDGE, MEASURE, SKIP, REFUSE, LOAD, CLEAR, OPEN, HEAD, BODY, CHECK, SEND) = range(15)
STATUS, DATA, RESET, SEED, REFUSED = map(int, (Kind.STATUS, Kind.DATA, Kind.RESET, Kind.SEED, Kind.REFUSED))
BAD_KIND, BAD_SIZE, BAD_SEQUENCE, STALLED = map(int, (Reason.KIND, Reason.SIZE, Reason.SEQUENCE, Reason.STALLED))
NONCE_END = HEADER_BYTES + NONCE_BYTES
STATUS_BYTES = NONCE_BYTES + Status.BYTES
REFUSAL_BYTES = 2


def constant(value: int, size: int) -> str:
    """Bits for a concatenation: `size` bytes."""
    return f"{value:0{8 * size}b}"


def row_bytes(part: int, row: tuple[int, int] | None) -> int:
    """Bytes on the line of the transfers of a row, of `part` bytes each; of one transfer, where none is filled up."""
    return part if row is None else (row[0] - 1) * part + row[1]


@block
def walk(clk, rst, running, step, last, line):
    """last: of each `line` steps, this would be the last; counted from where running begins."""
    column, final = wire(index_bits(line)), line - 1

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if not running or (step and column == final):
            column.next = 0
        elif step:
            column.next = column + 1

    @always_comb
    def show():
        last.next = column == final

    return advance, show


@block
def fill_up(last, fill, head, filling, content, kept):
    """content: the next byte of a transfer; 0, and filling, behind the first `kept` of the last of a row."""

    @always_comb
    def judge():
        filling.next = last and fill >= kept

    @always_comb
    def choose():
        content.next = head[8:]
        if last and fill >= kept:
            content.next = 0

    return judge, choose


@block
def take_whole(clk, rst, running, putting, part, over, last_part):
    """over: this is the last byte of a transfer, from a register: the network's exit waits for it."""
    before_last = last_part - 1

    @always_seq(clk.posedge, reset=rst)
    def judge():
        if not running:
            over.next = False
        elif putting:
            over.next = part == before_last

    return judge


@block
def take_some(last, part, over, last_part, last_kept):
    """over: this is the last byte of a transfer, or the last that counts of the last one of a row."""

    @always_comb
    def judge():
        over.next = part == last_part or (last and part == last_kept)

    return judge


@leaf
def controller(
    clk, rst, head, waiting, take, refused, write, write_address, write_data, start, slot, busy, s_axis, m_axis, counters, seed,
    core_aresetn, config,
):  # fmt: skip
    """Takes requests from head, word by word (see deframer), and writes answers, byte by byte, for a framer to send.

    A DATA request's frames go through s_axis, and what m_axis gives is the answer. core_aresetn resets the network; seed is its
    sampler's, or None.
    """
    traffic, answers = config.traffic, config.answers
    window = traffic.window
    newest, window_bits = window - 1, index_bits(window)
    frame_bytes, result_bytes = traffic.frame_bytes, traffic.result_bytes
    most = traffic.frames * result_bytes
    seeded = traffic.seeded
    last_fill, last_part = config.source_bytes - 1, config.result_bytes - 1
    last_beat = config.source_beats - 1
    beat_bits = 8 * config.source_bytes
    patience, last_pulse = config.patience, RESET_CYCLES - 1
    offset_bits = answers.offset_bits
    # the request
    state, reason, kind, turn = wire(4), wire(4), wire(8), wire(8)
    length, remaining, measured = wire(16), wire(16), wire(16)
    taking, loading = bit(), bit()
    # whose turn it is, and how many of the answers before it are kept
    expected, kept, repeated, counts = wire(8), wire(window.bit_length()), bit(), bit()
    # what `kind`, `turn` and `remaining` say, from registers
    for_status, for_refusal, for_data, in_turn, owed = (bit() for _ in range(5))
    # the answer: its slot, the length of its payload, the places of its next byte and behind its last
    target, in_use = wire(answers.slot_bits), wire(answers.slot_bits)
    size, offset, following, stop, full, ending = wire(16), wire(16), wire(16), wire(16), bit(), bit()
    stating, echoing, known, count = bit(), bit(), wire(8), wire(4)
    putting, written, closing = bit(), wire(8), bit()
    summed, clear, check = Flow(8), bit(), wire(32)
    # frames on their way in, results on their way out
    beat, offering = wire(beat_bits), bit()
    fill, number, part = wire(index_bits(last_fill + 1)), wire(index_bits(last_beat + 1)), wire(index_bits(last_part + 1))
    running, transfer, silence, content = bit(), bit(), wire(patience + 1), wire(8)
    over = True if config.result_row is None and last_part == 0 else bit()
    filling = False if config.source_row is None else bit()
    results, result = wire(8 * config.result_bytes), wire(8)
    alive, held_seed = bit(), wire(8 * SEED_BYTES)
    # what the device says of itself, at the places that it has in the answer
    busy_cycles = wire(48)
    seen_in, seen_out, seen_malformed, seen_dropped, seen_refused = (wire(32) for _ in range(5))
    fixed = (window, 1), (traffic.frames, 1), (int(seeded), 1), (frame_bytes, 2), (result_bytes, 2)
    about = ConcatSignal(
        constant(0, 2),
        busy_cycles,
        seen_refused,
        seen_dropped,
        seen_malformed,
        seen_out,
        seen_in,
        constant(int.from_bytes(config.model, "little"), len(config.model)),
        *(constant(value, size) for value, size in reversed(fixed)),
        expected,
        *(constant(value, 1) for value in reversed((PROTOCOL, *config.version))),
        constant(0, NONCE_END),
    )
    about_index, stated = wire(6), wire(8)

    @always(clk.posedge)
    def classify():
        # a cycle late is early enough: between what these come from and their first use lie words of a header, or an answer's
        past = intbv(0)[9:]
        past[:] = expected + 255
        past[:] = past - turn
        repeated.next = past[8:] < kept
        in_turn.next = turn == expected
        for_status.next = kind == STATUS
        for_refusal.next = kind == REFUSED
        for_data.next = kind == DATA

    @always_comb
    def watch():
        about_index.next = following[6:]
        transfer.next = offering and s_axis.tready

    @always_comb
    def read():
        loading.next = running and not offering and (filling or (waiting and owed))
        taking.next = waiting and (
            state <= HIGH
            or ((state == SKIP or state == LOAD) and owed)
            or (stating and echoing)
            or (running and owed and not offering and not filling)
        )

    @always_comb
    def choose():
        putting.next = state == HEAD or state == CHECK
        written.next = result
        if state == HEAD:
            if offset == 0:
                written.next = kind | ANSWER
            elif offset == 1:
                written.next = turn
            elif offset == 2:
                written.next = size[8:]
            else:
                written.next = size[16:8]
        elif state == CHECK:
            if count == 0:
                written.next = check[8:]
            elif count == 1:
                written.next = check[16:8]
            elif count == 2:
                written.next = check[24:16]
            else:
                written.next = check[32:24]
        elif for_refusal:
            putting.next = state == BODY and not ending
            written.next = expected
            if offset == HEADER_BYTES:
                written.next = reason
        elif for_status:
            putting.next = stating and not ending and (waiting or not echoing)
            written.next = known
            if echoing:
                written.next = head[8:]
        else:
            putting.next = running and m_axis.tvalid and not full

    @always_comb
    def connect():
        take.next = taking
        slot.next = target
        s_axis.tdata.next = beat
        s_axis.tvalid.next = offering
        s_axis.tlast.next = number == last_beat
        m_axis.tready.next = running and over and not full
        clear.next = state == OPEN
        summed.data.next = write_data
        summed.valid.next = write and not closing

    @always(clk.posedge)
    def put():
        write_data.next = written
        write_address.next = concat(target, offset[offset_bits:])
        closing.next = state == CHECK
        if state == JUDGE:
            seen_in.next = counters.frames_in
            seen_out.next = counters.frames_out
            seen_malformed.next = counters.malformed
            seen_dropped.next = counters.dropped
            seen_refused.next = refused

    @always(clk.posedge)
    def look_ahead():
        # whether the answer is full is known a cycle before it matters: the network waits for it
        behind = intbv(0)[17:]
        behind[:] = size + HEADER_BYTES
        stop.next = behind[16:]
        full.next = offset == stop
        if putting:
            full.next = following == stop
            known.next = stated
            echoing.next = following < NONCE_END
        if state == OPEN:
            echoing.next = True

    @always_comb
    def finish():
        ending.next = full and not (for_data and (owed or offering))

    @always_seq(clk.posedge, reset=rst)
    def step():
        more = intbv(0)[17:]
        later = intbv(0)[9:]
        start.next = False
        write.next = putting
        alive.next = state != CLEAR
        more[:] = following + 1
        if putting:
            offset.next = following
            following.next = more[16:]
        if taking and state != IDLE:
            remaining.next = remaining - 1
            owed.next = remaining != 1
        if state == IDLE:
            counts.next = False
            reason.next = 0
            remaining.next = 3
            owed.next = True
            kind.next = head[8:]
            if taking:
                state.next = SEQUENCE
                if head[8]:
                    reason.next = head[4:]
                    turn.next = expected
                    state.next = REFUSE
        elif state == SEQUENCE:
            turn.next = head[8:]
            if taking:
                state.next = LOW
        elif state == LOW:
            length.next = concat(length[16:8], head[8:])
            if taking:
                state.next = HIGH
        elif state == HIGH:
            length.next = concat(head[8:], length[8:])
            if taking:
                state.next = JUDGE
        elif state == JUDGE:
            remaining.next = length
            owed.next = length != 0
            measured.next = length
            target.next = turn[window_bits:]
            size.next = 0
            state.next = SKIP
            if for_status:
                target.next = window
                size.next = STATUS_BYTES
                if length == NONCE_BYTES:
                    remaining.next = NONCE_BYTES
                    owed.next = True
                    state.next = OPEN
                else:
                    reason.next = BAD_SIZE
            elif not for_data and kind != RESET and not (seeded and kind == SEED):
                reason.next = BAD_KIND
            elif not in_turn:
                if not repeated:
                    reason.next = BAD_SEQUENCE
            else:
                counts.next = True
                if for_data:
                    state.next = MEASURE
                elif kind == RESET and length == 0:
                    state.next = CLEAR
                elif kind == SEED and length == SEED_BYTES:
                    state.next = LOAD
                else:
                    reason.next = BAD_SIZE
        elif state == MEASURE:
            if measured == 0 and size != 0:
                state.next = OPEN
            elif measured < frame_bytes or size == most:
                reason.next = BAD_SIZE
                state.next = SKIP
            else:
                measured.next = measured - frame_bytes
                size.next = size + result_bytes
        elif state == SKIP:
            if not owed:
                state.next = SEND if reason == 0 else REFUSE
        elif state == REFUSE:
            kind.next = REFUSED
            counts.next = False
            target.next = window
            size.next = REFUSAL_BYTES
            state.next = OPEN
        elif state == LOAD:
            if not owed:
                state.next = CLEAR
        elif state == CLEAR:
            if count == last_pulse:
                state.next = OPEN if reason == 0 else SKIP
        elif state == OPEN:
            offset.next = 0
            following.next = 1
            # the framer may still be sending what this slot holds
            if not busy or in_use != target:
                state.next = HEAD
        elif state == HEAD:
            if offset == 3:
                state.next = BODY
                running.next = for_data
                stating.next = for_status
        elif state == BODY:
            if ending:
                state.next = CHECK
                running.next = False
                stating.next = False
            elif silence[patience]:
                reason.next = STALLED
                state.next = CLEAR
                running.next = False
                stating.next = False
                if kept == window:
                    # the answer that was begun has taken the place of the oldest
                    kept.next = newest
        elif state == CHECK:
            if count == 3:
                state.next = SEND
        elif not busy:
            start.next = True
            in_use.next = target
            state.next = IDLE
            if counts:
                later[:] = expected + 1
                expected.next = later[8:]
                if kept != window:
                    kept.next = kept + 1

    @always_seq(clk.posedge, reset=rst)
    def measure_time():
        once_more = intbv(0)[5:]
        if state == CLEAR or state == CHECK:
            once_more[:] = count + 1
            count.next = once_more[4:]
        else:
            count.next = 0

    @always_seq(clk.posedge, reset=rst)
    def feed():
        if not running:
            offering.next = False
            fill.next = 0
            number.next = 0
            part.next = 0
            silence.next = 0
        else:
            # what is put while this runs is what the network gives
            if loading or transfer or (m_axis.tvalid and not full):
                silence.next = 0
            elif not silence[patience]:
                silence.next = silence + 1
            if loading:
                if fill == last_fill:
                    fill.next = 0
                    offering.next = True
                else:
                    fill.next = fill + 1
            if transfer:
                offering.next = False
                if number == last_beat:
                    number.next = 0
                else:
                    number.next = number + 1
            if putting:
                if over:
                    part.next = 0
                else:
                    part.next = part + 1

    instances = [
        crc(clk, clear, summed, check, CrcConfig()),
        pick(about, about_index, stated),
        pass_on(m_axis.tdata, results),
        pass_on(results, result) if last_part == 0 else pick(results, part, result),
        tally(clk, rst, running, busy_cycles),
        pass_on(alive, core_aresetn),
    ]
    if last_fill == 0:

        @always(clk.posedge)
        def fetch():
            if loading:
                beat.next = content
    else:

        @always(clk.posedge)
        def fetch():
            if loading:
                beat.next = concat(content, beat[beat_bits:8])

    if config.source_row is None:
        instances += [pass_on(head, content)]
    else:
        (line, counted), last = config.source_row, bit()
        instances += [walk(clk, rst, running, transfer, last, line), fill_up(last, fill, head, filling, content, counted)]
    if config.result_row is not None:
        (width, some), ended, past = config.result_row, bit(), bit()

        @always_comb
        def pass_by():
            past.next = putting and over

        instances += [pass_by, walk(clk, rst, running, past, ended, width), take_some(ended, part, over, last_part, some - 1)]
    elif last_part != 0:
        instances += [take_whole(clk, rst, running, putting, part, over, last_part)]
    if seeded:

        @always_seq(clk.posedge, reset=rst)
        def load():
            if state == LOAD and taking:
                held_seed.next = concat(head[8:], held_seed[64:8])

        instances += [load, pass_on(held_seed, seed)]
    return instances, classify, watch, read, choose, connect, put, look_ahead, finish, step, measure_time, feed, fetch
