"""Operands of a dense layer: parts of a frame gathered into words, each read for all output channels as soon as it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..verilog.fabric import Blocks, count, like, pass_on, pick, register
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire
from .abreast import trim
from .gather import GatherConfig, assemble, buffer_words, count_frames, writes_of
from .loops import Counters, Loops, accompany, count_folds, decide_folds


@dataclass(frozen=True)
class EagerConfig(GatherConfig):
    """Likewise, but a word is waited for, not a frame. frames: words that the buffer holds."""

    @property
    def block(self) -> Any:
        return eager

    @property
    def module(self) -> str:
        return super().module.replace("gather", "eager", 1)

    @property
    def fold(self) -> Loops:
        """Repeats, slices of a word, words: a chunk is read for all outputs before the next one."""
        return Loops(self.positions // self.merge, self.slices, self.repeats, eager=True)

    @property
    def part(self) -> Loops:
        """A word's."""
        return Loops(1, self.slices, self.repeats, eager=True)


@leaf
def eager(clk, rst, sink, operand, config):
    """Operands of a dense layer, chunk by chunk, as soon as a word of `merge` beats is complete.

    Beats come on sink, frame after frame. A word is read config.part.folds times, one cycle each: for each slice of it, for each
    repeat. Reading starts at the later of: two cycles after the word's last beat; the cycle after the last chunk of the word
    before. Latency: config.latency from issue to operand.
    """
    blocks: Blocks = []
    fold = Counters(config.fold)
    ready, issue, left, complete = (bit() for _ in range(4))
    word, fetched, writes = wire(config.word_bits), wire(config.word_bits), writes_of(config)
    write_address, read_address = wire(index_bits(config.depth)), wire(index_bits(config.depth))
    beat = sink.data
    if config.row is not None:
        beat, whole = wire(config.width), wire(config.width)
        blocks.append(pass_on(sink.data, whole))  # conversion gets slices of an interface's signal wrong, hence a copy
        blocks.append(trim(clk, rst, sink.valid, whole, beat, *config.row))
    blocks.append(assemble(clk, rst, sink.valid, beat, word, complete, writes, config.merge))
    blocks.append(decide_folds(clk, rst, ready, issue, left, config.part.folds))
    blocks.append(count_folds(clk, rst, issue, fold, config.fold))
    blocks.append(count(clk, rst, complete, write_address, None, config.depth))
    blocks.append(count_frames(clk, rst, complete, left, ready, config.frames))
    blocks.append(count(clk, rst, left, read_address, None, config.depth))
    blocks.append(buffer_words(clk, word, complete, writes, write_address, read_address, fetched, config.depth))
    chunk = fetched
    if config.slices > 1:
        chunk, slice_q1 = wire(config.chunk_bits), like(fold.slice)
        blocks.append(register(clk, fold.slice, slice_q1))
        blocks.append(pick(fetched, slice_q1, chunk))
    blocks.append(register(clk, chunk, operand.data))
    blocks.append(accompany(clk, rst, issue, fold, [], operand, config.fold, config.latency))
    return blocks
