"""A second body of the popcount whose weights change, on carry chains: the same counts in as many cycles, in fewer LUT4."""

from __future__ import annotations

import re
from collections import defaultdict

from sigmabit.hdl.family.ecp5 import ARRAY_FROM
from sigmabit.hdl.family.ecp5_chains import Count, cycle_of, cycles_of

NAME = re.compile(r"popcount_(\d+)x1b_(\d+)_var")
LONGEST = 32
"""Positions of a chain: a path through all of them, though no signal takes it, is taken for one."""

SUM, CARRY = "16'h6996", "16'h0006"
"""A LUT that adds A ^ B, C ^ D and what is carried; and with C = 1 one that carries A ^ B, and gives what was carried to it."""


def body(module: str) -> str | None:
    """The text of a module of this name; None where there is no second body."""
    named = NAME.fullmatch(module)
    if named is None or int(named[1]) < ARRAY_FROM:
        return None
    return _Lane(int(named[1])).module(module, int(named[2]))


Bit = tuple[str, str]
"""A bit that is added: two nets that it is the XOR of."""

ZERO = "1'b0", "1'b0"
PLACE = str.maketrans("[", "_", "]")


class _Lane:
    """One lane, as a module of its own."""

    def __init__(self, inputs: int) -> None:
        self.wires: list[str] = []
        self.clocked: list[str] = []
        self.taken = 0
        self.levels: dict[int, list[list[tuple[str, Bit, Bit]]]] = defaultdict(list)
        self.root = Count(inputs)
        self.cycles = cycles_of(inputs)
        made, cycle = self._sum(self.root)
        self.count = [self._later(bit, cycle, self.cycles + 1) for bit in made]

    def _element(self, cycle: int) -> Bit:
        """The next element as it is added in a cycle.

        For one cycle it waits unmatched, which takes no LUT, and of what lanes have in common one register.
        """
        place = self.taken
        self.taken += 1
        pair = f"operand[{place}]", f"weights[{place}]"
        if cycle <= 2:
            return self._later(pair[0], 1, cycle), self._later(pair[1], 1, cycle)
        self.wires.append(f"reg matched{place};")
        self.clocked.append(f"matched{place} <= {pair[0]} ^ {pair[1]};")
        return self._later(f"matched{place}", 2, cycle), "1'b0"

    def _later(self, net: str, cycle: int, wanted: int) -> str:
        """What is known in a cycle, kept until the one that is wanted."""
        for number in range(cycle, wanted):
            kept = f"{net.split('_q')[0].translate(PLACE)}_q{number}"
            self.wires.append(f"reg {kept};")
            self.clocked.append(f"{kept} <= {net};")
            net = kept
        return net

    def _sum(self, count: Count) -> tuple[list[str], int]:
        """The bits of a count, lowest first, and the cycle in which they are made."""
        cycle = cycle_of(count.level, self.root.level, self.cycles)
        numbers: list[list[Bit]] = []
        for part in count.parts:
            if part.elements == 1:
                numbers.append([self._element(cycle)])
            else:
                bits, made = self._sum(part)
                numbers.append([(self._later(bit, made, cycle), "1'b0") for bit in bits])
        carried = self._element(cycle) if count.carried else ZERO
        name = f"sum{len(self.wires)}"
        width = count.parts[0].width
        self.wires.append(f"wire [{width}:0] {name};")
        rows = [number + [ZERO] * (width - len(number)) for number in (*numbers, *[[ZERO]] * (2 - len(numbers)))]
        adds = [(f"{name}[{place}]", *pair) for place, pair in enumerate(zip(*rows, strict=True))]
        # a position that carries begins a sum; its own output is the top bit of the sum before
        self.levels[count.level].append([("", carried, ZERO), *adds, (f"{name}[{width}]", ZERO, ZERO)])
        return [f"{name}[{place}]" for place in range(count.width)], cycle

    def module(self, name: str, lanes: int) -> str:
        """The lane, and the array of so many."""
        n, bits = self.root.elements, self.root.width
        chains = [chain for level in self.levels.values() for chain in _chained(level)]
        text = "\n".join(cell for number, chain in enumerate(chains) for cell in _cells(number, chain))
        each = "\n".join(f"    assign matching[{place}] = weights[{place * lanes} + lane];" for place in range(n))
        return f"""\
module {name}_lane (
    input wire clk,
    input wire [{n - 1}:0] operand,
    input wire [{n - 1}:0] weights,
    output wire [{bits - 1}:0] count
);
{chr(10).join(self.wires)}
{text}
always @(posedge clk) begin
    {(chr(10) + "    ").join(self.clocked)}
end
assign count = {{{", ".join(reversed(self.count))}}};
endmodule

module {name} (
    input wire clk,
    input wire [{n - 1}:0] operand,
    input wire [{n * lanes - 1}:0] weights,
    output wire [{lanes * bits - 1}:0] counts
);
genvar lane;
generate
for (lane = 0; lane < {lanes}; lane = lane + 1) begin : each_lane
    wire [{n - 1}:0] matching;
{each}
    {name}_lane lane_instance (.clk(clk), .operand(operand), .weights(matching), .count(counts[lane * {bits} +: {bits}]));
end
endgenerate
endmodule
"""


Position = tuple[str, Bit, Bit]
"""The output of a position, and what it adds; one that adds nothing but carries its first bit gives what was carried to it."""


def _chained(sums: list[list[Position]]) -> list[list[tuple[str, Bit, Bit | None]]]:
    """Sums of one level in chains that are not too long: the last position of one is the first of the next."""
    chains: list[list[tuple[str, Bit, Bit | None]]] = []
    for first, *adds, last in sums:
        if not chains or len(chains[-1]) + len(adds) + 1 > LONGEST:
            chains.append([("", ZERO, None)])
        before = chains[-1].pop()
        chains[-1] += [(before[0], first[1], None), *adds, (last[0], ZERO, None)]
    return chains


def _cells(number: int, chain: list[tuple[str, Bit, Bit | None]]) -> list[str]:
    """The CCU2C of a chain."""
    padded = [*chain, ("", ZERO, None)] if len(chain) % 2 else chain
    found = []
    for place in range(0, len(padded), 2):
        cell, pins = place // 2, []
        for half, (output, first, second) in enumerate(padded[place : place + 2]):
            c, d = second if second is not None else ("1'b1", "1'b0")
            pins += [f".A{half}({first[0]}), .B{half}({first[1]}), .C{half}({c}), .D{half}({d}), .S{half}({output})"]
        carry = f".CIN(chain{number}_{cell})" if place else ".CIN()"
        more = place + 2 < len(padded)
        inits = ", ".join(f".INIT{half}({CARRY if padded[place + half][2] is None else SUM})" for half in (0, 1))
        parameters = f'{inits}, .INJECT1_0("NO"), .INJECT1_1("NO")'
        out = f".COUT(chain{number}_{cell + 1})" if more else ".COUT()"
        if more:
            found.append(f"wire chain{number}_{cell + 1};")
        found.append(f"CCU2C #({parameters}) cell{number}_{cell} ({carry}, {', '.join(pins)}, {out});")
    return found
