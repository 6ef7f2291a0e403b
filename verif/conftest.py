"""Fixtures for the tests of the `sigmabit` command."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from sigmabit.scripts import cli
from sigmabit.scripts.data.datasets import digits

from .harness.command_line import Call, Refused, Result, Tiny, command, frames, listing


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The test runs in its temporary folder, where nothing else is."""
    monkeypatch.chdir(tmp_path)


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


@pytest.fixture
def refused(call: Call) -> Refused:
    """The command ends with one sentence that holds all of `says`, and leaves the current folder as it was."""

    def check(arguments: list[object], *says: str, status: int = 2) -> None:
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

    return check


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny network, frames for it, its plan, and the digits with their classes; only to be read."""
    folder = tmp_path_factory.mktemp("data")
    Tiny().save(folder / "tiny.onnx")
    np.save(folder / "x.npy", frames())
    np.save(folder / "digits.npy", digits().test_images)
    np.save(folder / "classes.npy", digits().test_labels)
    assert command("plan", folder / "tiny.onnx", "-o", folder / "plan.json").status == 0
    return folder


@pytest.fixture
def tiny(data: Path) -> Path:
    """The tiny network's file."""
    return data / "tiny.onnx"
