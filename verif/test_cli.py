"""The `sigmabit` command: what others script against, bad input in every shape, and what people see."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sigmabit.golden import import_model
from sigmabit.golden.dense import Dense
from sigmabit.hdl.planner import Planner
from sigmabit.scripts import cli
from sigmabit.scripts.commands import compare as compare_command
from sigmabit.scripts.datasets import digits
from sigmabit.verif.compare import Difference
from sigmabit.verif.pipelines import SimulationError

MODELS = Path(__file__).resolve().parents[1] / "models"
DIGITS = MODELS / "digits_bcnn.onnx"
COMMAND = Path(sys.executable).with_name("sigmabit")
CYCLES = {"frames", "latency_cycles", "interval_cycles"}
AREA = {"lut", "ff", "bram36", "dsp"}


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which holds one JSON document and nothing else."""
        assert self.status == 0, self.err
        return json.loads(self.out)


Call = Callable[..., Result]


def command(*arguments: object, **environment: str) -> Result:
    """The installed command, in a process of its own, far from any terminal."""
    inherited = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], env=inherited | environment, capture_output=True, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command in this process: no start-up, and parts of it can be replaced."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["sigmabit", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its contents, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


# models


QONNX = "qonnx.custom_op.general"


@dataclass(frozen=True)
class Tiny:
    """A network of 4x4 pixels of 3 bits: a padded convolution, a pooling and a dense layer. The fields say what is wrong with it.

    between: operators, with their names, between the convolution and its binarisation.
    """

    seed: int = 1
    weight: float = 1.0
    between: tuple[tuple[str, str], ...] = ()
    quantised: bool = True
    channels: int = 2
    classes: int = 3

    def save(self, path: Path) -> Path:
        """The ONNX file."""
        random = np.random.default_rng(self.seed)
        kernel = random.choice([-1.0, 1.0], (self.channels, 1, 3, 3))
        kernel[1, 0, 2, 2] *= self.weight
        constants = {
            "kernel": kernel,
            "matrix": random.choice([-1.0, 1.0], (4 * self.channels, self.classes)),
            "three": np.array(3.0),
            "one": np.array(1.0),
            "zero": np.array(0.0),
        }
        nodes, last = [], "image"

        def node(operator: str, name: str, *more: str, **attributes: Any) -> None:
            nonlocal last
            nodes.append(helper.make_node(operator, [last, *more], [f"{name}_out"], name, **attributes))
            last = f"{name}_out"

        if self.quantised:
            node("Quant", "pixels", "one", "zero", "three", domain=QONNX, signed=0)
        node("Conv", "conv", "kernel", pads=[1, 1, 1, 1])
        for operator, name in self.between:
            node(operator, name, *(["three"] if operator in ("Sub", "Mod") else []))
        node("BipolarQuant", "binary", "one", domain=QONNX)
        node("MaxPool", "pool", kernel_shape=[2, 2], strides=[2, 2])
        node("Flatten", "flat")
        node("MatMul", "dense", "matrix")
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 4, 4])],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", self.classes])],
            [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()],
        )
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))
        return path


def frames(count: int = 12) -> np.ndarray:
    """Pixels for a tiny network."""
    return np.random.default_rng(7).integers(0, 8, (count, 1, 4, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny network, frames and labels for it, its plan, and the digits."""
    folder = tmp_path_factory.mktemp("data")
    Tiny().save(folder / "tiny.onnx")
    np.save(folder / "x.npy", frames())
    np.save(folder / "y.npy", np.arange(12) % 3)
    np.save(folder / "digits.npy", digits().test_images)
    np.save(folder / "classes.npy", digits().test_labels)
    assert command("plan", folder / "tiny.onnx", "-o", folder / "plan.json").status == 0
    return folder


@pytest.fixture
def tiny(data: Path) -> Path:
    """The tiny network's file."""
    return data / "tiny.onnx"


# the contract


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
        odd = (("Mod", "first_odd"), ("GlobalAveragePool", "second_odd"))
        result = call("inspect", Tiny(between=odd).save(tmp_path / "odd.onnx"), "--json")
        assert result.status == 2
        found = json.loads(result.out)
        assert found["supported"] is False
        assert [(entry["node"], entry["operator"]) for entry in found["unsupported"]] == [(name, kind) for kind, name in odd]
        people = call("inspect", tmp_path / "odd.onnx")
        for text in (people.out, people.err, result.err):
            assert "first_odd (Mod)" in text
            assert "second_odd (GlobalAveragePool)" in text


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

    def test_part_and_clock_override_those_of_a_plan(self, call: Call, data: Path, tmp_path: Path) -> None:
        given = json.loads((data / "plan.json").read_text())
        call("convert", data / "tiny.onnx", "--plan", data / "plan.json", "-o", tmp_path / "same")
        call(
            *("convert", data / "tiny.onnx", "--plan", data / "plan.json", "-o", tmp_path / "other"),
            *("--part", "xc7a35t", "--clock-mhz", 100),
        )
        assert json.loads((tmp_path / "same" / "plan.json").read_text()) == given
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

    def test_list_names_exactly_the_modules(self, call: Call, data: Path, tmp_path: Path) -> None:
        found = call("convert", data / "tiny.onnx", "-o", tmp_path / "made" / "here", "--json").json
        folder = tmp_path / "made" / "here"
        listed = (folder / found["list"]).read_text().split()
        assert listed == found["files"]
        assert sorted(listed) == sorted(path.name for path in folder.glob("*.v"))
        assert {path.name for path in folder.iterdir()} == {*listed, found["list"], "plan.json"}
        known: set[str] = set()
        for name in listed:  # one module per file, below those that use it
            text = (folder / name).read_text()
            assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [Path(name).stem]
            used = set(re.findall(r"^(\w+) \w+_instance \($", text, re.MULTILINE))
            assert used <= known
            known.add(Path(name).stem)
        assert listed[-1] == f"{found['top']}.v"

    def test_an_older_conversion_leaves_nothing(self, call: Call, data: Path, tmp_path: Path) -> None:
        plan = json.loads(call("plan", DIGITS, "--interval", 3000, "--json").out)
        for layer in plan["layers"]:
            if layer["folding"]:
                layer["folding"]["block"] = True
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        used, fresh = tmp_path / "used", tmp_path / "fresh"
        assert call("convert", DIGITS, "--plan", tmp_path / "plan.json", "-o", used).status == 0
        assert list(used.glob("*.mem"))
        own = {"notes.txt": b"mine", "bench.v": b"module bench; endmodule\n"}
        for name, text in own.items():
            (used / name).write_bytes(text)
        assert call("convert", data / "tiny.onnx", "-o", used).status == 0
        assert call("convert", data / "tiny.onnx", "-o", fresh).status == 0
        assert listing(used) == listing(fresh) | own

    def test_a_hostile_file_list_deletes_nothing_elsewhere(self, call: Call, data: Path, tmp_path: Path) -> None:
        (tmp_path / "precious.v").write_text("kept")
        assert call("convert", data / "tiny.onnx", "-o", tmp_path / "used").status == 0
        (tmp_path / "used" / "tiny.f").write_text("../precious.v\n")
        assert call("convert", data / "tiny.onnx", "-o", tmp_path / "used").status == 0
        assert (tmp_path / "precious.v").read_text() == "kept"


class TestRun:
    def test_golden(self, data: Path, tmp_path: Path) -> None:
        arguments = (
            "run",
            DIGITS,
            "--input",
            data / "digits.npy",
            "--labels",
            data / "classes.npy",
            "--trace",
            tmp_path / "t.npz",
        )
        found = command(*arguments, "--output", tmp_path / "y.npy", "--json").json
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

    def test_waves(self, data: Path, tiny: Path, tmp_path: Path) -> None:
        result = command(
            *("run", tiny, "--input", data / "x.npy", "--on", "verilator"),
            *("--output", tmp_path / "y.npy", "--waves", tmp_path / "w.fst"),
        )
        if result.status:  # without the library that compresses waves there are none, and it says so
            assert result == Result(2, "", "error: missing for waves: lz4.h (package liblz4-dev)\n")
            assert list(tmp_path.iterdir()) == []
        else:
            assert sorted(path.name for path in tmp_path.iterdir()) == ["w.fst", "y.npy"]
            assert (tmp_path / "w.fst").read_bytes()[0] == 0  # a header block

    def test_too_few_frames_for_an_interval(self, call: Call, tiny: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", frames(10))
        found = call("run", tiny, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--on", "myhdl", "--json").json
        assert found["interval_cycles"] is None
        assert found["latency_cycles"] == found["planned_latency_cycles"]

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
        monkeypatch.setattr(compare_command, "make_plan", lambda *_, **__: Planner(wrong, "xc7vx690t", 200.0).fastest())
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
        honest = compare_command.simulate

        def simulate(*arguments: Any, **named: Any) -> Any:
            measured = honest(*arguments, **named)
            measured.trace["conv1"][3, 2, 1, 0] ^= 1
            return measured

        monkeypatch.setattr(compare_command, "simulate", simulate)
        result = call("compare", tiny, "--input", data / "x.npy", "--on", "myhdl", "--json")
        found = json.loads(result.out)["first_difference"]
        assert result.status == 1
        assert [found[key] for key in ("layer", "frame", "row", "column", "channel", "count")] == ["conv1", 3, 2, 1, 0, 1]

    def test_hardware_that_gets_stuck(self, call: Call, monkeypatch: pytest.MonkeyPatch, data: Path, tiny: Path) -> None:
        def simulate(*_: Any, **__: Any) -> Any:
            raise SimulationError("tiny: no transfer for 1000 cycles; 3 of 12 frames came out")

        monkeypatch.setattr(compare_command, "simulate", simulate)
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


# bad input: one sentence that names the offender, status 2, nothing written


def npy(shape: str, data: bytes = b"", dtype: str = "<f4") -> bytes:
    """A .npy file with any header."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + data


def with_value(value: float, dtype: str = "f4") -> np.ndarray:
    """Frames of which one pixel is `value`."""
    x = frames().astype(dtype)
    x[3, 0, 2, 1] = value
    return x


def saved(save: Callable[..., Any], *arguments: Any) -> bytes:
    """What NumPy would write."""
    buffer = BytesIO()
    save(buffer, *arguments)
    return buffer.getvalue()


@dataclass(frozen=True)
class Bad:
    """A command that must be refused, in a folder that holds good.onnx, x.npy, y.npy and plan.json.

    files: what stands in the folder besides, or instead; a folder where None. says: what the sentence must contain.
    """

    arguments: str
    says: tuple[str, ...]
    files: dict[str, bytes | Tiny | np.ndarray | None]

    def __str__(self) -> str:
        return self.arguments


def bad(arguments: str, *says: str, **files: bytes | Tiny | np.ndarray | None) -> Bad:
    """A case; names of files are written with _ for the dot."""
    return Bad(arguments, says, {name.replace("_", "."): content for name, content in files.items()})


GOOD_MODEL = DIGITS.read_bytes()
RUN = "run good.onnx --input x.npy --output out.npy"

MODEL_FILES = [
    bad("inspect bad.onnx", "bad.onnx", "No such file"),
    bad("inspect bad.onnx", "bad.onnx", "Is a directory", bad_onnx=None),
    bad("inspect bad.onnx", "bad.onnx", "not an ONNX", bad_onnx=b""),
    bad("inspect bad.onnx", "bad.onnx", "not an ONNX", bad_onnx=b"a shopping list\n" * 9),
    *(
        bad(f"{use} bad.onnx {rest}", "bad.onnx", "truncated", bad_onnx=GOOD_MODEL[: len(GOOD_MODEL) // 2])
        for use, rest in {
            "inspect": "",
            "plan": "-o p.json",
            "convert": "-o out",
            "run": "--input x.npy --output out.npy",
            "compare": "--input x.npy",
            "verify": "--input x.npy --report r.json",
            "synth": "--report r.json",
        }.items()
    ),
    *(
        bad("convert bad.onnx -o out", *says, bad_onnx=model)
        for model, says in [
            (Tiny(between=(("Mod", "one"), ("Erf", "two"))), ("2 unsupported nodes", "one (Mod)", "two (Erf)")),
            (Tiny(between=(("Abs", "a"), ("Sub", "b"))), ("binary (BipolarQuant)", "not monotone")),
            (Tiny(weight=0.5), ("conv (Conv)", "not binary", "output 1 holds 0.5")),
            (Tiny(weight=0), ("conv (Conv)", "not binary", "output 1 holds 0 ")),
            (Tiny(weight=np.nan), ("conv (Conv)", "not finite")),
        ]
    ),
]  # fmt: skip

ARRAYS = [
    bad(RUN, "x.npy", "(12, 1, 5, 4)", "(N, 1, 4, 4)", x_npy=np.zeros((12, 1, 5, 4), np.float32)),
    bad(RUN, "x.npy", "(1, 4, 4)", "(N, 1, 4, 4)", x_npy=np.zeros((1, 4, 4), np.float32)),
    bad(RUN, "x.npy", "shape ()", x_npy=np.array(3.0)),
    bad(RUN, "x.npy", "no frames", x_npy=np.zeros((0, 1, 4, 4), np.float32)),
    bad(RUN, "x.npy", "type <U1", "expected numbers", x_npy=np.full((12, 1, 4, 4), "1")),
    bad(RUN, "x.npy", "type complex64", x_npy=np.zeros((12, 1, 4, 4), np.complex64)),
    bad(RUN, "x.npy", "type datetime64", x_npy=np.zeros((12, 1, 4, 4), "M8[s]")),
    bad(RUN, "x.npy", "type [('a', '<f4')]", x_npy=np.zeros((12, 1, 4, 4), [("a", "<f4")])),
    bad(RUN, "x.npy", "nan at (3, 0, 2, 1)", x_npy=with_value(np.nan)),
    bad(RUN, "x.npy", "inf at (3, 0, 2, 1)", x_npy=with_value(np.inf)),
    bad(RUN, "x.npy", "1e+300 at (3, 0, 2, 1)", x_npy=with_value(1e300, "f8")),
    *(
        bad(f"{RUN} {option}", "x.npy", f"{value} at (3, 0, 2, 1)", "--input-scale", good_onnx=Tiny(quantised=False), x_npy=x)
        for option, value, x in [
            ("", "2.5", with_value(2.5)),
            ("", "-1", with_value(-1)),
            ("", "256", with_value(256)),
            ("", "0.3", with_value(0.3) / np.where(with_value(0.3) == np.float32(0.3), 1, 255).astype(np.float32)),
            ("--input-scale 0.5", "0.7", with_value(0.7)),
        ]
    ),
    bad(RUN, "x.npy", "not a .npy file", x_npy=saved(partial(np.save, allow_pickle=True), np.array([{}, None], object))),
    bad(RUN, "x.npy", ".npz archive", x_npy=saved(np.savez, frames())),
    bad(RUN, "x.npy", "truncated", x_npy=saved(np.savez, frames())[:100]),
    *(bad(RUN, "x.npy", "truncated", x_npy=saved(np.save, frames())[:size]) for size in (0, 5, 40, 129, -1)),
    *(
        bad(RUN, "x.npy", "truncated", x_npy=npy(shape, bytes(64)))
        for shape in ("(1000000000000, 1, 4, 4)", "(9223372036854775807, 4, 4, 4)", "(-1, 1, 4, 4)", "'four'", "(((((")
    ),
    bad("run good.onnx --input none.npy --output o.npy", "none.npy", "No such file"),
    bad(RUN, "x.npy", "Is a directory", x_npy=None),
    bad(f"{RUN} --labels y.npy", "y.npy", "12 whole numbers", "(11,)", y_npy=np.arange(11)),
    bad(f"{RUN} --labels y.npy", "y.npy", "12 whole numbers", "float64", y_npy=np.zeros(12)),
    bad(f"{RUN} --labels y.npy", "y.npy", "12 whole numbers", "(12, 3)", y_npy=np.eye(12, 3, dtype=int)),
    bad("verify good.onnx --input x.npy --labels y.npy --report r.json", "y.npy", "12 whole numbers", y_npy=np.arange(13)),
]  # fmt: skip

TARGETS = [
    bad(f"plan {DIGITS} --interval 1 --part xc7a35t -o p.json", "interval of 1 cycles", "64"),
    bad("plan good.onnx --interval 0 -o p.json", "interval of 0 cycles"),
    bad("plan good.onnx --interval -3 -o p.json", "interval of -3 cycles"),
    bad("plan good.onnx --interval 1.5 -o p.json", "--interval", "1.5"),
    bad("plan bad.onnx --interval 16 --part xc7a35t -o p.json", "16 cycles", "LUT", "xc7a35t", bad_onnx=Tiny(channels=4000)),
    bad("plan good.onnx --interval 99 --fps 7", "one target is enough"),
    bad("plan good.onnx --fps 1e12", "1e+12 frames per second", "one cycle"),
    bad("plan good.onnx --part xc7vx691t -o p.json", "unknown part xc7vx691t", "xc7vx690t"),
    bad("convert good.onnx --part zynq -o out", "unknown part zynq"),
    *(
        bad(f"plan good.onnx {option} {value}", option, value)
        for option in ("--fps", "--clock-mhz", "--input-scale")
        for value in ("nan", "inf", "0", "-1", "many")
    ),
    bad(f"{RUN} --on vivado", "--on", "vivado"),
    bad(f"{RUN} --waves w.fst", "--waves", "verilator"),
    bad("compare good.onnx --input x.npy --frames 0", "--frames"),
    bad("compare good.onnx --input x.npy --idle 256", "--idle"),
    bad("compare good.onnx", "--input"),
    bad("plan", "MODEL"),
    bad("plan good.onnx more", "more"),
    bad("plan good.onnx --bogus", "--bogus"),
    bad("plann good.onnx", "plann"),
    bad("bench", "Missing command"),
    bad("data cifar -o out", "cifar", "digits or mnist"),
    bad("data mnist --data y.npy -o out", "y.npy", "train-images-idx3-ubyte"),
]

WRITTEN = {
    "plan good.onnx -o {}": "p.json",
    "run good.onnx --input x.npy --output {}": "o.npy",
    "run good.onnx --input x.npy --output o.npy --trace {}": "t.npz",
    "run good.onnx --input x.npy --output o.npy --on verilator --waves {}": "w.fst",
    "verify good.onnx --input x.npy --report {}": "r.json",
    "synth good.onnx --report {}": "r.json",
    "train digits_bcnn -o {}": "d.onnx",
}
FILLED = ("convert good.onnx -o {}", "synth good.onnx --work {}", "data digits -o {}")

Place = tuple[str, tuple[str, ...], dict[str, bytes | None]]
NOWHERE: list[Place] = [("n" * 300, ("nnn", "too long"), {}), ("/proc/none", ("/proc/none", "cannot be written"), {})]
NO_FILE: list[Place] = [
    ("file/{}", ("file", "does not exist"), {"file": b""}),
    ("none/{}", ("none", "does not exist"), {}),
    ("folder", ("folder", "is a folder"), {"folder": None}),
    *NOWHERE,
]
NO_FOLDER: list[Place] = [
    ("file", ("file", "is a file"), {"file": b""}),
    ("file/deep/er", ("file", "is a file"), {"file": b""}),
    *NOWHERE,
]

OUTPUTS = [
    *(bad(use.format(place.format(name)), *says, **files) for use, name in WRITTEN.items() for place, says, files in NO_FILE),
    *(bad(use.format(place), *says, **files) for use in FILLED for place, says, files in NO_FOLDER),
]


class TestBadInput:
    @pytest.mark.parametrize("case", [*MODEL_FILES, *ARRAYS, *TARGETS, *OUTPUTS], ids=str)
    def test_refused(self, case: Bad, call: Call, data: Path, tmp_path: Path) -> None:
        files = {"good.onnx": (data / "tiny.onnx").read_bytes(), "x.npy": frames(), "y.npy": np.arange(12), **case.files}
        for name, content in files.items():
            path = tmp_path / name
            match content:
                case None:
                    path.mkdir()
                case Tiny():
                    content.save(path)
                case bytes():
                    path.write_bytes(content)
                case _:
                    np.save(path, content)
        refused(call, case.arguments.split(), case.says)


def refused(call: Call, arguments: list[str], says: tuple[str, ...], status: int = 2) -> None:
    """The command, run in the current folder, ends with one sentence that holds `says`, and leaves the folder as it was."""
    before = listing(Path())
    result = call(*arguments)
    assert result.status == status
    assert re.fullmatch(r"\n?error: [^\n]+\n", result.err), result.err  # a new line after the ^C that a terminal shows
    for words in says:
        assert words in result.err
    assert "Traceback" not in result.err
    if arguments[0] != "inspect":
        assert result.out == ""
    assert listing(Path()) == before


Json = dict[str, Any]


Change = Callable[[Json], object]


def layer(change: Change) -> Change:
    """A change of the first layer's entry."""
    return lambda plan: change(plan["layers"][0])


def sets(key: str, value: object) -> Change:
    """A change that sets an entry."""
    return lambda plan: plan.update({key: value})


def folds(key: str, value: object) -> Change:
    """A change in the first layer's folding."""
    return layer(lambda entry: entry["folding"].update({key: value}))


HUGE, NAN, INF = 10**400, float("nan"), float("inf")
KEYS = ("part", "clock_mhz", "interval_cycles", "layers")
PLANS: dict[str, tuple[Change, str]] = {
    "other schema": (sets("schema", 99), "schema 99"),
    "text as schema": (sets("schema", "1"), "schema"),
    **{f"no {key}": (lambda plan, key=key: plan.pop(key), key) for key in (*KEYS, "schema")},  # type: ignore[misc]
    **{f"null {key}": (sets(key, None), key) for key in KEYS},
    **{f"interval {n}"[:20]: (sets("interval_cycles", n), "interval") for n in (0, -5, 1, HUGE, 1.5, True, "64", INF)},
    **{f"clock {n}"[:20]: (sets("clock_mhz", n), "clock") for n in (0, -200, NAN, HUGE, True, "fast")},
    "unknown part": (sets("part", "zynq"), "unknown part zynq"),
    "layers in a dictionary": (sets("layers", {}), "layers"),
    "a number as layer": (sets("layers", [3]), "name"),
    "no layers": (sets("layers", []), "conv1"),
    "layer missing": (lambda plan: plan["layers"].pop(), "the model has"),
    "other layer": (layer(sets("name", "conv9")), "conv9"),
    "name of another type": (layer(sets("name", ["conv1"])), "name"),
    "no folding": (layer(sets("folding", None)), "no folding for layer conv1"),
    "folding missing": (layer(lambda entry: entry.pop("folding")), "folding"),
    "folding of another type": (layer(sets("folding", [1, 1, 1])), "folding"),
    **{
        f"{key} {value}": (folds(key, value), key)
        for key in ("group", "slices", "lanes")
        for value in (0, -1, 10**30, 1.0, True, None, "1")
    },
    "no lanes": (layer(lambda entry: entry["folding"].pop("lanes")), "lanes"),
    "block 1": (folds("block", 1), "block"),
}
"""How a plan is damaged, and what the sentence must name."""


class TestBadPlans:
    @pytest.mark.parametrize("name", PLANS)
    def test_damaged_plans(self, name: str, call: Call, data: Path) -> None:
        plan = json.loads((data / "plan.json").read_text())
        change, says = PLANS[name]
        change(plan)
        Path("bad.json").write_text(json.dumps(plan))
        refused(call, ["convert", str(data / "tiny.onnx"), "--plan", "bad.json", "-o", "out"], ("bad.json", says))

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "3", "null", '"plan"', "[" * 100_000, "\xff\xfe", '{"schema": 1e999}', "9" * 5000]
    )
    def test_files_that_are_no_plan(self, text: str, call: Call, tiny: Path) -> None:
        Path("bad.json").write_bytes(text.encode("latin-1"))
        refused(call, ["synth", str(tiny), "--plan", "bad.json", "--work", "out"], ("bad.json", "not a plan"))

    def test_plan_for_another_network(self, call: Call, data: Path, tiny: Path) -> None:
        refused(
            call,
            ["convert", str(DIGITS), "--plan", str(data / "plan.json"), "-o", "out"],
            ("plan.json", "conv1, pool1, dense1", "conv2"),
        )
        call("plan", Tiny(classes=7).save(Path("seven.onnx")), "-o", "seven.json")
        plan = json.loads(Path("seven.json").read_text())
        plan["layers"][2]["folding"]["lanes"] = 7
        Path("seven.json").write_text(json.dumps(plan))
        refused(
            call, ["convert", str(tiny), "--plan", "seven.json", "-o", "out"], ("seven.json", "dense1", "lanes=7", "3 channels")
        )


class TestMissing:
    @pytest.mark.parametrize("missing", ["torch", "brevitas"])
    def test_training_without_its_extra(self, missing: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("train", "topologies"):
            monkeypatch.delitem(sys.modules, f"sigmabit.scripts.{module}", raising=False)
        monkeypatch.setitem(sys.modules, "torch", None)
        monkeypatch.setitem(sys.modules, "brevitas", None)
        refused(call, ["train", "digits_bcnn"], ("training", "sigmabit[training]"))

    def test_damaged_data_set(self, call: Call) -> None:
        Path("mnist").mkdir()
        file = Path("mnist", "train-images-idx3-ubyte.gz")
        for content in (b"", b"\x1f\x8b\x08 broken", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"):
            file.write_bytes(content)
            refused(call, ["data", "mnist", "--data", ".", "-o", "out"], (str(file), "truncated"))


# interruptions and full disks: what is not whole is not there


def failing_after(calls: int, honest: Callable[..., Any], failure: BaseException) -> Callable[..., Any]:
    """`honest` for so many calls, then the failure, with half of the work done."""

    def write(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls -= 1
        result = honest(*arguments, **named)
        if calls < 0:
            raise failure
        return result

    return write


class TestInterruption:
    @pytest.mark.parametrize(
        ("failure", "status", "says"),
        [(KeyboardInterrupt(), 130, "interrupted"), (OSError(28, "No space left on device"), 2, "No space left on device")],
        ids=["interrupted", "full"],
    )
    @pytest.mark.parametrize(
        ("arguments", "place", "function", "calls"),
        [
            ("plan good.onnx -o p.json", Path, "write_text", 0),
            ("plan good.onnx -o plan.json", Path, "write_text", 0),
            ("convert good.onnx -o out", Path, "write_text", 5),
            ("convert good.onnx -o some/where/out", Path, "write_text", 5),
            ("convert good.onnx -o old", Path, "write_text", 5),
            ("run good.onnx --input x.npy --output y.npy", np, "save", 0),
            ("run good.onnx --input x.npy --output /dev/null --trace t.npz", np, "savez_compressed", 0),
            ("data digits -o some/out", np, "save", 1),
        ],
    )
    def test_nothing_is_half_written(
        self,
        arguments: str,
        place: Any,
        function: str,
        calls: int,
        failure: BaseException,
        status: int,
        says: str,
        call: Call,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        Tiny().save(Path("good.onnx"))
        np.save("x.npy", frames())
        call("plan", "good.onnx", "-o", "plan.json")
        call("convert", "good.onnx", "-o", "old", "--plan", "plan.json")
        monkeypatch.setattr(place, function, failing_after(calls, getattr(place, function), failure))
        refused(call, arguments.split(), (says,), status)


# people: terminals of 80 columns, pipes, interrupts


def on_terminal(*arguments: object, interrupt_at: bytes | None = None, out: int | None = None) -> tuple[int, str]:
    """Exit status, and what a terminal of 80 columns shows; standard output goes to `out` if it is given.

    interrupt_at: what has to be seen for Ctrl-C to be pressed.
    """
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [COMMAND, *map(str, arguments)], stdin=inside, stdout=inside if out is None else out, stderr=inside, env=environment
    )
    os.close(inside)
    seen = b""
    with suppress(OSError):  # what reading gives when the other side is closed
        while chunk := os.read(terminal, 65536):
            seen += chunk
            if interrupt_at is not None and interrupt_at in seen:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
    os.close(terminal)
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")


def columns(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header starts so, with their lines' alignment checked: numbers end where their header ends."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(header))
    names = list(re.finditer(r"\S+(?: \S+)*", lines[start]))
    body = lines[start + 2 :]
    cells = []
    for line in body[: next((i for i, line in enumerate(body) if line.startswith("total")), len(body)) + 1]:
        found = list(re.finditer(r"\S+(?: \S+)*", line))
        cells.append([cell[0] for cell in found])
        for cell in found:
            if re.fullmatch(r"[\d,.]+", cell[0]):
                assert any(cell.end() == name.end() for name in names), line
    return [row for row in cells if row]


class TestTerminal:
    def test_interrupt(self, data: Path, tmp_path: Path) -> None:
        np.save(data / "few.npy", digits().test_images[:40])
        files = ("--output", tmp_path / "y.npy", "--trace", tmp_path / "t.npz")
        with (tmp_path / "out").open("w") as out:
            simulation = ("run", DIGITS, "--input", data / "few.npy", "--on", "myhdl", *files)
            status, shown = on_terminal(*simulation, interrupt_at=b"simulating", out=out.fileno())
        assert status == 130
        assert shown.rstrip().endswith("error: interrupted")
        assert "Traceback" not in shown
        assert listing(tmp_path) == {"out": b""}

    def test_progress_disturbs_no_pipe(self, data: Path, tiny: Path, tmp_path: Path) -> None:
        with (tmp_path / "out").open("w") as out:
            status, shown = on_terminal("compare", tiny, "--input", data / "x.npy", "--on", "myhdl", "--json", out=out.fileno())
        assert status == 0
        assert json.loads((tmp_path / "out").read_text())["mismatches"] == 0
        assert "mismatches" not in shown

    @pytest.mark.parametrize("model", ["digits_bcnn", "mnist_bcnn"])
    def test_tables_suit_a_terminal(self, model: str) -> None:
        file = MODELS / f"{model}.onnx"
        network = import_model(file)
        for arguments, header in [
            (("inspect", file), "layer    input"),
            (("plan", file, "--interval", "2000"), "layer    folding"),
        ]:
            status, shown = on_terminal(*arguments)
            assert status == 0
            assert all(len(line) <= 80 for line in shown.splitlines() if not line.startswith("note:"))
            rows = columns(shown, header)
            assert [row[0] for row in rows] == [*(layer.name for layer in network.layers), "total"]
            if arguments[0] == "inspect":
                assert rows[-1][-1] == f"{network.operations:,}"
                for node in (node for layer in network.layers for node in layer.nodes):
                    assert re.search(rf"(^|\s){re.escape(node)}(,|$)", shown, re.MULTILINE), node

    def test_pipes_get_whole_lines(self) -> None:
        result = command("inspect", DIGITS)
        assert "conv1    /1/Conv, /2/BatchNormalization, /3/act_quant/export_handler/BipolarQuant\n" in result.out
        assert "\x1b" not in result.out
        assert not re.search(r"[ \t]+$", result.out, re.MULTILINE)
        assert columns(command("plan", DIGITS).out, "layer    folding")[-1][0] == "total"

    def test_names_are_printed_as_they_are(self, call: Call) -> None:
        name = "[red]a[/b] :smile: {}%s"
        Path("[red]a[").mkdir()
        model = Tiny(between=(("Neg", name),), quantised=False).save(Path(f"{name}.onnx"))
        result = call("inspect", model)
        assert result.status == 0
        assert result.out.count(name) >= 1
        assert f"note: {name}.onnx:" in result.err
        refused(call, ["inspect", "[/b].onnx"], ("[/b].onnx",))

    def test_output_without_unicode(self, tmp_path: Path) -> None:
        model = Tiny().save(tmp_path / "modèle.onnx")
        result = command("inspect", model, PYTHONIOENCODING="ascii")
        assert result.status == 0
        assert result.out.isascii()
        assert "mod\\xe8le" in result.out

    def test_a_reader_that_leaves(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([COMMAND, "inspect", DIGITS], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert done.returncode != 0
        assert done.stderr == ""


# help


def leaves(group: click.Group, above: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Every command by its full name."""
    found: dict[str, click.Command] = {}
    for name, below in group.commands.items():
        path = (*above, name)
        found |= leaves(below, path) if isinstance(below, click.Group) else {" ".join(path): below}
    return found


COMMANDS = leaves(cli.sigmabit)
CONTRACT = {"inspect", "plan", "convert", "run", "compare", "verify", "synth", "data", "train"}


class TestHelp:
    def test_overview(self) -> None:
        assert set(COMMANDS) >= CONTRACT
        shown = command("--help")
        assert shown.status == 0
        assert shown.out == command().out == command("-h").out
        for name in cli.sigmabit.commands:
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
