"""Folding: a window is read in chunks, and the chunks again for each group of output channels."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import ConcatSignal, always_comb, always_seq, block

from .fabric import Blocks, age, age_reset, pass_on
from .stream import ADDRESS_LEAD, bit, index_bits, wire


@dataclass(frozen=True)
class FoldConfig:
    """groups: parts that a window's positions are read in; slices: parts that one position's channels are read in; repeats:
    how often all that is read."""

    groups: int
    slices: int
    repeats: int

    @property
    def chunks(self) -> int:
        """Cycles of one accumulation."""
        return self.groups * self.slices

    @property
    def folds(self) -> int:
        """Cycles per window."""
        return self.chunks * self.repeats

    @property
    def address_bits(self) -> int:
        """Width of the number of a fold."""
        return index_bits(self.folds)

    @property
    def repeat_bits(self) -> int:
        """Width of the number of a repeat; 0 where there is but one."""
        return 0 if self.repeats == 1 else index_bits(self.repeats)


class Fold:
    """Where in its folds a window is: the fold's number, its group, slice and repeat, and whether it is the window's last."""

    def __init__(self, config: FoldConfig) -> None:
        self.number, self.group = wire(config.address_bits), wire(index_bits(config.groups))
        self.slice, self.repeat = wire(index_bits(config.slices)), wire(index_bits(config.repeats))
        self.end = bit()


@block
def count_folds(clk, rst, issue, fold, config):
    """Counts the folds that are issued: slices fastest, then groups, then repeats."""
    groups, slices, repeats, folds = config.groups, config.slices, config.repeats, config.folds

    @always_comb
    def mark():
        fold.end.next = fold.number == folds - 1

    @always_seq(clk.posedge, reset=rst)
    def count():
        if issue:
            if fold.number != folds - 1:
                fold.number.next = fold.number + 1
            else:
                fold.number.next = 0
            if fold.slice != slices - 1:
                fold.slice.next = fold.slice + 1
            else:
                fold.slice.next = 0
                if fold.group != groups - 1:
                    fold.group.next = fold.group + 1
                else:
                    fold.group.next = 0
                    if fold.repeat != repeats - 1:
                        fold.repeat.next = fold.repeat + 1
                    else:
                        fold.repeat.next = 0

    return mark, count


@block
def mark_chunk(fold, first, last, config):
    """Is this the first or the last chunk of an accumulation?"""
    last_group, last_slice = config.groups - 1, config.slices - 1

    @always_comb
    def mark():
        first.next = fold.group == 0 and fold.slice == 0
        last.next = fold.group == last_group and fold.slice == last_slice

    return mark


@block
def accompany(clk, rst, issue, fold, border, operand, config, latency):
    """Drives what goes with an operand: its data follow the issue by `latency` cycles, its address by ADDRESS_LEAD fewer.

    border: the fields of the operand's bias above the repeat, from the top.
    """
    blocks: Blocks = [age_reset(clk, rst, issue, operand.valid, latency)]
    if operand.address is not None:
        if latency > ADDRESS_LEAD:
            blocks.append(age(clk, fold.number, operand.address, latency - ADDRESS_LEAD))
        else:
            blocks.append(pass_on(fold.number, operand.address))
    if operand.first is not None:
        first, last = bit(), bit()
        blocks.append(mark_chunk(fold, first, last, config))
        blocks.append(age(clk, first, operand.first, latency))
        blocks.append(age(clk, last, operand.last, latency))
    if operand.bias is not None:
        fields = [*border, fold.repeat] if config.repeat_bits else border
        bias = fields[0] if len(fields) == 1 else ConcatSignal(*fields)
        blocks.append(age(clk, bias, operand.bias, latency))
    return blocks
