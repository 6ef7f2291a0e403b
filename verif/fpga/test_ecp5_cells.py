"""Models of ECP5's memories and multipliers: whatever Yosys maps to them does what the plain Verilog does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sigmabit.fpga.ecp5.target import ECP5
from sigmabit.fpga.synthesis import as_verilog
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

from ..simulation.toolchain import run_tool, verilator_environment, verilator_root


@dataclass(frozen=True)
class Cell:
    """A module of the ports clk, in (of some bits), out; and the cell that it must be mapped to. registered: no register is left
    beside it. inner: another module that the body has an instance of.
    """

    name: str
    inputs: int
    outputs: int
    body: str
    cell: str
    registered: bool = False
    inner: str = ""

    @property
    def text(self) -> str:
        """The module."""
        ports = f"input clk, input [{self.inputs - 1}:0] in, output [{self.outputs - 1}:0] out"
        return f"module {self.name} ({ports});\n{self.body}\nendmodule\n"


def memory(bits: int, address: int) -> Cell:
    """A memory that is written and read at two addresses, begun with a pattern."""
    size = 1 << address
    body = f"""\
reg [{bits - 1}:0] held [0:{size - 1}], word;
integer i;
initial for (i = 0; i < {size}; i = i + 1) held[i] = (i * 40503) ^ (i >> 3);
wire [{address - 1}:0] to = in[{address - 1}:0], from = in[{2 * address - 1}:{address}];
always @(posedge clk) begin
    if (in[{2 * address}]) held[to] <= in[{2 * address + bits}:{2 * address + 1}];
    word <= held[from];
end
assign out = word;"""
    return Cell(f"memory_{bits}x{size}", 2 * address + bits + 1, bits, body, "DP16KD")


def table(bits: int, address: int, late: bool = False) -> Cell:
    """A table in block RAM. late: with a register behind it."""
    body = f"""\
(* rom_style = "block", ram_style = "block" *) reg [{bits - 1}:0] held [0:{(1 << address) - 1}];
reg [{bits - 1}:0] found, word;
integer i;
initial for (i = 0; i < {1 << address}; i = i + 1) held[i] = (i * 40503) ^ (i << 7);
always @(posedge clk) begin
    found <= held[in];
    word <= found;
end
assign out = {"word" if late else "found"};"""
    return Cell(f"table_{bits}x{1 << address}{'_late' if late else ''}", address, bits, body, "DP16KD", registered=late)


def array(inputs: int, lanes: int) -> Cell:
    """An XNOR-popcount array whose weights change, of which there is a second body."""
    config = PopcountConfig(inputs, 1, lanes)
    size, bits = inputs * (lanes + 1), lanes * config.count_bits
    with outline():
        block = popcount(bit(), wire(inputs), wire(inputs * lanes), wire(bits), config)
    ports = f".clk(clk), .operand(in[{inputs - 1}:0]), .weights(in[{size - 1}:{inputs}]), .counts(out)"
    text = convert(block).modules[config.module].text
    return Cell(f"array_{inputs}_{lanes}", size, bits, f"{config.module} inner (\n{ports});", "CCU2C", inner=text)


def product(first: int, second: int, signs: str) -> Cell:
    """A product, registered."""
    a, b = (f"$signed(in[{high}:{low}])" for high, low in ((first - 1, 0), (first + second - 1, first)))
    if signs == "unsigned":
        a, b = f"in[{first - 1}:0]", f"in[{first + second - 1}:{first}]"
    size = first + second
    sign = "signed " if signs == "signed" else ""
    body = f"reg {sign}[{size - 1}:0] kept;\nalways @(posedge clk) kept <= {a} * {b};\nassign out = kept;"
    return Cell(f"product_{first}x{second}_{signs}", size, size, body, "MULT18X18D")


CELLS = [
    array(6, 2),
    array(36, 2),
    memory(36, 9),
    memory(9, 11),
    memory(2, 13),
    table(13, 10, late=True),
    product(25, 17, "signed"),
    product(16, 24, "unsigned"),
]
MORE = [
    *(array(inputs, 1) for inputs in (7, 8, 9, 15, 16, 24, 63, 64, 96, 100, 144)),
    *(memory(bits, address) for bits, address in ((18, 10), (4, 12), (1, 14), (25, 9))),
    *(table(bits, address) for bits, address in ((36, 9), (7, 11), (3, 12), (13, 10))),
    *(table(bits, address, late=True) for bits, address in ((36, 9), (48, 9), (3, 12))),
    product(9, 8, "signed"),
    product(18, 18, "signed"),
    product(12, 10, "unsigned"),
    product(19, 18, "signed"),
    product(9, 34, "signed"),
    product(40, 9, "signed"),
]


def test_registers_between_parts(tmp_path: Path) -> None:
    """A product of 25 bits is two, whose registers are those of their multipliers, unless it is read at once, too."""
    taken = product(25, 17, "signed")
    body = "wire signed [41:0] now = $signed(in[24:0]) * $signed(in[41:25]);\nreg signed [41:0] kept;\n"
    read = replace(taken, body=body + "always @(posedge clk) kept <= now;\nassign out = kept ^ now;")
    registers = []
    for number, cell in enumerate([taken, read]):
        source = tmp_path / f"{number}.v"
        source.write_text(cell.text)
        registers.append(as_verilog([source], cell.name, tmp_path / f"yosys{number}", ECP5)[1].area.ff)
    assert registers == [0, 42]


@pytest.mark.parametrize(
    "cell", [*CELLS, *(pytest.param(cell, marks=pytest.mark.long) for cell in MORE)], ids=lambda cell: cell.name
)
def test_mapped_is_plain(cell: Cell, tmp_path: Path) -> None:
    """Both, side by side, of the same drawn inputs, for some thousand cycles."""
    source = tmp_path / "plain.v"
    source.write_text(cell.text)
    sources = [source]
    if cell.inner:
        sources.append(tmp_path / f"{cell.inner.split('module ')[1].split()[0]}.v")
        sources[1].write_text(cell.inner)
    text, netlist = as_verilog(sources, cell.name, tmp_path / "yosys", ECP5)
    assert netlist.area.cells.get(cell.cell)
    assert not (cell.registered and netlist.area.ff)
    (tmp_path / "both.v").write_text(
        f"""{cell.inner}{cell.text}{text.replace(f"module {cell.name}", f"module mapped_{cell.name}", 1)}
module both (input clk, output reg wrong);
reg [255:0] noise;
wire [{cell.outputs - 1}:0] plain, mapped;
initial begin noise = 256'h9e3779b97f4a7c15f39cc0605cedc834; wrong = 0; end
{cell.name} first (.clk(clk), .in(noise[{cell.inputs - 1}:0]), .out(plain));
mapped_{cell.name} second (.clk(clk), .in(noise[{cell.inputs - 1}:0]), .out(mapped));
integer turn;
always @(negedge clk) begin
    for (turn = 0; turn < 64; turn = turn + 1) noise = {{noise[254:0], noise[127] ^ noise[125] ^ noise[100] ^ noise[98]}};
    if (plain !== mapped) wrong <= 1;
end
endmodule
"""
    )
    (tmp_path / "cells.v").write_text(ECP5.models.read_text())
    (tmp_path / "main.cpp").write_text(
        '#include "Vboth.h"\nint main() { Vboth top; for (int i = 0; i < 8000; ++i) { top.clk = i & 1; top.eval(); }\n'
        "return top.wrong; }\n"
    )
    flags = ["--cc", "--exe", "--build", "--top-module", "both", "-Wno-fatal", "--Mdir", "objects", "-MAKEFLAGS", "OPT_FAST=-O0"]
    flags += ["-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include PYTHON3=python3"]
    command = ["perl", str(verilator_root() / "bin" / "verilator"), *flags, "both.v", "cells.v", "main.cpp"]
    run_tool(command, tmp_path / "log", verilator_environment(), tmp_path)
    run_tool([str(tmp_path / "objects" / "Vboth")], tmp_path / "run", verilator_environment(), tmp_path)
