"""The estimate of power: its formula, its energies against published reports, and the command."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sigmabit.fpga.board import top_name
from sigmabit.fpga.series7.power import (
    BRAM_PJ,
    CLOCK_PJ,
    DSP_PJ,
    LEAST,
    LEAST_MEMORY,
    LOGIC_PJ,
    LUT_RATE,
    MOST,
    MOST_MEMORY,
    SIGNAL_PJ,
    power,
)
from sigmabit.fpga.series7.power_fit import energies, model_against_reports, quartiles, reports
from sigmabit.golden import InputError, import_model
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.keywords import system_name
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan
from sigmabit.scripts.measures.area import parts_of
from sigmabit.scripts.measures.power import WATTS, estimate, read_activity
from sigmabit.verif.simulation.activity import Activity, Switching

from ..harness.command_line import DIGITS, Call, Refused


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The digits, as fast as pixels come."""
    return make_plan(import_model(DIGITS), Planning(interval=64))


def test_power() -> None:
    """The formula, term by term: pJ times MHz are microwatts."""
    nothing = {"lut": 0, "ff": 0, "bram36": 0, "dsp": 0}
    assert power(nothing, 0.5, 100).total == 0
    found = power({"lut": 2000, "ff": 3000, "bram36": 1.5, "dsp": 4}, 0.25, 100)
    assert found.clock == pytest.approx(100e-6 * 3000 * CLOCK_PJ)
    assert found.logic == pytest.approx(100e-6 * 0.25 * (2000 * LUT_RATE * (LOGIC_PJ + SIGNAL_PJ) + 3000 * SIGNAL_PJ))
    assert found.memory == pytest.approx(100e-6 * (1.5 * BRAM_PJ + 4 * DSP_PJ))
    assert power({**nothing, "lut": 10, "ff": 10}, 0.5, 200).total > power({**nothing, "lut": 10, "ff": 10}, 0.4, 200).total


def test_estimate(plan: Plan) -> None:
    """Parts add up; areas by Yosys take the place of planned ones."""
    activity = Activity(100, {name: Switching(100, 25.0) for name in parts_of(plan)})
    found = estimate(activity, plan, None)
    assert found["watts"] == pytest.approx(sum(row["watts"] for row in found["layers"]))
    assert found["watts"] == pytest.approx(sum(found[key] for key in WATTS[:-1]))
    others, memory = found["clock_w"] + found["logic_w"], found["memory_w"]
    assert found["least_watts"] == pytest.approx(LEAST * others + LEAST_MEMORY * memory)
    assert found["most_watts"] == pytest.approx(MOST * others + MOST_MEMORY * memory)
    double = {
        name: {key: 2 * value for key, value in part.bill(SERIES7).__dict__.items()} for name, part in parts_of(plan).items()
    }
    assert estimate(activity, plan, double)["watts"] == pytest.approx(2 * found["watts"], rel=0.01)


def test_a_file_knows_its_pipeline(plan: Plan, tmp_path: Path) -> None:
    """What was counted for other weights, or another plan of the same interval, is refused."""
    network = plan.network
    activity = Activity(100, {name: Switching(100, 25.0) for name in parts_of(plan)})
    file = tmp_path / "power.json"
    file.write_text(json.dumps(estimate(activity, plan, None)))
    assert read_activity(file, plan) == activity
    first, *others = network.layers
    assert isinstance(first, Convolution)
    turned = replace(network, layers=(replace(first, weights=-first.weights), *others))
    for other in (replace(plan, network=turned), replace(plan, clock_mhz=90.0)):
        with pytest.raises(InputError, match="made for another network or another plan"):
            read_activity(file, other)


class TestEnergies:
    """Those in power.py are what the reports say."""

    @pytest.mark.parametrize(("kind", "energy"), [("clock", CLOCK_PJ), ("dsp", DSP_PJ), ("bram", BRAM_PJ)])
    def test_between_quartiles(self, kind: str, energy: float) -> None:
        lower, _, upper = quartiles(energies(kind))
        assert lower <= energy <= upper

    @pytest.mark.parametrize(("kind", "energy"), [("logic", LOGIC_PJ), ("signal", SIGNAL_PJ)])
    def test_of_a_toggle(self, kind: str, energy: float) -> None:
        """With the activity that the tool assumes of inputs, 12.5 %, the median is within 1.5 of it."""
        median = quartiles(energies(kind))[1] / 0.125
        assert energy / 1.5 <= median <= energy * 1.5

    def test_range(self) -> None:
        """The model's distance from reports is within what is said of it."""
        found = model_against_reports()
        assert len(found) == 10 and len(reports()) == 14
        toggle = 1.5  # how well the energy of one is known
        assert 1 / found[-1] / toggle >= LEAST and 1 / found[0] * toggle <= MOST
        memory = energies("bram")
        assert memory[0] / BRAM_PJ >= LEAST_MEMORY and memory[-1] / BRAM_PJ < 1.01 * MOST_MEMORY


class TestCommand:
    def test_files(self, call: Call, data: Path, tiny: Path, tmp_path: Path) -> None:
        """The file for a board, and the report that `sigmabit report --power` takes."""
        saif, report = tmp_path / "a.saif", tmp_path / "a.json"
        given = ("--saif", saif, "--board", "vc707", "--clock-mhz", 123.4, "--report", report, "--json")
        result = call("power", tiny, "--input", data / "x.npy", *given)
        assert result.status == 0
        assert json.loads(result.out) == json.loads(report.read_text())
        assert result.json["part"].startswith("xc7vx485t") and 123 < result.json["clock_mhz"] <= 123.4
        around = re.findall(r"\(INSTANCE (\w+)", saif.read_text())[:3]
        assert around == [top_name(system_name("tiny")), "system_instance", "pipeline_instance"]

    @pytest.mark.usefixtures("own_folder")
    def test_bad(self, refused: Refused, data: Path, tiny: Path) -> None:
        given = ["power", tiny, "--input", data / "x.npy"]
        refused([*given, "--board", "vc709"], "--board needs --saif")
        refused([*given, "--board", "vc708", "--saif", "a.saif"], "no such board")
        refused([*given, "--saif", "a", "--report", "a"], "the same file")
        refused([*given, "--clock-mhz", 3e6], "no period in whole picoseconds")
        refused([*given, "--interval", 9, "--plan", data / "plan.json"], "a plan has its interval")
        refused([*given, "--saif", "no/such/a.saif"], "no/such")
        refused([*given, "--synth", data / "x.npy"], "not JSON")
