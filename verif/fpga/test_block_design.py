"""The block design of a Zynq, made by a script in a Tcl where Vivado's commands are stand-ins that check every call."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sigmabit.golden import import_model
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import convert
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan

from ..harness.command_line import DIGITS
from .test_vivado import INTERPRETERS, needs_tcl

STANDINS = Path(__file__).with_name("block_design_standins.tcl")
SCRIPT = Path(__file__).parents[2] / "fpga" / "series7" / "vivado" / "block_design.tcl"
TOP = "digits_bcnn"
PYNQ, KRIA = "xc7z020clg400-1", "xck26-sfvc784-2LV-c"

pytestmark = needs_tcl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Verilog of digits_bcnn, whose result has ten bytes."""
    made = tmp_path_factory.mktemp("verilog")
    plan = make_plan(import_model(DIGITS), Planning(interval=768, part="xc7z020"))
    convert(Pipeline(plan.pipeline).outline()).write(made)
    return made


def run(folder: Path, out: Path, scenario: str = "", script: Path = SCRIPT, **more: str) -> tuple[int, str, list[list[str]]]:
    """Exit status, what was said, and the calls."""
    arguments = {"folder": folder, "top": TOP, "part": PYNQ, "clock_mhz": "100", "out": out} | more
    record = out.with_suffix(".record")
    given = [f"{name}={value}" for name, value in arguments.items()]
    interpreter = next(iter(INTERPRETERS.values()))
    done = subprocess.run([*interpreter, STANDINS, record, scenario, script, *given], capture_output=True, text=True, timeout=60)
    calls = [line.split("\t") for line in record.read_text().splitlines()] if record.exists() else []
    return done.returncode, done.stderr, calls


@pytest.mark.parametrize(("part", "processor"), [(PYNQ, "processing_system7"), (KRIA, "zynq_ultra_ps_e")])
def test_design(folder: Path, tmp_path: Path, part: str, processor: str) -> None:
    """The core between the DMA's ends, which have eight bytes, by converters where it has others; bitstream and .hwh."""
    status, said, calls = run(folder, tmp_path / "out", part=part)
    assert (status, said, [call for call in calls if call[0] == "violation"]) == (0, "", [])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"project", f"{TOP}.bit", f"{TOP}.hwh"}
    joined = [tuple(call[1:]) for call in calls if call[0] == "connect_bd_intf_net"]
    way = ["dma/M_AXIS_MM2S", "entrance/S_AXIS", "entrance/M_AXIS", "core/s_axis"]
    back = ["core/m_axis", "exit/S_AXIS", "exit/M_AXIS", "dma/S_AXIS_S2MM"]
    assert {(way[0], way[1]), (way[2], way[3]), (back[0], back[1]), (back[2], back[3])} <= set(joined)
    assert ["connect_bd_net", "dma/mm2s_prmry_reset_out_n", "core/aresetn"] in calls
    assert any(call[0] == "create_bd_cell" and f":{processor}:" in call[4] for call in calls if len(call) > 4)
    assert ["set_property", "verilog_define", "SIGMABIT_7SERIES", "sources_1"] in calls


def test_board_part(folder: Path, tmp_path: Path) -> None:
    """A board's settings of the processor are asked for where a board is named; the rate and the ports stay ours."""
    _, _, calls = run(folder, tmp_path / "out", board_part="tul.com.tw:pynq-z2:part0:1.0")
    assert ["set_property", "board_part", "tul.com.tw:pynq-z2:part0:1.0", "project"] in calls
    automation = next(index for index, call in enumerate(calls) if call[0] == "apply_bd_automation")
    assert "apply_board_preset 1" in calls[automation][4]
    assert "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ 100" in calls[automation + 1][2]


@pytest.mark.parametrize(
    ("more", "scenario", "status", "message"),
    [
        (
            {"part": "xc7vx690tffg1761-2"},
            "",
            2,
            "part=xc7vx690tffg1761-2 is not a part of Zynq-7000, Zynq UltraScale+ or Kria with",
        ),
        ({"part": "xc7z020"}, "", 2, "part=xc7z020 is not a part of Zynq-7000"),
        ({"part": "xck26"}, "", 2, "part=xck26 is not a part of Zynq-7000"),
        ({"part": "xc7z010clg400-1"}, "", 2, "this Vivado does not have the part xc7z010clg400-1"),
        ({"clock_mhz": "0"}, "", 2, "clock_mhz=0 is not a number of MHz above 0"),
        ({"top": "nothing"}, "", 2, "there is no"),
        ({}, "lacks axi_dma", 2, "this Vivado does not have axi_dma"),
        ({}, "slack -0.2", 1, "setup is not met: the worst slack is -0.2 ns"),
        ({}, "slack {}", 1, "setup is not met: the worst slack is  ns"),
        ({}, "progress 60%", 1, "the run ended at 60%: route_design ERROR"),
    ],
)
def test_refused(folder: Path, tmp_path: Path, more: dict[str, str], scenario: str, status: int, message: str) -> None:
    """One sentence, and no bitstream."""
    found, said, calls = run(folder, tmp_path / "out", scenario, SCRIPT, **more)
    assert found == status and said.startswith(f"ERROR: {message}") and said.count("\n") == 1
    assert not [call for call in calls if call[0] == "violation"]
    assert not list(tmp_path.rglob(f"{TOP}.bit"))


def test_seeds(folder: Path, tmp_path: Path) -> None:
    """A core that takes a seed is refused: the DMA has no way for it."""
    other = tmp_path / "verilog"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    text = (other / f"{TOP}.v").read_text()
    (other / f"{TOP}.v").write_text(text.replace("    input wire aclk,", "    input wire aclk,\n    input wire [63:0] seed,", 1))
    assert run(other, tmp_path / "out")[:2] == (2, f"ERROR: {TOP} draws samples and takes a seed, for which the DMA has no way\n")


@pytest.mark.parametrize(
    ("before", "after", "violation"),
    [
        ("stream memory/M00_AXI processor/$slave", "", "processor/S_AXI_HP0 is not connected"),
        ("CONFIG.M_TDATA_NUM_BYTES $to_bytes", "CONFIG.M_TDATA_NUM_BYTES 3", "entrance/M_AXIS has 3 bytes, core/s_axis 1"),
        ("net dma/mm2s_prmry_reset_out_n core/aresetn", "", "core/aresetn is not connected"),
        (
            "net processor/$reset reset/ext_reset_in",
            "net processor/$clock reset/ext_reset_in",
            "is a clock, reset/ext_reset_in is a reset",
        ),
        (
            "stream dma/M_AXI_SG memory/S00_AXI",
            "stream memory/S00_AXI dma/M_AXI_SG",
            "memory/S00_AXI is a slave, dma/M_AXI_SG is a",
        ),
        ("CONFIG.c_include_sg 1", "CONFIG.c_include_sg 0", "the DMA has no descriptors"),
        ("flow::step validate_bd_design", "", "save_bd_design is not legal in state addressed"),
        ("CONFIG.NUM_SI 3", "CONFIG.NUM_SI 2", "memory has no S02_AXI"),
    ],
)
def test_violations(folder: Path, tmp_path: Path, before: str, after: str, violation: str) -> None:
    """The stand-ins catch what they are there to catch."""
    script = tmp_path / SCRIPT.name
    text = SCRIPT.read_text()
    assert before in text
    script.write_text(text.replace(before, after, 1))
    (tmp_path / "flow.tcl").write_text(SCRIPT.with_name("flow.tcl").read_text())
    _, _, calls = run(folder, tmp_path / "out", script=script)
    broken = [call[1] for call in calls if call[0] == "violation"]
    assert len(broken) == 1 and violation in broken[0]
