"""Writes the module of core.py to standard output: python -m sigmabit.fpga.ethernet.generate MHZ PORT PHY."""

from __future__ import annotations

import re
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import liteiclink.transceiver.gtx_7series as gtx_7series
from liteeth.common import eth_icmp_user_description
from liteeth.core import LiteEthUDPIPCore
from liteeth.core import icmp as icmp_core
from liteeth.core.icmp import LiteEthICMPEcho
from liteeth.phy import ecp5rgmii, gmii
from liteeth.phy.common import LiteEthPHYHWReset
from liteeth.phy.k7_1000basex import K7_1000BASEX
from litex.build.lattice.common import lattice_ecp5_trellis_special_overrides
from litex.build.xilinx.common import xilinx_s7_special_overrides, xilinx_special_overrides
from litex.gen import LiteXModule
from litex.gen.fhdl import verilog
from litex.soc.interconnect import stream
from migen import ClockDomain, ClockDomainsRenamer, If, Record, Signal

from .phy import BYTES, GMII, RGMII, SGMII

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


class Bytes(LiteXModule):  # type: ignore[misc]
    """Bytes as on GMII, with one clock for both directions."""

    dw = 8
    tx_clk_freq = rx_clk_freq = 125e6

    def __init__(self, pads: Any, clock_hz: int) -> None:
        self.cd_eth_rx, self.cd_eth_tx = ClockDomain("eth_rx"), ClockDomain("eth_tx")
        for domain in (self.cd_eth_rx, self.cd_eth_tx):
            self.comb += [domain.clk.eq(pads.clk), domain.rst.eq(pads.rst)]
        self.tx = ClockDomainsRenamer("eth_tx")(gmii.LiteEthPHYGMIITX(pads))
        self.rx = ClockDomainsRenamer("eth_rx")(gmii.LiteEthPHYGMIIRX(pads))
        self.sink, self.source = self.tx.sink, self.rx.source


def _gmii(pads: Any, clock_hz: int) -> Any:
    """tx: a clock that PHYs have for slower networks only."""
    return gmii.LiteEthPHYGMII(SimpleNamespace(rx=pads.rx_clk, gtx=pads.gtx_clk, tx=Signal()), pads)


def _rgmii(pads: Any, clock_hz: int) -> Any:
    return ecp5rgmii.LiteEthPHYRGMII(SimpleNamespace(rx=pads.rx_clk, tx=pads.tx_clk), pads, with_inband_status=False)


class Pll(gtx_7series.GTXChannelPLL):  # type: ignore[misc]
    """A transceiver's, of the reference that boards have for SGMII; K7_1000BASEX takes it to be 200 MHz.

    All else there is of 125 MHz: RX_CLK25_DIV and TX_CLK25_DIV, the reference over 25 MHz, are 5.
    """

    def __init__(self, refclk: Any, refclk_freq: float, linerate: float) -> None:
        super().__init__(refclk, 125e6, linerate)


class Sgmii(K7_1000BASEX):  # type: ignore[misc]
    """A GTX, with a reset of the PHY at power-up."""

    def __init__(self, pads: Any, clock_hz: int) -> None:
        gtx_7series.GTXChannelPLL = Pll
        data = SimpleNamespace(txp=pads.tx_p, txn=pads.tx_n, rxp=pads.rx_p, rxn=pads.rx_n)
        super().__init__(SimpleNamespace(p=pads.clk_p, n=pads.clk_n), data, clock_hz, with_csr=False)
        self.hw_reset = LiteEthPHYHWReset()
        self.comb += pads.rst_n.eq(~self.hw_reset.reset)


XILINX = {**xilinx_special_overrides, **xilinx_s7_special_overrides}

KINDS = {
    BYTES.name: (BYTES, Bytes, {}),
    GMII.name: (GMII, _gmii, XILINX),
    RGMII.name: (RGMII, _rgmii, lattice_ecp5_trellis_special_overrides),
    SGMII.name: (SGMII, Sgmii, XILINX),
}
"""What there is between LiteEth and each PHY, and with which primitives it is written."""


class Echo(LiteXModule):  # type: ignore[misc]
    """LiteEth's LiteEthICMPEcho, which takes the length that an IP header says for that of the frame: where more words come than
    its queue has room for, they stand before it for ever, and so does all that comes behind them. Here such a request ends where
    the queue does.
    """

    def __init__(self, dw: int, fifo_depth: int) -> None:
        self.echo = echo = LiteEthICMPEcho(dw, fifo_depth)
        self.sink, self.source = stream.Endpoint(eth_icmp_user_description(dw)), echo.source
        words = fifo_depth // (dw // 8)
        count, over = Signal(max=words + 1), Signal()
        self.comb += [
            self.sink.connect(echo.sink, omit={"valid", "ready", "last"}),
            echo.sink.valid.eq(self.sink.valid & ~over),
            echo.sink.last.eq(self.sink.last | (count == words - 1)),
            self.sink.ready.eq(echo.sink.ready | over),
        ]
        self.sync += If(
            self.sink.valid & self.sink.ready,
            If(self.sink.last, count.eq(0), over.eq(0)).Elif(count == words - 1, over.eq(1)).Else(count.eq(count + 1)),
        )


def core_of(phy: Any, mac: Any, ip: Any, clock_hz: int) -> Any:
    """LiteEth's MAC, ARP, IP and ICMP, with the echo above."""
    own, icmp_core.LiteEthICMPEcho = icmp_core.LiteEthICMPEcho, Echo
    try:
        return LiteEthUDPIPCore(phy, mac, ip, clock_hz, dw=32, with_sys_datapath=True)
    finally:
        icmp_core.LiteEthICMPEcho = own


class Core(LiteXModule):  # type: ignore[misc]
    """PHY, MAC, ARP, IP, ICMP, and one UDP port."""

    def __init__(self, clock_hz: int, number: int, kind: str) -> None:
        self.cd_sys = ClockDomain("sys")
        clk, rst, mac, ip = Signal(name="clk"), Signal(name="rst"), Signal(48, name="mac_address"), Signal(32, name="ip_address")
        self.comb += [self.cd_sys.clk.eq(clk), self.cd_sys.rst.eq(rst)]
        phy, made, _ = KINDS[kind]
        pads = Record([(pin.name, pin.bits) for pin in phy.pins], name="phy")
        self.phy = made(pads, clock_hz)
        self.core = core_of(self.phy, mac, ip, clock_hz)
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


def licences() -> str:
    """Those of what the module is made of, which ask to go with it, as Verilog comments."""
    texts = []
    for name in ("liteeth", "liteiclink", "litex", "migen"):
        found = [path for path in files(name) or () if path.name.startswith("LICENSE")]
        texts += [f"{name}\n\n{path.read_text()}" for path in found]
    return "".join(f"// {line}".rstrip() + "\n" for line in "\n".join(texts).splitlines())


def text(clock_mhz: float, port: int, kind: str) -> str:
    """The module. What LiteX says of the day and the folder is left out."""
    core = Core(round(clock_mhz * 1e6), port, kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "liteeth_core.v"
        verilog.convert(core, core.ports, name="liteeth_core", special_overrides=KINDS[kind][2]).write(str(path))
        written = path.read_text()
    written = re.sub(r"^// +(?:Auto-Generated|Date).*\n", "", written, flags=re.MULTILINE)
    return re.sub(
        r"\A(//[^\n]*\n)+",
        f"// LiteEth, as fpga/ethernet/generate.py joins it, and the licences of its parts\n//\n{licences()}",
        written,
    )


if __name__ == "__main__":
    print(text(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
