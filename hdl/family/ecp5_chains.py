"""Bits counted on ECP5's carry chains: which sums, and how many LUT4 they take.

A position of a CCU2C adds two bits and what is carried to it, and either bit may be one that is matched with a weight: its LUT
has four inputs. A sum begins with a position that carries a further bit, whatever was carried before; there the sum before gives
its top bit. So a sum of two numbers of w bits and one bit takes w + 1 positions, and three matched bits take two LUT4. Of many
bits that comes to 1.5 LUT4 for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Count:
    """How `elements` bits are counted: as the sum of two counts, and one bit more. A bit by itself is a count, too."""

    elements: int

    @property
    def width(self) -> int:
        """Bits of the count."""
        return self.elements.bit_length()

    @property
    def level(self) -> int:
        """Sums on the longest way to this one, itself included: the fewest that so many bits need."""
        return self.elements.bit_length() - 1

    @property
    def positions(self) -> int:
        """Of carry chains, for all sums, without the ends of chains."""
        return _best(self.elements)[0]

    @property
    def waiting(self) -> int:
        """Bits that are carried into sums of the third level and above: they wait for these, matched."""
        above = self.level > 2
        return sum(part.waiting for part in self.parts if part.level > 2) + self.carried if above else 0

    @property
    def parts(self) -> tuple[Count, ...]:
        """The counts that are added, the larger one first."""
        return tuple(Count(elements) for elements in _best(self.elements)[1:] if elements)

    @property
    def carried(self) -> int:
        """Bits that are carried into the sum: one, or none."""
        return self.elements - sum(_best(self.elements)[1:])


@cache
def _best(elements: int) -> tuple[int, int, int]:
    """The fewest positions, and the sizes of the parts that lead to them, whose counts are ready a level before."""
    if elements == 1:
        return 0, 1, 0
    most = (1 << elements.bit_length() - 1) - 1
    full = [(1 << bits) - 1 for bits in range(1, elements.bit_length())]
    sizes = {most, elements // 2, (elements + 1) // 2, *full, *(elements - 1 - size for size in full)}
    found = []
    for carried in (1, 0):
        for larger in sorted(sizes):
            smaller = elements - carried - larger
            if larger <= most and 0 <= smaller <= larger:
                below = sum(_best(part)[0] for part in (larger, smaller) if part > 1)
                found.append((below + larger.bit_length() + 1, larger, smaller))
    return min(found)


def cycles_of(elements: int) -> int:
    """In which so many bits are counted: as many as compressors take, whose place sums take (hdl/arithmetic/popcount.py)."""
    width, left, planes = elements.bit_length(), elements, [0, 0]
    for length in (7, 5, 3, 1):
        chains, left = divmod(left, length)
        planes[0] += chains
        planes[1] += length // 2 * chains
    cycles = 2
    while max(planes) > 3:
        taken = [0] * (len(planes) + 2)
        for weight, count in enumerate(planes):
            sixes, rest = divmod(count, 6)
            threes = rest // 3
            for more, found in enumerate((count - 5 * sixes - 2 * threes, sixes + threes, sixes)):
                taken[weight + more] += found
        planes, cycles = taken[:width], cycles + 1
    return cycles


def cycle_of(level: int, levels: int, cycles: int) -> int:
    """In which of so many cycles, from 1 on, the sums of a level are made. Those of the first two levels have a cycle each, as
    what they take comes from afar, to all lanes; of the others, which take what is beside them, the early ones are made in twos.
    """
    if level < 3:
        return level
    first = 2 if cycles > 2 else 1
    each, more = divmod(levels - first, cycles - first)
    above, long = level - first, more * (each + 1)
    return first + (-(-above // (each + 1)) if above <= long else more + -(-(above - long) // each))
