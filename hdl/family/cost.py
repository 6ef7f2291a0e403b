"""What a block is expected to use of a device, and what a device has."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cost:
    """LUTs, registers, block RAM of 36 Kb, and multipliers. What they are called on a device, its family says."""

    lut: float = 0
    ff: float = 0
    bram36: float = 0
    dsp: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.lut + other.lut, self.ff + other.ff, self.bram36 + other.bram36, self.dsp + other.dsp)

    def __mul__(self, times: float) -> Cost:
        return Cost(self.lut * times, self.ff * times, self.bram36 * times, self.dsp * times)


@dataclass(frozen=True)
class Part:
    """A device: what there is of each resource."""

    name: str
    lut: int
    ff: int
    bram36: float
    dsp: int


@dataclass(frozen=True)
class Room:
    """What a plan may use of a part: so much block RAM of 36 Kb and so many multipliers at the most; None: all that there is."""

    bram36: float | None = None
    dsp: int | None = None

    def of(self, part: Part) -> Part:
        """The part, with no more of either than that."""
        bram36 = part.bram36 if self.bram36 is None else min(part.bram36, self.bram36)
        dsp = part.dsp if self.dsp is None else min(part.dsp, self.dsp)
        return replace(part, bram36=bram36, dsp=dsp)


WHOLE = Room()
"""All of a part."""
