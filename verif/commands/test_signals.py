"""What ends a command from outside: signals, closed pipes, full disks. No traceback, no status 1, nothing left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sigmabit.fpga import programs

from ..harness.command_line import COMMAND, DIGITS, frames, outside

SENTENCE = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "its terminal was closed"}

every_signal = pytest.mark.parametrize("number", SENTENCE, ids=[number.name for number in SENTENCE])


def until(happens: Callable[[], object], seconds: float = 200) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def marked(mark: str) -> list[int]:
    """The processes in whose environment there is a mark, those left out that have ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            alive = (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:  # gone
            continue
    return found


class Started:
    """A command that runs, whose processes can be told from others."""

    def __init__(self, folder: Path, *arguments: object, program: object = COMMAND, **environment: str) -> None:
        self.mark = f"SIGMABIT_TEST={folder}/{time.monotonic_ns()}"
        name, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [str(program), *map(str, arguments)],
            env=outside() | environment | {name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def runs(self, name: str) -> bool:
        """Has it started a program of that name?"""
        commands = [Path(f"/proc/{number}/comm") for number in marked(self.mark)]
        return name in [path.read_text().strip() for path in commands if path.exists()]

    def ended(self) -> tuple[int, str, str]:
        """Its status, what it has said, and that all it has started is gone."""
        out, err = self.process.communicate(timeout=60)
        until(lambda: not marked(self.mark), 10)
        return self.process.returncode, out, err


class TestSignals:
    @every_signal
    def test_while_modules_are_imported(self, number: signal.Signals, tmp_path: Path) -> None:
        """Whenever it comes, from the first line of the command's own on."""
        program = "import sys; from sigmabit.scripts.cli import main; print(flush=True); sys.argv[1:] = ['--help']; main()"
        for delay in (0.05, 0.3):
            started = Started(tmp_path, "-c", program, program=sys.executable)
            assert started.process.stdout is not None
            started.process.stdout.readline()
            time.sleep(delay)
            started.process.send_signal(number)
            status, out, err = started.ended()
            assert (status, err) == (128 + number, f"error: {SENTENCE[number]}\n") or (status, err) == (0, "")
            assert status or out.startswith("Usage:")

    @pytest.fixture
    def slow_compiler(self, tmp_path: Path) -> Path:
        """A folder with compilers that go on for ever."""
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in ("g++", "c++"):
            (folder / name).write_text("#!/bin/sh\nsleep 1000 & wait\n")
            (folder / name).chmod(0o755)
        return folder

    @pytest.mark.parametrize("number", [*SENTENCE, signal.SIGKILL], ids=lambda number: number.name)
    def test_during_a_build(self, number: signal.Signals, slow_compiler: Path, tiny: Path, tmp_path: Path) -> None:
        """No compiler goes on, no half of a build is left; after SIGKILL, the next build sweeps."""
        np.save(tmp_path / "x.npy", frames())
        cache, temporary = tmp_path / "cache", tmp_path / "tmp"
        temporary.mkdir()
        started = Started(
            *(tmp_path, "run", tiny, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--on", "verilator"),
            PATH=f"{slow_compiler}:{os.environ['PATH']}",
            SIGMABIT_CACHE=str(cache),
            TMPDIR=str(temporary),
        )
        until(lambda: started.runs("sleep"))
        started.process.send_signal(number)
        status, out, err = started.ended()
        assert not (tmp_path / "y.npy").exists()
        if number == signal.SIGKILL:
            return
        assert (status, out, err.strip()) == (128 + number, "", f"error: {SENTENCE[number]}")
        assert list(temporary.iterdir()) == []
        assert {path.suffix for path in (cache / "pipelines").iterdir()} <= {".log", ".lock"}

    def test_during_synthesis(self, tiny: Path, tmp_path: Path) -> None:
        """Yosys runs in threads that nobody interrupts."""
        temporary = tmp_path / "tmp"
        temporary.mkdir()
        started = Started(tmp_path, "synth", tiny, TMPDIR=str(temporary))
        until(lambda: any(name.endswith(".ys") for _, _, names in os.walk(temporary) for name in names))
        started.process.terminate()
        began = time.monotonic()
        status, out, err = started.ended()
        assert (status, out, err) == (143, "", "error: terminated\n")
        assert time.monotonic() - began < 10
        assert list(temporary.iterdir()) == []

    def test_what_is_ignored_stays_so(self, tmp_path: Path) -> None:
        """As by nohup."""
        program = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); from sigmabit.scripts.cli import main; "
        program += "print(flush=True); sys.argv[1:] = ['--version']; main()"
        started = Started(tmp_path, "-c", program, program=sys.executable)
        assert started.process.stdout is not None
        started.process.stdout.readline()
        time.sleep(0.2)
        started.process.send_signal(signal.SIGHUP)
        assert started.ended()[0] == 0


class TestPrograms:
    def test_status(self) -> None:
        assert programs.call(["sh", "-c", "exit 7"]) == 7
        assert programs.call(["sh", "-c", "kill -9 $$"]) == 137

    def test_no_program(self, tmp_path: Path) -> None:
        """An empty file is no program, though a shell would take it for one."""
        (tmp_path / "empty").touch(0o755)
        for name in ("empty", "none"):
            with programs.running([str(tmp_path / name)], stderr=subprocess.PIPE, text=True) as process:
                _, said = process.communicate()
            assert process.returncode == 126
            assert said.startswith(f"{tmp_path / name}: ")

    def test_a_tree_of_processes_ends(self) -> None:
        """Those that ignore SIGTERM as well."""
        command = ["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait"]
        with programs.running(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            number = int(process.stdout.readline())
        until(lambda: not Path(f"/proc/{number}").exists() or ") Z " in Path(f"/proc/{number}/stat").read_text(), 10)


class TestOutput:
    @pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["plan", DIGITS, "--json"], ["plan", "none"]])
    def test_a_closed_pipe(self, arguments: list[object]) -> None:
        """Status 141, as of programs that SIGPIPE ends; not 1, which says that hardware is wrong."""
        for stream in ("stdout", "stderr"):
            reader, writer = os.pipe()
            os.close(reader)
            streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writer}
            done = subprocess.run([COMMAND, *map(str, arguments)], env=outside(), check=False, **streams)
            os.close(writer)
            fails, silent = "none" in arguments, stream == ("stdout" if "none" in arguments else "stderr")
            assert done.returncode == (2 if fails else 0 if silent else 141)
            if stream == "stdout" and not fails:
                assert done.stderr == b""

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_a_closed_stream(self, stream: str) -> None:
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {1 + (stream == "stderr")}>&-', COMMAND, "plan", DIGITS],
            env=outside(), capture_output=True, check=False
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_full_disk_behind_standard_output(self) -> None:
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [COMMAND, "plan", DIGITS], env=outside(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        says = f"error: standard output: cannot be written: {os.strerror(errno.ENOSPC)}\n"
        assert (done.returncode, done.stderr) == (2, says)

    @pytest.fixture
    def limited(self) -> Callable[..., subprocess.CompletedProcess[str]]:
        """Runs the command where no file may be larger than so many bytes."""

        def run(limit: int, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"', sys.executable, "-c", LIMITED, str(limit), *map(str, arguments)],
                env=outside() | environment,
                capture_output=True,
                text=True,
                check=False,
            )

        return run

    @pytest.mark.parametrize(
        ("limit", "arguments", "file"),
        [
            (50, "plan {model} -o plan.json", "plan.json"),
            (300, "run {model} --input x.npy --output y.npy", "y.npy"),
            (300, "run {model} --input x.npy --output /dev/null --trace t.npz", "t.npz"),
            (300, "convert {model} -o out", "tmp/"),  # where MyHDL writes
            (300, "sampler distribution -o s.csv", "s.csv"),
            (300, "data digits -o digits", "digits"),
            (30, "run {model} --input x.npy --output y.npy --on verilator", "tmp/"),
        ],
    )
    def test_a_full_disk(self, limit: int, arguments: str, file: str, limited: Any, tmp_path: Path) -> None:
        """The file is named, and nothing of it is left."""
        np.save(tmp_path / "x.npy", np.zeros((40, 1, 8, 8), np.float32))
        (tmp_path / "tmp").mkdir()
        words = arguments.format(model=DIGITS).split()
        places = {"SIGMABIT_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}
        done = limited(limit, tmp_path, *words, **places)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert file in done.stderr
        assert os.strerror(errno.EFBIG) in done.stderr
        left = {path.name for path in tmp_path.rglob("*") if path.suffix not in (".lock", ".log")}
        assert left <= {"x.npy", "tmp", "cache", "pipelines"}


LIMITED = """
import os, resource, sys
from sigmabit.scripts.cli import main
limit, folder, *arguments = sys.argv[1:]
os.chdir(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
sys.argv[1:] = arguments
main()
"""
