"""Boards with a GW2A: their clock by a PLL, their constraints for nextpnr."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Self

from ..board import LOADER, Board, BoardError, Clock, Table, Text, checked, common

RTL = Path(__file__).with_name("rtl")

PART = (
    r"GW2A-LV18(?:QN88|EQ144|MG196|PG256S?F?|PG256CF?|PG256E|UG324|PG484C?|UG484)C[789]/I[678]"
    r"|GW2AR-LV18(?:QN88P?F?|EQ144P?F?|EQ176)C[789]/I[678]",
    "a GW2A-18 or GW2AR-18 with package and speed grade, such as GW2AR-LV18QN88C8/I7",
)
PIN = r"[A-Z]{0,2}\d{1,3}", "a pin's name, such as 69 or AB12"

STANDARDS = r"LVCMOS(?:12|15|18|25|33)|LVTTL33", "an I/O standard of a GW2A, such as LVCMOS33"


# --- the clock

PHASE_MHZ = 3, 500
"""The oscillator's frequency after division, at the phase detector (DS226)."""

VCO_MHZ = 500, 1250
"""The PLL's own frequency."""

CLOCK_MHZ = Fraction(125, 32), Fraction(625)
"""What the PLL gives."""

DIVIDERS = 64
"""What divides the oscillator and the feedback at most."""

OUTPUTS = (2, 4, 8, *range(16, 129, 16))
"""What may stand between the PLL's own frequency and the clock."""


@dataclass(frozen=True)
class Pll:
    """The settings of an rPLL, and the frequency that they make: the oscillator's over `divide`, times `multiply`.

    Its own frequency is that times `output`.
    """

    oscillator_mhz: float
    divide: int
    multiply: int
    output: int
    mhz: Fraction

    @property
    def parameters(self) -> str:
        dividers = f".DIVIDE({self.divide}), .MULTIPLY({self.multiply}), .OUTPUT_DIVIDE({self.output})"
        return f'.OSCILLATOR_MHZ("{self.oscillator_mhz:g}"), {dividers}'


def _output(clock: Fraction) -> int | None:
    """What the PLL's own frequency is divided by for a clock, if it can be made."""
    if clock < CLOCK_MHZ[0]:
        return None
    return next((output for output in OUTPUTS if VCO_MHZ[0] <= clock * output <= VCO_MHZ[1]), None)


def pll(oscillator_mhz: float, wanted_mhz: float) -> Pll:
    """The settings whose frequency is nearest to the one wanted, and not above it. Raises BoardError if none is near."""
    oscillator, wanted = Fraction(oscillator_mhz).limit_denominator(10**6), Fraction(wanted_mhz).limit_denominator(10**6)
    best: Pll | None = None
    slowest: Fraction | None = None
    for divide in range(1, DIVIDERS + 1):
        phase = oscillator / divide
        if not PHASE_MHZ[0] <= phase <= PHASE_MHZ[1]:
            continue
        multiply = min(DIVIDERS, int(min(wanted, CLOCK_MHZ[1]) / phase))
        clock = phase * multiply
        output = _output(clock)
        slow = next((mhz for turns in range(1, DIVIDERS + 1) if _output(mhz := phase * turns) is not None), None)
        slowest = min(filter(None, (slowest, slow)), default=None)
        # of equals the first, whose phase detector is fastest
        if output is not None and (best is None or clock > best.mhz):
            best = Pll(oscillator_mhz, divide, multiply, output, clock)
    if best is None or best.mhz < wanted * Fraction(99, 100):
        near = ("below", best.mhz) if best else ("above", slowest) if slowest else None
        nearest = f"; the nearest {near[0]} it is {float(near[1]):.6g} MHz" if near else ""
        raise BoardError(f"no clock of {wanted_mhz:g} MHz can be made of one of {oscillator_mhz:g} MHz{nearest}")
    return best


# --- boards


@dataclass(frozen=True)
class GowinBoard(Board):
    """A board with a GW2A. loader: what openFPGALoader calls it."""

    loader: str

    keys: ClassVar[tuple[str, ...]] = "name", "part", "clock", "reset", "uart", "lamps", "loader"
    folder: ClassVar[Path] = Path(__file__).with_name("boards")
    parts: ClassVar[Text] = PART
    primitives: ClassVar[Path] = RTL / "primitives.v"
    constraints_file: ClassVar[str] = ".cst"
    arguments_file: ClassVar[str | None] = None

    @classmethod
    def read(cls, origin: str, file: Table) -> Self:
        of = cls(**common(origin, file, PART, PIN, STANDARDS), loader=file.text("loader", LOADER))
        checked(of, file)
        if of.oscillator_mhz > PHASE_MHZ[1]:
            raise BoardError(f"{file.file}: clock.mhz is {of.oscillator_mhz:g}, expected {PHASE_MHZ[1]} at the most, for the PLL")
        if len(of.clock) == 2:
            raise BoardError(f"{file.file}: clock has p and n, expected pin: oscillators of GW2A boards have one")
        return of

    def made_clock(self, wanted_mhz: float) -> Clock:
        return pll(self.oscillator_mhz, wanted_mhz)

    @property
    def clock_module(self) -> str:
        return (RTL / "board_clock.v").read_text()

    def constraints(self) -> str:
        """Lines that are idle when high are pulled up, and a button the other way than it is pressed."""
        lines = [f"// {self.name}, made from {self.origin}, which has the sources"]
        lines += [f'IO_LOC "{port}" {pin};' for port, pin, _ in self.places]
        pulls = {"rx": " PULL_MODE=UP"}
        if self.reset is not None and self.reset_port is not None:
            pulls[self.reset_port] = f" PULL_MODE={'UP' if self.reset.low else 'DOWN'}"
        lines += [f'IO_PORT "{port}" IO_TYPE={standard}{pulls.get(port, "")};' for port, _, standard in self.places]
        return "\n".join(lines) + "\n"

    def arguments(self, clock: Clock) -> dict[str, str | float]:
        return {"part": self.part, "clock_mhz": round(float(clock.mhz), 6)}
