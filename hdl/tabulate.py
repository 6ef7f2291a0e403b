"""One table for several lanes, each of which reads an entry in every cycle: functions of a code, such as a sigmoid."""

from __future__ import annotations

from dataclasses import dataclass, field

from myhdl import always

from .cost import Cost, block_ram, multiplexer
from .module import written
from .stream import index_bits

BLOCK_FROM = 512
"""Entries from which on a table lives in block RAM, one for each lane; shorter ones are made of LUTs."""


@dataclass(frozen=True)
class TabulateConfig:
    """owner: whose table it is. lanes: readers. width: bits of an entry. words: the entries, as many as a power of two."""

    owner: str
    lanes: int
    width: int
    words: tuple[int, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.words) < 2 or len(self.words) & (len(self.words) - 1):
            raise ValueError(f"{self.module}: {len(self.words)} words, expected a power of two from 2 on")
        if max(self.words) >> self.width:
            raise ValueError(f"{self.module}: a word of {max(self.words).bit_length()} bits, the width is {self.width}")

    @property
    def module(self) -> str:
        return f"{self.owner}_table_{self.lanes}"

    @property
    def address_bits(self) -> int:
        """Width of a lane's address."""
        return index_bits(len(self.words))

    @property
    def block(self) -> bool:
        """Does the table live in block RAM?"""
        return len(self.words) >= BLOCK_FROM

    @property
    def cost(self) -> Cost:
        """Expected size."""
        kept = 2 * self.lanes * self.width
        if self.block:
            return Cost(ff=kept / 2, bram36=self.lanes * block_ram(self.width, len(self.words)))
        luts = -(-len(self.words) // 64)
        return Cost(self.lanes * self.width * (luts + multiplexer(luts)), kept)

    @property
    def latency(self) -> int:
        """Cycles from address to data."""
        return 2

    @property
    def contents_file(self) -> str:
        """The hexadecimal file beside the module that a table in block RAM is read from."""
        return f"{self.module}.mem"

    def verilog(self) -> str:
        """The module's text."""
        width, bits = self.width, self.address_bits
        address = f"address[lane * {bits} +: {bits}]"
        if self.block:
            entries = ""
            memory = (
                f'    (* rom_style = "block" *) reg [{width - 1}:0] entries [0:{len(self.words) - 1}];\n'
                f'    initial $readmemh("{self.contents_file}", entries);\n'
            )
            entry = f"entries[{address}]"
        else:
            cases = "".join(f"        {i}: entry = {width}'h{word:x};\n" for i, word in enumerate(self.words[:-1]))
            entries = (
                f"function [{width - 1}:0] entry(input [{bits - 1}:0] index);\n    case (index)\n{cases}"
                f"        default: entry = {width}'h{self.words[-1]:x};\n    endcase\nendfunction\n\n"
            )
            memory, entry = "", f"entry({address})"
        return (
            f"module {self.module} (\n    input wire clk,\n    input wire [{self.lanes * bits - 1}:0] address,\n"
            f"    output wire [{self.lanes * width - 1}:0] data\n);\n\n{entries}"
            f"genvar lane;\ngenerate for (lane = 0; lane < {self.lanes}; lane = lane + 1) begin : lanes\n{memory}"
            f"    reg [{width - 1}:0] data_q1, data_q2;\n    always @(posedge clk) begin\n        data_q1 <= {entry};\n"
            f"        data_q2 <= data_q1;\n    end\n    assign data[lane * {width} +: {width}] = data_q2;\n"
            "end endgenerate\n\nendmodule\n"
        )

    def contents(self) -> dict[str, str]:
        """Files that the module reads, by name."""
        if not self.block:
            return {}
        digits = -(-self.width // 4)
        return {self.contents_file: "".join(f"{word:0{digits}x}\n" for word in self.words)}


@written
def tabulate(clk, address, data, config):
    """For each lane, data = words[address], config.latency cycles later.

    Written in Verilog for the attribute and the file that put a table into block RAM; this is its twin for simulation.
    """
    lanes, width, bits, words = config.lanes, config.width, config.address_bits, config.words
    history = [0]

    @always(clk.posedge)
    def read():
        found = 0
        for lane in range(lanes):
            index = int(address) >> (lane * bits) & ((1 << bits) - 1)
            found |= words[index] << (lane * width)
        data.next = history[0]
        history[0] = found

    return read
