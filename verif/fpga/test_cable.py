"""Boards with Ethernet as their link: pins, constraints, the top with LiteEth's own PHYs, addresses, what is refused."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sigmabit.fpga.board import Board, BoardError, top, top_name, write
from sigmabit.fpga.boards import board, files, known
from sigmabit.fpga.ethernet import core
from sigmabit.fpga.ethernet.link import Address, AddressError, ip_of, mac_of
from sigmabit.fpga.ethernet.phy import RGMII, SGMII
from sigmabit.fpga.synthesis import run_yosys
from sigmabit.fpga.targets import target_of
from sigmabit.hdl.family.parts import family_of
from sigmabit.hdl.family.parts import part as device

from ..harness.command_line import DIGITS, Call, Refused

pytestmark = [
    pytest.mark.usefixtures("own_folder"),
    pytest.mark.skipif(find_spec("liteeth") is None, reason="LiteEth is not installed: the `ethernet` extra brings it"),
]

KEYS = [key for key in known() if board(key).cable is not None]
CELLS = {"xc7": "read_verilog -lib +/xilinx/cells_sim.v +/xilinx/cells_xtra.v"}
"""All primitives of a family, where synthesis reads fewer."""

every_board = pytest.mark.parametrize("key", KEYS)


def linked(key: str) -> Board:
    """A board with Ethernet as its link."""
    return board(key).at(Address(mac_of("02:00:00:00:00:07"), ip_of("10.1.2.3")))


def test_known() -> None:
    """Each kind of PHY has a board."""
    assert {key: board(key).cable.phy.name for key in KEYS} == {"ecpix5": "rgmii", "kc705": "gmii", "vc707": "sgmii"}  # type: ignore[union-attr]


@every_board
def test_constraints(key: str) -> None:
    """Every port of the top has its pin, once, and its standard, unless it is a transceiver's; the received clock its rate."""
    of = linked(key)
    text, places = of.constraints(), of.places
    ports = sorted(port for port, _, _ in places)
    found = re.findall(
        r"^(?:set_property PACKAGE_PIN \S+ \[get_ports {(\S+)}\]|LOCATE COMP \"(\S+)\" SITE \"\S+\";)$", text, re.M
    )
    assert sorted("".join(pair) for pair in found) == ports
    standards = re.findall(r"^(?:set_property IOSTANDARD \S+ \[get_ports {(\S+)}\]|IOBUF PORT \"(\S+)\" .*)$", text, re.M)
    assert sorted("".join(pair) for pair in standards) == sorted(port for port, _, standard in places if standard)
    clock = f"phy_{of.network.phy.clock}" if of.network else ""
    assert f"-period 8.000 [get_ports {clock}]" in text or f'FREQUENCY PORT "{clock}" 125 MHZ;' in text
    assert "rx" not in ports and "uart_receiver" not in text
    transceiver = of.network is not None and of.network.phy.transceiver
    assert ("TXOUTCLK" in text) is transceiver


@every_board
def test_page(key: str) -> None:
    """Every pin of the PHY is on the board's page."""
    page = (Path(__file__).parents[2] / "docs" / "boards" / f"{key}.md").read_text()
    assert all(f"| `{port}` | {pin} | {standard or '-'} |" in page for port, pin, standard in linked(key).places)


@every_board
def test_top(key: str, tmp_path: Path) -> None:
    """Yosys finds every module, and every primitive with its pins, of a top with LiteEth and its PHY."""
    of = linked(key)
    phy = of.network.phy if of.network else RGMII
    counters = [f"counters_{name}" for name in ("frames_in", "frames_out", "malformed", "dropped")]
    ports = [
        "input aclk, aresetn, received_valid, received_last, sent_ready, output sent_valid, sent_last",
        "input [31:0] received_data, input [15:0] received_length, input [47:0] received_sender",
        "output [31:0] sent_data, output [15:0] sent_length, output [47:0] sent_to",
        *(f"output [31:0] {name}" for name in counters),
    ]
    (tmp_path / "some_system.v").write_text(f"module some_system ({', '.join(ports)});\nendmodule\n")
    (tmp_path / "some_ethernet.v").write_text(core.top("some_ethernet", "some_system", phy))
    (tmp_path / "liteeth_core.v").write_text(core.verilog(100.0, phy))
    modules = ["some_system.v", "some_ethernet.v", "liteeth_core.v"]
    listed = write(tmp_path, "some_ethernet", modules, of, of.made_clock(100.0))
    target = target_of(family_of(device(of.part)))
    cells = [CELLS[of.part[:3]]] if of.part[:3] in CELLS else target.libraries
    check = f"hierarchy -check -top {top_name('some_ethernet')}"
    run_yosys([*cells, f"read_verilog {' '.join(listed)}", check], "top", tmp_path, tmp_path / "work")
    written = (tmp_path / f"{top_name('some_ethernet')}.v").read_text()
    assert "MAC_ADDRESS = 48'h020000000007" in written and "IP_ADDRESS = 32'h0a010203" in written


def test_reference_of_the_transceiver() -> None:
    """125 MHz times 5, 4 and 2, over 4, is 1.25 GHz: LiteEth by itself would take the reference to be 200 MHz."""
    text = core.verilog(100.0, SGMII)
    found = {name: int(value) for name, value in re.findall(r"\.(CPLL_\w+|TXOUT_DIV|TX_CLK25_DIV)\s+\(\d+'d(\d+)\)", text)}
    rate = 125e6 * found["CPLL_FBDIV"] * found["CPLL_FBDIV_45"] / found["CPLL_REFCLK_DIV"] * 2 / found["TXOUT_DIV"]
    assert rate == 1.25e9 and found["TX_CLK25_DIV"] == 5


def test_serial_line_is_as_it_was() -> None:
    """A board with a PHY has neither its pins nor its clock in the top of the serial line."""
    of = board("kc705")
    assert "phy" not in of.constraints() and "phy" not in top("some_system", of, of.made_clock(100.0))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('phy = "rgmii"', 'phy = "mii"', "ethernet.phy is 'mii', expected one of gmii, rgmii, sgmii"),
        ('tx_ctl = "C9"\n', "", "ethernet.tx_ctl is missing, expected a pin's name, such as AB12"),
        ('"B11", "A10"', '"B11"', "ethernet.rx_data has 3 entries, expected 4, each a pin's name, such as AB12"),
        ('"B11"', '"A9"', "pin A9 is given twice"),
        ('"B11"', '"K23"', "pin K23 is given twice"),
        ('rst_n = "C13"', 'rst_n = "C13"\nmdc = "C11"', "ethernet.mdc is not known, only phy, standard, rx_clk, .*, rst_n"),
    ],
)
def test_odd_files(tmp_path: Path, before: str, after: str, message: str) -> None:
    """Of the PHY's table."""
    text = files()["ecpix5"].read_text()
    assert before in text
    (tmp_path / "odd.toml").write_text(text.replace(before, after, 1))
    with pytest.raises(BoardError, match=f"^odd.toml: {message}$"):
        board("odd", tmp_path)


@pytest.mark.parametrize("text", ["", "02:00:00:00:00", "02-00-00-00-00-07", "01:00:5e:00:00:01", "00:00:00:00:00:00"])
def test_no_mac(text: str) -> None:
    """Neither those that are none, nor those of groups, nor nobody's."""
    with pytest.raises(AddressError, match="expected"):
        mac_of(text)


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.256", "fe80::1", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"])
def test_no_ip(text: str) -> None:
    """Neither those that are none, nor those that no machine on a network has."""
    with pytest.raises(AddressError, match="expected one such as"):
        ip_of(text)


def test_command(call: Call, refused: Refused) -> None:
    """What is written, and what is refused before anything is."""
    where = ("board", DIGITS, "--clock-mhz", 62.5, "-o", "out")
    done = call(*where, "--board", "ecpix5", "--link", "ethernet", "--ip", "10.0.0.9", "--json").json
    assert (done["top"], done["ip"], done["mac"]) == ("digits_bcnn_ethernet_board", "10.0.0.9", "02:53:42:00:00:01")
    assert json.loads(Path("out/board.json").read_text()) == done
    listed = Path(f"out/{done['top']}.f").read_text().split()
    assert "liteeth_core.v" in listed and all((Path("out") / name).is_file() for name in listed)
    other = ("board", DIGITS, "-o", "other")
    refused([*other, "--board", "vc709", "--link", "ethernet"], "vc709: no Ethernet PHY is known of this board")
    refused([*other, "--board", "kc705", "--link", "ethernet", "--baud", 9600], "--baud 9600: it is not of --link ethernet")
    refused([*other, "--board", "kc705", "--ip", "10.0.0.9"], "--ip 10.0.0.9: it is not of --link uart")
    refused(
        [*other, "--board", "kc705", "--link", "ethernet", "--ip", "x"],
        "'x' is no IPv4 address, expected one such as 192.168.1.50",
    )
    slow = [*other, "--board", "kc705", "--link", "ethernet", "--clock-mhz", 20]
    refused(slow, "20 MHz are too slow for Ethernet: 40 MHz at least, for a gigabit a second")
    refused(["route", DIGITS, "--part", "LFE5U-85F-6BG381C", "--link", "ethernet"], "a link is a board's; --board says which")
    assert not Path("other").exists()


LIMITS = {"kc705": 6000, "ecpix5": 10000}
"""LUTs of a family that link, LiteEth and all else beside the network may take."""


def area(call: Call, key: str) -> Any:
    """What a board adds to the classifier of digits."""
    return call("bench", "link", DIGITS, "--board", key, "--link", "ethernet", "--clock-mhz", 62.5, "--json").json


def test_area_is_of_all_but_the_network(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is a box; everything else is read."""
    told: list[Any] = []

    def synthesise(sources: list[Path], top: str, work: Path, boxes: list[str], target: object) -> Any:
        told.append(({source.stem for source in sources}, top, boxes))
        return SimpleNamespace(area=SimpleNamespace(lut=7, ff=8, bram36=0.5))

    monkeypatch.setattr(import_module("sigmabit.scripts.commands.bench.link"), "synthesise", synthesise)
    assert area(call, "ecpix5") == {
        "board": "ecpix5",
        "part": "LFE5UM5G-85F-8BG554I",
        "link": "ethernet",
        "lut": 7,
        "ff": 8,
        "bram36": 0.5,
    }
    ((sources, top, boxes),) = told
    assert {"liteeth_core", "datagram_receiver", "session", "answerer", "board_clock", "board_lamps", "digits_bcnn"} <= sources
    assert (top, boxes) == ("digits_bcnn_ethernet_board", ["digits_bcnn"])


@pytest.mark.long
@pytest.mark.parametrize("key", LIMITS)
def test_area(call: Call, key: str) -> None:
    """By Yosys."""
    assert area(call, key)["lut"] <= LIMITS[key]
