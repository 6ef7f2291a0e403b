"""One table for several lanes, each of which reads an entry in every cycle: functions of a code, such as a sigmoid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from myhdl import always

from ..family import Billed, Cost, Family
from ..family.rules import BLOCK_RAM_FROM, block_ram_shape
from ..verilog.module import written
from ..verilog.stream import index_bits
from .rom import BANK


@dataclass(frozen=True)
class TabulateConfig(Billed):
    """owner: whose table it is. lanes: readers. width: bits of an entry. words: the entries, as many as a power of two.
    cycles: 2, or 1 where they come straight from block RAM, or are chosen in the cycle in which they are read.
    """

    owner: str
    lanes: int
    width: int
    words: tuple[int, ...] = field(repr=False)
    cycles: int = 2

    def __post_init__(self) -> None:
        if len(self.words) < 2 or len(self.words) & (len(self.words) - 1):
            raise ValueError(f"{self.module}: {len(self.words)} words, expected a power of two from 2 on")
        if self.cycles not in (1, 2):
            raise ValueError(f"{self.module}: entries come {self.cycles} cycles after their addresses, expected 1 or 2")
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
        late = self.cycles == 2
        if self.block:
            # one that is looked up is as deep as a block can be, without a choice behind it
            bits, _ = block_ram_shape(len(self.words))
            blocks = family.block_ram(bits, len(self.words)) * math.ceil(self.width / bits)
            return (family.registers(self.width * late) + blocks) * self.lanes
        banks = family.table(index_bits(min(BANK, len(self.words)))) * self.banks
        registers = family.registers(self.banks * late + 1)
        return (banks + family.multiplexer(self.banks) + registers) * (self.lanes * self.width)

    @property
    def latency(self) -> int:
        """Cycles from address to data."""
        return self.cycles

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
            f"    reg [{width - 1}:0] data_q{self.cycles};\n{self._block() if self.block else self._banked()}"
            f"    assign data[lane * {width} +: {width}] = data_q{self.cycles};\nend endgenerate\n\nendmodule\n"
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
        """A lane's memory, or memories that are one block wide."""
        bits, texts = self.address_bits, []
        for number, (low, size) in enumerate(self._slices):
            name, part = (f"entries{number}", f"[{low} +: {size}]") if self.cycles == 1 else ("entries", "")
            texts.append(
                f'    (* rom_style = "block" *) reg [{size - 1}:0] {name} [0:{len(self.words) - 1}];\n'
                f'    initial $readmemh("{self._file(number)}", {name}, 0, {len(self.words) - 1});\n'
                + (f"    reg [{size - 1}:0] data_q1;\n" if self.cycles == 2 else "")
                + f"    always @(posedge clk) begin\n        data_q1{part} <= {name}[address[lane * {bits} +: {bits}]];\n"
                + ("        data_q2 <= data_q1;\n" if self.cycles == 2 else "")
                + "    end\n"
            )
        return "".join(texts)

    @property
    def _slices(self) -> list[tuple[int, int]]:
        """First bit and width of each memory. Of one that is deep synthesis would make several and a choice, which is a level."""
        if self.cycles == 2:
            return [(0, self.width)]
        size, _ = block_ram_shape(len(self.words))
        return [(low, min(size, self.width - low)) for low in range(0, self.width, size)]

    def _file(self, number: int) -> str:
        return self.contents_file if self.cycles == 2 else f"{self.module}_{number}.mem"

    def _banked(self) -> str:
        """A lane's banks, and in the second cycle the choice of one; or all at once."""
        width, bits = self.width, self.address_bits
        if self.cycles == 1:
            return self._chosen()
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

    def _chosen(self) -> str:
        """The same in one cycle."""
        bits = self.address_bits
        low = index_bits(min(BANK, len(self.words)))
        entries = [f"bank{number}(address[lane * {bits} +: {low}])" for number in range(self.banks)]
        if len(entries) == 1:
            return f"    always @(posedge clk) data_q1 <= {entries[0]};\n"
        cases = "".join(f"        {i}: data_q1 <= {entry};\n" for i, entry in enumerate(entries[:-1]))
        choice = f"address[lane * {bits} + {low} +: {bits - low}]"
        return f"    always @(posedge clk) case ({choice})\n{cases}        default: data_q1 <= {entries[-1]};\n    endcase\n"

    def contents(self) -> dict[str, str]:
        """Files that the module reads, by name."""
        if not self.block:
            return {}
        return {self._file(number): self._contents(*part) for number, part in enumerate(self._slices)}

    def _contents(self, low: int, size: int) -> str:
        digits = -(-size // 4)
        return "".join(f"{word >> low & (1 << size) - 1:0{digits}x}\n" for word in self.words)


@written
def tabulate(clk, address, data, config):
    """For each lane, data = words[address], config.latency cycles later.

    Written in Verilog for the attribute and the file that put a table into block RAM; this is its twin for simulation.
    """
    lanes, width, bits, words = config.lanes, config.width, config.address_bits, config.words
    history = [0] * (config.latency - 1)

    @always(clk.posedge)
    def read():
        found = 0
        for lane in range(lanes):
            index = int(address) >> (lane * bits) & ((1 << bits) - 1)
            found |= words[index] << (lane * width)
        history.append(found)
        data.next = history.pop(0)

    return read
