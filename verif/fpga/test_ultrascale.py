"""UltraScale+: its parts, its cells, its prices, by synthesis alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sigmabit.fpga.synthesis import synthesise
from sigmabit.fpga.ultrascale.target import ULTRASCALE as TARGET
from sigmabit.golden import import_model
from sigmabit.hdl.family import FAMILIES, SERIES7, ULTRASCALE, with_bodies
from sigmabit.hdl.family.parts import PartError, family_of, part
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan
from sigmabit.scripts.measures.area import parts_of, synthesised

from ..harness.command_line import DIGITS, Refused, frames
from ..simulation import gates

PAGE = Path(__file__).parents[2] / "docs" / "family" / "ultrascale.md"


def test_page_of_parts() -> None:
    """The page has the numbers of all, in the file's order; UltraRAM is on the page and in the file alone."""
    rows = re.findall(r"^\| `(xc\w+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| \w* ?\|$", PAGE.read_text(), re.MULTILINE)
    known = [(p.name, f"{p.lut:,}", f"{p.ff:,}", f"{p.bram36:,}", f"{p.dsp:,}") for p in ULTRASCALE.parts]
    assert [(*row[:4], row[5]) for row in rows] == known
    assert len({device.name for device in ULTRASCALE.parts}) == len(known)
    assert all(any(device.name.startswith(start) for start in ULTRASCALE.series) for device in ULTRASCALE.parts)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("xczu3eg-sbva484-1-e", "xczu3eg"),
        ("XCZU3CG", "xczu3cg"),
        ("xczu11eg-ffvc1760-2-e", "xczu11eg"),
        ("xck26-sfvc784-2LV-c", "xck26"),
        ("xcku5p-ffvb676-2-e", "xcku5p"),
        ("xcvu9p-flga2104-2L-e", "xcvu9p"),
        ("xczu7ev", "xczu7ev"),
    ],
)
def test_part_names(name: str, device: str) -> None:
    """With or without package and speed grade."""
    assert part(name).name == device and family_of(part(name)) is ULTRASCALE


def test_unknown_parts() -> None:
    """They are told which there are, of their series."""
    with pytest.raises(PartError, match=r"^unknown part xcku4p; of Kintex UltraScale[+], known are xcku3p, xcku5p, xcku9p, "):
        part("xcku4p")


@pytest.mark.long
@pytest.mark.parametrize("interval", [64, 768])
def test_planned_area(interval: int, tmp_path: Path) -> None:
    """Within a tenth in total."""
    plan = make_plan(import_model(DIGITS), Planning(interval=interval, part="xczu3eg"))
    areas = synthesised(plan, tmp_path, lambda what, done, total: None)
    for key in ("lut", "ff", "bram36"):
        found = sum(area[key] for area in areas.values())
        assert sum(getattr(of.bill(ULTRASCALE), key) for of in parts_of(plan).values()) == pytest.approx(found, rel=0.1)


SMALL = """\
module small (
    input clk, input on, input [4:0] at, input [4:0] from, input [13:0] word, input signed [9:0] a, input signed [9:0] b,
    output reg [13:0] read, output reg signed [19:0] product, input [9:0] place, output reg [15:0] far
);
reg [13:0] held [0:31];
(* ram_style = "block" *) reg [15:0] many [0:1023];
reg signed [9:0] x, y;
always @(posedge clk) begin
    if (on) held[at] <= word;
    read <= held[from];
    x <= a;
    y <= b;
    product <= x * y;
    if (on) many[place] <= {word, at[1:0]};
    far <= many[place];
end
endmodule
"""


def test_cells_are_counted(tmp_path: Path) -> None:
    """A memory of 32 words of 14 bits in eight LUTs, a multiplier, half a block RAM."""
    (tmp_path / "small.v").write_text(SMALL)
    area = synthesise([tmp_path / "small.v"], "small", tmp_path / "yosys", target=TARGET).area
    assert (area.cells["RAM32M16"], area.cells["DSP48E2"], area.cells["RAMB18E2"]) == (1, 1, 1)
    assert (area.dsp, area.bram36) == (1, 0.5)
    assert area.lut == 8 + sum(count for kind, count in area.cells.items() if re.fullmatch(r"LUT\d|INV", kind))


@pytest.mark.long
def test_netlist_is_golden(data: Path, tmp_path: Path) -> None:
    """A small network in this family's LUTs, carry chains, memories and registers: every result, and the latency."""
    network = import_model(data / "tiny.onnx")
    least = make_plan(network, Planning(part="xczu3eg")).interval
    plan = make_plan(network, Planning(interval=4 * least, part="xczu3eg", multipliers=0, block_ram=0.0))
    few = network.input.encode(frames())
    x = np.resize(few, (plan.settling + 12, *few.shape[1:]))
    found = gates.simulate_netlist(plan, x, tmp_path)
    assert (found.measured.results == network.results(x)).all()
    assert (found.measured.latency, found.measured.interval(plan.settling)) == (plan.latency, plan.interval)


def test_bodies_stand_once() -> None:
    """Of families that share a macro."""
    assert ULTRASCALE in FAMILIES and ULTRASCALE.primitives is not None and SERIES7.primitives is not None
    assert ULTRASCALE.primitives.macro == SERIES7.primitives.macro
    assert with_bodies(lambda primitives: "// body", "// plain").count("// body") == 1


def test_refused(refused: Refused, own_folder: None, tmp_path: Path) -> None:
    """What needs energies, or a router."""
    np.save(tmp_path / "x.npy", np.zeros((4, 1, 8, 8), np.float32))
    refused(
        ["power", DIGITS, "--input", tmp_path / "x.npy", "--part", "xck26"],
        "xck26: power is for the 7 series, not for UltraScale+; sigmabit plan, synth and bench gates serve UltraScale+\n",
    )
    refused(["route", DIGITS, "--part", "xck26"], "xck26: route is for ECP5 and GW2A, not for UltraScale+")
