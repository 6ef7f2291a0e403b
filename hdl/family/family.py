"""What a family of devices answers to the blocks: prices, and bodies of primitives.

A block says what it consists of, in terms that no device knows: adders of so many bits, tables, memories, products. The family
says what that comes to. docs/family/new_family.md tells how another one is added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from .cost import Cost, Part


class Primitives(Protocol):
    """Verilog of a family's primitives, each in the place of plain operations that logic synthesis makes more of.

    Texts of compressors are those of MyHDL blocks, whose arguments they name with a $: hdl/arithmetic/compressors.py. Yosys
    proves each equal to the plain body: verif/arithmetic/test_compressors.py, verif/arithmetic/test_adder_graph.py.
    """

    @property
    def macro(self) -> str:
        """The macro that chooses these bodies."""
        ...

    @property
    def match(self) -> str:
        """Compressor: $differing = $planes XOR $weights, of $size bits. $top, $half_top: of the next even size, and of a half."""
        ...

    @property
    def mask(self) -> str:
        """Compressor: $kept = $planes AND $weights, as `match`."""
        ...

    @property
    def choose(self) -> str:
        """Compressor: $chosen = ($planes XOR $weights) AND $there, of $elements times $lanes bits, $pairs of these and perhaps
        one more. $planes is the same in all lanes of an element.
        """
        ...

    @property
    def match_adder(self) -> str:
        """Compressor: two such products and $c, added: $ones + 2 $twos, of $top + 1 bits."""
        ...

    @property
    def mask_adder(self) -> str:
        """Compressor: two of `mask` and $c, added, as `match_adder`."""
        ...

    @property
    def full_adder(self) -> str:
        """Compressor: $a + $b + $c = $ones + 2 $twos, of $top + 1 bits."""
        ...

    @property
    def counter(self) -> str:
        """Compressor: $a + $b + $c + $d + $e + $f = $ones + 2 $twos + 4 $fours, of $top + 1 bits."""
        ...

    @property
    def sum_rows(self) -> str:
        """The sums ${totals}_next of ${totals}_a, ..._b, ..._c, for $lanes lanes of $bits bits: planes in, numbers out."""
        ...

    @property
    def reaches(self) -> str:
        """$reached = $total >= $threshold, in two's complement, of $top + 1 bits: $pairs of two bits, $chains of four pairs.
        $below: $top - 1.
        """
        ...

    def kept_registers(self, name: str, top: int | str, source: str, target: str, clk: str = "clk", reset: str = "1'b0") -> str:
        """Registers 0 to `top` of a name, target = source, which no tool merges where they hold the same."""
        ...

    def address(self, name: str, bits: int) -> str:
        """A net for the address of lookups, of which the low `bits` are driven elsewhere."""
        ...

    def lookups(self, first: int, tables: Sequence[int], address: str, bits: int) -> str:
        """entry[first], ... = functions of such an address, of up to six bits; a table's lowest bit is for address 0."""
        ...

    def sum_of_two(self, name: str) -> str:
        """The body of NAME_sum2 (hdl/arithmetic/adder_graph.py)."""
        ...

    def sum_of_three(self, name: str) -> str:
        """The body of NAME_sum3, as small as can be."""
        ...

    def fast_sum_of_three(self, name: str) -> str:
        """The body of NAME_fast3, a level less."""
        ...

    def sum_helpers(self, name: str) -> str:
        """Modules that the bodies of sums use; their names begin with NAME."""
        ...


class Family(Protocol):
    """Devices that are made of the same parts. Sizes are in bits; a price is that of one."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def parts(self) -> Sequence[Part]:
        """Its devices."""
        ...

    @property
    def series(self) -> Mapping[str, str]:
        """Beginnings of their names, in lower case, and what people call those devices."""
        ...

    def orders(self, device: Part) -> tuple[str, str]:
        """What may follow a device's name, in lower case, as a regular expression, and how that is said."""
        ...

    @property
    def resources(self) -> Mapping[str, str]:
        """What the fields of a cost are called, in the order in which a plan is to have few of them."""
        ...

    @property
    def usual_mhz(self) -> float:
        """The clock that is assumed unless another is stated."""
        ...

    @property
    def fill(self) -> float:
        """The share of its LUTs and registers that a plan may use; the rest is room for a link, and for routing."""
        ...

    @property
    def ram_fill(self) -> float:
        """The share of its block RAM that a plan may use; the rest is a link's."""
        ...

    @property
    def ram_words(self) -> int:
        """How many weights must take turns for them to be in block RAM, at the least."""
        ...

    @property
    def primitives(self) -> Primitives | None:
        """Bodies of primitives; None where plain operations do."""
        ...

    def logic(self, functions: float) -> Cost:
        """Functions of up to six bits each."""
        ...

    def registers(self, bits: float) -> Cost:
        """Registers, each alone."""
        ...

    def delay(self, bits: int, cycles: int) -> Cost:
        """So many registers in a row, without reset, for each bit."""
        ...

    def adder(self, bits: float) -> Cost:
        """A sum or a difference of two numbers."""
        ...

    def adder_of_three(self, bits: float, fast: bool = False) -> Cost:
        """A sum of three numbers; fast: with one level of logic less."""
        ...

    def match(self) -> Cost:
        """A bit matched with a weight: a lane of the compressor `match`, or of `mask`."""
        ...

    def choose(self, lanes: int) -> Cost:
        """A bit matched with weights that may be none: all lanes of an element of the compressor `choose`."""
        ...

    def match_adder(self) -> Cost:
        """Two bits matched with weights and added to a third: a lane of `match_adder`, or of `mask_adder`."""
        ...

    def full_adder(self, constants: bool = False) -> Cost:
        """Three bits added: a lane of `full_adder`. constants: in all lanes the same bits, but for their signs."""
        ...

    def counter(self, constants: bool = False) -> Cost:
        """Six bits added: a lane of `counter`. constants: as above."""
        ...

    def array(self, elements: int) -> Cost | None:
        """A lane of so many bits, matched with weights that change and counted, registers left out; None where it is made of the
        compressors above.
        """
        ...

    def tally(self, bits: int) -> Cost:
        """A number that is counted up, besides its register."""
        ...

    def comparator(self, bits: int) -> Cost:
        """Whether one number reaches another."""
        ...

    def comparators_with(self, constants: Collection[int], bits: int) -> Cost:
        """Which of some constants a number of so many bits reaches; all in two's complement."""
        ...

    def multiplexer(self, ways: int) -> Cost:
        """The choice of one bit of so many."""
        ...

    def table(self, address_bits: int, shared: bool = False) -> Cost:
        """A bit of a table in logic; shared: beside others of the same address."""
        ...

    def functions(self, count: float, address_bits: int) -> Cost:
        """So many functions of the same address, each in LUTs of its own or sharing them."""
        ...

    def distributed_ram(self, bits: int, depth: int) -> Cost:
        """A memory in logic of so many words, written and read in every cycle, at two addresses."""
        ...

    def buffer(self, bits: int, depth: int) -> Cost:
        """The same with a register behind it, for which synthesis takes logic or block RAM."""
        ...

    def block_ram(self, bits: int, depth: int) -> Cost:
        """A memory of so many words in block RAM."""
        ...

    def product(self, first: int, second: int, signed: bool = True) -> Cost:
        """A product of two numbers in two's complement; not signed: the top bit of the first is always 0."""
        ...

    def row(self, bits: int, width: int, first: bool) -> Cost:
        """A multiple from -2 to 2 of a number of so many bits, which three bits choose, added to another; of so many bits is the
        sum. first: two bits choose, and there is nothing that it is added to.
        """
        ...

    def few_bit_product(self, bits: int, weight_bits: int, signed: bool) -> Cost:
        """A product of a code, in two's complement if signed, and a weight, in two's complement; exact where both are narrow."""
        ...
