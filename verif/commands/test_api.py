"""`import sigmabit`: what commands call and nothing else, documented, and seen by static tools."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sigmabit

from ..harness import needs
from ..harness.command_line import MODELS, Tiny, frames

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ROOT / "scripts" / "commands"
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.py")) if path.stem != "from_torch"]
"""But for the one that needs PyTorch, which may not be there to be looked at."""

SHOWING = ("interface", "drawing")
"""Wings of scripts/ that are a command's own business: its options, its files, its tables and pictures."""


def strangers(path: Path) -> set[str]:
    """What a command takes from the project that is neither public nor its own business."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            wing = module.partition(".")[0]
            inside = (wing == "sigmabit", wing not in ("", "options"), wing not in SHOWING)[node.level]
            found |= {module} if inside else set()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("sigmabit.")}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sigmabit":
            found |= {node.attr} - set(sigmabit.__all__)
    return found


def test_commands_call_only_public_names() -> None:
    """All of them; bench measures what is inside, and is a folder of its own."""
    commands = {path.stem: strangers(path) for path in COMMANDS.glob("*.py") if path.stem not in ("__init__", "options")}
    assert len(commands) > 20 and {name: found for name, found in commands.items() if found} == {}


def test_a_stranger_is_seen(tmp_path: Path) -> None:
    """Each way to call something else."""
    (tmp_path / "command.py").write_text(
        "import sigmabit.golden\nfrom sigmabit.hdl import planning\nfrom ..measures import area\nfrom .run import run\n"
        "from ..interface.files import check_writable\nfrom . import options\nsigmabit.nonsense()\nsigmabit.load()\n"
    )
    assert strangers(tmp_path / "command.py") == {"sigmabit.golden", "sigmabit.hdl", "measures", "run", "nonsense"}


def functions() -> list[str]:
    """The public functions."""
    return [name for name in sigmabit.__all__ if inspect.isfunction(getattr(sigmabit, name))]


@pytest.mark.parametrize("name", functions())
def test_functions_say_what_they_take(name: str) -> None:
    """Types of all arguments and of the result; every keyword of a function that has some is in its docstring."""
    function = getattr(sigmabit, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert [key for key, value in signature.parameters.items() if value.annotation is inspect.Signature.empty] == []
    text = inspect.getdoc(function) or ""
    named = [key for key, value in signature.parameters.items() if value.kind is inspect.Parameter.KEYWORD_ONLY]
    assert [key for key in named if not re.search(rf"^ +{key}: ", text, re.MULTILINE)] == []
    assert text.endswith(".")


def test_the_page_has_every_name() -> None:
    """Once each in its tables, and no other."""
    text = (ROOT / "docs" / "api.md").read_text()
    rows = [cell for line in re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE) for cell in re.findall(r"`(\w+)`", line)]
    assert sorted(rows) == sorted(sigmabit.__all__)


def test_import_is_quick() -> None:
    """Nothing of what the names need is loaded before one is used; and a name that is not there is none."""
    code = "import sys, sigmabit; print(sigmabit.__version__, 'numpy' in sys.modules, hasattr(sigmabit, 'nonsense'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [sigmabit.__version__, "False", "False"]
    assert set(sigmabit.__all__) <= set(dir(sigmabit))


def test_reprs_are_short() -> None:
    """No arrays."""
    network = sigmabit.load("digits_bcnn")
    assert repr(network) == "<Network digits_bcnn: 1x8x8 to 10, 5 layers, 337,536 MAC per frame>"
    assert re.fullmatch(
        r"<Plan digits_bcnn on xc7vx690t: interval 64, latency 229 cycles, about [\d,]+ LUT>", repr(sigmabit.plan(network))
    )


def test_shipped_models_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of them, anywhere; a file of that name here is the one that is meant."""
    monkeypatch.chdir(tmp_path)
    assert {path.resolve() for path in sigmabit.shipped().values()} == set(MODELS.rglob("*.onnx"))
    shutil.copy(Tiny().save(tmp_path / "tiny.onnx"), "digits_bcnn")
    assert sigmabit.load("digits_bcnn").input.first == (1, 4, 4)
    assert sigmabit.load("digits_cnn", remark=print).input.first == (1, 8, 8)


def test_arrays_do_as_well_as_files(tmp_path: Path) -> None:
    """Frames, conditions and samples."""
    model, x = Tiny().save(tmp_path / "tiny.onnx"), frames()
    np.save(tmp_path / "x.npy", x)
    from_array, from_file = (sigmabit.load_with_frames(model, data) for data in (x, tmp_path / "x.npy"))
    np.testing.assert_array_equal(from_array.codes, from_file.codes)
    with pytest.raises(sigmabit.InputError, match="the frames: input of shape"):
        sigmabit.load_with_frames(model, x[:, :, 1:])


def test_what_is_assumed_is_a_warning(tmp_path: Path) -> None:
    """Or goes to who asks for it."""
    model = Tiny(quantised=False).save(tmp_path / "tiny.onnx")
    with pytest.warns(sigmabit.Notice, match="no Quant node fixes the input's grid"):
        sigmabit.load(model)
    heard: list[str] = []
    sigmabit.load(model, remark=heard.append)
    assert len(heard) == 1


def test_a_typed_program_outside_the_tree(tmp_path: Path) -> None:
    """Every name that the examples use is resolved in an editable install as in a wheel, and strict checking finds nothing."""
    program = needs.pyright()
    for path in EXAMPLES:
        shutil.copy(path, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    (tmp_path / "wrong.py").write_text("import sigmabit\n\nsigmabit.plan(sigmabit.load('x'), interval='fast')\n")
    arguments = [str(program), "--outputjson", "--pythonpath", sys.executable]
    found = json.loads(subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False).stdout)
    errors = [(Path(each["file"]).name, each["message"]) for each in found["generalDiagnostics"] if each["severity"] == "error"]
    assert [name for name, _ in errors] == ["wrong.py"]
    assert '"interval"' in errors[0][1]


def _digits() -> tuple[sigmabit.Network, sigmabit.Plan, NDArray[np.int64]]:
    network = sigmabit.load("digits_bcnn")
    return network, sigmabit.plan(network), network.input.encode(np.zeros((3, 1, 8, 8), np.float32))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda codes: codes + 1000, "codes from 1000 to 1000 of type int64, expected whole numbers from 0 to "),
        (lambda codes: codes.astype(np.float32), "of type float32"),
        (lambda codes: codes[:, :7], r"codes of shape \(3, 7, 8, 1\), expected \(N, 8, 8, 1\)"),
        (lambda codes: codes[0], r"codes of shape \(8, 8, 1\)"),
        (lambda codes: codes[:0], r"codes of shape \(0, 8, 8, 1\)"),
        (lambda codes: codes.tolist(), "codes of shape list"),
    ],
)
def test_what_are_no_codes(change: Callable[[Any], Any], says: str) -> None:
    """Whatever is to compute them, before anything is built."""
    network, plan, codes = _digits()
    for refused in (
        lambda wrong: sigmabit.run(network, wrong),
        lambda wrong: sigmabit.run(network, wrong, on="verilator", plan=plan),
        lambda wrong: sigmabit.compare(plan, wrong),
        lambda wrong: sigmabit.verify("digits_bcnn", plan, np.zeros((3, 1, 8, 8), np.float32), wrong),
    ):
        with pytest.raises(sigmabit.InputError, match=says):
            refused(change(codes))


def test_what_does_not_go_together(tmp_path: Path) -> None:
    """Another network's plan, a simulator that is none, waves of golden, a folder for a file; rates and aims that are none."""
    network, plan, codes = _digits()
    other = sigmabit.load("mnist_bcnn")
    with pytest.raises(sigmabit.InputError, match="a plan of digits_bcnn, expected one of mnist_bcnn"):
        sigmabit.run(other, np.zeros((1, *other.input.tensor.shape), np.int64), on="verilator", plan=plan)
    with pytest.raises(sigmabit.InputError, match="unknown simulator vcs"):
        sigmabit.run(network, codes, on="vcs")
    with pytest.raises(sigmabit.InputError, match="golden has none"):
        sigmabit.run(network, codes, waves=tmp_path / "w.fst")
    with pytest.raises(sigmabit.InputError, match="is a folder"):
        sigmabit.run(network, codes, on="verilator", plan=plan, waves=tmp_path)
    for refused in (
        lambda: sigmabit.verify("mnist_bcnn", plan, np.zeros((3, 1, 8, 8), np.float32), codes),
        lambda: sigmabit.report("mnist_bcnn", plan, np.zeros((3, 1, 8, 8), np.float32), codes, tmp_path / "report"),
    ):
        with pytest.raises(
            sigmabit.InputError, match=r"a plan of digits_bcnn as read from another file, expected one of .*mnist"
        ):
            refused()
    for name, value in (("fps", 0), ("fps", float("nan")), ("clock_mhz", -5), ("clock_mhz", 0), ("fastest", "x")):
        with pytest.raises(sigmabit.InputError, match=f"{name}="):
            sigmabit.plan(network, **{name: value})  # type: ignore[arg-type]


def test_the_same_network_from_a_calibrated_copy(tmp_path: Path) -> None:
    """It is the same graph: its plan is taken for the file it was copied from."""
    x = sigmabit.held_out("digits_cnn")[0][:40]
    calibrated = sigmabit.calibrate("digits_cnn", x, weights=6)
    calibrated.write(tmp_path / "copy.onnx")
    assert sigmabit.load(tmp_path / "copy.onnx").origin == calibrated.network.origin == sigmabit.load("digits_cnn").origin
    assert calibrated.network.origin != sigmabit.load("digits_bcnn").origin


def test_seeds_and_places_that_are_none(tmp_path: Path) -> None:
    """Of whatever draws; a folder that cannot be made."""
    vae = sigmabit.load("digits_vae")
    for seed in (-1, 2**64):
        with pytest.raises(sigmabit.InputError, match=f"seed={seed}, expected a whole number from 0"):
            sigmabit.noise(vae, 3, seed=seed)
    with pytest.raises(sigmabit.InputError, match="seed=-1"):
        sigmabit.seeded("digits_bcnn", seed=-1)
    with pytest.raises(sigmabit.InputError, match="lanes=0, expected from 1 to 256"):
        sigmabit.sampler_cost(lanes=0)
    with pytest.raises(sigmabit.InputError, match="weights=99, expected from 2 to"):
        sigmabit.calibrate("digits_cnn", sigmabit.held_out("digits_cnn")[0], weights=99)
    (tmp_path / "taken").write_text("")
    with pytest.raises(sigmabit.OutputError, match="taken: cannot be written: "):
        sigmabit.convert(sigmabit.plan(sigmabit.load("digits_bcnn"))).write(tmp_path / "taken")


def test_boards_have_their_parts(tmp_path: Path) -> None:
    """Plans for others are refused, and the default board's simulation takes any."""
    network, plan, _ = _digits()
    with pytest.raises(sigmabit.BoardError, match=r"ulx3s: its part is LFE5U-85F.*, and the plan is for xc7vx690t"):
        sigmabit.system(plan, sigmabit.board("ulx3s"))
    with pytest.raises(sigmabit.BoardError, match=r"the plan is for xc7vx690t; sigmabit plan --part LFE5U-85F-6BG381C makes one"):
        sigmabit.route(plan, tmp_path, board=sigmabit.board("ulx3s"))
    board = sigmabit.board("vc709")
    system = sigmabit.system(sigmabit.plan(network, part=board.part, interval=2000), board)
    assert system.to_json()["board"] == "vc709" and system.mhz == 200


def test_a_name_of_a_model_that_is_none() -> None:
    """The shipped ones are told."""
    with pytest.raises(sigmabit.InputError, match=r"digits_bcn: no such file, nor a shipped model; those are .*digits_bcnn"):
        sigmabit.load("digits_bcn")


def test_every_public_name_is_documented() -> None:
    """Functions, classes, and what classes have: the site leaves out what is not."""
    bare = []
    for name in sigmabit.__all__:
        thing = getattr(sigmabit, name)
        if inspect.isclass(thing):
            own = {key: each for key, each in vars(thing).items() if not key.startswith("_")}
            members = {
                key: each for key, each in own.items() if inspect.isfunction(each) or isinstance(each, (property, staticmethod))
            }
            bare += [f"{name}.{key}" for key, each in members.items() if not inspect.getdoc(getattr(thing, key) or each)]
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and not (thing.__doc__ or "").strip():
            bare.append(name)
    assert bare == []
