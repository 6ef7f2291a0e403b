"""Primitives of Xilinx' 7 series (UG474, UG953), as they stand in Verilog.

A LUT6_2 gives two functions of five inputs, which logic synthesis rarely uses for arithmetic:

| body of | takes | gives | LUT6 per lane |
|---|---|---|---|
| `match` | a product of one bit and a weight | 1 | 1/2 |
| `mask` | the AND of one bit and a weight | 1 | 1/2 |
| `choose` | a product of one bit and a weight that may be none | 1 | 1/2 |
| `match_adder` | two such products and a bit | 1 + 2 | 1 |
| `mask_adder` | two of `mask`, and a bit | 1 + 2 | 1 |
| `full_adder` | 3 bits | 1 + 2 | 1 |
| `counter` | 6 bits | 1 + 2 + 4 | 2, and a CARRY4 |
| `sum_rows` | 3 numbers of n bits | their sum | n, and CARRY4s |
| `reaches` | 2 numbers of n bits | whether one reaches the other | n/2, and CARRY4s |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

LUT_INPUTS = 6
"""Inputs of a LUT6."""


def _lut6_2(upper: Callable[[list[int]], int], lower: Callable[[list[int]], int]) -> str:
    """INIT of a LUT6_2 whose I5 is high: O6 = upper(I0..I4), O5 = lower(I0..I4)."""
    rows = [[number >> i & 1 for i in range(5)] for number in range(32)]
    table = sum(upper(row) << 32 + number | lower(row) << number for number, row in enumerate(rows))
    return f"64'h{table:016x}"


def _parity(bits: list[int]) -> int:
    return sum(bits) & 1


def _majority(a: int, b: int, c: int) -> int:
    return int(a + b + c >= 2)


def _masked(bits: list[int]) -> list[int]:
    """Two bits, each AND a weight behind it, and a fifth."""
    return [bits[0] & bits[1], bits[2] & bits[3], bits[4]]


_SUM_ROWS = _lut6_2(lambda i: _parity(i[:4]), lambda i: _majority(*i[:3]))

_PARITY6 = f"64'h{sum(number.bit_count() % 2 << number for number in range(64)):016x}"


_REACHES = _lut6_2(lambda i: int(i[0] == i[1] and i[2] == i[3]), lambda i: int((i[2], i[0]) > (i[3], i[1])))
"""Of two bits of each number: are they equal, and is the first one's pair above the other's?"""


def _sum3_table(negatives: int) -> str:
    """Contents of the LUT6_2 of one bit of a sum of three terms, the last `negatives` of which are negative.

    I0 to I2: the terms' bits; I3: the majority of the bits below. O5: the majority of the bits; O6: the sum of them and I3.
    """
    sums = majorities = 0
    for index in range(32):
        ones = _ones(index, negatives)
        majorities |= (ones >= 2) << index
        sums |= ((ones + (index >> 3)) & 1) << index
    return f"64'h{sums << 32 | majorities:016x}"


def _fast3_table(negatives: int) -> str:
    """The same of a LUT6 with the bits below in I3 to I5, which finds their majority itself."""
    table = sum(((_ones(index, negatives) + (_ones(index >> 3, negatives) >= 2)) & 1) << index for index in range(64))
    return f"64'h{table:016x}"


def _ones(bits: int, negatives: int) -> int:
    """How many of three bits are set once the last `negatives` are inverted."""
    return sum((bits >> i & 1) != (i >= 3 - negatives) for i in range(3))


class Series7Primitives:
    """Bodies of LUT6, LUT6_2, CARRY4 and FDRE."""

    macro = "SIGMABIT_7SERIES"

    match = f"""
wire [$top:0] ${{differing}}_planes = $planes;
wire [$top:0] ${{differing}}_weights = $weights;
wire [$top:0] ${{differing}}_both;
LUT6_2 #(.INIT({_lut6_2(lambda i: i[2] ^ i[3], lambda i: i[0] ^ i[1])})) ${{differing}}_lut [$half_top:0] (
    .I0(${{differing}}_planes[$half_top:0]), .I1(${{differing}}_weights[$half_top:0]),
    .I2(${{differing}}_planes[$top:$half]), .I3(${{differing}}_weights[$top:$half]),
    .I4(1'b0), .I5(1'b1), .O5(${{differing}}_both[$half_top:0]), .O6(${{differing}}_both[$top:$half]));
assign $differing = ${{differing}}_both[$size-1:0];
"""

    mask = f"""
wire [$top:0] ${{kept}}_planes = $planes;
wire [$top:0] ${{kept}}_weights = $weights;
wire [$top:0] ${{kept}}_both;
LUT6_2 #(.INIT({_lut6_2(lambda i: i[2] & i[3], lambda i: i[0] & i[1])})) ${{kept}}_lut [$half_top:0] (
    .I0(${{kept}}_planes[$half_top:0]), .I1(${{kept}}_weights[$half_top:0]),
    .I2(${{kept}}_planes[$top:$half]), .I3(${{kept}}_weights[$top:$half]),
    .I4(1'b0), .I5(1'b1), .O5(${{kept}}_both[$half_top:0]), .O6(${{kept}}_both[$top:$half]));
assign $kept = ${{kept}}_both[$size-1:0];
"""

    choose = f"""
wire [$elements*$lanes-1:0] ${{chosen}}_bits = $planes, ${{chosen}}_flips = $weights, ${{chosen}}_there = $there;
genvar ${{chosen}}_i, ${{chosen}}_k;
generate for (${{chosen}}_i = 0; ${{chosen}}_i < $elements; ${{chosen}}_i = ${{chosen}}_i + 1) begin : ${{chosen}}_element
    wire [$lanes-1:0] bits = ${{chosen}}_bits[${{chosen}}_i * $lanes +: $lanes];
    wire [$lanes-1:0] flips = ${{chosen}}_flips[${{chosen}}_i * $lanes +: $lanes];
    wire [$lanes-1:0] there = ${{chosen}}_there[${{chosen}}_i * $lanes +: $lanes];
    wire [$lanes-1:0] results;
    for (${{chosen}}_k = 0; ${{chosen}}_k < 2 * $pairs; ${{chosen}}_k = ${{chosen}}_k + 2) begin : two
        LUT6_2 #(.INIT({_lut6_2(lambda i: (i[0] ^ i[3]) & i[4], lambda i: (i[0] ^ i[1]) & i[2])})) lut (
            .I0(bits[${{chosen}}_k]), .I1(flips[${{chosen}}_k]), .I2(there[${{chosen}}_k]), .I3(flips[${{chosen}}_k+1]),
            .I4(there[${{chosen}}_k+1]), .I5(1'b1), .O5(results[${{chosen}}_k]), .O6(results[${{chosen}}_k+1]));
    end
    if (2 * $pairs < $lanes) begin : one
        assign results[$lanes-1] = (bits[$lanes-1] ^ flips[$lanes-1]) & there[$lanes-1];
    end
    assign $chosen[${{chosen}}_i * $lanes +: $lanes] = results;
end endgenerate
"""

    match_adder = f"""
LUT6_2 #(.INIT({_lut6_2(_parity, lambda i: _majority(i[0] ^ i[1], i[2] ^ i[3], i[4]))})) ${{ones}}_lut [$top:0] (
    .I0($planes_a), .I1($weights_a), .I2($planes_b), .I3($weights_b), .I4($c), .I5(1'b1), .O5($twos), .O6($ones));
"""

    mask_adder = f"""
LUT6_2 #(.INIT({_lut6_2(lambda i: _parity(_masked(i)), lambda i: _majority(*_masked(i)))})) ${{ones}}_lut [$top:0] (
    .I0($planes_a), .I1($weights_a), .I2($planes_b), .I3($weights_b), .I4($c), .I5(1'b1), .O5($twos), .O6($ones));
"""

    full_adder = f"""
LUT6_2 #(.INIT({_lut6_2(lambda i: _parity(i[:3]), lambda i: _majority(*i[:3]))})) ${{ones}}_lut [$top:0] (
    .I0($a), .I1($b), .I2($c), .I3(1'b0), .I4(1'b0), .I5(1'b1), .O5($twos), .O6($ones));
"""

    counter = f"""
wire [$top:0] ${{ones}}_a = $a;
wire [$top:0] ${{ones}}_odd, ${{ones}}_more, ${{ones}}_many;
wire [$top:0] ${{ones}}_o0, ${{ones}}_o1, ${{ones}}_co1;
LUT6 #(.INIT({_PARITY6})) ${{ones}}_parity [$top:0] (
    .I0($a), .I1($b), .I2($c), .I3($d), .I4($e), .I5($f), .O(${{ones}}_odd));
LUT6_2 #(.INIT({_lut6_2(lambda i: int(sum(i) in (2, 3)), lambda i: int(sum(i) >= 3))})) ${{ones}}_lut [$top:0] (
    .I0($b), .I1($c), .I2($d), .I3($e), .I4($f), .I5(1'b1), .O5(${{ones}}_many), .O6(${{ones}}_more));
genvar ${{ones}}_i;
generate for (${{ones}}_i = 0; ${{ones}}_i <= $top; ${{ones}}_i = ${{ones}}_i + 1) begin : ${{ones}}_chain
    wire [3:0] sums, carries;
    CARRY4 chain (.CI(1'b0), .CYINIT(1'b0), .DI({{2'b00, ${{ones}}_many[${{ones}}_i], ${{ones}}_a[${{ones}}_i]}}),
        .S({{2'b00, ${{ones}}_more[${{ones}}_i], ${{ones}}_odd[${{ones}}_i]}}), .O(sums), .CO(carries));
    assign ${{ones}}_o0[${{ones}}_i] = sums[0];
    assign ${{ones}}_o1[${{ones}}_i] = sums[1];
    assign ${{ones}}_co1[${{ones}}_i] = carries[1];
end endgenerate
assign $ones = ${{ones}}_o0;
assign $twos = ${{ones}}_o1;
assign $fours = ${{ones}}_co1;
"""

    sum_rows = f"""
generate for (${{totals}}_i = 0; ${{totals}}_i < $lanes; ${{totals}}_i = ${{totals}}_i + 1) begin : ${{totals}}_lane
    wire [$bits-1:0] a, b, c, twos;
    wire [$bits:0] carried = {{twos, 1'b0}};
    wire [4*$chains-1:0] halves, sums;
    wire [4*$chains-1:0] generated = carried[$bits-1:0];
    wire [4*$chains:0] carries;
    assign carries[0] = 1'b0;
    for (${{totals}}_k = 0; ${{totals}}_k < $bits; ${{totals}}_k = ${{totals}}_k + 1) begin : each_bit
        assign a[${{totals}}_k] = ${{totals}}_a[${{totals}}_k * $lanes + ${{totals}}_i];
        assign b[${{totals}}_k] = ${{totals}}_b[${{totals}}_k * $lanes + ${{totals}}_i];
        assign c[${{totals}}_k] = ${{totals}}_c[${{totals}}_k * $lanes + ${{totals}}_i];
        LUT6_2 #(.INIT({_SUM_ROWS})) lut (.I0(a[${{totals}}_k]), .I1(b[${{totals}}_k]), .I2(c[${{totals}}_k]),
            .I3(carried[${{totals}}_k]), .I4(1'b0), .I5(1'b1), .O5(twos[${{totals}}_k]), .O6(halves[${{totals}}_k]));
    end
    for (${{totals}}_k = $bits; ${{totals}}_k < 4*$chains; ${{totals}}_k = ${{totals}}_k + 1) begin : unused
        assign halves[${{totals}}_k] = 1'b0;
    end
    for (${{totals}}_k = 0; ${{totals}}_k < $chains; ${{totals}}_k = ${{totals}}_k + 1) begin : four
        CARRY4 chain (.CI(carries[4*${{totals}}_k]), .CYINIT(1'b0), .DI(generated[4*${{totals}}_k +: 4]),
            .S(halves[4*${{totals}}_k +: 4]), .O(sums[4*${{totals}}_k +: 4]), .CO(carries[4*${{totals}}_k+1 +: 4]));
    end
    assign ${{totals}}_next[${{totals}}_i * $bits +: $bits] = sums[$bits-1:0];
end endgenerate
"""

    reaches = f"""
wire [$top:0] ${{reached}}_total = $total;
wire [$top:0] ${{reached}}_threshold = $threshold;
wire [2*$pairs-1:0] ${{reached}}_a = {{${{reached}}_threshold[$top], ${{reached}}_total[$below:0]}};
wire [2*$pairs-1:0] ${{reached}}_b = {{${{reached}}_total[$top], ${{reached}}_threshold[$below:0]}};
wire [4*$chains-1:0] ${{reached}}_equal, ${{reached}}_above;
wire [4*$chains:0] ${{reached}}_carries;
assign ${{reached}}_carries[0] = 1'b1;
genvar ${{reached}}_i;
generate
for (${{reached}}_i = 0; ${{reached}}_i < $pairs; ${{reached}}_i = ${{reached}}_i + 1) begin : ${{reached}}_pair
    LUT6_2 #(.INIT({_REACHES})) lut (
        .I0(${{reached}}_a[2*${{reached}}_i]), .I1(${{reached}}_b[2*${{reached}}_i]),
        .I2(${{reached}}_a[2*${{reached}}_i+1]), .I3(${{reached}}_b[2*${{reached}}_i+1]),
        .I4(1'b0), .I5(1'b1), .O5(${{reached}}_above[${{reached}}_i]), .O6(${{reached}}_equal[${{reached}}_i]));
end
for (${{reached}}_i = $pairs; ${{reached}}_i < 4*$chains; ${{reached}}_i = ${{reached}}_i + 1) begin : ${{reached}}_unused
    assign ${{reached}}_equal[${{reached}}_i] = 1'b1;
    assign ${{reached}}_above[${{reached}}_i] = 1'b0;
end
for (${{reached}}_i = 0; ${{reached}}_i < $chains; ${{reached}}_i = ${{reached}}_i + 1) begin : ${{reached}}_chain
    CARRY4 chain (.CI(${{reached}}_carries[4*${{reached}}_i]), .CYINIT(1'b0), .DI(${{reached}}_above[4*${{reached}}_i +: 4]),
        .S(${{reached}}_equal[4*${{reached}}_i +: 4]), .O(), .CO(${{reached}}_carries[4*${{reached}}_i+1 +: 4]));
end
endgenerate
assign $reached = ${{reached}}_carries[4*$chains];
"""

    def kept_registers(self, name: str, top: int | str, source: str, target: str, clk: str = "clk", reset: str = "1'b0") -> str:
        return (
            f'(* keep = "true" *) FDRE #(.INIT(1\'b0)) {name} [{top}:0] (\n'
            f"    .C({clk}), .CE(1'b1), .R({reset}), .D({source}), .Q({target}));\n"
        )

    def address(self, name: str, bits: int) -> str:
        """All of a LUT's inputs, zeros where the address has fewer bits."""
        text = f"wire [{LUT_INPUTS - 1}:0] {name};\n"
        if bits < LUT_INPUTS:
            text += f"assign {name}[{LUT_INPUTS - 1}:{bits}] = {LUT_INPUTS - bits}'b0;\n"
        return text

    def lookups(self, first: int, tables: Sequence[int], address: str, bits: int) -> str:
        """Two functions of up to five bits share a LUT6_2."""
        pins = ", ".join(f".I{pin}({address}[{pin}])" for pin in range(LUT_INPUTS - 1))
        if bits == LUT_INPUTS:
            pins += f", .I5({address}[5])"
            return "".join(
                f"LUT6 #(.INIT(64'h{table:x})) lut{first + i} ({pins}, .O(entry[{first + i}]));\n"
                for i, table in enumerate(tables)
            )
        text = ""
        for i in range(0, len(tables), 2):
            upper, output = (tables[i + 1], f", .O6(entry[{first + i + 1}])") if i + 1 < len(tables) else (0, ", .O6()")
            init = upper << 32 | tables[i]
            text += f"LUT6_2 #(.INIT(64'h{init:x})) lut{first + i} ({pins}, .I5(1'b1), .O5(entry[{first + i}]){output});\n"
        return text

    def sum_of_two(self, name: str) -> str:
        """A LUT a bit before the carry chain, also where the same terms make a sum and a difference: synthesis by itself
        makes one LUT of both, and an inverter behind it.
        """
        return f"""
wire [WIDTH-1:0] partial;
genvar i;
generate
    for (i = 0; i < WIDTH; i = i + 1) begin : position
        LUT2 #(.INIT(NEGATIVES != 0 ? 4'b1001 : 4'b0110)) lut (.I0(a[i]), .I1(b[i]), .O(partial[i]));
    end
endgenerate
{name}_chain #(WIDTH) chain (NEGATIVES != 0, a, partial, sum);
"""

    def sum_of_three(self, name: str) -> str:
        """The same, with both outputs of the LUT in use (Simkins and Young, US 7274211; XAPP522)."""
        return f"""
localparam TABLE = NEGATIVES == 0 ? {_sum3_table(0)} : NEGATIVES == 1 ? {_sum3_table(1)} : {_sum3_table(2)};
wire [WIDTH-1:0] partial;
wire [WIDTH:0] majority;
assign majority[0] = NEGATIVES == 2;
genvar i;
generate
    for (i = 0; i < WIDTH; i = i + 1) begin : position
        LUT6_2 #(.INIT(TABLE)) lut (
            .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(majority[i]), .I4(1'b0), .I5(1'b1), .O5(majority[i+1]), .O6(partial[i])
        );
    end
endgenerate
{name}_chain #(WIDTH) chain (NEGATIVES != 0, majority[WIDTH-1:0], partial, sum);
"""

    def fast_sum_of_three(self, name: str) -> str:
        """Two LUTs a bit, side by side."""
        return f"""
localparam TABLE = NEGATIVES == 0 ? {_fast3_table(0)} : NEGATIVES == 1 ? {_fast3_table(1)} : {_fast3_table(2)};
wire [WIDTH-1:0] a1 = a << 1, b1 = b << 1, c1 = c << 1, partial;
wire [WIDTH-1:0] u = NEGATIVES == 2 ? ~b1 : b1, v = NEGATIVES != 0 ? ~c1 : c1;
genvar i;
generate
    for (i = 0; i < WIDTH; i = i + 1) begin : position
        LUT6 #(.INIT(TABLE)) lut (.I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(a1[i]), .I4(b1[i]), .I5(c1[i]), .O(partial[i]));
    end
endgenerate
{name}_chain #(WIDTH) chain (NEGATIVES != 0, (a1 & u) | (a1 & v) | (u & v), partial, sum);
"""

    def sum_helpers(self, name: str) -> str:
        """The carry chain."""
        return f"""
module {name}_chain #(parameter WIDTH = 1) (
    input wire first,
    input wire [WIDTH-1:0] generated, propagate,
    output wire [WIDTH-1:0] sum
);
localparam BLOCKS = (WIDTH + 3) / 4;
wire [4*BLOCKS-1:0] di = generated, s = propagate, o;
wire [4*BLOCKS:0] carry;
assign carry[0] = 1'b0;
genvar i;
generate
    for (i = 0; i < BLOCKS; i = i + 1) begin : position
        CARRY4 carry4 (
            .CI(carry[4*i]), .CYINIT(i == 0 ? first : 1'b0), .DI(di[4*i+:4]), .S(s[4*i+:4]), .O(o[4*i+:4]), .CO(carry[4*i+1+:4])
        );
    end
endgenerate
assign sum = o[WIDTH-1:0];
endmodule
"""
