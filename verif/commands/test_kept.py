"""Builds that are kept: damaged ones are made again, killed ones are swept, simultaneous ones wait; programs end with who has
started them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sigmabit.hdl.noise.sampler import SamplerConfig

from ..simulation import objcache, sampler_run
from ..simulation.kept import DIGESTS, UNFINISHED, kept, undamaged
from ..simulation.sampler_run import draw
from ..simulation.toolchain import ToolError, cache_folder, verilator_environment, verilator_root

WAIT = 60
"""Seconds after which something will not happen any more."""


def until(happens: Callable[[], object]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + WAIT
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fill(fresh: Path) -> None:
    """A build for want of a slower one."""
    (fresh / "verilog").mkdir()
    (fresh / "verilog" / "a.mem").write_text("0\n1\n")
    (fresh / "model").write_text("#!/bin/sh\n")
    (fresh / "model").chmod(0o755)


class TestKept:
    def test_made_once(self, tmp_path: Path) -> None:
        made: list[Path] = []

        def make(fresh: Path) -> None:
            made.append(fresh)
            fill(fresh)

        for _ in range(3):
            assert kept(tmp_path / "some" / "build", make) == tmp_path / "some" / "build"
        assert len(made) == 1
        assert {path.name for path in (tmp_path / "some").iterdir()} == {"build", ".build.lock"}

    @pytest.mark.parametrize(
        "damage",
        [
            lambda folder: (folder / "verilog" / "a.mem").unlink(),
            lambda folder: (folder / "verilog" / "a.mem").write_text("0\n"),
            lambda folder: (folder / "verilog" / "a.mem").write_text("0\n0\n"),
            lambda folder: (folder / "model").write_bytes(b""),
            lambda folder: (folder / "model").unlink(),
            lambda folder: (folder / "model").chmod(0o644),
            lambda folder: (folder / DIGESTS).unlink(),
            lambda folder: (folder / DIGESTS).write_bytes(b"\xff"),
            lambda folder: shutil.rmtree(folder / "verilog"),
            lambda folder: folder.rename(folder.with_name("gone")).joinpath("model").rename(folder),
        ],
    )
    def test_damaged(self, damage: Callable[[Path], object], tmp_path: Path) -> None:
        folder = kept(tmp_path / "build", fill)
        damage(folder)
        assert not undamaged(folder)
        assert kept(folder, fill) == folder
        assert undamaged(folder)
        assert (folder / "verilog" / "a.mem").read_text() == "0\n1\n"
        assert os.access(folder / "model", os.X_OK)

    def test_a_failed_build_leaves_nothing(self, tmp_path: Path) -> None:
        def make(fresh: Path) -> None:
            fill(fresh)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            kept(tmp_path / "build", make)
        assert [path.name for path in tmp_path.iterdir()] == [".build.lock"]

    def test_those_of_the_killed_are_swept(self, tmp_path: Path) -> None:
        """Whoever builds removes what the dead have left, and what the living are at work on stays."""
        program = """
import time, sys
from pathlib import Path
from sigmabit.verif.simulation.kept import kept
def make(fresh):
    (fresh / "half").write_text("")
    time.sleep(100)
kept(Path(sys.argv[1]), make)
"""
        builders = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / name)]) for name in ("dead", "own", "alive")]
        try:
            until(lambda: len(list(tmp_path.glob(f"*{UNFINISHED}*/half"))) == 3)
            for builder in builders[:2]:
                builder.kill()
                builder.wait()
            kept(tmp_path / "own", fill)
            left = [path.name.partition(UNFINISHED)[0] for path in tmp_path.glob(f"*{UNFINISHED}*")]
        finally:
            for builder in builders:
                builder.kill()
                builder.wait()
        assert left == ["alive"]

    def test_two_at_once(self, tmp_path: Path) -> None:
        """The second one waits, and makes nothing."""
        program = """
import time, sys
from pathlib import Path
from sigmabit.verif.simulation.kept import kept
def make(fresh):
    (fresh / "model").write_text("")
    with open(sys.argv[2], "a") as file: file.write("made\\n")
    time.sleep(0.5)
kept(Path(sys.argv[1]), make)
"""
        command = [sys.executable, "-c", program, str(tmp_path / "build"), str(tmp_path / "log")]
        builders = [subprocess.Popen(command) for _ in range(3)]
        assert [builder.wait(WAIT) for builder in builders] == [0, 0, 0]
        assert (tmp_path / "log").read_text() == "made\n"

    def test_nowhere_to_write(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ToolError, match=r"file: .*SIGMABIT_CACHE names another folder"):
            kept(tmp_path / "file" / "build", fill)

    def test_a_full_disk(self, tmp_path: Path) -> None:
        def make(fresh: Path) -> None:
            raise OSError(28, "No space left on device")

        with pytest.raises(ToolError, match=rf"{tmp_path}/build: cannot be written: No space left on device"):
            kept(tmp_path / "build", make)


class TestPlace:
    @pytest.mark.parametrize(
        ("set_to", "folder"),
        [
            ({"SIGMABIT_CACHE": "/some/where"}, "/some/where"),
            ({"SIGMABIT_CACHE": "here"}, "CWD/here"),
            ({"SIGMABIT_CACHE": "", "XDG_CACHE_HOME": "/caches"}, "/caches/sigmabit"),
            ({"XDG_CACHE_HOME": ""}, "/someone/.cache/sigmabit"),
            ({"XDG_CACHE_HOME": "relative"}, "/someone/.cache/sigmabit"),  # which the standard has us ignore
            ({}, "/someone/.cache/sigmabit"),
        ],
    )
    def test_cache_folder(self, set_to: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("SIGMABIT_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", "/someone")
        for name, value in set_to.items():
            monkeypatch.setenv(name, value)
        assert str(cache_folder()) == folder.replace("CWD", str(tmp_path))

    def test_no_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def home() -> Path:
            raise RuntimeError("Could not determine home directory.")

        for name in ("SIGMABIT_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(Path, "home", home)
        with pytest.raises(ToolError, match="SIGMABIT_CACHE"):
            cache_folder()

    def test_a_blank(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIGMABIT_CACHE", "/some where")
        with pytest.raises(ToolError, match=r"/some where: a blank .*SIGMABIT_CACHE names another folder"):
            verilator_environment()


class TestLauncher:
    """The compiler's calls, as Verilator's makefiles make them."""

    @pytest.fixture
    def compile(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
        """Compile x.cpp in a folder of its own; the status."""
        root = verilator_root()
        monkeypatch.setenv("VERILATOR_ROOT", str(root))
        monkeypatch.chdir(tmp_path)
        Path("x.cpp").write_text('#include "verilated.h"\nint f(const VerilatedContext& c) { return c.gotFinish(); }\n')

        def call(*more: str) -> int:
            return objcache.main([str(tmp_path / "kept"), "g++", "-O0", "-std=c++20", "-MMD", f"-I{root / 'include'}", *more])

        return call

    def test_one_header_for_all(self, compile: Callable[..., int], tmp_path: Path) -> None:
        """The object is what it is without; the header is compiled once, and again where it is damaged."""
        assert compile("-include", "cstdio", "-c", "-o", "without.o", "x.cpp") == 0
        assert not Path("kept").exists()
        for _ in range(2):
            assert compile("-c", "-o", "x.o", "x.cpp") == 0
        assert Path("x.o").read_bytes() == Path("without.o").read_bytes()
        (ready,) = Path("kept").glob("*.gch")
        assert compile("-x", "c++-header", "x.h", "-o", "x.h.fast.gch") == 0  # which Verilator wants for a design's
        assert Path("x.h.fast.gch").samefile(ready)
        assert compile("-include", "x.h.fast", "-c", "-o", "x.o", "x.cpp") == 0
        with ready.open("r+b") as file:
            file.truncate(ready.stat().st_size // 2)
        assert compile("-c", "-o", "x.o", "x.cpp") == 0
        assert ready in Path("kept").glob("*.gch") and ready.stat().st_size > 1_000_000

    def test_what_fails_says_so(self, compile: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
        Path("y.cpp").write_text("no C++")
        assert compile("-c", "-o", "y.o", "y.cpp") == 1
        assert "y.cpp:1" in capfd.readouterr().err

    def test_where_nothing_can_be_kept(self, compile: Callable[..., int]) -> None:
        Path("kept").write_text("no folder")
        assert compile("-c", "-o", "x.o", "x.cpp") == 0
        assert Path("x.o").exists()


class TestPipelines:
    def test_damaged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A memory's contents that are missing or short end a simulation; where they are kept, they are made again."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SIGMABIT_CACHE", "o'd$d,#1")  # relative, and with what makefiles dislike
        config = SamplerConfig(1)
        right, _ = draw(config, 1, 100)
        program = next(tmp_path.glob("*/pipelines/sampler*/model"))
        memory = next((program.parent / "verilog").glob("*.mem"))
        contents = memory.read_bytes()
        monkeypatch.setattr(sampler_run, "build", lambda _: program)
        for damaged in (None, contents[: len(contents) // 2], b""):
            memory.unlink()
            if damaged is not None:
                memory.write_bytes(damaged)
            with pytest.raises(ToolError, match=memory.name):
                draw(config, 1, 100)
            memory.touch()
        monkeypatch.undo()
        monkeypatch.setenv("SIGMABIT_CACHE", str(tmp_path / "o'd$d,#1"))
        again, _ = draw(config, 1, 100)
        np.testing.assert_array_equal(again, right)
        assert memory.read_bytes() == contents
        assert len(list(tmp_path.glob("*/pipelines/sampler*/model"))) == 1
