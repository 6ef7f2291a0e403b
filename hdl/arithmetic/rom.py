"""Read-only memory: weights, initial values, thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, reduce
from operator import or_

import numpy as np
from myhdl import always, delay, instance
from numpy.typing import NDArray

from ..family import Billed, Cost, Family, Primitives, with_bodies
from ..family.rules import MOST_LOADS, TABLE_LOADS
from ..verilog.module import listed, written
from ..verilog.stream import index_bits, wire

BANK = 64
"""Words of a table in logic that are read at once: one function of six bits for each bit. Longer tables are read in banks, and a
register later chosen from, which keeps the logic between registers as shallow as that of a short table."""

LITERAL = 4096
"""Bits of a number in Verilog at the most: IEEE 1364-2005 promises 65,536, and shorter lines are easier to handle."""


class RomStyle(Enum):
    """Where a table lives.

    CONSTANT: a single word, wires. MERGED: very few words, a table that synthesis merges into the LUTs that use it; the address
    is registered twice instead of the data. LOGIC: a table in LUTs of its own. BLOCK: block RAM with its output register.
    """

    CONSTANT = "constant"
    MERGED = "merged"
    LOGIC = "logic"
    BLOCK = "block"


def style_of(words: int, merge_to: int, block_from: int) -> RomStyle:
    """Wires for one word; merged up to `merge_to` words; block RAM from `block_from` words on; logic between."""
    if words == 1:
        return RomStyle.CONSTANT
    if words >= block_from:
        return RomStyle.BLOCK
    return RomStyle.MERGED if words <= merge_to else RomStyle.LOGIC


def merging(words: Sequence[int], most: int) -> int:
    """Up to how many words a table may merge into what reads it: `most`, unless its address would drive too many bits of data."""
    return most if differing(words) <= MOST_LOADS else 1


def differing(words: Sequence[int]) -> int:
    """How many bits are not the same in every word."""
    return reduce(or_, (word ^ words[0] for word in words), 0).bit_count()


@dataclass(frozen=True)
class RomConfig(Billed):
    """A table of `words` of `width` bits, read in ADDRESS_LEAD cycles. owner, label: whose table it is, and what it holds.

    loads: what each bit of the data drives, to first order. A table of nothing but zeros stands for one that is not known yet.
    """

    owner: str
    label: str
    width: int
    words: tuple[int, ...] = field(repr=False)
    style: RomStyle
    loads: int = 1

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError(f"{self.module}: no words")
        if (len(self.words) == 1) != (self.style is RomStyle.CONSTANT):
            raise ValueError(f"{self.module}: {len(self.words)} words in style {self.style.value}")
        if max(self.words) >> self.width:
            raise ValueError(f"{self.module}: a word of {max(self.words).bit_length()} bits, the width is {self.width}")

    @property
    def module(self) -> str:
        return f"{self.owner}_{self.label}"

    @property
    def address_bits(self) -> int:
        """Width of the address; 1 for a constant, whose address is not read."""
        return index_bits(len(self.words))

    @property
    def banks(self) -> int:
        """Parts that a table in logic is read in."""
        return -(-len(self.words) // BANK)

    def bill(self, family: Family) -> Cost:
        """By style; a merged table costs nothing of its own."""
        match self.style:
            case RomStyle.CONSTANT:
                return Cost()
            case RomStyle.MERGED:
                return family.registers(2 * self.address_bits)
            case RomStyle.LOGIC if self.banks == 1:
                functions, registers = self._expected_functions
                groups = max(1, math.ceil(functions / TABLE_LOADS))
                looked_up = family.functions(functions, self.address_bits)
                return looked_up + family.registers(registers + groups * self.address_bits)
            case RomStyle.LOGIC:
                banks = family.table(BANK.bit_length() - 1) * self.banks
                bit = banks + family.multiplexer(self.banks) + family.registers(self.banks + 1)
                return bit * self.width + family.registers(self.address_bits)
            case RomStyle.BLOCK:
                return family.registers(self._expected_bits) + family.block_ram(self._expected_bits, len(self.words))

    @cached_property
    def functions(self) -> Functions:
        """What the bits of the data are as functions of the address."""
        return Functions.of(self.words, self.width, max(1, TABLE_LOADS // self.loads))

    @property
    def _expected_functions(self) -> tuple[float, float]:
        """Functions, and registers for them; of a table that is not known yet, what random bits would have."""
        if any(self.words):
            return len(self.functions.tables), len(self.functions.registers)
        possible = 2.0 ** len(self.words)
        found = (possible - 2) * -math.expm1(self.width * math.log1p(-1 / possible))
        return found, max(found, self.width * self.loads / TABLE_LOADS)

    @cached_property
    def _expected_bits(self) -> int:
        """Bits that are in block RAM, since they are not the same in every word; of a table that is not known yet, likewise."""
        if any(self.words):
            return max(1, differing(self.words))
        return max(1, round(self.width * (1 - 2.0 ** (1 - len(self.words)))))

    @property
    def contents_file(self) -> str:
        """The hexadecimal file beside the module that a block table is read from."""
        return f"{self.module}.mem"

    def verilog(self) -> str:
        """The module's text."""
        if self.style is RomStyle.CONSTANT:
            body = f"    output wire [{self.width - 1}:0] data\n);\n\nassign data = {_literal(self.words[0], self.width)};\n"
            return f"module {self.module} (\n{body}\nendmodule\n"
        head = (
            f"module {self.module} (\n    input wire clk,\n    input wire [{self.address_bits - 1}:0] address,\n"
            f"    output wire [{self.width - 1}:0] data\n);\n\n"
        )
        if self.style is RomStyle.BLOCK:
            body = self._block()
        elif self.style is RomStyle.LOGIC and self.banks > 1:
            body = self._banked()
        elif self.style is RomStyle.LOGIC:
            body = with_bodies(self._shared, self._table())
        else:
            body = self._table()
        return f"{head}{body}\nendmodule\n"

    def _block(self) -> str:
        return (
            f'(* rom_style = "block" *) reg [{self.width - 1}:0] entries [0:{len(self.words) - 1}];\n'
            f"reg [{self.width - 1}:0] data_q1, data_q2;\n"
            f'initial $readmemh("{self.contents_file}", entries, 0, {len(self.words) - 1});\n'
            "always @(posedge clk) begin\n    data_q1 <= entries[address];\n    data_q2 <= data_q1;\nend\n"
            "assign data = data_q2;\n"
        )

    def _table(self) -> str:
        merged = self.style is RomStyle.MERGED
        registers, index = ("address_q1, address_q2", "address_q2") if merged else ("address_q1", "address_q1")
        kept = "" if merged else f"reg [{self.width - 1}:0] data_q2;\n"
        last = "    address_q2 <= address_q1;\n" if merged else "    data_q2 <= entry;\n"
        return (
            f"reg [{self.address_bits - 1}:0] {registers};\n"
            f"reg [{self.width - 1}:0] entry;\n{kept}"
            f"always @(posedge clk) begin\n    address_q1 <= address;\n{last}end\n"
            f"always @* begin\n{self._case(index, 'entry', [_literal(word, self.width) for word in self.words])}end\n"
            f"assign data = {'entry' if merged else 'data_q2'};\n"
        )

    def _shared(self, primitives: Primitives) -> str:
        """Each function of the address once, and in registers that are repeated where they have many loads."""
        functions, loads = self.functions, TABLE_LOADS
        size, count = len(functions.tables), len(functions.registers)
        text = f"wire [{size - 1}:0] entry;\n" if size else ""
        for group, start in enumerate(range(0, size, loads)):
            address = f"address_q1_{group}"
            low = f"{address}[{self.address_bits - 1}:0]"
            text += primitives.address(address, self.address_bits)
            text += primitives.kept_registers(f"address_register_{group}", self.address_bits - 1, "address", low)
            tables = [self._whole(table) for table in functions.tables[start : start + loads]]
            text += primitives.lookups(start, tables, address, self.address_bits)
        if size:
            sources = listed([f"entry[{function}]" for function in reversed(functions.registers)])
            text += f"wire [{count - 1}:0] shared_q2;\nwire [{count - 1}:0] shared = {{{sources}}};\n"
            text += primitives.kept_registers("shared_register", count - 1, "shared", "shared_q2")
        bits = [f"1'b{-2 - register}" if register < 0 else f"shared_q2[{register}]" for register in functions.bits[::-1]]
        return text + f"assign data = {{{listed(bits)}}};\n"

    def _whole(self, table: int) -> int:
        """A function for all addresses: those beyond the end give the last word."""
        words, size = len(self.words), 1 << self.address_bits
        return table | ((1 << size) - (1 << words)) * (table >> words - 1)

    def _banked(self) -> str:
        within = BANK.bit_length() - 1
        names = [f"bank{number}" for number in range(self.banks)]
        parts = [self.words[number * BANK : (number + 1) * BANK] for number in range(self.banks)]
        cases = "".join(
            self._case(f"address[{within - 1}:0]", name, [_literal(word, self.width) for word in part])
            for name, part in zip(names, parts, strict=True)
        )
        return (
            f"reg [{self.width - 1}:0] {', '.join(names)}, {', '.join(f'{name}_q1' for name in names)}, chosen, data_q2;\n"
            f"reg [{self.address_bits - within - 1}:0] bank_q1;\n"
            f"always @* begin\n{cases}{self._case('bank_q1', 'chosen', [f'{name}_q1' for name in names])}end\n"
            f"always @(posedge clk) begin\n    bank_q1 <= address[{self.address_bits - 1}:{within}];\n"
            + "".join(f"    {name}_q1 <= {name};\n" for name in names)
            + "    data_q2 <= chosen;\nend\nassign data = data_q2;\n"
        )

    @staticmethod
    def _case(index: str, target: str, values: Sequence[str]) -> str:
        """target = values[index]; the last one beyond the end."""
        if len(values) == 1:
            return f"    {target} = {values[0]};\n"
        cases = "".join(f"        {i}: {target} = {value};\n" for i, value in enumerate(values[:-1]))
        return f"    case ({index})\n{cases}        default: {target} = {values[-1]};\n    endcase\n"

    def contents(self) -> dict[str, str]:
        """Files that the module reads, by name."""
        if self.style is not RomStyle.BLOCK:
            return {}
        digits = -(-self.width // 4)
        return {self.contents_file: "".join(f"{word:0{digits}x}\n" for word in self.words)}


def _literal(word: int, width: int) -> str:
    """A word; wide ones in parts, since tools bound the width of a number."""
    if width <= LITERAL:
        return f"{width}'h{word:x}"
    parts = [(low, min(LITERAL, width - low)) for low in range(0, width, LITERAL)]
    return "{" + ", ".join(f"{bits}'h{word >> low & ((1 << bits) - 1):x}" for low, bits in reversed(parts)) + "}"


@dataclass(frozen=True)
class Functions:
    """The bits of a table's data as functions of its address, each function once: with few words, many bits are the same one.

    tables: the functions that are no constants, the value for address 0 lowest. registers: for each register the number of its
    function, which has several if many bits are that function. bits: for each bit of the data its register; -2 and -3 stand for
    the constants 0 and 1.
    """

    tables: tuple[int, ...]
    registers: tuple[int, ...]
    bits: tuple[int, ...]

    @classmethod
    def of(cls, words: tuple[int, ...], width: int, bits_per_register: int) -> Functions:
        """The functions of a table of words of `width` bits."""
        rows = np.array([np.frombuffer(word.to_bytes(-(-width // 8), "little"), np.uint8) for word in words])
        columns = np.unpackbits(rows, axis=1, count=width, bitorder="little").T
        ones = (1 << len(words)) - 1
        packed = np.packbits(columns, axis=1, bitorder="little")
        tables: dict[int, int] = {}
        registers: list[int] = []
        loaded: dict[int, tuple[int, int]] = {}
        bits = []
        for row in packed:
            table = int.from_bytes(row.tobytes(), "little")
            if table in (0, ones):
                bits.append(-2 - (table == ones))
                continue
            function = tables.setdefault(table, len(tables))
            register, load = loaded.get(function, (-1, bits_per_register))
            if load == bits_per_register:
                register, load = len(registers), 0
                registers.append(function)
            loaded[function] = register, load + 1
            bits.append(register)
        return cls(tuple(tables), tuple(registers), tuple(bits))


@written
def rom(clk, address, data, config):
    """data = words[address], ADDRESS_LEAD cycles later. A constant has neither clk nor address: both are None.

    Written in Verilog because MyHDL can neither give a memory the attribute that puts it in block RAM nor read its contents
    from a file; this is its twin for simulation.
    """
    words = config.words
    if len(words) == 1:

        @instance
        def constant():
            data.next = words[0]
            yield delay(1)

        return constant
    first = wire(config.width)

    @always(clk.posedge)
    def read():
        first.next = words[min(int(address), len(words) - 1)]  # beyond the end anything will do
        data.next = first

    return read


def pack_words(fields: NDArray[np.integer] | NDArray[np.bool_], bits: int) -> tuple[int, ...]:
    """Rows of two's complement or unsigned fields, the first lowest, as one integer per row."""
    planes = fields & 1 if bits == 1 else (fields.astype(np.int64)[:, :, None] >> np.arange(bits)) & 1
    packed = np.packbits(planes.astype(np.uint8).reshape(len(fields), -1), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in packed)


def unpack_word(word: int, count: int, bits: int) -> NDArray[np.int64]:
    """(count,) The fields of a word, the first lowest, in two's complement."""
    packed = np.frombuffer(word.to_bytes(-(-count * bits // 8), "little"), np.uint8)
    planes = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits).astype(np.int64)
    return planes @ (np.int64(1) << np.arange(bits)) - (planes[:, -1] << bits)
