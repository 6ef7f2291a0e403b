"""What becomes of tables, products and nets, on every family: Verilog does not depend on the device that it is planned for.

Each family's script for synthesis says the same: verif/house/test_families.py.
"""

from __future__ import annotations

import math

FILL = 0.85
"""The share of a device's LUTs and registers that a plan may use, by rule of thumb, unless a family knows better."""

BLOCK_RAM_FROM = 512
"""Words from which on a table lives in block RAM; shorter ones are made of LUTs."""

MOST_LOADS = 1750
"""Registers, or LUTs, that one control signal or one address drives at the most."""

TABLE_LOADS = 1000
"""Loads of a register of a short table at the most; where more are needed, it is there several times."""

BLOCK_RAM_SHAPES = (36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384)
"""Bits and words of a block RAM, 18 Kb: half a RAMB36, or a DP16KD."""

SHIFT_FROM, SHIFT_DEPTH = 3, 32
"""Registers in a row from which on, and up to which, a cell may stand for all of them, which one net enables."""

MULTIPLIER_FROM = 8
"""Bits that both factors of a product must have for a multiplier."""

PAIR_BITS = 25, 18
"""Of the factors of a multiplier that gives two products at a time."""


def block_ram_shape(depth: int) -> tuple[int, int]:
    """Bits and words of the block that a memory of so many words in block RAM is made of."""
    return next((shape for shape in BLOCK_RAM_SHAPES if depth <= shape[1]), BLOCK_RAM_SHAPES[-1])


def enabled(bits: int, cycles: int) -> int:
    """Loads of what enables so many bits of so many registers in a row."""
    return bits * (cycles if cycles < SHIFT_FROM else math.ceil(cycles / SHIFT_DEPTH))


def multiplies(first: int, second: int) -> bool:
    """Does a product of so many by so many bits, both in two's complement, take a multiplier? Others are made of LUTs."""
    return min(first, second) >= MULTIPLIER_FROM


def multiplies_pairs(bits: int, weight_bits: int) -> bool:
    """Does one multiplier give the products of a number of `bits` bits, without a sign, with two weights?

    The second weight stands above the product of the first.
    """
    return bits + 2 * weight_bits <= PAIR_BITS[0] and bits + 1 <= PAIR_BITS[1]
