"""Bad input in every shape, bad plans, what is missing, interruptions and full disks: one sentence, and nothing half done."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from ..harness.command_line import DIGITS, MODELS, Call, Refused, Tiny, command, frames

pytestmark = pytest.mark.usefixtures("own_folder")


# files and options: status 2, a sentence that names the offender, nothing written


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
    """A command that must be refused, in a folder that holds good.onnx, x.npy and y.npy.

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
            (Tiny(between=(("Mod", "one"), ("Tan", "two"))), ("2 unsupported nodes", "one (Mod)", "two (Tan)")),
            (Tiny(between=(("Abs", "a"), ("Sub", "b"))), ("binary (BipolarQuant)", "not monotone")),
            (Tiny(weight=0.503), ("conv (Conv)", "8 bits times a step: output 1 holds 0.503 beside 1.0")),
            (Tiny(weight=300.5), ("conv (Conv)", "8 bits times a step: output 1 holds ", " beside 300.5")),
            (Tiny(weight=np.nan), ("conv (Conv)", "not finite")),
        ]
    ),
]  # fmt: skip

NO_SCALE = "no --input-scale fits"
NORMALISE = "in its own first nodes, or begin with a Quant node; --input-bits and --input-offset beside"

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
        bad(f"{RUN} {option}", f"error: x.npy: input value {value}", *says, good_onnx=Tiny(quantised=False), x_npy=x)
        for option, value, says, x in [
            ("", "2.5 at (3, 0, 2, 1)", ("multiples of 1 from 0;", "fits --input-scale 0.5\n"), with_value(2.5)),
            ("", "-1 at (3, 0, 2, 1)", (f"{NO_SCALE} numbers down to -1:", NORMALISE), with_value(-1)),
            ("", "256 at (3, 0, 2, 1)", (f"{NO_SCALE} numbers up to 256 that", NORMALISE), with_value(256)),
            ("", "1.234 at (3, 0, 2, 1)", (f"{NO_SCALE} numbers up to 7 that", NORMALISE), with_value(1.234)),
            ("", "0.3 at (3, 0, 2, 1)", ("of 0.00392157 from 0;", "fits --input-scale 0.00196078\n"), with_value(76.5) / 255),
            ("", "", (f"{NO_SCALE} numbers down to -1.", NORMALISE), (frames() - 3.5) / 2.3),
            ("", "1799 at (0, 0, 0, 0)", ("multiples of 1 from 0;", "fits --input-scale 257\n"), frames() * 257),
            ("--input-scale 0.5", "0.7 at (3, 0, 2, 1)", ("of 0.5 from 0;", "fits --input-scale 0.1\n"), with_value(0.7)),
            ("--input-scale 2", "", ("of 2 from 0;", "fits --input-scale 1\n"), frames()),
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
    bad(
        f"run {DIGITS.with_name('digits_vae.onnx')} --input d.npy --labels y.npy --output o.npy",
        "y.npy: digits_vae draws samples, and no scores of classes",
        d_npy=np.zeros((12, 1, 8, 8), np.float32),
        y_npy=np.zeros(12, int),
    ),
]  # fmt: skip

TARGETS = [
    bad(f"plan {DIGITS} --interval 1 --part xc7a35t -o p.json", "interval of 1 cycles", "64"),
    bad("plan good.onnx --interval 0 -o p.json", "--interval", "0 is not in the range"),
    bad("plan good.onnx --interval -3 -o p.json", "--interval", "-3 is not in the range"),
    bad("plan good.onnx --interval 1.5 -o p.json", "--interval", "1.5"),
    bad("plan bad.onnx --interval 16 --part xc7a35t -o p.json", "16 cycles", "LUT", "xc7a35t", bad_onnx=Tiny(channels=4000)),
    bad("plan good.onnx --interval 99 --fps 7", "one target is enough"),
    bad("plan good.onnx --fps 1e12", "1e+12 frames per second", "one cycle"),
    bad("plan good.onnx --part xc7vx691t -o p.json", "unknown part xc7vx691t", "xc7vx690t"),
    bad("convert good.onnx --part zynq -o out", "unknown part zynq"),
    *(
        bad(f"{command} good.onnx {option} EMPTY", option, "it is empty")
        for command, option in (
            *((command, "--part") for command in ("plan", "convert", "synth", "route")),
            ("plan", "-o"),
            ("convert", "-o"),
            ("package", "-o"),
            ("route", "--work"),
            ("synth", "--report"),
            ("convert", "--plan"),
        )
    ),
    *(
        bad(f"plan good.onnx {option} {value}", option, value)
        for option in ("--fps", "--clock-mhz", "--input-scale")
        for value in ("nan", "inf", "0", "-1", "many")
    ),
    bad(f"{RUN} --on vivado", "--on", "vivado"),
    bad(f"{RUN} --waves w.fst", "--waves", "verilator"),
    bad("run good.onnx --input x.npy --output o.npy --on verilator --waves w.vcd", "w.vcd", ".fst"),
    bad("run good.onnx --input x.npy --output w.gtkw --on verilator --waves w.fst", "views", "not all different"),
    bad("run good.onnx --input x.npy --output x.npy", "--input", "not all different"),
    bad("plan digits_bcn", "digits_bcn", "shipped", "digits_bcnn"),
    bad("compare good.onnx --input x.npy --frames 0", "--frames"),
    bad("compare good.onnx --input x.npy --idle 256", "--idle"),
    bad("compare good.onnx", "--input"),
    bad("plan", "MODEL"),
    bad("plan good.onnx more", "more"),
    bad("plan good.onnx --bogus", "--bogus"),
    bad("plann good.onnx", "plann"),
    bad("bench", "Missing command"),
    bad("data cifar -o out", "cifar", "digits, mnist or cifar10"),
    bad("data mnist --data y.npy -o out", "y.npy", "train-images-idx3-ubyte"),
    bad("train digits_bcnn --checkpoint c.pt", "digits_bcnn", "--checkpoint", "cifar10_bcnn_small"),
]

WRITTEN = {
    "plan good.onnx -o {}": "p.json",
    "run good.onnx --input x.npy --output {}": "o.npy",
    "run good.onnx --input x.npy --output o.npy --trace {}": "t.npz",
    "run good.onnx --input x.npy --output o.npy --on verilator --waves {}": "w.fst",
    "verify good.onnx --input x.npy --report {}": "r.json",
    "synth good.onnx --report {}": "r.json",
    "train digits_bcnn -o {}": "d.onnx",
    "random digits_bcnn -o {}": "d.onnx",
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
    def test_refused(self, case: Bad, refused: Refused, data: Path, tmp_path: Path) -> None:
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
        refused(["" if word == "EMPTY" else word for word in case.arguments.split()], *case.says)


class TestNames:
    """The file at fault is named, once, and no other."""

    MODEL = MODELS / "digits_vae.onnx"

    @pytest.fixture(autouse=True)
    def files(self, own_folder: None) -> None:
        random = np.random.default_rng(3)
        good = random.integers(0, 17, (40, 1, 8, 8)).astype(np.float32)
        np.save("good.npy", good)
        np.save("shape.npy", good[:, :, :4])
        np.save("nan.npy", np.where(good == 3, np.nan, good).astype(np.float32))
        proto = onnx.load(str(self.MODEL))
        del proto.metadata_props[:]
        onnx.save(proto, "raw.onnx")

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ("none.npy", "No such file or directory"),
            ("shape.npy", "input of shape (40, 1, 4, 8), expected"),
            ("nan.npy", "input value nan at"),
        ],
    )
    def test_the_file_at_fault(self, wrong: str, says: str, refused: Refused) -> None:
        run, output = ["run", "raw.onnx", "--input"], ["--output", "y.npy"]
        for use in (
            [*run, wrong, *output, "--calibration", "good.npy"],
            [*run, "good.npy", *output, "--calibration", wrong],
            ["calibrate", "raw.onnx", "--input", wrong, "-o", "made.onnx"],
            ["inspect", "raw.onnx", "--calibration", wrong],
        ):
            refused(use, f"error: {wrong}: {says}")


# plans


Change = Callable[[dict[str, Any]], object]


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
    "no part": (sets("part", ""), "unknown part"),
    "part with more behind it": (sets("part", "xc7a35t\nx"), "behind xc7a35t may stand"),
    "layers in a dictionary": (sets("layers", {}), "layers"),
    "a number as layer": (sets("layers", [3]), "name"),
    "no layers": (sets("layers", []), "conv1"),
    "layer missing": (lambda plan: plan["layers"].pop(), "the model has"),
    "other layer": (layer(sets("name", "conv9")), "conv9"),
    "another shape": (layer(sets("shape", [9, 9, 3])), "a plan for another network: there conv1 gives [9, 9, 3], here ["),
    "no shape at all": (layer(sets("shape", None)), "there conv1 gives null"),
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
    def test_damaged_plans(self, name: str, refused: Refused, data: Path) -> None:
        plan = json.loads((data / "plan.json").read_text())
        change, says = PLANS[name]
        change(plan)
        Path("bad.json").write_text(json.dumps(plan))
        refused(["convert", data / "tiny.onnx", "--plan", "bad.json", "-o", "out"], "bad.json", says)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "3", "null", '"plan"', "[" * 100_000, "\xff\xfe", '{"schema": 1e999}', "9" * 5000]
    )
    def test_files_that_are_no_plan(self, text: str, refused: Refused, tiny: Path) -> None:
        Path("bad.json").write_bytes(text.encode("latin-1"))
        refused(["synth", tiny, "--plan", "bad.json", "--work", "out"], "bad.json", "not a plan")

    def test_plan_for_other_pixels(self, call: Call, refused: Refused) -> None:
        """It says at `plan` what is assumed and how to state another; the refusal names the plan, and what it says works."""
        model = Tiny(quantised=False).save(Path("plain.onnx"))
        np.save("x.npy", frames())
        for use in (["plan", model, "-o", "assumed.json"], ["convert", model, "-o", "verilog"], ["package", model, "-o", "core"]):
            said = call(*use)
            assert said.status == 0
            assert "multiples of 1/255 from 0 to 1 are assumed" in said.err
            assert "For pixels from 0 to 255 give --input-scale 1" in said.err
        run = ["run", model, "--input", "x.npy", "--output", "y.npy"]
        made_for = "error: assumed.json: it was made for pixels in steps of 0.00392156863, here they are in steps of 1: "
        refused([*run, "--plan", "assumed.json"], made_for, "make the plan, too, with --input-scale 1\n")
        stated = call("plan", model, "--input-scale", 1, "-o", "stated.json")
        assert (stated.status, stated.err) == (0, "")
        assert call(*run, "--plan", "stated.json").status == 0

    def test_plan_for_another_network(self, call: Call, refused: Refused, data: Path, tiny: Path) -> None:
        other = data / "plan.json"
        refused(["convert", DIGITS, "--plan", other, "-o", "out"], "plan.json", "conv1, pool1, dense1", "conv2")
        call("plan", Tiny(classes=7).save(Path("seven.onnx")), "-o", "seven.json")
        says = "seven.json", "a plan for another network: there dense1 gives [1, 1, 7], here [1, 1, 3]"
        np.save("x.npy", frames())
        for use in (
            ["convert", tiny, "-o", "out"],
            ["run", tiny, "--input", "x.npy", "--output", "y.npy"],
            ["compare", tiny, "--input", "x.npy"],
        ):
            refused([*use, "--plan", "seven.json"], *says)
        plan = json.loads(Path("seven.json").read_text())
        for layer in plan["layers"]:
            del layer["shape"]  # as earlier programs wrote it
        plan["layers"][2]["folding"]["lanes"] = 7
        Path("seven.json").write_text(json.dumps(plan))
        refused(["convert", tiny, "--plan", "seven.json", "-o", "out"], "seven.json", "dense1", "lanes=7", "3 channels")

    def test_plan_for_another_part(self, call: Call, refused: Refused, tmp_path: Path) -> None:
        """Of another family, wherever a plan and a part or a board meet; of another device where there is too little room."""
        assert call("plan", DIGITS, "-o", tmp_path / "vx.json").status == 0
        assert call("plan", DIGITS, "--part", "lfe5u-85f", "--interval", 768, "-o", tmp_path / "ecp5.json").status == 0
        theirs = "a plan for lfe5u-85f, of ECP5, and none for "
        for use, part in (
            (["synth", "--part", "xczu3eg"], "xczu3eg"),
            (["bench", "link", "--board", "tangnano20k"], "GW2AR-LV18QN88C8/I7"),
            (["board", "--board", "vc709", "-o", "out"], "xc7vx690tffg1761-2"),
            (["convert", "--part", "xc7a35t", "-o", "out"], "xc7a35t"),
            (["package", "--part", "xc7a35t", "-o", "out"], "xc7a35t"),
            (["bench", "gates", "--part", "xc7a35t"], "xc7a35t"),
        ):
            words = [*use[:2], DIGITS, *use[2:]] if use[0] == "bench" else [use[0], DIGITS, *use[1:]]
            helps = f"sigmabit plan --part {part} makes one for that"
            refused([*words, "--plan", tmp_path / "ecp5.json"], "ecp5.json", theirs + part, helps)
        small = "a plan for xc7vx690t that needs ", " LUT, and of xc7s6 may be used ", "sigmabit plan --part xc7s6 makes one"
        refused(["convert", DIGITS, "--plan", tmp_path / "vx.json", "--part", "xc7s6", "-o", "out"], *small)
        fitting = ["convert", DIGITS, "--plan", tmp_path / "vx.json", "--part", "xc7a100t", "-o", "out", "--json"]
        assert call(*fitting).status == 0


# what is missing


class TestMissing:
    @pytest.mark.parametrize("missing", ["torch", "brevitas"])
    def test_training_without_its_extra(self, missing: str, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("train", "topologies"):
            monkeypatch.delitem(sys.modules, f"sigmabit.scripts.{module}", raising=False)
        monkeypatch.setitem(sys.modules, "torch", None)
        monkeypatch.setitem(sys.modules, "brevitas", None)
        refused(["train", "digits_bcnn"], "training", "sigmabit[training]")

    def test_damaged_data_set(self, refused: Refused) -> None:
        Path("mnist").mkdir()
        file = Path("mnist", "train-images-idx3-ubyte.gz")
        for content in (b"", b"\x1f\x8b\x08 broken", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"):
            file.write_bytes(content)
            refused(["data", "mnist", "--data", ".", "-o", "out"], str(file), "truncated")


# interruptions and full disks: what is not whole is not there


@pytest.fixture(scope="module")
def prepared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network and frames, and a slow plan and its Verilog, unlike those that a command makes by itself."""
    folder = tmp_path_factory.mktemp("prepared")
    model, plan = folder / "good.onnx", folder / "plan.json"
    shutil.copy(data / "tiny.onnx", model)
    shutil.copy(data / "x.npy", folder)
    assert command("plan", model, "--interval", 64, "-o", plan).status == 0
    assert command("convert", model, "--plan", plan, "-o", folder / "old").status == 0
    return folder


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
        refused: Refused,
        prepared: Path,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
        monkeypatch.setattr(place, function, failing_after(calls, getattr(place, function), failure))
        refused(arguments.split(), says, status=status)


def test_commands_that_are_none(refused: Refused) -> None:
    """The nearest are named."""
    refused(["plann", "x.onnx"], "No such command 'plann'. Did you mean 'plan'?")
    refused(["serve", "x.onnx"], "Did you mean 'serve-sim'?")
    refused(["xyz"], "No such command 'xyz'.")
