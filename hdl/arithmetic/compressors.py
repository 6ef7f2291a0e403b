"""Compressors of bit planes: each replaces bits of one binary weight by fewer bits of weights 1, 2 and 4, for all lanes at once.

A plane is one bit of every lane, side by side; a compressor takes whole planes, or vectors of several. Their Verilog has two
bodies: plain vector operations, and under a family's macro its primitives, which give the same bits with less
(hdl/family/series7_primitives.py).

Yosys proves the bodies equal for the sizes in use: verif/arithmetic/test_compressors.py.
"""

from __future__ import annotations

from myhdl import Signal, always, always_comb, block
from myhdl._ShadowSignal import _ShadowSignal

from ..family import with_bodies


def driven_by_text(*outputs: Signal) -> None:
    """These are driven by a block's text."""
    for output in outputs:
        output.driven = "wire"


def read_by_text(*inputs: Signal) -> None:
    """These are read by a block's text. MyHDL declares slices and concatenations only where it sees them in a process."""
    for source in inputs:
        source.read = True
        if isinstance(source, _ShadowSignal):
            source.driven = "wire"


@block
def match(planes, weights, differing):
    """differing = planes XOR weights; two lanes share a LUT."""
    size = len(planes)
    half = (size + 1) // 2
    top, half_top = 2 * half - 1, half - 1  # noqa: F841  read by the text

    @always_comb
    def differ():
        differing.next = planes ^ weights

    read_by_text(planes, weights)
    driven_by_text(differing)
    return differ


match.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.match,
    "assign $differing = $planes ^ $weights;",
)


@block
def choose(planes, weights, there, chosen, lanes):
    """chosen = planes XOR weights, and 0 where no weight is there; two lanes of an element have the same bit, and share a LUT."""
    elements, pairs = len(planes) // lanes, lanes // 2  # noqa: F841  read by the text

    @always_comb
    def choose_all():
        chosen.next = (planes ^ weights) & there

    read_by_text(planes, weights, there)
    driven_by_text(chosen)
    return choose_all


choose.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.choose,
    "assign $chosen = ($planes ^ $weights) & $there;",
)


@block
def mask(planes, weights, kept):
    """kept = planes AND weights; two lanes share a LUT."""
    size = len(planes)
    half = (size + 1) // 2
    top, half_top = 2 * half - 1, half - 1  # noqa: F841  read by the text

    @always_comb
    def keep():
        kept.next = planes & weights

    read_by_text(planes, weights)
    driven_by_text(kept)
    return keep


mask.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.mask,
    "assign $kept = $planes & $weights;",
)


@block
def match_adder(planes_a, weights_a, planes_b, weights_b, c, ones, twos):
    """(planes_a XOR weights_a) + (planes_b XOR weights_b) + c = ones + 2 twos, bit by bit."""
    top = len(planes_a) - 1  # noqa: F841  read by the text

    @always_comb
    def add():
        ones.next = planes_a ^ weights_a ^ planes_b ^ weights_b ^ c
        twos.next = ((planes_a ^ weights_a) & (planes_b ^ weights_b)) | (c & (planes_a ^ weights_a ^ planes_b ^ weights_b))

    read_by_text(planes_a, weights_a, planes_b, weights_b, c)
    driven_by_text(ones, twos)
    return add


match_adder.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.match_adder,
    """
wire [$top:0] ${ones}_a = $planes_a ^ $weights_a;
wire [$top:0] ${ones}_b = $planes_b ^ $weights_b;
wire [$top:0] ${ones}_ab = ${ones}_a ^ ${ones}_b;
assign $ones = ${ones}_ab ^ $c;
assign $twos = (${ones}_a & ${ones}_b) | ($c & ${ones}_ab);
""",
)


@block
def mask_adder(planes_a, weights_a, planes_b, weights_b, c, ones, twos):
    """(planes_a AND weights_a) + (planes_b AND weights_b) + c = ones + 2 twos, bit by bit."""
    top = len(planes_a) - 1  # noqa: F841  read by the text

    @always_comb
    def add():
        ones.next = (planes_a & weights_a) ^ (planes_b & weights_b) ^ c
        twos.next = (planes_a & weights_a & planes_b & weights_b) | (c & ((planes_a & weights_a) ^ (planes_b & weights_b)))

    read_by_text(planes_a, weights_a, planes_b, weights_b, c)
    driven_by_text(ones, twos)
    return add


mask_adder.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.mask_adder,
    """
wire [$top:0] ${ones}_a = $planes_a & $weights_a;
wire [$top:0] ${ones}_b = $planes_b & $weights_b;
wire [$top:0] ${ones}_ab = ${ones}_a ^ ${ones}_b;
assign $ones = ${ones}_ab ^ $c;
assign $twos = (${ones}_a & ${ones}_b) | ($c & ${ones}_ab);
""",
)


@block
def full_adder(a, b, c, ones, twos):
    """a + b + c = ones + 2 twos, bit by bit."""
    top = len(a) - 1  # noqa: F841  read by the text

    @always_comb
    def add():
        ones.next = a ^ b ^ c
        twos.next = (a & b) | (c & (a ^ b))

    read_by_text(a, b, c)
    driven_by_text(ones, twos)
    return add


full_adder.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.full_adder,
    """
wire [$top:0] ${ones}_ab = $a ^ $b;
assign $ones = ${ones}_ab ^ $c;
assign $twos = ($a & $b) | ($c & ${ones}_ab);
""",
)


@block
def counter(a, b, c, d, e, f, ones, twos, fours):
    """a + b + c + d + e + f = ones + 2 twos + 4 fours, bit by bit.

    On two positions of a carry chain (the idea is that of Preußer, FPL 2017). The first XORs all six, and where their number is
    even it gives a to the second as a carry. With t of b to f set, half the number, rounded down, is then the carry; for t = 2
    and 3 the carry and 1, for t = 4 and 5 the carry and 2: so the second inverts for t = 2 and 3, and generates from there on.
    """
    top = len(a) - 1  # noqa: F841  read by the text

    @always_comb
    def add():
        ones.next = a ^ b ^ c ^ d ^ e ^ f

    @always_comb
    def carry():
        ones_low = a ^ b ^ c
        ones_high = d ^ e ^ f
        twos_low = (a & b) | (c & (a ^ b))
        twos_high = (d & e) | (f & (d ^ e))
        twos_both = ones_low & ones_high
        twos.next = twos_low ^ twos_high ^ twos_both
        fours.next = (twos_low & twos_high) | (twos_both & (twos_low ^ twos_high))

    read_by_text(a, b, c, d, e, f)
    driven_by_text(ones, twos, fours)
    return add, carry


counter.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.counter,
    """
wire [$top:0] ${ones}_ab = $a ^ $b, ${ones}_de = $d ^ $e;
wire [$top:0] ${ones}_low = ${ones}_ab ^ $c, ${ones}_high = ${ones}_de ^ $f, ${ones}_both = ${ones}_low & ${ones}_high;
wire [$top:0] ${ones}_twos_low = ($a & $b) | ($c & ${ones}_ab), ${ones}_twos_high = ($d & $e) | ($f & ${ones}_de);
wire [$top:0] ${ones}_either = ${ones}_twos_low ^ ${ones}_twos_high;
assign $ones = ${ones}_low ^ ${ones}_high;
assign $twos = ${ones}_either ^ ${ones}_both;
assign $fours = (${ones}_twos_low & ${ones}_twos_high) | (${ones}_both & ${ones}_either);
""",
)


def _added(rows: list[int], bits: int, lanes: int) -> int:
    """Lane by lane the sum of the rows, planes in and numbers out: for the twins of the texts below."""
    result = 0
    for lane in range(lanes):
        numbers = [sum((row >> (k * lanes + lane) & 1) << k for k in range(bits)) for row in rows]
        result |= sum(numbers) % (1 << bits) << lane * bits
    return result


@block
def sum_one(clk, a, totals, lanes):
    """totals = a in the next cycle, planes in and numbers out; see `sum_three`."""
    bits = len(totals) // lanes

    @always(clk.posedge)
    def transpose():
        totals.next = _added([int(a)], bits, lanes)

    read_by_text(clk, a)
    totals.driven = "reg"
    return transpose


@block
def sum_two(clk, a, b, totals, lanes):
    """totals = a + b in the next cycle; see `sum_three`."""
    bits = len(totals) // lanes
    chains, top = -(-bits // 4), bits * lanes - 1  # noqa: F841  read by the text

    @always(clk.posedge)
    def add():
        totals.next = _added([int(a), int(b)], bits, lanes)

    read_by_text(clk, a, b)
    totals.driven = "reg"
    return add


@block
def sum_three(clk, a, b, c, totals, lanes):
    """totals = a + b + c, lane by lane, in the next cycle, modulo the size of a total.

    a, b, c: plane after plane, the lowest weight first, `lanes` bits each. totals: lane after lane. With LUTs of two outputs, one
    carry chain adds three numbers: each LUT gives the majority of its bits to the next, and takes that of the one before.
    """
    bits = len(totals) // lanes
    chains, top = -(-bits // 4), bits * lanes - 1  # noqa: F841  read by the text

    @always(clk.posedge)
    def add():
        totals.next = _added([int(a), int(b), int(c)], bits, lanes)

    read_by_text(clk, a, b, c)
    totals.driven = "reg"
    return add


def _sum_text(third: str) -> str:
    return (
        f"""
wire [$top:0] ${{totals}}_a = $a, ${{totals}}_b = $b, ${{totals}}_c = {third};
wire [$top:0] ${{totals}}_next;
genvar ${{totals}}_i, ${{totals}}_k;
"""
        + "\n"
        + with_bodies(
            lambda primitives: primitives.sum_rows,
            """
generate for (${totals}_k = 0; ${totals}_k < $bits; ${totals}_k = ${totals}_k + 1) begin : ${totals}_plane
    wire [$lanes-1:0] a = ${totals}_a[${totals}_k * $lanes +: $lanes];
    wire [$lanes-1:0] b = ${totals}_b[${totals}_k * $lanes +: $lanes];
    wire [$lanes-1:0] c = ${totals}_c[${totals}_k * $lanes +: $lanes];
    wire [$lanes-1:0] ones = a ^ b ^ c, twos = (a & b) | (c & (a ^ b));
    wire [$lanes-1:0] sums, carries;
    if (${totals}_k == 0) begin : lowest
        assign sums = ones;
        assign carries = {$lanes{1'b0}};
    end else begin : higher
        wire [$lanes-1:0] earlier = ${totals}_plane[${totals}_k - 1].twos, carried = ${totals}_plane[${totals}_k - 1].carries;
        assign sums = ones ^ earlier ^ carried;
        assign carries = (ones & earlier) | (carried & (ones ^ earlier));
    end
    for (${totals}_i = 0; ${totals}_i < $lanes; ${totals}_i = ${totals}_i + 1) begin : each_lane
        assign ${totals}_next[${totals}_i * $bits + ${totals}_k] = sums[${totals}_i];
    end
end endgenerate
""",
        )
        + "always @(posedge $clk) $totals <= ${totals}_next;\n"
    )


sum_one.verilog_code = """
genvar ${totals}_i, ${totals}_k;
generate for (${totals}_i = 0; ${totals}_i < $lanes; ${totals}_i = ${totals}_i + 1) begin : ${totals}_lane
    for (${totals}_k = 0; ${totals}_k < $bits; ${totals}_k = ${totals}_k + 1) begin : each_bit
        always @(posedge $clk) $totals[${totals}_i * $bits + ${totals}_k] <= $a[${totals}_k * $lanes + ${totals}_i];
    end
end endgenerate
"""
sum_two.verilog_code = _sum_text("{$bits*$lanes{1'b0}}")
sum_three.verilog_code = _sum_text("$c")
