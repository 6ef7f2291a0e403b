"""LiteEth's MAC, ARP, IP, ICMP and UDP as one Verilog module behind a PHY, and a system joined to it.

LiteEth is the `ethernet` extra's, its licence BSD-2-Clause. Its own generator gives a UDP port that hears only the port it
answers to, so that its parts are joined here.
"""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec

from ..programs import running
from .phy import BYTES, Phy

MODULE = "liteeth_core"

PORT = 4660
"""The device's, of UDP."""

LEAST_MHZ = 40
"""Words of four bytes come at a quarter of the PHY's 125 MHz; what LiteEth puts between them takes a few cycles more."""


class CoreError(RuntimeError):
    """LiteEth is not there, or its generator ended badly."""


@lru_cache
def verilog(clock_mhz: float, phy: Phy = BYTES, port: int = PORT) -> str:
    """The module's text, 32 bits wide at a clock of so many MHz. Raises CoreError where LiteEth is not installed.

    A process of its own writes it: Migen names signals after whatever was made before.
    """
    if find_spec("liteeth") is None:
        raise CoreError("LiteEth is not installed; `pip install sigmabit[ethernet]` brings it")
    command = [sys.executable, "-m", f"{__package__}.generate", str(clock_mhz), str(port), phy.name]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        written, said = process.communicate()
    if process.returncode:
        last = next(iter(said.strip().splitlines()[::-1]), "it said nothing")
        raise CoreError(f"LiteEth's Verilog could not be made: {last:.200}")
    return written


def top(name: str, system: str, phy: Phy = BYTES) -> str:
    """The Verilog of a module `name` that joins the core to a system (hdl/link/datagrams.py), whose module has that name.

    clk: of the system, and of the core's 32-bit side. reset: active high. heard, said: high while a datagram comes, or goes.
    """
    ports = "".join(
        f"    {'output' if pin.output else 'input '} wire {f'[{pin.bits - 1}:0] ' if pin.bits > 1 else ''}{port},\n"
        for port, pin in phy.ports()
    )
    pins = ", ".join(f".{port}({port})" for port, _ in phy.ports())
    return f"""// A system behind LiteEth: datagrams to UDP port {PORT} are its requests.
module {name} (
    input  wire clk,
    input  wire reset,
    input  wire [47:0] mac_address,
    input  wire [31:0] ip_address,
{ports}    output wire heard,
    output wire said,
    output wire [31:0] counters_frames_in,
    output wire [31:0] counters_frames_out,
    output wire [31:0] counters_malformed,
    output wire [31:0] counters_dropped
);
    wire [31:0] received_data, received_ip, sent_data;
    wire [15:0] received_length, received_port, sent_length;
    wire [47:0] sent_to;
    wire received_valid, received_last, sent_valid, sent_last, sent_ready;
    assign heard = received_valid;
    assign said = sent_valid;
    {MODULE} network (
        .clk(clk), .rst(reset), .mac_address(mac_address), .ip_address(ip_address),
        {pins},
        .source_valid(received_valid), .source_last(received_last), .source_ready(1'b1), .source_data(received_data),
        .source_last_be(), .source_error(), .source_length(received_length), .source_ip_address(received_ip),
        .source_src_port(received_port), .source_dst_port(),
        .sink_valid(sent_valid), .sink_last(sent_last), .sink_ready(sent_ready), .sink_data(sent_data),
        .sink_last_be({{sent_last, 3'b000}}), .sink_length(sent_length), .sink_ip_address(sent_to[31:0]),
        .sink_dst_port(sent_to[47:32]), .sink_src_port(16'd{PORT})
    );
    {system} system_instance (
        .aclk(clk), .aresetn(!reset),
        .received_data(received_data), .received_valid(received_valid), .received_last(received_last),
        .received_length(received_length), .received_sender({{received_port, received_ip}}),
        .sent_data(sent_data), .sent_valid(sent_valid), .sent_ready(sent_ready), .sent_last(sent_last),
        .sent_length(sent_length), .sent_to(sent_to),
        .counters_frames_in(counters_frames_in), .counters_frames_out(counters_frames_out),
        .counters_malformed(counters_malformed), .counters_dropped(counters_dropped)
    );
endmodule
"""


def joined(name: str, system: str, clock_mhz: float, phy: Phy = BYTES) -> dict[str, str]:
    """The texts of what a system's Verilog goes behind, by module: LiteEth's at a clock of so many MHz, and the top, `name`.

    system: the module of the system (hdl/link/datagrams.py). Raises CoreError.
    """
    if clock_mhz < LEAST_MHZ:
        raise CoreError(f"{clock_mhz:g} MHz are too slow for Ethernet: {LEAST_MHZ} MHz at least, for a gigabit a second")
    return {MODULE: verilog(clock_mhz, phy), name: top(name, system, phy)}
