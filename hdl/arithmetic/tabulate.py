"""One table for several lanes, each of which reads an entry in every cycle: functions of a code, such as a sigmoid."""

from __future__ import annotations

from dataclasses import dataclass, field

from myhdl import always

from ..family import Billed, Cost, Family
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.module import written
from ..verilog.stream import index_bits
from .rom import BANK


@dataclass(frozen=True)
class TabulateConfig(Billed):
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
        """Does the table live in block RAM, one for each lane? Shorter ones are made of logic."""
        return len(self.words) >= BLOCK_RAM_FROM

    @property
    def banks(self) -> int:
        """Parts that a table in logic is read in, as a `rom` is."""
        return -(-len(self.words) // BANK)

    def bill(self, family: Family) -> Cost:
        """A memory for each lane, or its banks and the choice of one."""
        if self.block:
            return (family.registers(self.width) + family.block_ram(self.width, len(self.words))) * self.lanes
        banks = family.table(index_bits(min(BANK, len(self.words)))) * self.banks
        return (banks + family.multiplexer(self.banks) + family.registers(self.banks + 1)) * (self.lanes * self.width)

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
        functions = "" if self.block else "".join(self._function(number) for number in range(self.banks))
        return (
            f"module {self.module} (\n    input wire clk,\n    input wire [{self.lanes * bits - 1}:0] address,\n"
            f"    output wire [{self.lanes * width - 1}:0] data\n);\n\n{functions}"
            f"genvar lane;\ngenerate for (lane = 0; lane < {self.lanes}; lane = lane + 1) begin : lanes\n"
            f"    reg [{width - 1}:0] data_q2;\n{self._block() if self.block else self._banked()}"
            f"    assign data[lane * {width} +: {width}] = data_q2;\nend endgenerate\n\nendmodule\n"
        )

    def _function(self, number: int) -> str:
        """The entries of a bank."""
        words, width = self.words[number * BANK : (number + 1) * BANK], self.width
        cases = "".join(f"        {i}: bank{number} = {width}'h{word:x};\n" for i, word in enumerate(words[:-1]))
        return (
            f"function [{width - 1}:0] bank{number}(input [{index_bits(len(words)) - 1}:0] index);\n    case (index)\n{cases}"
            f"        default: bank{number} = {width}'h{words[-1]:x};\n    endcase\nendfunction\n\n"
        )

    def _block(self) -> str:
        """A lane's memory."""
        width, bits = self.width, self.address_bits
        return (
            f'    (* rom_style = "block" *) reg [{width - 1}:0] entries [0:{len(self.words) - 1}];\n'
            f'    initial $readmemh("{self.contents_file}", entries, 0, {len(self.words) - 1});\n'
            f"    reg [{width - 1}:0] data_q1;\n"
            f"    always @(posedge clk) begin\n        data_q1 <= entries[address[lane * {bits} +: {bits}]];\n"
            "        data_q2 <= data_q1;\n    end\n"
        )

    def _banked(self) -> str:
        """A lane's banks, and in the second cycle the choice of one."""
        width, bits = self.width, self.address_bits
        names = [f"data{number}_q1" for number in range(self.banks)]
        low = index_bits(min(BANK, len(self.words)))
        reads = "".join(f"        {name} <= bank{i}(address[lane * {bits} +: {low}]);\n" for i, name in enumerate(names))
        registers = f"    reg [{width - 1}:0] {', '.join(names)};\n"
        if len(names) == 1:
            choice = f"        data_q2 <= {names[0]};\n"
        else:
            registers += f"    reg [{bits - low - 1}:0] bank_q1;\n"
            reads += f"        bank_q1 <= address[lane * {bits} + {low} +: {bits - low}];\n"
            cases = "".join(f"            {i}: data_q2 <= {name};\n" for i, name in enumerate(names[:-1]))
            choice = f"        case (bank_q1)\n{cases}            default: data_q2 <= {names[-1]};\n        endcase\n"
        return f"{registers}    always @(posedge clk) begin\n{reads}{choice}    end\n"

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
