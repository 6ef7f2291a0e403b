"""The counting of cells and logic levels (DESIGN: one LUT6 is a level, eight CARRY4 are one), and areas that are promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sigmabit.fpga.netlist import Netlist
from sigmabit.fpga.synthesis import SynthesisError, areas, synthesise
from sigmabit.golden import import_model
from sigmabit.hdl.arithmetic.collect import CollectConfig, collect
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.family.rules import MOST_LOADS
from sigmabit.hdl.layers.shuffle import SpreadConfig, spread
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset
from sigmabit.scripts.measures.popcounts import popcount_area

ROOT = Path(__file__).resolve().parents[2]


def netlist(folder: Path, ports: str, body: str) -> Netlist:
    """A module between registers, synthesised."""
    (folder / "small.v").write_text(f"module small(input clk, {ports});\n{body}\nendmodule\n")
    return synthesise([folder / "small.v"], "small", folder / "yosys")


def lut(number: int, output: str, *inputs: str) -> str:
    """A LUT6 primitive."""
    pins = ", ".join(f".I{i}({pin})" for i, pin in enumerate((*inputs, *["1'b0"] * (6 - len(inputs)))))
    return f"LUT6 #(.INIT(64'h8000000000000001)) lut{number}({pins}, .O({output}));\n"


@pytest.mark.parametrize("depth", [0, 1, 3, 7])
def test_lut_levels(tmp_path: Path, depth: int) -> None:
    """A chain of LUTs between registers is as deep as it is long, shorter ways beside it notwithstanding."""
    body = f"wire [{depth}:0] w;\nreg first;\nassign w[0] = first;\n"
    body += "".join(lut(i, f"w[{i + 1}]", f"w[{i}]", "first", "a") for i in range(depth))
    found = netlist(tmp_path, "input a, output reg q", f"{body}always @(posedge clk) begin first <= a; q <= w[{depth}]; end")
    assert (found.area.lut, found.levels, found.area.ff) == (depth, depth, 2)


def test_wide_multiplexer_is_one_level(tmp_path: Path) -> None:
    """Two LUTs and the MUXF7 behind them; a third LUT in front of its select adds a level."""
    select = "MUXF7 m(.I0(x), .I1(y), .S({}), .O(z));\nalways @(posedge clk) q <= z;"
    both = "wire x, y, z, s;\n" + lut(0, "x", "a[0]", "a[1]") + lut(1, "y", "a[2]", "a[3]") + lut(2, "s", "a[4]", "a[5]")
    (tmp_path / "direct").mkdir()
    direct = netlist(tmp_path / "direct", "input [5:0] a, output reg q", both + select.format("a[5]"))
    assert direct.levels == 1
    assert netlist(tmp_path, "input [5:0] a, output reg q", both + select.format("s")).levels == 2


@pytest.mark.parametrize("ways", [4, 6, 7, 10, 13])
def test_multiplexer(tmp_path: Path, ways: int) -> None:
    """LUTs of a choice among so many, as planned."""
    bits, index = 16, (ways - 1).bit_length()
    ports = f"input [{ways * bits - 1}:0] a, input [{index - 1}:0] which, output reg [{bits - 1}:0] q"
    body = f"reg [{ways * bits - 1}:0] held; reg [{index - 1}:0] chosen;\n"
    body += f"always @(posedge clk) begin held <= a; chosen <= which; q <= held[chosen * {bits} +: {bits}]; end"
    found = netlist(tmp_path, ports, body).area.lut / bits
    assert abs(found - SERIES7.multiplexer(ways).lut) <= 0.25


@pytest.mark.parametrize(
    ("kind", "config"), [(collect, CollectConfig(3593, 50, 72)), (spread, SpreadConfig(1, 1, 7, 7, 40, 0, 0, 1, 1, 7))]
)
def test_wide_words(tmp_path: Path, kind: Any, config: Any) -> None:
    """No net that is no clock drives all bits of a word."""
    places = config.places if kind is spread else 1
    sink, source = config.chunk_bits if kind is collect else config.word_bits, config.bits * places
    with outline():
        design = convert(kind(bit(), reset(), Flow(sink), Flow(source), config))
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert config.word_bits < area.ff and area.fan_out <= MOST_LOADS


@pytest.mark.parametrize(("bits", "depth"), [(18, 2100), (36, 1100), (36, 4096), (18, 6144), (48, 3096), (13, 2500)])
def test_block_ram(tmp_path: Path, bits: int, depth: int) -> None:
    """Block RAM of a table, and LUTs that choose among several, as planned."""
    draw = np.random.default_rng(depth)
    words = [int.from_bytes(draw.bytes(bits // 8 + 1)) % 2**bits for _ in range(depth)]
    (tmp_path / "yosys").mkdir()
    (tmp_path / "words.mem").write_text("".join(f"{word:x}\n" for word in words))
    index = (depth - 1).bit_length()
    body = f'(* rom_style = "block" *) reg [{bits - 1}:0] words [0:{depth - 1}];\n'
    body += f'initial $readmemh("words.mem", words, 0, {depth - 1});\n'
    body += f"reg [{bits - 1}:0] word; reg [{index - 1}:0] address;\n"
    body += "always @(posedge clk) begin address <= a; word <= words[address]; q <= word; end"
    found = netlist(tmp_path, f"input [{index - 1}:0] a, output reg [{bits - 1}:0] q", body).area
    expected = SERIES7.block_ram(bits, depth)
    assert (found.bram36, found.lut) == (expected.bram36, expected.lut)


@pytest.mark.parametrize(("chains", "levels"), [(1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
def test_carry_chains(tmp_path: Path, chains: int, levels: int) -> None:
    """Up to eight CARRY4 in a chain are one level."""
    body = f"wire [{chains}:0] c;\nwire [{4 * chains - 1}:0] o, co;\nassign c[0] = 1'b0;\n"
    for i in range(chains):
        bits = f"[{4 * i + 3}:{4 * i}]"
        body += f"CARRY4 k{i}(.CI(c[{i}]), .CYINIT(1'b0), .DI(a{bits}), .S(b{bits}), .O(o{bits}), .CO(co{bits}));\n"
        body += f"assign c[{i + 1}] = co[{4 * i + 3}];\n"
    width = 4 * chains - 1
    ports = f"input [{width}:0] a, input [{width}:0] b, output reg q"
    found = netlist(tmp_path, ports, f"{body}always @(posedge clk) q <= o[{width}];")
    assert found.area.cells["CARRY4"] == chains
    assert found.levels == levels
    assert len(found.deepest_path) >= levels + 1


def test_shift_registers_are_luts(tmp_path: Path) -> None:
    """A LUT is a shift register of up to 32 bits."""
    body = "reg [9:0] s; always @(posedge clk) begin s <= {s[8:0], a}; q <= s[9]; end"
    area = netlist(tmp_path, "input a, output reg q", body).area
    assert area.lut == 1
    assert area.ff <= 1


def test_fan_out(tmp_path: Path) -> None:
    """Every load of a net is counted."""
    found = netlist(tmp_path, "input e, input [39:0] a, output reg [39:0] q", "always @(posedge clk) if (e) q <= a;")
    assert found.fan_out["e"] == 40


def test_errors_are_named(tmp_path: Path) -> None:
    """Yosys' own message, and where its log is."""
    (tmp_path / "small.v").write_text("module small(input a; endmodule\n")
    with pytest.raises(SynthesisError, match="small"):
        synthesise([tmp_path / "small.v"], "small", tmp_path / "yosys")


@pytest.mark.parametrize(("constant", "most"), [(False, 0.92), (True, 0.78)])
def test_popcount_area(tmp_path: Path, constant: bool, most: float) -> None:
    """512 inputs and 16 lanes, all pipeline registers included: LUT6 per lane, levels, and loads of a net."""
    area = popcount_area(PopcountConfig(inputs=512, bits=1, lanes=16, constant=constant), tmp_path)
    assert 0.5 < area.lut / (512 * 16) <= most
    assert 1 <= area.levels <= 4
    assert area.fan_out <= 512


def test_pipeline_depth(tmp_path: Path) -> None:
    """At most four levels between registers anywhere in the digits network, and an estimate that is of use."""
    plan = Planner(import_model(ROOT / "models" / "digits_bcnn.onnx"), "xc7vx690t", 200.0).plan(1024)
    design = convert(Pipeline(plan.pipeline).outline())
    names = [block.module for block in plan.pipeline.layers] + [plan.pipeline.ingress.module, plan.pipeline.egress.module]
    design.write(tmp_path / "verilog")
    sources = {name: [tmp_path / "verilog" / file for file in design.files_of(name)] for name in names}
    found = areas(sources, tmp_path / "yosys")
    assert {name: area.levels for name, area in found.items() if not 1 <= area.levels <= 4} == {}
    assert {name: area.fan_out for name, area in found.items() if area.fan_out > 2000} == {}
    measured = sum(area.lut for area in found.values())
    assert measured / 1.5 <= plan.cost.lut <= measured * 1.5
