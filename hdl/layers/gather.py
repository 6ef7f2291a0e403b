"""Operands of a dense layer: a frame gathered into words, and read as often as its folding asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always, always_comb, always_seq, block

from ..arithmetic.delay import Copies, copy_each
from ..family import Cost, Family
from ..family.rules import MOST_LOADS
from ..verilog.fabric import Blocks, count, fill, fill_turns, joined, like, pass_on, pick, register, register_reset
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire
from .abreast import trim
from .loops import Counters, Loops, accompany, count_folds, decide_folds
from .timing import Times, serve


@dataclass(frozen=True)
class GatherConfig:
    """How a frame is read, a chunk per cycle.

    positions: beats per frame. width: bits per beat. merge: beats per memory word, a divisor of positions. slices: chunks per
    beat, 1 unless merge is 1. repeats: how often the frame is read. frames: frames that the buffer holds. row: where the last
    beat of a row is filled up, the beats of a row, and the bits of the last that are kept; zeros stand for the others.
    """

    positions: int
    width: int
    merge: int
    slices: int
    repeats: int
    frames: int
    row: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.positions % self.merge:
            raise ValueError(f"merge={self.merge} does not divide positions={self.positions}")
        if self.width % self.slices:
            raise ValueError(f"slices={self.slices} does not divide width={self.width}")
        if self.merge > 1 and self.slices > 1:
            raise ValueError(f"merge={self.merge} and slices={self.slices}: one of them is 1")
        if self.frames < 1 or self.repeats < 1:
            raise ValueError(f"frames={self.frames}, repeats={self.repeats}: both are at least 1")

    @property
    def block(self) -> Any:
        """What reads so."""
        return gather

    @property
    def module(self) -> str:
        trimmed = "" if self.row is None else "_{}r{}".format(*self.row)
        return f"gather_{self.positions}x{self.width}_{self.merge}x{self.slices}x{self.repeats}_{self.frames}{trimmed}"

    @property
    def fold(self) -> Loops:
        """Words, slices of a word, repeats."""
        return Loops(self.positions // self.merge, self.slices, self.repeats)

    @property
    def part(self) -> Loops:
        """Those of what is waited for, before it is read: the whole frame."""
        return self.fold

    @property
    def word_bits(self) -> int:
        """Width of the memory."""
        return self.merge * self.width

    @property
    def chunk_bits(self) -> int:
        """Bits of an operand; channels fastest, then positions."""
        return self.word_bits // self.slices

    def bill(self, family: Family) -> Cost:
        """Expected size: the memory, the choice of a slice, and the counters, one of them of the beats of a word."""
        memory = family.buffer(self.word_bits, self.depth) if self.depth > 1 else family.registers(self.word_bits)
        memory += family.logic(fill_turns(self.word_bits) if self.merge > 1 else 0)
        lut = 0.0
        lut += self.chunk_bits * family.multiplexer(self.slices).lut if self.slices > 1 else 0
        lut += 0 if self.row is None else self.width - self.row[1] + 10
        lut += 4 * index_bits(self.merge) if self.merge > 1 else 0
        return memory + Cost(lut + 20 + 3 * self.fold.address_bits) + family.delay(2 * self.word_bits + self.chunk_bits + 30, 1)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a chunk to its operand."""
        return 2

    @property
    def bias_bits(self) -> int:
        """Width of `Operand.bias`; 0 where there is one repeat."""
        return self.fold.repeat_bits

    @property
    def depth(self) -> int:
        """Words of the memory."""
        return self.frames * self.part.groups


@block
def assemble(clk, rst, valid, data, word, complete, writes, merge):
    """word: the last `merge` beats, the newest highest; complete in the cycle after the last of them, as are writes, if any."""
    if merge == 1:
        copies = [] if writes is None else copy_each(clk, rst, valid, writes)
        return register(clk, data, word), register_reset(clk, rst, valid, complete), copies

    total, width = len(word), len(data)
    position, whole = wire(index_bits(merge)), bit()
    if writes is not None:
        told = register_reset(clk, rst, whole, complete), copy_each(clk, rst, whole, writes)
        return fill(clk, valid, position, data, word), count(clk, rst, valid, position, whole, merge), told

    @always(clk.posedge)
    def shift():
        if valid:
            word.next[total - width :] = word[total:width]
            word.next[total : total - width] = data

    counter = count(clk, rst, valid, position, whole, merge)
    return shift, counter, register_reset(clk, rst, whole, complete)


@block
def buffer_words(clk, word, write, writes, write_address, read_address, read_data, depth):
    """The memory: a word written and a word read in each cycle. writes: what write is, for a share of the word each, or None."""
    if writes is not None:
        size = -(-len(word) // len(writes.bits))
        shares = [word(min(low + size, len(word)), low) for low in range(0, len(word), size)]
        parts = [wire(len(share)) for share in shares]
        memories = [
            buffer_words(clk, share, writes.bits[number], None, write_address, read_address, parts[number], depth)
            for number, share in enumerate(shares)
        ]
        return memories, pass_on(joined(parts), read_data)
    words = [wire(len(word)) for _ in range(depth)]

    @always(clk.posedge)
    def store():
        if write:
            words[write_address].next = word

    @always(clk.posedge)
    def fetch():
        read_data.next = words[read_address]

    return store, fetch


def writes_of(config: Any) -> Copies | None:
    """What writes the shares of a word that is wider than a net may load; None where one net suffices."""
    return Copies(-(-config.word_bits // MOST_LOADS)) if config.word_bits > MOST_LOADS else None


@block
def follow_words(clk, rst, complete, arrived, write_address, config):
    """Where words go, one after the other, round the memory; arrived: this one completes a frame."""
    words = config.fold.groups
    around = count(clk, rst, complete, write_address, None, config.depth)
    if words == 1:
        return around, pass_on(complete, arrived)
    written = wire(index_bits(words))
    return around, count(clk, rst, complete, written, arrived, words)


@block
def count_frames(clk, rst, arrived, left, ready, frames):
    """ready: a whole frame is there, from the cycle after its last word was written until its last chunk is read."""
    present = wire(index_bits(frames + 1))

    @always_comb
    def decide():
        ready.next = present != 0

    @always_seq(clk.posedge, reset=rst)
    def tally_frames():
        if arrived and not left:
            present.next = present + 1
        elif left and not arrived:
            present.next = present - 1

    return decide, tally_frames


@block
def follow_frames(clk, rst, left, group, read_address, config):
    """Where the words of the frame that is read lie. group: which word, None where there is one."""
    words, last_base = config.fold.groups, config.depth - config.fold.groups
    if words == 1:
        return count(clk, rst, left, read_address, None, config.frames)
    if not last_base:
        return pass_on(group, read_address)
    base = wire(index_bits(config.depth))

    @always_comb
    def point():
        read_address.next = base + group

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if left:
            if base != last_base:
                base.next = base + words
            else:
                base.next = 0

    return point, advance


@leaf
def gather(clk, rst, sink, operand, config):
    """Operands of a dense layer, chunk by chunk, as soon as a frame is complete.

    Beats come on sink, frame after frame. A frame is read config.fold.folds times, one cycle each: for each repeat, for each word
    of `merge` beats, for each slice of the word. Reading starts at the later of: two cycles after the frame's last beat; the
    cycle after the last chunk of the frame before. Latency: config.latency from issue to operand.
    """
    blocks: Blocks = []
    fold = Counters(config.fold)
    ready, issue, left, complete, arrived = (bit() for _ in range(5))
    word, fetched, writes = wire(config.word_bits), wire(config.word_bits), writes_of(config)
    write_address, read_address = wire(index_bits(config.depth)), wire(index_bits(config.depth))
    beat = sink.data
    if config.row is not None:
        beat, whole = wire(config.width), wire(config.width)
        blocks.append(pass_on(sink.data, whole))  # conversion gets slices of an interface's signal wrong, hence a copy
        blocks.append(trim(clk, rst, sink.valid, whole, beat, *config.row))
    blocks.append(assemble(clk, rst, sink.valid, beat, word, complete, writes, config.merge))
    blocks.append(decide_folds(clk, rst, ready, issue, left, config.fold.folds))
    blocks.append(count_folds(clk, rst, issue, fold, config.fold))
    blocks.append(follow_words(clk, rst, complete, arrived, write_address, config))
    blocks.append(count_frames(clk, rst, arrived, left, ready, config.frames))
    blocks.append(follow_frames(clk, rst, left, fold.group, read_address, config))
    blocks.append(buffer_words(clk, word, complete, writes, write_address, read_address, fetched, config.depth))
    chunk = fetched
    if config.slices > 1:
        chunk, slice_q1 = wire(config.chunk_bits), like(fold.slice)
        blocks.append(register(clk, fold.slice, slice_q1))
        blocks.append(pick(fetched, slice_q1, chunk))
    blocks.append(register(clk, chunk, operand.data))
    blocks.append(accompany(clk, rst, issue, fold, [], operand, config.fold, config.latency))
    return blocks


def gather_starts(arrivals: Times, folds: int) -> Times:
    """First chunk of each frame: from two cycles after its last beat."""
    return serve(arrivals[:, -1:] + 2, folds)


def frames_needed(arrivals: Times, starts: Times, fold: Loops) -> int:
    """Fewest frames that a dense layer's buffer must hold, so that no word is overwritten before it was read for the last time.

    Word w is written in the cycle after its last beat, and read last in slice `slices` of the last repeat.
    """
    merge = arrivals.shape[1] // fold.groups
    written = arrivals[:, merge - 1 :: merge] + 1
    read = starts + fold.folds - fold.chunks - 1 + fold.slices * np.arange(1, fold.groups + 1)
    for frames in range(1, len(arrivals)):
        if np.all(written[frames:] > read[:-frames]):
            return frames
    raise ValueError(f"no buffer below {len(arrivals)} frames suffices")
