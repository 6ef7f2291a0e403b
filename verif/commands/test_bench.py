"""bench frame, products, steps: what they measure, what a plan takes, as JSON, table and picture."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image

from sigmabit.golden import import_model
from sigmabit.hdl.planning.aim import Aim
from sigmabit.scripts.measures import latency

from ..arithmetic.test_collect import CollectSuite
from ..harness.command_line import Call, Refused, Tiny


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of each batch is enough."""
    monkeypatch.setattr(latency, "REPEATS", 1)
    monkeypatch.setattr(latency, "ENOUGH_S", 0.0)


def test_frame(call: Call, tiny: Path, hasty: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A row for each network: what its least latency takes at the clock, what the processor took, and their ratio.

    Where there is no PyTorch it is said, and the rest is done.
    """
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    models = tiny, Tiny(seed=2, channels=4).save(tmp_path / "other.onnx")
    picture = tmp_path / "frames.png"
    done = call("bench", "frame", *models, "--clock-mhz", 100, "--plot", picture, "--json")
    assert "PyTorch is not installed (the training extra): onnxruntime alone is measured" in done.err
    found = done.json
    assert [entry["network"] for entry in found["networks"]] == ["tiny", "other"]
    for model, entry in zip(models, found["networks"], strict=True):
        plan = Aim(import_model(model), found["part"], 100.0, positions=None).quickest()
        assert (entry["latency_cycles"], entry["positions"]) == (plan.latency, plan.positions)
        assert entry["pipeline_s"] == plan.latency / 100e6
        assert list(entry["processor_s"]) == ["onnxruntime"]
        low, high = entry["quartiles"]["onnxruntime"]
        assert 0 < low <= entry["processor_s"]["onnxruntime"] <= high
        assert entry["times_as_fast"]["onnxruntime"] == entry["processor_s"]["onnxruntime"] / entry["pipeline_s"]
    assert sorted(found["authors"].values()) == [8.3, 82, 208]
    assert found["processor"]
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"


def test_frame_refused(refused: Refused, own_folder: None, tiny: Path) -> None:
    """Before anything is planned."""
    refused(["bench", "frame", tiny, "missing.onnx"], "missing.onnx")
    refused(["bench", "frame", tiny, "--plot", "missing/x.png"], "its folder missing does not exist")
    refused(["bench", "frame", tiny, "--part", "xc6slx9"], "unknown part xc6slx9")


def test_products(call: Call) -> None:
    """Of ternary constants counts of bits take less than sums of products, and are taken."""
    shape = "--inputs", 27, "--lanes", 2, "--weight-bits", 2, "--bits", 2, "--folds", 1
    (unit,) = call("bench", "products", *shape, "--json").json["units"]
    ways = {way["way"]: way for way in unit["ways"]}
    assert ways["planes"]["taken"] and not ways["single"]["taken"]
    assert ways["planes"]["lut"] < ways["single"]["lut"]


def test_steps(call: Call) -> None:
    """Half a LUT for each bit of a sum and threshold that changes, as planned."""
    changing, constant = call("bench", "steps", "--sum-bits", 8, "--bits", 2, "--json").json["steps"]
    assert changing["planned"] == 8 / 2 * 3 * 4
    assert 0.4 < changing["lut_per_bit"] < 0.6
    assert constant["comparators"] < changing["comparators"] / 2


def test_mutants(call: Call, tmp_path: Path) -> None:
    """Faults of a small block are killed, equivalent or listed; the second time nothing is run."""
    arguments = "bench", "mutants", "collect", "--count", 3, "--kept", tmp_path
    found = call(*arguments, "--json").json
    (suite,) = found["suites"]
    assert suite["suite"] == "collect.CollectSuite"
    assert suite["drawn"] == 3 * len(CollectSuite.samples) == suite["killed"] + suite["equivalent"] + len(suite["left"])
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/*")}
    assert call(*arguments, "--json").json == found
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/*")} == before
    assert "collect.CollectSuite" in call(*arguments).out


def test_mutants_refused(refused: Refused, own_folder: None) -> None:
    """A block that there is none of; and any, where the suites are not: an installed package has none."""
    refused(["bench", "mutants", "pond"], "no suite tries pond in Verilog; there are", "pool")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sigmabit.verif.closure", None)
        refused(["bench", "mutants", "pool"], "call it in a clone")
