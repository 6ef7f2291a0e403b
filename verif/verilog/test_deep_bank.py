"""deep_bank: a memory in several banks gives what was written at an address, always as many cycles later."""

from __future__ import annotations

import numpy as np
import pytest
from myhdl import Simulation, delay, instance

from sigmabit.hdl.verilog.fabric import BANK_BITS, DEEP_CYCLES, deep_bank
from sigmabit.hdl.verilog.stream import bit, wire


@pytest.mark.parametrize("words", [1 << (BANK_BITS - 1), 1 << (BANK_BITS + 1), 5 << (BANK_BITS - 1)])
def test_every_bank(words: int) -> None:
    """Of one bank, of four, and of some that are no power of two: drawn words, written and read in any order."""
    random, bits = np.random.default_rng(words), (words - 1).bit_length()
    places = random.integers(0, words, 300).tolist()
    clk, write, to, value = bit(), bit(), wire(bits), wire(9)
    at, found, held, seen = wire(bits), wire(9), dict[int, int](), []
    memory = deep_bank(clk, write, to, value, at, found, words)

    @instance
    def play():
        for number, place in enumerate(places):
            held[place] = number % 512
            write.next, to.next, value.next = True, place, held[place]
            yield _cycle(clk)
        write.next = False
        for place in places[::-1] + [0] * DEEP_CYCLES:
            at.next = place
            yield _cycle(clk)
            seen.append(int(found))

    Simulation(memory, play).run(quiet=1)
    assert seen[DEEP_CYCLES - 1 :][: len(places)] == [held[place] for place in places[::-1]]


def _cycle(clk):  # type: ignore[no-untyped-def]
    """A cycle of the clock, as a simulation waits for it."""

    def run():  # type: ignore[no-untyped-def]
        yield delay(1)
        clk.next = True
        yield delay(1)
        clk.next = False
        yield delay(1)

    return run()
