"""Small helper blocks, flattened into the modules that use them."""

from __future__ import annotations

from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, concat, intbv

from ..family import Cost, Family
from ..family.rules import MOST_LOADS
from .stream import bit, index_bits, wire

BANK_BITS = 11
"""Of the address of a bank: 2,048 words of nine bits are half a RAMB36, and a DP16KD."""

MARKED = 8
"""Frames whose status lies in a register."""

DEEP_CYCLES = 3
"""From an address of `deep_bank` to its word."""

Blocks = list[Any]
"""Elaborated MyHDL blocks. MyHDL wants each made in the body of a block, not in a function or a generator expression there."""


def like(signal: Signal) -> Signal:
    """A new signal of the same width."""
    return bit() if isinstance(signal.val, bool) else wire(len(signal))


def joined(parts: list[Signal | str]) -> Signal:
    """The parts side by side, the first lowest; constants as strings of bits."""
    return parts[0] if len(parts) == 1 else ConcatSignal(*reversed(parts))


def field(signal: Signal, position: int, width: int) -> Signal:
    """Field `position` of a vector of fields of `width` bits."""
    low = position * width
    if len(signal) == width:
        return signal
    # MyHDL writes a slice of one bit so that Verilog cannot read it
    return signal(low) if width == 1 else signal(low + width, low)


def low(signal: Signal, bits: int) -> Signal:
    """The low bits of a vector."""
    return signal if len(signal) == bits else signal(0) if bits == 1 else signal(bits, 0)


@block
def register(clk, d, q):
    """q is what d was the cycle before."""

    @always(clk.posedge)
    def hold():
        q.next = d

    return hold


@block
def register_reset(clk, rst, d, q):
    """q is what d was the cycle before; cleared by reset."""

    @always_seq(clk.posedge, reset=rst)
    def hold():
        q.next = d

    return hold


@block
def age(clk, source, later, cycles):
    """later is what source was so many cycles before."""
    history = [source, *[like(source) for _ in range(cycles - 1)], later]
    return [register(clk, history[i], history[i + 1]) for i in range(cycles)]


@block
def age_reset(clk, rst, source, later, cycles):
    """later is what source was so many cycles before; cleared by reset."""
    history = [source, *[like(source) for _ in range(cycles - 1)], later]
    return [register_reset(clk, rst, history[i], history[i + 1]) for i in range(cycles)]


@block
def lookup(index, value, table):
    """value = table[index], a small table in logic; indices beyond its end give its last entry."""

    @always_comb
    def read():
        value.next = table[int(index)]

    return read


@block
def bank(clk, write, write_address, write_data, read_address, read_data):
    """A memory of 2**len(read_address) words: written and read in one cycle each, the word read is the old one."""
    words = [wire(len(write_data)) for _ in range(1 << len(read_address))]

    @always(clk.posedge)
    def store():
        if write:
            words[write_address].next = write_data

    @always(clk.posedge)
    def fetch():
        read_data.next = words[read_address]

    return store, fetch


@block
def addressed(write, address, number, enabled):
    """enabled: a write to bank `number`, which the address begins with."""
    size, inside = len(address), BANK_BITS

    @always_comb
    def decide():
        enabled.next = write and address[size:inside] == number

    return decide


@block
def high_part(source, target):
    """target = the high bits of source, without delay."""
    size, low = len(source), len(source) - len(target)

    @always_comb
    def connect():
        target.next = source[size:low]

    return connect


@block
def deep_bank(clk, write, write_address, write_data, read_address, read_data, words):
    """The same of any number of words, in banks: what is read comes DEEP_CYCLES later.

    There are registers behind each bank, whose output is late, and behind the choice among them. A word that is read in the cycle
    in which it is written may be anything: on some devices that is what block RAM gives.
    """
    size, width = len(read_address), len(read_data)
    if size <= BANK_BITS:
        found = like(read_data)
        return bank(clk, write, write_address, write_data, read_address, found), age(clk, found, read_data, DEEP_CYCLES - 1)
    to, at, which, late = wire(BANK_BITS), wire(BANK_BITS), wire(size - BANK_BITS), wire(size - BANK_BITS)
    blocks: Blocks = [pass_on(write_address, to), pass_on(read_address, at), high_part(read_address, which)]
    blocks.append(age(clk, which, late, DEEP_CYCLES - 1))
    kept, chosen = [like(read_data) for _ in range(-(-words >> BANK_BITS))], like(read_data)
    for number, held in enumerate(kept):
        enabled, found = bit(), like(read_data)
        blocks += [addressed(write, write_address, number, enabled), bank(clk, enabled, to, write_data, at, found)]
        blocks.append(register(clk, found, held))
    places = 1 << len(which)
    beside = wire(places * width)
    unused = ["0" * (places - len(kept)) * width] if places > len(kept) else []
    blocks += [pass_on(joined([*kept, *unused]), beside), pick(beside, late, chosen), register(clk, chosen, read_data)]
    return blocks


def fill_turns(bits: int) -> int:
    """LUTs that say which part of a word of so many bits moves, where it is filled in parts."""
    return 2 * -(-bits // MOST_LOADS) if bits > MOST_LOADS else 0


@block
def fill(clk, step, place, part, word):
    """word: its parts, each as it came with a step to its place, 0 the lowest.

    What a shift register gives that takes each part at its top, once the last has come; but it is several, each of which moves
    while parts for it come, so that no net moves all of them.
    """
    width, parts = len(part), len(word) // len(part)
    most = max(1, MOST_LOADS // width)
    firsts = list(range(0, parts, most))
    bounds: list[int | None] = [None, *firsts[1:], None]
    rows = [wire(min(most, parts - first) * width) for first in firsts]
    movings = [bit() for _ in rows]
    moving = [
        (between(step, place, bounds[i], bounds[i + 1], movings[i]), shift_in(clk, movings[i], part, row))
        for i, row in enumerate(rows)
    ]
    return moving, pass_on(joined(rows), word)


@block
def between(step, place, first, last, moving):
    """moving: a step to a place from first to last - 1; None where there is no place below, or from there on."""

    @always_comb
    def below():
        moving.next = step and place < last

    @always_comb
    def among():
        moving.next = step and place >= first and place < last

    @always_comb
    def above():
        moving.next = step and place >= first

    return below if first is None else above if last is None else among


@block
def shift_in(clk, moving, part, row):
    """row: parts in a shift register that takes each at its top."""
    size, width = len(row), len(part)

    @always(clk.posedge)
    def replace():
        if moving:
            row.next = part

    @always(clk.posedge)
    def shift():
        if moving:
            row.next[size - width :] = row[size:width]
            row.next[size : size - width] = part

    return replace if size == width else shift


@block
def turn(source, select, turned, shift):
    """turned = source rotated right by `shift` bits if select, else source."""
    size = len(source)

    @always_comb
    def choose():
        if select:
            turned.next = concat(source[shift:], source[size:shift])
        else:
            turned.next = source

    return choose


@block
def rotate(source, amount, rotated, fields):
    """rotated = source, which has so many fields, rotated right by `amount` of them: one stage per bit of the amount."""
    unit = len(source) // fields
    shifts = [(1 << position) % fields * unit for position in range(len(amount))]
    steps = [source, *[like(source) for _ in shifts[1:]], rotated]
    return [turn(steps[i], amount(i), steps[i + 1], shift) for i, shift in enumerate(shifts)]


@block
def pick(source, index, picked):
    """picked = field `index` of source, fields as wide as picked."""
    width = len(picked)

    @always_comb
    def choose():
        low = index * width
        picked.next = source[low + width : low]

    return choose


@block
def pass_on(source, target):
    """target = the low bits of source, without delay."""
    width = len(target)
    if len(source) == width:

        @always_comb
        def connect():
            target.next = source

        return connect

    @always_comb
    def choose():
        target.next = source[width:]

    return choose


@block
def add(a, b, total):
    """total = a + b, modulo its size, which is theirs."""
    size = len(total)

    @always_comb
    def combine():
        result = intbv(0)[size + 1 :]
        result[:] = a + b
        total.next = result[size:]

    return combine


@block
def extend(source, target, signed):
    """target = source, modulo its size where that is narrower; in two's complement if signed."""
    size = len(target)
    limit = 1 << (size - 1)
    if size <= len(source):
        return pass_on(source, target)

    if not signed:

        @always_comb
        def fill_up():
            target.next = source

        return fill_up

    @always_comb
    def repeat_top():
        number = intbv(0, min=-limit, max=limit)
        number[:] = source.signed()
        target.next = number[size:]

    return repeat_top


@block
def tally(clk, rst, event, count):
    """Counts the cycles in which event is high, wrapping."""
    bits = len(count)

    @always_seq(clk.posedge, reset=rst)
    def add():
        more = intbv(0)[bits + 1 :]
        if event:
            more[:] = count + 1
            count.next = more[bits:]

    return add


@block
def count(clk, rst, step, value, carry, limit):
    """value counts the steps, from 0 to limit - 1 and again; carry (or None) is high in the step from limit - 1 to 0."""
    last = limit - 1

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if step:
            if value != last:
                value.next = value + 1
            else:
                value.next = 0

    if carry is None:
        return advance

    @always_comb
    def turn_over():
        carry.next = step and value == last

    return advance, turn_over


@block
def scan(clk, rst, step, column, row, columns, rows):
    """Walks over an image in raster order, a position a step, frame after frame."""
    line = bit()
    return count(clk, rst, step, column, line, columns), count(clk, rst, line, row, None, rows)


def marks_bill(family: Family, frames: int) -> Cost:
    """What the marks of so many frames lie in."""
    return family.registers(frames) if frames <= MARKED else family.distributed_ram(1, frames)


@block
def status_queue(clk, rst, status, good, take, frames):
    """The status of the oldest of the frames that have entered and not left, of which there is room for so many.

    A few lie in a register; more in distributed memory, of which one is read in a level of logic however many there are.
    """
    marks, kept = wire(frames), [wire(1) for _ in range(1 << index_bits(frames))]
    write, read = wire(index_bits(frames)), wire(index_bits(frames))

    @always_comb
    def show():
        good.next = marks[read]

    @always(clk.posedge)
    def store():
        if status.done:
            marks.next[write] = status.good

    @always_comb
    def show_kept():
        good.next = kept[read] != 0

    @always(clk.posedge)
    def keep():
        if status.done:
            kept[write].next = status.good

    turns = count(clk, rst, status.done, write, None, frames), count(clk, rst, take, read, None, frames)
    if frames <= MARKED:
        return show, store, turns
    return show_kept, keep, turns


@block
def waiting(clk, rst, come, take, known, limit):
    """known: more have come than were taken; at most `limit` more ever have."""
    ahead = Signal(intbv(0, min=0, max=limit + 1))

    @always_comb
    def show():
        known.next = ahead != 0

    @always_seq(clk.posedge, reset=rst)
    def balance():
        if come and not take:
            ahead.next = ahead + 1
        elif take and not come:
            ahead.next = ahead - 1

    return show, balance


@block
def follow(clk, rst, step, index, value, table):
    """value = table[index], from the cycle after a step to the next step."""
    following = Signal(intbv(0, min=value.min, max=value.max))

    @always_seq(clk.posedge, reset=rst)
    def move():
        if step:
            value.next = following

    return lookup(index, following, table), move


def first_of(table: tuple[int, ...], bits: int) -> Signal:
    """A register of `bits` bits for the entries of a table, the first in reset."""
    return Signal(intbv(table[0])[bits:])
