"""What blocks are expected to cost on a 7-series FPGA, from their configurations alone.

The figures follow the structure of each block; what synthesis makes of it is measured by `sigmabit synth`, and
docs/planning/planner.md holds one against the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """LUT6, registers, RAMB36 and DSP48."""

    lut: float = 0
    ff: float = 0
    bram36: float = 0
    dsp: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.lut + other.lut, self.ff + other.ff, self.bram36 + other.bram36, self.dsp + other.dsp)


def multiplexer(ways: int) -> int:
    """LUT6 of a multiplexer of one bit: four ways fit the first, each further LUT adds three."""
    return math.ceil((ways - 1) / 3)


def distributed_ram(bits: int, depth: int) -> int:
    """LUT6 of a dual-port memory: four LUTs hold 6 bits of 32 words or 3 bits of 64."""
    if depth <= 32:
        return 4 * math.ceil(bits / 6)
    blocks = math.ceil(depth / 64)
    return 4 * math.ceil(bits / 3) * blocks + bits * multiplexer(blocks)


def block_ram(bits: int, depth: int) -> float:
    """RAMB36 of a read-only memory, in halves; a half holds 512 words of 36 bits, 1,024 of 18, and so on down to 16,384 of 1."""
    width = next((w for w, d in ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192)) if depth <= d), 1)
    return math.ceil(bits / width) * max(1, math.ceil(depth / 16384)) / 2
