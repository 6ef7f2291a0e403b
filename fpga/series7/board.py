"""Boards of the 7 series: their clock by an MMCM, their constraints for Vivado."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Self

from ..board import Board, BoardError, Clock, Table, Text, checked, common, is_text, one_of
from ..ethernet.phy import PHY_MHZ

RTL = Path(__file__).with_name("rtl")

PART = r"xc7[a-z]+\d+t?[a-z]+\d+-[123][a-zA-Z]*", "a 7-series part with package and speed grade, such as xc7k325tffg900-2"
INTERFACE = r"BPIx8|BPIx16|SPIx1|SPIx2|SPIx4", "one of BPIx8, BPIx16, SPIx1, SPIx2, SPIx4"

KEYS = "name", "part", "clock", "reset", "uart", "ethernet", "lamps", "configuration", "flash"
MEGABYTES = 1024
WIDTH = "BITSTREAM.CONFIG.SPI_BUSWIDTH"


PROPERTIES = {
    "CFGBVS": one_of("VCCO", "GND"),
    "CONFIG_VOLTAGE": one_of("1.5", "1.8", "2.5", "3.3"),
    "BITSTREAM.GENERAL.COMPRESS": one_of("TRUE", "FALSE"),
    "BITSTREAM.CONFIG.CONFIGRATE": one_of("3", "6", "9", "12", "16", "22", "26", "33", "40", "50", "66"),
    "BITSTREAM.CONFIG.EXTMASTERCCLK_EN": one_of("DISABLE", "DIV-1", "DIV-2", "DIV-4", "DIV-8"),
    "BITSTREAM.CONFIG.BPI_SYNC_MODE": one_of("DISABLE", "TYPE1", "TYPE2"),
    "BITSTREAM.CONFIG.SPI_BUSWIDTH": one_of("NONE", "1", "2", "4"),
    "BITSTREAM.CONFIG.UNUSEDPIN": one_of("PULLDOWN", "PULLUP", "PULLNONE"),
}
"""Properties of the bitstream whose values are checked (UG908); Vivado has more."""


def is_part(name: str) -> bool:
    """Is it a part with package and speed grade?"""
    return is_text(name, PART)


# --- the clock

VCO_MHZ = (600, 1200)
"""The MMCM's own frequency: what all speed grades of the 7 series allow (DS181, DS182, DS183)."""

PHASE_MHZ = (10, 450)
"""The oscillator's frequency after division, at the phase detector: what all speed grades allow."""


@dataclass(frozen=True)
class Mmcm:
    """The settings of an MMCM (UG472), multiply and output in eighths, and the frequency that they make."""

    multiply: Fraction
    divide: int
    output: Fraction
    mhz: Fraction

    @property
    def parameters(self) -> str:
        period = 1000 * self.multiply / (self.mhz * self.output * self.divide)
        return (
            f".MULTIPLY({float(self.multiply)}), .DIVIDE({self.divide}), .OUTPUT_DIVIDE({float(self.output)}), "
            f".PERIOD({float(period):.3f})"
        )


def mmcm(oscillator_mhz: float, wanted_mhz: float) -> Mmcm:
    """The settings whose frequency is nearest to the one wanted, and not above it. Raises BoardError if none is near."""
    oscillator, wanted = Fraction(oscillator_mhz).limit_denominator(10**6), Fraction(wanted_mhz).limit_denominator(10**6)
    best: Mmcm | None = None
    for divide in range(math.ceil(oscillator / PHASE_MHZ[1]), int(oscillator / PHASE_MHZ[0]) + 1):
        for eighths in range(64 * 8, 2 * 8 - 1, -1):  # of equals the fastest, whose clock jitters least
            vco = oscillator * eighths / (8 * divide)
            if not VCO_MHZ[0] <= vco <= VCO_MHZ[1]:
                continue
            output = Fraction(-(-vco * 8 // wanted), 8)  # rounded up: the clock is not faster than timing was met for
            if output != 1 and not 2 <= output <= 128:
                continue
            made = Mmcm(Fraction(eighths, 8), divide, output, vco / output)
            if best is None or made.mhz > best.mhz:
                best = made
        if best is not None and best.mhz == wanted:
            break
    if best is None or best.mhz < wanted * Fraction(99, 100):
        raise BoardError(f"no clock of {wanted_mhz:g} MHz can be made of one of {oscillator_mhz:g} MHz")
    return best


# --- boards

SINGLE_ENDED = (
    ("    input  wire clk_p,\n    input  wire clk_n,\n", "    input  wire clk_in,\n"),
    ("IBUFDS clock_input (.I(clk_p), .IB(clk_n), .O(oscillator));", "IBUF clock_input (.I(clk_in), .O(oscillator));"),
)
"""How board_clock.v, which takes a differential oscillator, differs for one with a single pin."""


@dataclass(frozen=True)
class Series7Board(Board):
    """A board of the 7 series. flash: interface and megabytes of what it is configured from."""

    flash: tuple[str, int]

    keys: ClassVar[tuple[str, ...]] = KEYS
    folder: ClassVar[Path] = Path(__file__).with_name("boards")
    parts: ClassVar[Text] = PART
    primitives: ClassVar[Path] = RTL / "primitives.v"
    constraints_file: ClassVar[str] = ".xdc"
    arguments_file: ClassVar[str | None] = "vivado.args"

    @classmethod
    def read(cls, origin: str, file: Table) -> Self:
        flash = file.table("flash", "interface", "megabytes")
        interface, megabytes = flash.text("interface", INTERFACE), flash.power_of_two("megabytes", MEGABYTES)
        of = cls(**common(origin, file, PART, properties=PROPERTIES), flash=(interface, megabytes))
        checked(of, file)
        width = interface.removeprefix("SPIx")
        if width != interface and dict(of.configuration).get(WIDTH, "1") != width:
            table = Table(file.file, dict(of.configuration), (WIDTH, *dict(of.configuration)), "configuration.")
            raise table.wrong(WIDTH, f"{width}, as flash.interface is {interface}")
        return of

    def made_clock(self, wanted_mhz: float) -> Mmcm:
        return mmcm(self.oscillator_mhz, wanted_mhz)

    @property
    def clock_module(self) -> str:
        text = (RTL / "board_clock.v").read_text()
        if len(self.clock) == 1:
            for differential, single in SINGLE_ENDED:
                text = text.replace(differential, single)
        return text

    def constraints(self) -> str:
        """Pins, standards, the oscillator. The clock that the MMCM makes follows from it; pins without a clock have no timing."""
        inputs, outputs = (" ".join(ports) for ports in self.asynchronous)
        lines = [f"# {self.name}, made from {self.origin}, which has the sources"]
        lines += [f"set_property PACKAGE_PIN {pin} [get_ports {{{port}}}]" for port, pin, _ in self.places]
        lines += [f"set_property IOSTANDARD {standard} [get_ports {{{port}}}]" for port, _, standard in self.places if standard]
        lines += [f"set_property {name} {value} [current_design]" for name, value in self.configuration]
        lines.append(f"create_clock -name oscillator -period {1000 / self.oscillator_mhz:.3f} [get_ports {self.clock_ports[0]}]")
        if self.network:
            lines.append(f"create_clock -name phy -period {1000 / PHY_MHZ:.3f} [get_ports phy_{self.network.phy.clock}]")
            made = {"phy_tx": "TXOUTCLK", "phy_rx": "RXOUTCLK"} if self.network.phy.transceiver else {}
            for name, pin in made.items():  # a transceiver's clocks, of 20 bits each, do not follow from its reference
                pins = f"[get_pins -hierarchical -filter {{REF_PIN_NAME == {pin}}}]"
                lines.append(f"create_clock -name {name} -period {2000 / PHY_MHZ:.3f} {pins}")
            groups = (f"-group [get_clocks -include_generated_clocks {clock}]" for clock in ("oscillator", "phy", *made))
            lines.append(f"set_clock_groups -asynchronous {' '.join(groups)}")
        lines += [
            *([f"set_false_path -from [get_ports {{{inputs}}}]"] if inputs else []),
            f"set_false_path -to [get_ports {{{outputs}}}]",
        ]
        if not self.network:
            # the first two registers behind rx; those behind reset carry the attribute in their source
            cells = ".*uart_receiver_instance/(metastable|line)_reg"
            lines.append(f"set_property ASYNC_REG TRUE [get_cells -hierarchical -regexp {{{cells}}}]")
        return "\n".join(lines) + "\n"

    def arguments(self, clock: Clock) -> dict[str, str | float]:
        interface, megabytes = self.flash
        return {"part": self.part, "clock_mhz": round(float(clock.mhz), 6), "interface": interface, "megabytes": megabytes}
