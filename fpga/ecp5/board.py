"""Boards with an ECP5: their clock by a PLL, their constraints for nextpnr."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Self

from ..board import LOADER, Board, BoardError, Clock, Table, Text, checked, common, one_of
from ..ethernet.phy import PHY_MHZ

RTL = Path(__file__).with_name("rtl")

PACKAGES = {"BG256": "CABGA256", "BG381": "CABGA381", "BG554": "CABGA554", "BG756": "CABGA756", "MG285": "CSFBGA285"}
"""What nextpnr calls the packages of parts."""

PART = (
    rf"LFE5U(?:(?:-12|M?-(?:25|45|85))F-[678]|M5G-(?:25|45|85)F-8)(?:{'|'.join(PACKAGES)})[CI]",
    "an ECP5 part with speed grade, 6 to 8, and package, such as LFE5U-85F-6BG381C or, in grade 8 alone, LFE5UM5G-85F-8BG381C",
)


STANDARDS = r"LVCMOS(?:12|15|18|25|33)|LVTTL33|SSTL(?:135|15|18)_II?|HSUL12", "an I/O standard of an ECP5, such as LVCMOS33"

ON, ENABLED = one_of("ON", "OFF"), one_of("ENABLE", "DISABLE")

PROPERTIES = {
    "COMPRESS_CONFIG": ON,
    "CONFIG_IOVOLTAGE": one_of("1.2", "1.5", "1.8", "2.5", "3.3"),
    "CONFIG_SECURE": ON,
    "DONE_EX": ON,
    "DONE_OD": ON,
    "DONE_PULL": ON,
    "MCCLK_FREQ": one_of("2.4", "4.8", "9.7", "19.4", "38.8", "62"),
    "TRANSFR": ON,
    "BACKGROUND_RECONFIG": ON,
    "MASTER_SPI_PORT": ENABLED,
    "SLAVE_SPI_PORT": ENABLED,
    "SLAVE_PARALLEL_PORT": ENABLED,
}
"""Properties of the bitstream, and their values (FPGA-TN-02039)."""


# --- the clock

PHASE_MHZ = 10, 400
"""The oscillator's frequency after division, at the phase detector (FPGA-DS-02012)."""

VCO_MHZ = 400, 800
"""The PLL's own frequency."""

MOST_MHZ = 400
"""What the PLL gives at the most."""

DIVIDERS = 128
"""What each divides by at the most."""


@dataclass(frozen=True)
class Pll:
    """The settings of an EHXPLLL, and the frequency that they make.

    Its own frequency is the oscillator's over `divide`, times `multiply` and `feedback`; the clock is that over `output`.
    """

    divide: int
    multiply: int
    feedback: int
    output: int
    mhz: Fraction

    @property
    def parameters(self) -> str:
        feedback = f".DIVIDE({self.divide}), .MULTIPLY({self.multiply}), .FEEDBACK_DIVIDE({self.feedback})"
        return f"{feedback}, .OUTPUT_DIVIDE({self.output})"


def pll(oscillator_mhz: float, wanted_mhz: float) -> Pll:
    """The settings whose frequency is nearest to the one wanted, and not above it. Raises BoardError if none is near."""
    oscillator, wanted = Fraction(oscillator_mhz).limit_denominator(10**6), Fraction(wanted_mhz).limit_denominator(10**6)
    best: Pll | None = None
    slowest: Fraction | None = None
    for divide in range(max(1, math.ceil(oscillator / PHASE_MHZ[1])), int(oscillator / PHASE_MHZ[0]) + 1):
        phase = oscillator / divide
        for turns in range(math.ceil(VCO_MHZ[0] / phase), int(VCO_MHZ[1] / phase) + 1):
            vco = phase * turns
            slowest = vco / DIVIDERS if slowest is None else min(slowest, vco / DIVIDERS)
            output = max(math.ceil(vco / wanted), math.ceil(vco / MOST_MHZ))
            # of equals the first, whose phase detector is fastest
            if output <= DIVIDERS and (best is None or vco / output > best.mhz):
                multiply = next((m for m in range(1, DIVIDERS + 1) if turns % m == 0 and turns // m <= DIVIDERS), None)
                if multiply is not None:
                    best = Pll(divide, multiply, turns // multiply, output, vco / output)
    if best is None or best.mhz < wanted * Fraction(99, 100):
        near = ("below", best.mhz) if best else ("above", slowest) if slowest else None
        nearest = f"; the nearest {near[0]} it is {float(near[1]):.6g} MHz" if near else ""
        raise BoardError(f"no clock of {wanted_mhz:g} MHz can be made of one of {oscillator_mhz:g} MHz{nearest}")
    return best


# --- boards


@dataclass(frozen=True)
class Ecp5Board(Board):
    """A board with an ECP5. loader: what openFPGALoader calls it."""

    loader: str

    keys: ClassVar[tuple[str, ...]] = "name", "part", "clock", "reset", "uart", "ethernet", "lamps", "configuration", "loader"
    folder: ClassVar[Path] = Path(__file__).with_name("boards")
    parts: ClassVar[Text] = PART
    primitives: ClassVar[Path] = RTL / "primitives.v"
    constraints_file: ClassVar[str] = ".lpf"
    arguments_file: ClassVar[str | None] = None

    @classmethod
    def read(cls, origin: str, file: Table) -> Self:
        of = cls(
            **common(origin, file, PART, standards=STANDARDS, properties=PROPERTIES, others=False),
            loader=file.text("loader", LOADER),
        )
        checked(of, file)
        if of.oscillator_mhz > PHASE_MHZ[1]:
            raise BoardError(f"{file.file}: clock.mhz is {of.oscillator_mhz:g}, expected {PHASE_MHZ[1]} at the most, for the PLL")
        if len(of.clock) == 2:
            raise BoardError(f"{file.file}: clock has p and n, expected pin: oscillators of ECP5 boards have one")
        return of

    def made_clock(self, wanted_mhz: float) -> Pll:
        return pll(self.oscillator_mhz, wanted_mhz)

    @property
    def clock_module(self) -> str:
        return (RTL / "board_clock.v").read_text()

    def constraints(self) -> str:
        """Lines that are idle when high are pulled up, so are a PHY's data, and a button the other way than it is pressed."""
        lines = [f"# {self.name}, made from {self.origin}, which has the sources"]
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";' for port, pin, _ in self.places]
        pulls = {"rx": " PULLMODE=UP"}
        if self.network:  # PHYs read at their reset from what they send by what they are to be: all that they can
            pulls |= {port: " PULLMODE=UP" for port, _, _ in self.network.places if port.startswith("phy_rx_data")}
        if self.reset is not None and self.reset_port is not None:
            pulls[self.reset_port] = f" PULLMODE={'UP' if self.reset.low else 'DOWN'}"
        lines += [f'IOBUF PORT "{port}" IO_TYPE={standard}{pulls.get(port, "")};' for port, _, standard in self.places]
        lines.append(f'FREQUENCY PORT "{self.clock_ports[0]}" {self.oscillator_mhz:g} MHZ;')
        if self.network:
            lines.append(f'FREQUENCY PORT "phy_{self.network.phy.clock}" {PHY_MHZ} MHZ;')
        if self.configuration:
            lines.append(f"SYSCONFIG {' '.join(f'{name}={value}' for name, value in self.configuration)};")
        return "\n".join(lines) + "\n"

    def arguments(self, clock: Clock) -> dict[str, str | float]:
        return {"part": self.part, "clock_mhz": round(float(clock.mhz), 6)}
