"""The fuzzer: files that lie are refused in one sentence or read rightly, and it does find faults; and what it has found."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import sigmabit.verif.fuzzing.campaign
from sigmabit.fpga import boards as package_boards
from sigmabit.golden import Coding, SigmabitError, UnsupportedModelError, import_model
from sigmabit.golden.link.deframer import Deframer, Message, Reason
from sigmabit.golden.network.network import OutputFormat
from sigmabit.host.client import Client
from sigmabit.scripts.interface.files import read_array

from ..fuzzing import boards, models, plans
from ..fuzzing.arrays import Arrays
from ..fuzzing.boards import Boards
from ..fuzzing.campaign import Bounds, again, trials
from ..fuzzing.corpus import Whole
from ..fuzzing.kind import EXECUTION, LONGEST, Kind, Outcome, Stage, Verdict
from ..fuzzing.kinds import kinds
from ..fuzzing.models import Models
from ..fuzzing.mutation import in_message
from ..fuzzing.plans import Plans
from ..fuzzing.serial import Serial, client
from ..harness.command_line import Call
from ..harness.onnx_graphs import Builder, signs

CRASHERS = Path(__file__).parent / "crashers"

FILES = {"models": 24, "plans": 40, "boards": 100, "arrays": 150, "serial": 60}


def judged(kind: Kind, seed: int, folder: Path) -> Verdict:
    """A trial in this process."""
    place = folder / f"{kind.name}_{seed}"
    place.mkdir()
    return kind.trial(seed, place, lambda name: None)


@pytest.mark.parametrize("name", FILES)
def test_drawn_files(name: str, tmp_path: Path) -> None:
    """None fails; some are refused, and some are read."""
    verdicts = [judged(kinds(read_array)[name], seed, tmp_path) for seed in range(FILES[name])]
    assert not [verdict.text for verdict in verdicts if verdict.outcome is Outcome.FAILED]
    assert {Outcome.REFUSED, Outcome.RIGHT} <= {verdict.outcome for verdict in verdicts}


@pytest.mark.parametrize("message", [onnx.TensorProto(float_data=[1.0]), onnx.AttributeProto(floats=[1.0], f=2.0, i=3)])
def test_odd_values_of_fields(message: Any) -> None:
    """Whatever a field takes is put there, and what it does not take, such as a whole number beyond all floats, never stays."""
    whole = message.SerializeToString()
    drawn = set()
    for seed in range(500):
        changed = type(message).FromString(whole)
        in_message(random.Random(seed), changed)
        drawn.add(changed.SerializeToString())
    assert len(drawn) > 10


@pytest.mark.parametrize("name", FILES)
def test_the_same_file_from_the_same_seed(name: str, tmp_path: Path) -> None:
    """Nothing else is drawn from."""
    found = []
    for turn in ("first", "second"):
        for seed in (1, 2, 3):
            (tmp_path / turn).mkdir(exist_ok=True)
            judged(kinds(read_array)[name], seed, tmp_path / turn)
        found.append({path.relative_to(tmp_path / turn): path.read_bytes() for path in (tmp_path / turn).rglob("*.*")})
    assert found[0] == found[1]


def raising(error: Exception) -> Any:
    """A reader that does nothing else."""

    def read(*arguments: Any, **options: Any) -> Any:
        raise error

    return read


class TestItFails:
    """What no reader may do is found."""

    SEEDS = range(12)

    def failures(self, kind: Kind, folder: Path) -> list[str]:
        verdicts = [judged(kind, seed, folder) for seed in self.SEEDS]
        return [verdict.text for verdict in verdicts if verdict.outcome is Outcome.FAILED]

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (KeyError("x"), "KeyError"),
            (MemoryError(), "more memory"),
            (SigmabitError(""), "without a word"),
            (SigmabitError("it is wrong"), "the file is not named"),
            (SigmabitError("x" * (LONGEST + 1)), f"{LONGEST + 1} characters"),
            (RecursionError(), "RecursionError"),
        ],
        ids=["exception", "memory", "silence", "nameless", "endless", "recursion"],
    )
    def test_errors(self, error: Exception, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for module, name in ((models, "read_model"), (plans, "read_plan"), (package_boards, "board")):
            monkeypatch.setattr(module, name, raising(error))
        for kind in (Models(), Plans(), Boards(), Arrays(raising(error))):
            found = self.failures(kind, tmp_path)
            assert found and all(says in text for text in found)

    def test_warnings(self, tmp_path: Path) -> None:
        """They would stand beside the sentence."""

        def warn(path: Path) -> Any:
            warnings.warn("beware", stacklevel=1)

        assert "beware" in self.failures(Arrays(warn), tmp_path)[0]

    def test_other_numbers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        decode = OutputFormat.decode
        monkeypatch.setattr(OutputFormat, "decode", lambda form, results: decode(form, results) + 1)
        assert "frames differ" in self.failures(Models(), tmp_path)[0]

    def test_other_arrays(self, tmp_path: Path) -> None:
        """Of another type, and with other numbers."""
        for name, read, says in (
            ("deeper", lambda path: read_array(path)[None], "NumPy reads"),
            ("empty", lambda path: np.zeros_like(read_array(path)), "other numbers"),
        ):
            (tmp_path / name).mkdir()
            assert any(says in text for text in self.failures(Arrays(read), tmp_path / name))

    def test_other_plans(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A reader that takes any plan for the one that was written."""
        network, made = plans.planned()[0]
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(made))
        found = plans.read_plan(path, network)
        monkeypatch.setattr(plans, "planned", lambda: ((network, made),))
        monkeypatch.setattr(plans, "read_plan", lambda path, network: found)
        assert any("in the file" in text for text in self.failures(Plans(), tmp_path))

    def test_constraints_that_are_no_text(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(boards, "in_bytes", lambda chance, content, other: content)
        monkeypatch.setattr(boards, "in_json", lambda chance, value: value)
        assert self.failures(Boards(), tmp_path) == []
        for kind in package_boards.KINDS:
            monkeypatch.setattr(kind, "constraints", lambda board: "\x1b[2J")
        (tmp_path / "again").mkdir()
        assert "no plain text" in self.failures(Boards(), tmp_path / "again")[0]

    def test_damaged_messages(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A deframer that takes a frame whose CRC does not fit, and a client that guesses."""
        verdict = Deframer._verdict

        def trusting(deframer: Deframer) -> Message | Reason:
            found = verdict(deframer)
            return Message(2, 0, b"") if found is Reason.CRC else found

        monkeypatch.setattr(self, "SEEDS", range(60), raising=False)
        with monkeypatch.context() as patched:
            patched.setattr(Deframer, "_verdict", trusting)
            assert any("expected" in text for text in self.failures(Serial(), tmp_path))
        monkeypatch.setattr(Client, "run", lambda client, frames: np.zeros((7, 2), np.uint8))
        verdicts = [client(random.Random(seed)) for seed in range(8)]
        assert any(verdict.outcome is Outcome.FAILED and "results" in verdict.text for verdict in verdicts)


@dataclass(frozen=True)
class Bad:
    """What a process may do, by the seed."""

    name: str = "bad"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        (folder / "file").write_text(str(seed))
        stage("reading")
        match seed:
            case 5:
                while True:
                    pass
            case 6:
                _ = bytearray(1 << 30)
            case 7:
                os.kill(os.getpid(), signal.SIGSEGV)
            case 8:
                stage(EXECUTION)
                os.kill(os.getpid(), signal.SIGABRT)
            case 9:
                raise KeyError("a judge's own")
            case 10:
                time.sleep(1000)
        return Verdict(Outcome.RIGHT)


def test_bounds(tmp_path: Path) -> None:
    """Of time and memory; a process that dies is replaced, its file is kept, and the others' results are what they are."""
    bounded = trials(Bad(), range(10), 2, tmp_path, Bounds(256 << 20, seconds=1))
    patient = trials(Bad(), [10], 1, tmp_path, Bounds(patience=2))
    found = {trial.seed: trial for some in (bounded, patient) for trial in some}
    assert set(found) == set(range(11))
    failed = {seed: trial.verdict.text for seed, trial in found.items() if trial.verdict.outcome is Outcome.FAILED}
    assert set(failed) == {5, 6, 7, 9, 10}
    assert failed[5] == "reading: more than 1 s of processor time"
    assert "MemoryError" in failed[6]
    assert failed[7] == f"reading: the process ended with status {-signal.SIGSEGV}"
    assert "KeyError" in failed[9]
    assert failed[10] == "reading: no end in 2 s"
    assert found[8].verdict.outcome is Outcome.UNEXECUTED
    for seed in failed:
        folder = found[seed].kept
        assert folder is not None
        assert (folder / "file").read_text() == str(seed)
        assert again(Bad(), seed) in (folder / "verdict.txt").read_text()


@dataclass(frozen=True)
class Holding:
    """Each file leaves a third of the memory held by what holds itself, as an error and its traceback do."""

    name: str = "holding"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        held: list[Any] = [bytearray(b"1") * (80 << 20)]
        held.append(held)
        return Verdict(Outcome.RIGHT)


def test_memory_of_one_file_is_not_the_next_ones(tmp_path: Path) -> None:
    """It is let go of between files."""
    found = [trial.verdict for trial in trials(Holding(), range(12), 1, tmp_path, Bounds(256 << 20))]
    assert [verdict.text for verdict in found if verdict.outcome is not Outcome.RIGHT] == []
    assert len(found) == 12


def one_here(kind: Any, seeds: range, *others: Any) -> Iterator[Any]:
    """The first trial, in this process, in which a fault is planted."""
    with tempfile.TemporaryDirectory() as folder:
        verdict = kind.trial(seeds[0], Path(folder), lambda name: None)
    yield sigmabit.verif.fuzzing.campaign.Trial(seeds[0], verdict)


@pytest.mark.usefixtures("own_folder")
class TestCommand:
    def test_json(self, call: Call) -> None:
        result = call("bench", "fuzz", "--files", 20, "--seed", 7, "--jobs", 2, "--kind", "boards", "--json")
        assert sum(result.json["outcomes"].values()) == result.json["files"] == 20
        assert result.json["failures"] == []

    def test_a_failure_is_kept(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(package_boards, "board", raising(KeyError("x")))
        monkeypatch.setattr("sigmabit.verif.fuzzing.campaign.trials", one_here)
        result = call("bench", "fuzz", "--kind", "boards", "--files", 1, "--seed", 3)
        assert result.status == 1
        for words in ("seed 3: ", "KeyError: 'x'", "sigmabit bench fuzz --kind boards --files 1 --seed 3"):
            assert words in " ".join(result.out.split())  # lines end where the terminal does


CODING = Coding.stated(8, 1 / 64, -2.0)

FRAMES_OF = {"near_a_pole": 17038}
"""Seeds of the frames that show what was found, where not all do."""

SCALES = {"weights_that_overflow": 1.0, "levels_that_overflow": 0.5}
"""Steps of the pixels of files that were found, where it takes one."""


@pytest.mark.parametrize("path", sorted(CRASHERS.glob("*.onnx")), ids=lambda path: path.stem)
def test_what_was_found(path: Path) -> None:
    """Each ended otherwise once: in another exception, in a warning, or in wrong numbers."""
    coding = CODING if path.stem.startswith("condition_") else None
    whole = Whole(path.stem, b"", SCALES.get(path.stem), coding)
    verdict = Models().judged(path, whole, FRAMES_OF.get(path.stem, 1), True, lambda name: None)
    assert verdict.outcome is not Outcome.FAILED, verdict.text


@pytest.mark.parametrize(
    ("operator", "name", "numbers", "says"),
    [
        ("Conv", "strides", [2, 2, 2], "strides of 3 numbers, expected 2"),
        ("Conv", "pads", [1] * 6, "pads of 6 numbers, expected 4"),
        ("Conv", "dilations", [1], "dilations of 1 numbers, expected 2"),
        ("Conv", "kernel_shape", [2, 2], "kernel_shape is [2, 2], its weights have the shape (2, 1, 3, 3)"),
        ("MaxPool", "kernel_shape", [2, 2, 2], "kernel_shape of 3 numbers, expected 2"),
    ],
)
def test_windows_that_lie(operator: str, name: str, numbers: list[int], says: str, tmp_path: Path) -> None:
    """What executors refuse was read as if it were right."""
    g = Builder((1, 8, 8))
    bits = g("Sign", g("Sub", "x", 0.5))
    weights = [signs(np.random.default_rng(1), 2, 1, 3, 3)] if operator == "Conv" else []
    attributes: dict[str, Any] = {name: numbers}
    path = g.save(tmp_path / "m.onnx", g(operator, bits, *weights, **attributes))
    with pytest.raises(UnsupportedModelError, match=re.escape(says)):
        import_model(path)
