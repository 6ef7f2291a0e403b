"""Folding: a window is read in chunks, and the chunks again for each group of output channels."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import ConcatSignal, Signal, always_comb, always_seq, block

from ..verilog.fabric import Blocks, age, age_reset, count, pass_on
from ..verilog.stream import ADDRESS_LEAD, bit, index_bits, wire


@dataclass(frozen=True)
class Loops:
    """The loops, the innermost last, that a window is read in.

    repeats: how often all of it is read, once for each group of output channels; groups: parts that its positions are read in;
    slices: parts that one position's channels are read in. eager: repeats are the innermost, not the outermost loop.
    """

    groups: int
    slices: int
    repeats: int
    eager: bool = False

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


class Counters:
    """The signals that say where in its loops a window is: the fold's number, if that is asked for, its group, slice and repeat;
    None for what never changes.
    """

    def __init__(self, config: Loops, numbered: bool = True) -> None:
        def counter(count: int) -> Signal | None:
            return wire(index_bits(count)) if count > 1 else None

        self.number = counter(config.folds) if numbered else None
        self.group = counter(config.groups)
        self.slice, self.repeat = counter(config.slices), counter(config.repeats)


@block
def decide_folds(clk, rst, ready, issue, move_on, folds):
    """issue: a chunk is read; a window starts when it is ready, and once started goes on. move_on: it is the window's last."""
    if folds == 1:

        @always_comb
        def follow_ready():
            issue.next = ready
            move_on.next = ready

        return follow_ready

    started, ending = bit(), bit()
    number = wire(index_bits(folds))
    last, last_but_one = folds - 1, folds - 2

    @always_comb
    def decide():
        issue.next = started or ready

    @always_comb
    def finish():
        move_on.next = ending and (started or ready)

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if issue:
            started.next = number != last
            ending.next = number == last_but_one
            if number != last:
                number.next = number + 1
            else:
                number.next = 0

    return decide, finish, advance


@block
def count_folds(clk, rst, issue, fold, config):
    """Counts the folds that are issued: slices fastest, then groups, then repeats; if eager, repeats before both."""
    blocks: Blocks = []
    if fold.number is not None:
        blocks.append(count(clk, rst, issue, fold.number, None, config.folds))
    step = issue
    chunks, repeat = [(fold.slice, config.slices), (fold.group, config.groups)], (fold.repeat, config.repeats)
    counters = [repeat, *chunks] if config.eager else [*chunks, repeat]
    counters = [(value, limit) for value, limit in counters if value is not None]
    for value, limit in counters:
        carry = None if value is counters[-1][0] else bit()
        blocks.append(count(clk, rst, step, value, carry, limit))
        step = carry
    return blocks


@block
def mark_chunk(group, slice_, first, last, config):
    """Is this the first or the last chunk of an accumulation? group and slice_ are None where there is but one."""
    last_group, last_slice = config.groups - 1, config.slices - 1
    if slice_ is None:

        @always_comb
        def mark_group():
            first.next = group == 0
            last.next = group == last_group

        return mark_group
    if group is None:

        @always_comb
        def mark_slice():
            first.next = slice_ == 0
            last.next = slice_ == last_slice

        return mark_slice

    @always_comb
    def mark_both():
        first.next = group == 0 and slice_ == 0
        last.next = group == last_group and slice_ == last_slice

    return mark_both


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
        blocks.append(mark_chunk(fold.group, fold.slice, first, last, config))
        blocks.append(age(clk, first, operand.first, latency))
        blocks.append(age(clk, last, operand.last, latency))
    if operand.bias is not None:
        fields = border if fold.repeat is None else [*border, fold.repeat]
        bias = fields[0] if len(fields) == 1 else ConcatSignal(*fields)
        blocks.append(age(clk, bias, operand.bias, latency))
    return blocks
