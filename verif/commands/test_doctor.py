"""doctor: what is there is named, what is missing too, with what brings it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sigmabit.scripts.api import environment as module

from ..harness.command_line import Call

pytestmark = pytest.mark.usefixtures("own_folder")


def test_here(call: Call) -> None:
    """All that these tests need is there."""
    found = call("doctor", "--json").json
    assert found["missing"] == []
    assert {name for name, part in found["parts"].items() if part["found"]} >= {"python", "verilator", "g++", "[test]", "cache"}
    people = call("doctor").out
    assert "MISSING" not in people and all(name in people for name in ("pyosys", "[ecp5]", "iverilog"))


def test_compiler_is_missing(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is needed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("g++") is None
    found = call("doctor")
    assert found.status == 2 and found.err == "error: g++, make, perl: missing, and needed\n"
    assert found.out.count("MISSING: apt install") == 3


def test_extra_is_missing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not, but what brings it is said."""
    known = module.version

    def without(name: str) -> str:
        if name == "liteeth":
            raise module.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(module, "version", without)
    assert "not there: pip install 'sigmabit[ethernet]'" in " ".join(call("doctor").out.split())
