"""Dynamic power from area and activity: an estimate for who has no Vivado, with what it rests on (docs/power.md).

Each coefficient is the energy of an event in pJ, for 28 nm and a core voltage of 1.0 V; power is energy times events a cycle
times the clock. They were fitted to reports that Vivado wrote of routed 7-series designs, which docs/power.md lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CLOCK_PJ = 0.037
"""A register's share of the clock, each cycle. 14 reports: median 0.036, quartiles 0.028 and 0.040."""

LOGIC_PJ = 0.125
"""A toggle of a LUT's output, inside. One published log with its activity: 0.123; reports at an assumed 12.5 %: 0.141."""

SIGNAL_PJ = 0.11
"""A toggle of a net between cells. The same: 0.147 and 0.127; times the reports' ratio to logic, 0.75: 0.093."""

BRAM_PJ = 20.0
"""A cycle of an enabled RAMB36. 11 reports: 1.3 to 34, quartiles 5 and 21, at unknown shares of enabled cycles; here, in all."""

DSP_PJ = 6.0
"""A cycle of a DSP48. 5 reports: 1.7 to 10."""

LUT_RATE = 2.0
"""Toggles of the outputs of a LUT6 as multiples of a register's: 1.6 and 2.4 in two netlists of digits_bcnn (`bench gates`)."""

LEAST, MOST = 0.3, 3.0
"""Between which multiples of the estimate the watts of clock and logic are expected. With the activity that their watts of logic
imply, the model gives 0.6 to 2.1 times what ten reports say in all; the energy of a toggle is known to within 1.5; and toggles
within a cycle, before values settle, are not seen without delays.
"""

LEAST_MEMORY, MOST_MEMORY = 0.06, 1.7
"""The same for memories and multipliers: the lowest and the highest report, BRAM_PJ being near the upper end."""


@dataclass(frozen=True)
class Power:
    """Watts of a part: its clock, its logic with the nets that its cells drive, its memories and multipliers."""

    clock: float
    logic: float
    memory: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.clock + self.logic + self.memory

    @property
    def least(self) -> float:
        """The lower end of what is expected."""
        return LEAST * (self.clock + self.logic) + LEAST_MEMORY * self.memory

    @property
    def most(self) -> float:
        """The upper end."""
        return MOST * (self.clock + self.logic) + MOST_MEMORY * self.memory

    def __add__(self, other: Power) -> Power:
        return Power(self.clock + other.clock, self.logic + other.logic, self.memory + other.memory)


def power(area: Mapping[str, float], rate: float, clock_mhz: float) -> Power:
    """The dynamic power of a part. area: its lut, ff, bram36 and dsp. rate: toggles of a register in a cycle, measured.

    Memories and multipliers work in every cycle.
    """
    watts = clock_mhz * 1e6 * 1e-12
    luts, registers = LUT_RATE * rate * area["lut"], rate * area["ff"]
    return Power(
        clock=watts * CLOCK_PJ * area["ff"],
        logic=watts * (LOGIC_PJ * luts + SIGNAL_PJ * (luts + registers)),
        memory=watts * (BRAM_PJ * area["bram36"] + DSP_PJ * area["dsp"]),
    )
