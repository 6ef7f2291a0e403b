"""What a suite reaches: lines, bits that move, and covers, which it names itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import ClassVar

import pytest

from sigmabit.hdl.arithmetic.delay import DelayConfig
from sigmabit.hdl.verilog.convert import Port
from sigmabit.verif.closure.resets import every, suites

from ..arithmetic.test_delay import DelaySuite
from ..harness.suite import BlockSuite, Sample, SideBySide
from .coverage import Coverage, Point, covered, measured, points
from .transitions import Transition, never

COVERAGE = """# SystemC::Coverage-3
C '\x01f\x02a/x.v\x01l\x023\x01page\x02v_line/x\x01o\x02else\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x024\x01page\x02v_toggle/x\x01o\x02run[3]:0->1\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x024\x01page\x02v_toggle/x\x01o\x02run[3]:1->0\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x024\x01page\x02v_toggle/x\x01o\x02run[2]:0->1\x01h\x02s.x' 7
C '\x01f\x02a/x.v\x01l\x024\x01page\x02v_toggle/x\x01o\x02run[2]:1->0\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x025\x01page\x02v_toggle/x\x01o\x02words[1][0]:0->1\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x026\x01page\x02v_toggle/x\x01o\x02frames_in[31]:0->1\x01h\x02s.x' 0
C '\x01f\x02a/x.v\x01l\x029\x01page\x02v_user/x\x01o\x02cover_full\x01h\x02samples.sample_0.cover_full' 3
C '\x01f\x02a/x.v\x01l\x029\x01page\x02v_user/x\x01o\x02cover_full\x01h\x02samples.sample_1.cover_full' 0
C '\x01f\x02a/samples.v\x01l\x021\x01page\x02v_toggle/samples\x01o\x02y:0->1\x01h\x02s' 0
"""


SHIFTED = """module shifted(clk, rst, a, again, held, kept);
input wire clk;
input wire rst;
input wire [1:0] a;
output wire [3:0] again;
output reg [1:0] held;
output reg kept;
wire [3:0] moved;
reg [2:0] count;
assign moved = {a, 2'b01};
half first({a[0], 1'b0}, again[1:0]);
half second(moved[1:0], again[3:2]);
always @(posedge clk) begin
    held <= 2'b10;
    kept <= rst ? 0 : kept | a[0];
    if (rst || count == 5) count <= 0;
    else count <= count + 1;
end
endmodule

module half(in, out);
input wire [1:0] in;
output wire [1:0] out;
assign out = in;
endmodule
"""


def test_transitions(tmp_path: Path) -> None:
    """Zeros behind what is shifted; what a register holds from the first cycle on; what rises and never falls outside reset.

    Not what changes in one of two instances.
    """
    widths = {"clk": 1, "rst": 1, "a": 2, "again": 4, "held": 2, "kept": 1}
    ports = tuple(Port(name, name not in ("clk", "rst", "a"), bits, bits > 1) for name, bits in widths.items())
    places = {"moved": (8, 4), "held": (6, 2), "a": (4, 2), "in": (22, 2), "again": (5, 4), "count": (9, 3)}
    asked = {
        Transition(f"shifted.v:{line}", name, bit, rises)
        for name, (line, bits) in places.items()
        for bit, rises in product(range(bits), (False, True))
    }
    found = never(Sample("sample_0", "shifted", ports, {"shifted.v": SHIFTED}), asked, tmp_path / "yosys")
    still = {("moved", 0), ("moved", 1), ("held", 0), ("held", 1), ("in", 0), ("again", 0), ("again", 2), ("again", 3)}
    assert {(each.signal, each.bit, each.rises) for each in found} == {(*bit, way) for bit in still for way in (False, True)}
    assert Point("toggle", "shifted.v:8", "moved[2]:0->1").transition == Transition("shifted.v:8", "moved", 2, True)
    assert Point("toggle", "a.v:9", "lanes[0].of.sum[3]:1->0").transition == Transition("a.v:9", "lanes[0].of.sum", 3, False)
    assert Point("toggle", "shifted.v:2", "clk:1->0").transition == Transition("shifted.v:2", "clk", 0, False)


def test_transitions_without_a_clock(tmp_path: Path) -> None:
    """A bit that has one value neither rises nor falls."""
    text = "module plain(a, b);\ninput wire a;\noutput wire [2:0] b;\nassign b = {a, a & ~a, a | ~a};\nendmodule\n"
    ports = Port("a", False, 1, False), Port("b", True, 3, True)
    asked = {Transition("plain.v:3", "b", bit, rises) for bit, rises in product(range(3), (False, True))}
    found = never(Sample("sample_0", "plain", ports, {"plain.v": text}), asked, tmp_path / "yosys")
    assert {(each.bit, each.rises) for each in found} == {(0, False), (0, True), (1, False), (1, True)}


def test_coverage_is_read() -> None:
    """Lines, bits, a sample's covers, and what is excluded; not the module that holds the samples."""
    found = Coverage(dict(points(COVERAGE)))
    assert (found.share("line"), found.share("toggle"), found.share("cover")) == ((0, 1), (1, 4), (1, 2))
    assert found.listed() == ["line x.v:3 else", "toggle x.v:4 run 3, 2:1->0", "cover sample_1 full"]


class CoveredSuite(DelaySuite):
    """Two of its samples have covers, of which one is never seen."""

    samples: ClassVar[Sequence[DelayConfig]] = DelaySuite.samples[:2]

    def covers(self, config: DelayConfig) -> Mapping[str, str]:
        found = {"late": f"delayed == $past(source, {config.cycles})"}
        return found | {"in_reset": "rst"} if config.reset else found


def test_covers(tmp_path: Path) -> None:
    """Of each sample; none in reset. What is listed is what was not seen."""
    found = measured([CoveredSuite])
    assert found.share("cover") == (2, 3) and "cover sample_1 in_reset" in found.listed()
    plain = SideBySide.of(CoveredSuite, tmp_path)
    assert (
        covered(plain).texts["delay_1x1.v"] != plain.texts["delay_1x1.v"]
        and covered(plain).texts["samples.v"] == plain.texts["samples.v"]
    )


COVERED = [each for each in suites(every()) if each.covers.__qualname__ != "BlockSuite.covers"]


@pytest.mark.long
@pytest.mark.parametrize("suite", COVERED)
def test_every_cover_is_reached(suite: type[BlockSuite]) -> None:
    """Under the suite that names it."""
    found = measured([suite])
    assert found.share("cover")[1] > 0
    assert [str(point) for point in found.missed() if point.kind == "cover"] == []
