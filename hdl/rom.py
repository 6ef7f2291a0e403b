"""Read-only memory: weights, initial values, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from myhdl import always, delay, instance
from numpy.typing import NDArray

from .cost import Cost, block_ram, multiplexer
from .module import written
from .stream import index_bits, wire

BANK = 64
"""Words of a table in logic that are read at once: one LUT6 a bit. Longer tables are read in banks, and a register later chosen
from, which keeps the logic between registers as shallow as that of a short table."""


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


@dataclass(frozen=True)
class RomConfig:
    """A table of `words` of `width` bits, read in ADDRESS_LEAD cycles. owner, label: whose table it is, and what it holds."""

    owner: str
    label: str
    width: int
    words: tuple[int, ...] = field(repr=False)
    style: RomStyle

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

    @property
    def cost(self) -> Cost:
        """Expected size; a merged table costs nothing of its own."""
        match self.style:
            case RomStyle.CONSTANT:
                return Cost()
            case RomStyle.MERGED:
                return Cost(ff=2 * self.address_bits)
            case RomStyle.LOGIC:
                lut = self.width * (self.banks + multiplexer(self.banks))
                return Cost(lut, self.width * (self.banks + 1 if self.banks > 1 else 1) + self.address_bits)
            case RomStyle.BLOCK:
                return Cost(ff=self.width, bram36=block_ram(self.width, len(self.words)))

    @property
    def contents_file(self) -> str:
        """The hexadecimal file beside the module that a block table is read from."""
        return f"{self.module}.mem"

    def verilog(self) -> str:
        """The module's text."""
        if self.style is RomStyle.CONSTANT:
            body = f"    output wire [{self.width - 1}:0] data\n);\n\nassign data = {self._literal(self.words[0])};\n"
            return f"module {self.module} (\n{body}\nendmodule\n"
        head = (
            f"module {self.module} (\n    input wire clk,\n    input wire [{self.address_bits - 1}:0] address,\n"
            f"    output wire [{self.width - 1}:0] data\n);\n\n"
        )
        if self.style is RomStyle.BLOCK:
            body = self._block()
        elif self.style is RomStyle.LOGIC and self.banks > 1:
            body = self._banked()
        else:
            body = self._table()
        return f"{head}{body}\nendmodule\n"

    def _block(self) -> str:
        return (
            f'(* rom_style = "block" *) reg [{self.width - 1}:0] entries [0:{len(self.words) - 1}];\n'
            f"reg [{self.width - 1}:0] data_q1, data_q2;\n"
            f'initial $readmemh("{self.contents_file}", entries);\n'
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
            f"always @* begin\n{self._case(index, 'entry', [self._literal(word) for word in self.words])}end\n"
            f"assign data = {'entry' if merged else 'data_q2'};\n"
        )

    def _banked(self) -> str:
        within = BANK.bit_length() - 1
        names = [f"bank{number}" for number in range(self.banks)]
        parts = [self.words[number * BANK : (number + 1) * BANK] for number in range(self.banks)]
        cases = "".join(
            self._case(f"address[{within - 1}:0]", name, [self._literal(word) for word in part])
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

    def _literal(self, word: int) -> str:
        """A word; wide ones in parts, since tools bound the width of a number."""
        if self.width <= LITERAL:
            return f"{self.width}'h{word:x}"
        parts = [(low, min(LITERAL, self.width - low)) for low in range(0, self.width, LITERAL)]
        return "{" + ", ".join(f"{bits}'h{word >> low & ((1 << bits) - 1):x}" for low, bits in reversed(parts)) + "}"


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


def pack_words(fields: NDArray[np.integer], bits: int) -> tuple[int, ...]:
    """Rows of two's complement or unsigned fields, the first lowest, as one integer per row."""
    planes = (fields.astype(np.int64)[:, :, None] >> np.arange(bits)) & 1
    packed = np.packbits(planes.astype(np.uint8).reshape(len(fields), -1), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in packed)
