"""The `sigmabit` command: what others script against, command by command, and help."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import pywellen

from sigmabit.golden import import_model
from sigmabit.golden.layers.dense import Dense
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts import group
from sigmabit.scripts.api import execution, plans
from sigmabit.scripts.data.datasets import digits
from sigmabit.verif.simulation import SimulationError, verilator
from sigmabit.verif.simulation.compare import Difference
from sigmabit.verif.simulation.waves import PERIOD

from ..harness import needs
from ..harness.command_line import DIGITS, Call, Result, Tiny, command, frames, listing
from ..harness.onnx_graphs import Builder, signs

pytestmark = pytest.mark.usefixtures("own_folder")

AREA = {"lut", "ff", "bram36", "dsp"}


@pytest.fixture(scope="module")
def converted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `convert --json` says of the tiny network's Verilog; its folder, which did not exist before, is only to be read."""
    folder = tmp_path_factory.mktemp("converted") / "made" / "here"
    made = command("convert", data / "tiny.onnx", "--plan", data / "plan.json", "-o", folder, "--json")
    assert made.json["folder"] == str(folder)
    return made.json


class TestInspect:
    def test_json(self) -> None:
        found = command("inspect", DIGITS, "--json").json
        network = import_model(DIGITS)
        assert found["supported"] is True
        assert found["unsupported"] == []
        assert found["operations"] == network.operations == sum(layer["operations"] for layer in found["layers"])
        assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in network.layers]
        assert found["input"]["shape"] == [1, 8, 8]
        assert found["output"]["shape"] == [10]

    def test_unsupported_nodes_are_all_listed(self, call: Call, tmp_path: Path) -> None:
        odd = (("Mod", "first_odd"), ("Tan", "second_odd"))
        result = call("inspect", Tiny(between=odd).save(tmp_path / "odd.onnx"), "--json")
        assert result.status == 2
        found = json.loads(result.out)
        assert found["supported"] is False
        assert [(entry["node"], entry["operator"]) for entry in found["unsupported"]] == [(name, kind) for kind, name in odd]
        people = call("inspect", tmp_path / "odd.onnx")
        for text in (people.out, result.err):
            assert "first_odd (Mod)" in text
            assert "second_odd (Tan)" in text
        # what has been listed is not said again
        assert people.err == f"error: {tmp_path / 'odd.onnx'}: 2 unsupported nodes, listed on the standard output\n"


class TestOutputs:
    """A file of several outputs, and nodes that lead to none."""

    @pytest.fixture
    def several(self, tmp_path: Path) -> Path:
        g = Builder((6,))
        bits = g("Sign", g("Add", g("MatMul", "x", signs(np.random.default_rng(1), 6, 5), name="first"), 0.5), name="bits")
        scores = g("MatMul", bits, signs(np.random.default_rng(2), 5, 3), name="scores")
        g("Frobnicate", bits, name="idle")
        np.save(tmp_path / "x.npy", np.random.default_rng(3).integers(0, 256, (12, 6)).astype(np.float32))
        return g.save(tmp_path / "m.onnx", bits, scores)

    def test_inspect(self, call: Call, several: Path) -> None:
        found = call("inspect", several, "--json").json
        assert found["output"]["name"] == "bits_y"
        assert (found["outputs_not_taken"], found["nodes_of_other_outputs"]) == (["scores_y"], 1)
        assert found["nodes_without_output"] == ["idle"]
        people = " ".join(call("inspect", several).out.split())
        assert "output bits_y is taken, scores_y not (1 node leads to them alone, left out); --output-name NAME takes" in people
        assert "1 node leads to no output, left out: idle" in people
        other = call("inspect", several, "--output-name", "scores_y", "--json").json
        assert other["output"] == {"name": "scores_y", "shape": [3]}
        assert (other["outputs_not_taken"], other["nodes_of_other_outputs"]) == (["bits_y"], 0)

    @pytest.mark.parametrize(
        "arguments", ["plan", "convert -o verilog", "run --input x.npy --output y.npy", "verify --input x.npy --on myhdl"]
    )
    def test_others_say_it(self, arguments: str, call: Call, several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """On standard error, and in the JSON."""
        monkeypatch.chdir(several.parent)
        name, *options = arguments.split()
        for chosen, output, left in (((), "bits_y", "scores_y"), (("--output-name", "scores_y"), "scores_y", "bits_y")):
            result = call(name, "m.onnx", *options, *chosen, "--json")
            assert f"note: m.onnx: output {output} is taken, {left} not" in result.err
            assert "note: m.onnx: 1 node leads to no output, left out: idle" in result.err
            assert sum(f"output {output} is taken" in note for note in result.json["notes"]) == 1
        if name == "run":
            assert np.load("y.npy").shape == (12, 3)

    def test_a_plan_is_for_an_output(self, call: Call, several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its file says for which, and is for no other; one that does not say it is for any whose layers it has."""
        monkeypatch.chdir(several.parent)
        taken = ("--output-name", "scores_y")
        assert call("plan", "m.onnx", *taken, "-o", "plan.json").status == 0
        plan = json.loads(Path("plan.json").read_text())
        assert plan["output"] == "scores_y"
        assert call("convert", "m.onnx", *taken, "--plan", "plan.json", "-o", "verilog").status == 0
        refused = call("convert", "m.onnx", "--plan", "plan.json", "-o", "other")
        assert refused.status == 2
        assert "error: plan.json: it was made for the output scores_y, here bits_y is taken" in refused.err
        del plan["output"]
        Path("plan.json").write_text(json.dumps(plan))
        assert call("convert", "m.onnx", *taken, "--plan", "plan.json", "-o", "verilog").status == 0

    def test_an_unknown_name(self, call: Call, several: Path) -> None:
        result = call("plan", several, "--output-name", "y")
        assert result == Result(2, "", f"error: {several}: no output y; its outputs are bits_y, scores_y\n")


class TestStatements:
    """What a file says of its input beside a Quant node."""

    @pytest.fixture
    def divided(self, tmp_path: Path) -> Path:
        g = Builder((6,))
        np.save(tmp_path / "x.npy", np.random.default_rng(3).integers(0, 256, (12, 6)).astype(np.float32))
        y = g("MatMul", g("Div", "x", 255.0, name="shrink"), signs(np.random.default_rng(2), 6, 3))
        return g.save(tmp_path / "m.onnx", y)

    def test_first_nodes(self, call: Call, divided: Path) -> None:
        found = call("inspect", divided, "--json")
        assert (found.json["input"]["scale"], found.json["input"]["assumed"]) == (1.0, False)
        assert found.json["input"]["stated_by"] == "what its first nodes do (shrink)"
        assert found.err == ""
        said = [" ".join(call("inspect", model).out.split()) for model in (divided, DIGITS)]  # lines end where a terminal does
        assert "256 levels from 0 to 255, step 1 by what its first nodes do (shrink)" in said[0]
        assert "32 levels from 0 to 31, step 1 by its Quant node" in said[1]

    def test_a_contradiction_is_said(self, call: Call, divided: Path) -> None:
        """--input-scale is taken all the same."""
        result = call("inspect", divided, "--input-scale", 0.5, "--json")
        assert result.json["input"]["scale"] == 0.5
        words = "what its first nodes do (shrink) says that the input's step is 1; 0.5 is taken, as stated"
        assert result.json["notes"] == [f"{divided}: {words}"]
        assert words in result.err

    def test_data_that_contradict(self, call: Call, divided: Path) -> None:
        np.save(divided.parent / "small.npy", np.full((3, 6), 0.5, np.float32))
        result = call("run", divided, "--input", divided.parent / "small.npy", "--output", divided.parent / "y.npy")
        assert result.status == 2
        assert "what its first nodes do (shrink) says that the step is 1" in result.err

    def test_a_quant_node_is_not_overruled(self, call: Call, tiny: Path) -> None:
        result = call("inspect", tiny, "--input-scale", 0.5, "--json")
        assert result.json["notes"] == [f"{tiny}: its Quant node fixes the input's grid; --input-scale changes nothing"]


class TestConstantLayers:
    """A dense layer of pixels whose threshold lies beyond 1: nothing behind it ever changes if pixels are taken as v / 255."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        g = Builder((4,))
        y = g("MatMul", "x", np.array([[1, 1, -1]] * 4, np.float32))
        y = g("BipolarQuant", g("Add", y, np.array([-300.0, -2.0, 300.0], np.float32)), 1.0)
        y = g("BipolarQuant", g("MatMul", g("Add", y, 0.0), np.array([[1, -1]] * 3, np.float32)), 1.0)
        return g.save(tmp_path / "m.onnx", g("MatMul", g("Mul", y, 1.0), np.ones((2, 1), np.float32)))

    def test_channels(self, model: Path, call: Call) -> None:
        found = json.loads(call("inspect", model, "--json").out)
        assert found["constant_layers"] == []
        assert [layer["constant_channels"] for layer in found["layers"]] == [2, 0, 0]
        shown = call("inspect", model)
        assert "dense1: its 2 of 3 channels never change" in shown.out
        assert "never change" not in shown.err

    @pytest.mark.parametrize("command", ["inspect", "plan", "convert"])
    def test_layers(self, command: str, tmp_path: Path, call: Call) -> None:
        g = Builder((4,))
        y = g("BipolarQuant", g("Sub", g("MatMul", "x", np.ones((4, 3), np.float32)), 300.0), 1.0)
        path = g.save(tmp_path / "m.onnx", g("MatMul", y, np.ones((3, 2), np.float32)))
        more = ["-o", tmp_path / "verilog"] if command == "convert" else []
        result = call(command, path, *more)
        assert result.status == 0
        assert "the outputs of dense1, dense2 never change, whatever the input" in result.err
        assert "--input-scale" in result.err
        assert "never change" not in call(command, path, *more, "--input-scale", 1.0).err

    def test_functions(self, tmp_path: Path, call: Call) -> None:
        """Of real weights a function is at fault, not a threshold."""
        g, random = Builder((4,)), np.random.default_rng(2)
        y = g("Relu", g("Gemm", "x", random.random((4, 3)), np.full(3, -9.0)))
        path = g.save(tmp_path / "m.onnx", g("Gemm", y, random.random((3, 2))))
        np.save(tmp_path / "x.npy", np.linspace(0, 1, 40, dtype=np.float32).reshape(10, 4))
        error = call("plan", path, "--calibration", tmp_path / "x.npy").err
        assert "the outputs of dense1, dense2 never change, whatever the input; perhaps a function gives one number" in error


class TestPlan:
    def test_json_and_file(self, tmp_path: Path) -> None:
        file = tmp_path / "plan.json"
        found = command("plan", DIGITS, "--part", "xc7vx690t", "--interval", 500, "--clock-mhz", 150, "-o", file, "--json").json
        assert json.loads(file.read_text()) == found
        assert found["schema"] == 1
        assert found["part"] == "xc7vx690t"
        assert found["clock_mhz"] == 150
        assert found["interval_cycles"] <= 500
        assert found["fps"] == pytest.approx(150e6 / found["interval_cycles"], rel=1e-12)
        for entry in (found, *found["layers"]):
            assert {"latency_cycles", "interval_cycles"} | AREA <= set(entry)
        assert {layer["name"] for layer in found["layers"]} == {layer.name for layer in import_model(DIGITS).layers}
        assert found["lut"] >= sum(layer["lut"] for layer in found["layers"])

    @pytest.mark.parametrize("interval", [64, 176, 352, 999, 5000])  # 50e6 / (50e6 / 176) is a little below 176
    def test_a_frame_rate_leads_to_the_plan_that_has_it(self, call: Call, interval: int) -> None:
        planned = call("plan", DIGITS, "--interval", interval, "--clock-mhz", 50, "--json").json
        again = call("plan", DIGITS, "--fps", planned["fps"], "--clock-mhz", 50, "--json").json
        assert again == planned

    def test_a_slower_target_is_smaller(self, call: Call) -> None:
        sizes = [call("plan", DIGITS, "--interval", interval, "--json").json["lut"] for interval in (64, 600, 6000)]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 3

    def test_part_and_clock_override_those_of_a_plan(self, call: Call, converted: Any, data: Path, tmp_path: Path) -> None:
        given = json.loads((data / "plan.json").read_text())
        assert json.loads(Path(converted["folder"], "plan.json").read_text()) == given
        options = ("--plan", data / "plan.json", "--part", "xc7a35t", "--clock-mhz", 100)
        assert call("convert", data / "tiny.onnx", *options, "-o", tmp_path / "other").status == 0
        other = json.loads((tmp_path / "other" / "plan.json").read_text())
        changed = {"part": "xc7a35t", "clock_mhz": 100, "fps": 1e8 / given["interval_cycles"]}
        assert other == given | changed


class TestConvert:
    def test_every_process_writes_the_same_bytes(self, tmp_path: Path) -> None:
        for seed in ("1", "2"):  # of the order in which Python's sets are walked
            result = command("convert", DIGITS, "-o", tmp_path / seed, "--json", PYTHONHASHSEED=seed)
            assert result.json["folder"] == str(tmp_path / seed)
            assert result.err == ""
        assert listing(tmp_path / "1") == listing(tmp_path / "2")

    def test_list_names_exactly_the_modules(self, converted: Any) -> None:
        folder = Path(converted["folder"])
        listed = (folder / converted["list"]).read_text().split()
        assert listed == converted["files"]
        assert sorted(listed) == sorted(path.name for path in folder.glob("*.v"))
        contents = {path for path in folder.iterdir() if path.suffix == ".mem"}
        assert {path.name for path in contents} <= {f"{Path(name).stem}.mem" for name in listed}
        assert {path.name for path in {*folder.iterdir()} - contents} == {*listed, converted["list"], "plan.json"}
        known: set[str] = set()
        for name in listed:  # one module per file, below those that use it
            text = (folder / name).read_text()
            first, *helpers = re.findall(r"^module (\w+)", text, re.MULTILINE)
            assert first == Path(name).stem and all(helper.startswith(f"{first}_") for helper in helpers)
            used = set(re.findall(r"^(\w+) \w+_instance \($", text, re.MULTILINE))
            assert used <= known
            known.add(Path(name).stem)
        assert listed[-1] == f"{converted['top']}.v"

    def test_an_older_conversion_leaves_nothing(self, call: Call, converted: Any, tiny: Path, tmp_path: Path) -> None:
        plan = json.loads(call("plan", DIGITS, "--interval", 3000, "--json").out)
        for layer in plan["layers"]:
            if layer["folding"]:
                layer["folding"]["block"] = True
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        used = tmp_path / "used"
        assert call("convert", DIGITS, "--plan", tmp_path / "plan.json", "-o", used).status == 0
        assert list(used.glob("*.mem"))
        own = {"notes.txt": b"mine", "bench.v": b"module bench; endmodule\n"}
        for name, text in own.items():
            (used / name).write_bytes(text)
        assert call("convert", tiny, "-o", used).status == 0
        assert listing(used) == listing(Path(converted["folder"])) | own

    def test_a_hostile_file_list_deletes_nothing_elsewhere(self, call: Call, converted: Any, tiny: Path, tmp_path: Path) -> None:
        (tmp_path / "precious.v").write_text("kept")
        used = Path(shutil.copytree(converted["folder"], tmp_path / "used"))
        (used / "tiny.f").write_text("../precious.v\n")
        assert call("convert", tiny, "-o", used).status == 0
        assert (tmp_path / "precious.v").read_text() == "kept"


class TestRun:
    def test_golden(self, data: Path, tmp_path: Path) -> None:
        arguments = ("run", DIGITS, "--input", data / "digits.npy", "--labels", data / "classes.npy")
        found = command(*arguments, "--output", tmp_path / "y.npy", "--trace", tmp_path / "t.npz", "--json").json
        y, trace, network = np.load(tmp_path / "y.npy"), np.load(tmp_path / "t.npz"), import_model(DIGITS)
        assert found["frames"] == len(y) == len(digits().test_labels)
        assert found["latency_cycles"] is None
        assert found["interval_cycles"] is None
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, network.run(digits().test_images))
        assert found["accuracy"] == (y.argmax(axis=1) == digits().test_labels).mean() >= 0.96
        assert trace.files == ["input", *(layer.name for layer in network.layers)]
        for name, tensor in network.trace(digits().test_images).items():
            np.testing.assert_array_equal(trace[name], tensor)

    @pytest.mark.parametrize("simulator", ["myhdl", "verilator", "icarus"])
    def test_simulators(self, data: Path, tiny: Path, tmp_path: Path, simulator: str) -> None:
        if simulator == "icarus":
            needs.icarus()
        files = ("--output", tmp_path / "y.npy", "--trace", tmp_path / "t.npz", "--plan", data / "plan.json")
        found = command("run", tiny, "--input", data / "x.npy", "--on", simulator, *files, "--json")
        planned, network = json.loads((data / "plan.json").read_text()), import_model(tiny)
        assert found.err == ""
        assert found.json["frames"] == 12
        for key in ("latency_cycles", "interval_cycles"):
            assert found.json[key] == found.json[f"planned_{key}"] == planned[key]
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), network.run(frames()))
        with np.load(tmp_path / "t.npz") as trace:
            for name, tensor in network.trace(frames()).items():
                np.testing.assert_array_equal(trace[name], tensor)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["t.npz", "y.npy"]

    def test_waves(self, call: Call, monkeypatch: pytest.MonkeyPatch, data: Path, tiny: Path, tmp_path: Path) -> None:
        """Without any library of the system's, as all packages of Python's are there; each name of a view is in the file."""
        monkeypatch.setattr(verilator, "missing_wave_headers", lambda: ["lz4.h", "zlib.h"])
        result = call(
            *("run", tiny, "--input", data / "x.npy", "--on", "verilator"),
            *("--output", tmp_path / "y.npy", "--waves", tmp_path / "w.fst"),
        )
        assert result.status == 0, result.err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["w.fst", "w.gtkw", "w.sucl", "y.npy"]
        written = (tmp_path / "w.fst").read_bytes()
        assert written[0] == 0  # a header block
        view = (tmp_path / "w.gtkw").read_text()
        names = re.findall(r"^TOP\.tiny\.(\w+)", view, re.MULTILINE)
        assert {"counters_frames_in", "conv1_source_data", "dense1_source_valid", "m_axis_tdata"} <= set(names)
        assert [name for name in names if name.encode() not in written] == []
        assert f"variable_add TOP.tiny.{names[0]}" in (tmp_path / "w.sucl").read_text()
        read = pywellen.Waveform(str(tmp_path / "w.fst"))  # by the library that Surfer reads with
        signals = {each.full_name: each.signal for each in read.all_vars()}
        commands = (tmp_path / "w.sucl").read_text()
        added = re.findall(r"^variable_add (\S+)$", commands, re.MULTILINE)
        # Surfer skips a line of which anything is left behind the command's one word
        assert re.fullmatch(r"((divider_add \w+|variable_add [\w.]+|zoom_fit)\n)+", commands)
        assert re.findall(r"^divider_add (\w+)$", commands, re.MULTILINE)[-1] == "the_results"
        assert len(added) > 15 and set(added) <= set(signals)
        edges = [time for time, value in signals["TOP.tiny.aclk"] if value == 1]
        assert {after - before for before, after in pairwise(edges)} == {PERIOD}
        for counter in ("counters_frames_in", "counters_frames_out"):
            assert [value for _, value in signals[f"TOP.tiny.{counter}"]] == list(range(len(np.load(data / "x.npy")) + 1))

    def test_too_few_frames_for_an_interval(self, call: Call, tiny: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", frames(10))
        found = call("run", tiny, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--on", "myhdl", "--json").json
        assert found["interval_cycles"] is None
        assert found["note"] == "no interval was measured: it takes at least 11 frames, these were 10"
        assert found["latency_cycles"] == found["planned_latency_cycles"]
        people = call("run", tiny, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--on", "myhdl").out
        assert people.splitlines()[-1] == found["note"]
        assert "note " not in people
        verified = call("verify", tiny, "--input", tmp_path / "x.npy", "--on", "myhdl", "--json").json
        assert (verified["interval_cycles"], verified["note"]) == (None, found["note"])

    @pytest.mark.parametrize(("pixels", "scale"), [(frames() / np.float32(255), 1 / 255), (frames(), 1.0)])
    def test_pixels_are_recognised(self, call: Call, tmp_path: Path, pixels: np.ndarray, scale: float) -> None:
        model = Tiny(quantised=False).save(tmp_path / "tiny.onnx")
        np.save(tmp_path / "x.npy", pixels)
        assert call("run", model, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy").status == 0
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), import_model(model, scale).run(pixels))

    def test_output_to_a_device(self, call: Call, data: Path, tiny: Path) -> None:
        assert call("run", tiny, "--input", data / "x.npy", "--output", os.devnull).status == 0
        assert not Path(os.devnull).is_file()


class TestCompare:
    def test_equal(self, data: Path, tiny: Path) -> None:
        stalled = ("--idle", 100, "--backpressure", 100, "--stall-seed", 5)
        found = command("compare", tiny, "--input", data / "x.npy", "--frames", 11, *stalled, "--json").json
        assert found["frames"] == 11
        assert found["mismatches"] == 0
        assert found["first_difference"] is None
        assert list(found["tensors"]) == ["input", "conv1", "pool1", "dense1"]
        assert found["tensors"]["conv1"] == {"elements": 11 * 4 * 4 * 2, "mismatches": 0}

    def test_broken_hardware_is_found(self, call: Call, monkeypatch: pytest.MonkeyPatch, data: Path, tiny: Path) -> None:
        """Hardware made from other dense weights: the layers before agree, and the first wrong score is named."""
        right = import_model(tiny)
        *before, dense = right.layers
        assert isinstance(dense, Dense)
        wrong = replace(right, layers=(*before, replace(dense, weights=dense.weights * np.array([1, -1, 1], np.int8))))
        monkeypatch.setattr(plans, "make_plan", lambda *_, **__: Planner(wrong, "xc7vx690t", 200.0).fastest())
        truth, other = (network.trace(frames())["dense1"] for network in (right, wrong))
        frame = int(np.argwhere(truth != other)[0][0])
        expected = Difference(
            *("dense1", frame, 0, 0, 1, int(truth[frame, 0, 0, 1]), int(other[frame, 0, 0, 1]), int((truth != other).sum()))
        )
        result = call("compare", tiny, "--input", data / "x.npy", "--on", "myhdl", "--json")
        assert result.status == 1
        assert json.loads(result.out)["first_difference"] == asdict(expected)
        assert json.loads(result.out)["mismatches"] == expected.count
        people = call("compare", tiny, "--input", data / "x.npy", "--on", "myhdl")
        assert people.status == 1
        assert f"dense1 differs first in frame {frame} at row 0, column 0, channel 1" in people.out

    def test_one_wrong_element_inside(self, call: Call, monkeypatch: pytest.MonkeyPatch, data: Path, tiny: Path) -> None:
        honest = execution.simulate

        def simulate(*arguments: Any, **named: Any) -> Any:
            measured = honest(*arguments, **named)
            measured.trace["conv1"][3, 2, 1, 0] ^= 1
            return measured

        monkeypatch.setattr(execution, "simulate", simulate)
        result = call("compare", tiny, "--input", data / "x.npy", "--on", "myhdl", "--json")
        found = json.loads(result.out)["first_difference"]
        assert result.status == 1
        assert [found[key] for key in ("layer", "frame", "row", "column", "channel", "count")] == ["conv1", 3, 2, 1, 0, 1]

    def test_hardware_that_gets_stuck(self, call: Call, monkeypatch: pytest.MonkeyPatch, data: Path, tiny: Path) -> None:
        def simulate(*_: Any, **__: Any) -> Any:
            raise SimulationError("tiny: no transfer for 1000 cycles; 3 of 12 frames came out")

        monkeypatch.setattr(execution, "simulate", simulate)
        result = call("compare", tiny, "--input", data / "x.npy")
        assert result == Result(1, "", "error: tiny: no transfer for 1000 cycles; 3 of 12 frames came out\n")


class TestVerify:
    def test_digits(self, data: Path, tmp_path: Path) -> None:
        arguments = ("verify", DIGITS, "--input", data / "digits.npy", "--labels", data / "classes.npy")
        result = command(*arguments, "--report", tmp_path / "report.json", "--json")
        found = result.json
        assert result.err == ""
        assert json.loads((tmp_path / "report.json").read_text()) == found
        assert found["frames"] == 599
        assert found["mismatches"] == found["decisions_unlike_float"] == 0
        assert found["latency_cycles"] == found["planned_latency_cycles"]
        assert found["interval_cycles"] == found["planned_interval_cycles"]
        assert set(found["accuracy"]) == {"qonnx", "golden", "verilator"}
        assert len(set(found["accuracy"].values())) == 1

    @pytest.mark.parametrize(
        ("outputs", "softmax", "labels"), [(1, False, False), (3, False, False), (3, True, False), (3, False, True)]
    )
    def test_what_is_compared(self, call: Call, tmp_path: Path, outputs: int, softmax: bool, labels: bool) -> None:
        """A regression's values; decisions where the file or the user speaks of classes."""
        random, g = np.random.default_rng(2), Builder((4,))
        y = g("Relu", g("Gemm", "x", random.normal(size=(4, 6)).astype(np.float32), np.ones(6, np.float32)))
        y = g("Gemm", y, random.normal(size=(6, outputs)).astype(np.float32), np.ones(outputs, np.float32))
        model = g.save(tmp_path / "m.onnx", g("Softmax", y, axis=1) if softmax else y)
        np.save("x.npy", random.integers(0, 256, (30, 4)).astype(np.float32))
        np.save("y.npy", random.integers(0, outputs, 30))
        arguments = ("verify", model, "--input", "x.npy", "--on", "myhdl", *(("--labels", "y.npy") if labels else ()))
        found = json.loads(call(*arguments, "--json").out)
        assert found["mismatches"] == 0
        if softmax or labels:
            assert "rms_unlike_float" not in found
            assert found["decisions_unlike_float"] == 0
        else:
            assert "decisions_unlike_float" not in found
            assert 0 < found["rms_unlike_float"] < 5
            assert "root mean square" in call(*arguments).out


class TestSynth:
    def test_json_and_report(self, data: Path, tiny: Path, tmp_path: Path) -> None:
        result = command("synth", tiny, "--plan", data / "plan.json", "--report", tmp_path / "r.json", "--json")
        found = result.json
        assert result.err == ""
        assert json.loads((tmp_path / "r.json").read_text()) == found
        assert [layer["name"] for layer in found["layers"]] == ["ingress", "conv1", "pool1", "dense1", "egress"]
        for entry in (found, *found["layers"]):
            assert AREA | {"levels"} <= set(entry)
            assert entry["lut"] > 0 < entry["levels"]
        for key in AREA:
            assert found[key] == sum(layer[key] for layer in found["layers"])
        assert found["levels"] == max(layer["levels"] for layer in found["layers"])


class TestData:
    def test_digits(self, call: Call, tmp_path: Path) -> None:
        found = call("data", "digits", "--frames", 7, "-o", tmp_path / "made" / "here", "--json").json
        assert found == {"folder": str(tmp_path / "made" / "here"), "frames": 7}
        np.testing.assert_array_equal(np.load(tmp_path / "made" / "here" / "x.npy"), digits().test_images[:7])
        np.testing.assert_array_equal(np.load(tmp_path / "made" / "here" / "y.npy"), digits().test_labels[:7])


# help


def leaves(group: click.Group, above: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Every command by its full name."""
    found: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        below = group.get_command(click.Context(group), name)
        assert below is not None
        path = (*above, name)
        found |= leaves(below, path) if isinstance(below, click.Group) else {" ".join(path): below}
    return found


COMMANDS = leaves(group.sigmabit)
CONTRACT = {"inspect", "plan", "convert", "run", "compare", "verify", "synth", "data", "train"}


HEAVY = ("matplotlib", "mpl_toolkits", "PIL", "jinja2", "scipy", "sklearn", "onnxruntime", "qonnx", "torch", "brevitas", "cocotb")
"""Packages that take long to import, and that only commands which draw, execute or train have a use for."""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("inspect", DIGITS), ("plan", DIGITS, "--interval", 3000), ("plan", DIGITS, "--sweep")], ids=str
)
def test_nothing_heavy_is_imported(arguments: tuple[object, ...]) -> None:
    """Commands that draw nothing do not wait for what draws."""
    result = command(*arguments, PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.err.splitlines() if line.count("|") == 2}
    assert result.status == 0
    assert "sigmabit" in imported
    solver = {"scipy"} if "plan" in arguments else set()
    assert imported.isdisjoint(set(HEAVY) - solver)


class TestHelp:
    def test_overview(self, call: Call) -> None:
        assert set(COMMANDS) >= CONTRACT
        shown = call("--help")
        assert shown.status == 0
        assert shown.out == call().out == call("-h").out
        for name in group.COMMANDS:
            assert re.search(rf"^  {name} +[A-Z].*[^.]\.$", shown.out, re.MULTILINE), name
        assert re.fullmatch(r"sigmabit, version [\d.]+\n", command("--version").out)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command(self, name: str, call: Call) -> None:
        described = COMMANDS[name]
        assert re.fullmatch(r"[A-Z].*\.", (described.help or "").strip(), re.DOTALL)
        flags = [flag for option in described.params for flag in option.opts if isinstance(option, click.Option)]
        assert "--json" in flags
        for option in described.params:
            if isinstance(option, click.Option):
                assert option.help, option.name
                assert re.fullmatch(r"[A-Z].*[.)]", option.help), option.help
        shown = call(*name.split(), "--help")
        assert (shown.status, shown.err) == (0, "")
        for flag in flags:
            assert flag in shown.out
