"""Ethernet PHYs: what lies between one and LiteEth, pin by pin."""

from __future__ import annotations

from dataclasses import dataclass

PHY_MHZ = 125
"""A byte in each cycle is a gigabit in a second."""


@dataclass(frozen=True)
class Pin:
    """A pin, or a row of them, the FPGA's output or its input. serial: a transceiver's, which has no I/O standard."""

    name: str
    bits: int = 1
    output: bool = False
    serial: bool = False


@dataclass(frozen=True)
class Phy:
    """An interface of a gigabit PHY. clock: the pin of a clock from it, at 125 MHz."""

    name: str
    pins: tuple[Pin, ...]
    clock: str = "rx_clk"

    @property
    def transceiver(self) -> bool:
        """Is it a transceiver of the FPGA's to which it is connected?"""
        return any(pin.serial for pin in self.pins)

    def ports(self, prefix: str = "phy_") -> tuple[tuple[str, Pin], ...]:
        """The pins, with the names of a module's ports."""
        return tuple((f"{prefix}{pin.name}", pin) for pin in self.pins)


BYTES = Phy(
    "bytes",
    (Pin("clk"), Pin("rst"), Pin("rx_dv"), Pin("rx_data", 8), Pin("tx_en", 1, True), Pin("tx_data", 8, True)),
    clock="clk",
)
"""No PHY, but what one says, a byte in each cycle of a clock for both directions: for simulation."""

GMII = Phy(
    "gmii",
    (
        *(Pin("rx_clk"), Pin("rx_dv"), Pin("rx_data", 8)),
        *(Pin("gtx_clk", 1, True), Pin("tx_en", 1, True), Pin("tx_er", 1, True), Pin("tx_data", 8, True)),
        Pin("rst_n", 1, True),
    ),
)
"""Of the 7 series, by LiteEth's LiteEthPHYGMII: it sends at the clock at which it receives."""

RGMII = Phy(
    "rgmii",
    (
        *(Pin("rx_clk"), Pin("rx_ctl"), Pin("rx_data", 4)),
        *(Pin("tx_clk", 1, True), Pin("tx_ctl", 1, True), Pin("tx_data", 4, True)),
        Pin("rst_n", 1, True),
    ),
)
"""Of ECP5, by LiteEth's LiteEthPHYRGMII: it sends at the clock at which it receives, two nanoseconds late."""

SGMII = Phy(
    "sgmii",
    (
        *(Pin(name, serial=True) for name in ("clk_p", "clk_n", "rx_p", "rx_n")),
        *(Pin(name, output=True, serial=True) for name in ("tx_p", "tx_n")),
        Pin("rst_n", 1, True),
    ),
    clock="clk_p",
)
"""At a GTX of the 7 series, with a reference of 125 MHz, by LiteEth's K7_1000BASEX, which finds out that it is SGMII."""
