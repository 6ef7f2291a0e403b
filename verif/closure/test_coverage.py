"""What a suite reaches: lines, bits that move, and covers, which it names itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from sigmabit.hdl.arithmetic.delay import DelayConfig
from sigmabit.verif.closure.resets import every, suites

from ..arithmetic.test_delay import DelaySuite
from ..harness.suite import BlockSuite, SideBySide
from .coverage import Coverage, Point, constants, covered, measured, points

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


def test_constants(tmp_path: Path) -> None:
    """Zeros behind what is shifted, the same a name further, and in a register; not what only happens never to change."""
    text = """module shifted(clk, a, b, again, held);
    input wire clk;
    output reg [1:0] held;
    always @(posedge clk) held <= 2'b10;
    input wire [1:0] a;
    output reg [3:0] b;
    output wire [3:0] again;
    wire [3:0] moved;
    assign moved = {a, 2'b01};
    assign again = moved;
    reg low;
    always @(posedge clk) low <= low & a[0];
    always @(posedge clk) b <= moved & {4{low}};
    endmodule
    """
    found = constants({"shifted.v": text}, tmp_path / "yosys")
    assert found == {("shifted.v", name, bit) for name in ("moved", "again", "held") for bit in (0, 1)}
    bits = [Point("toggle", "shifted.v:6", what).bit for what in ("moved[1]:0->1", "moved[2]:0->1", "clk:1->0")]
    assert [bit in found for bit in bits] == [True, False, False]
    assert bits[2] == ("shifted.v", "clk", 0)


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
