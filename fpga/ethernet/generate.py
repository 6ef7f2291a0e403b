"""Writes the module of core.py to standard output: python -m sigmabit.fpga.ethernet.generate MHZ PORT."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from liteeth.core import LiteEthUDPIPCore
from liteeth.phy.gmii import LiteEthPHYGMIIRX, LiteEthPHYGMIITX
from litex.gen import LiteXModule
from litex.gen.fhdl import verilog
from migen import ClockDomain, ClockDomainsRenamer, Record, Signal

STREAM = (
    ("valid", 1),
    ("last", 1),
    ("ready", 1),
    ("ip_address", 32),
    ("src_port", 16),
    ("dst_port", 16),
    ("length", 16),
    ("data", 32),
    ("last_be", 4),
)
"""A UDP port's, in either direction."""

PADS = (("rx_clk", 1), ("rx_rst", 1), ("rx_dv", 1), ("rx_er", 1), ("rx_data", 8), ("tx_clk", 1), ("tx_rst", 1), ("tx_en", 1))
"""A PHY's byte interface, with what the two below bring."""


class Phy(LiteXModule):  # type: ignore[misc]
    """Bytes as on GMII, the clocks of both directions from outside."""

    dw = 8
    tx_clk_freq = rx_clk_freq = 125e6

    def __init__(self, pads: Any) -> None:
        self.cd_eth_rx, self.cd_eth_tx = ClockDomain("eth_rx"), ClockDomain("eth_tx")
        self.comb += [self.cd_eth_rx.clk.eq(pads.rx_clk), self.cd_eth_tx.clk.eq(pads.tx_clk)]
        self.comb += [self.cd_eth_rx.rst.eq(pads.rx_rst), self.cd_eth_tx.rst.eq(pads.tx_rst)]
        self.tx = ClockDomainsRenamer("eth_tx")(LiteEthPHYGMIITX(pads))
        self.rx = ClockDomainsRenamer("eth_rx")(LiteEthPHYGMIIRX(pads))
        self.sink, self.source = self.tx.sink, self.rx.source


class Core(LiteXModule):  # type: ignore[misc]
    """PHY, MAC, ARP, IP, ICMP, and one UDP port."""

    def __init__(self, clock_hz: int, number: int) -> None:
        self.cd_sys = ClockDomain("sys")
        clk, rst, mac, ip = Signal(name="clk"), Signal(name="rst"), Signal(48, name="mac_address"), Signal(32, name="ip_address")
        self.comb += [self.cd_sys.clk.eq(clk), self.cd_sys.rst.eq(rst)]
        pads = Record([*PADS, ("tx_er", 1), ("tx_data", 8)], name="phy")
        self.phy = Phy(pads)
        self.core = LiteEthUDPIPCore(self.phy, mac, ip, clock_hz, dw=32, with_sys_datapath=True)
        port = self.core.udp.crossbar.get_port(number, dw=32)
        sink, source = Record(STREAM, name="sink"), Record([*STREAM, ("error", 4)], name="source")
        for name, _ in STREAM:
            if name != "ready":
                self.comb += [
                    getattr(port.sink, name).eq(getattr(sink, name)),
                    getattr(source, name).eq(getattr(port.source, name)),
                ]
        self.comb += [sink.ready.eq(port.sink.ready), port.source.ready.eq(source.ready), source.error.eq(port.source.error)]
        self.ports = {clk, rst, mac, ip, *pads.flatten(), *sink.flatten(), *source.flatten()}


def text(clock_mhz: float, port: int) -> str:
    """The module. What LiteX says of the day and the folder is left out."""
    core = Core(round(clock_mhz * 1e6), port)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "liteeth_core.v"
        verilog.convert(core, core.ports, name="liteeth_core").write(str(path))
        written = path.read_text()
    written = re.sub(r"^// +(?:Auto-Generated|Date).*\n", "", written, flags=re.MULTILINE)
    return re.sub(r"\A(//[^\n]*\n)+", "// LiteEth (BSD-2-Clause), as fpga/ethernet/generate.py joins it\n", written)


if __name__ == "__main__":
    print(text(float(sys.argv[1]), int(sys.argv[2])))
