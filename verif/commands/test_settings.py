"""sigmabit.toml: every command reads it, make does, and the command line wins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import numpy as np
import pytest

from sigmabit.golden import InputError
from sigmabit.scripts.commands import options
from sigmabit.scripts.group import COMMANDS, sigmabit
from sigmabit.scripts.interface.settings import FILE, KEYS, blamed, defaults, settings

from ..harness.command_line import Call, Refused, Tiny

pytestmark = pytest.mark.usefixtures("own_folder")

ROOT = Path(__file__).resolve().parents[2]


def test_commands_read_it(call: Call, tiny: Path, data: Path) -> None:
    """Model, part, aim and frames, each once."""
    FILE.write_text(f'model = "{tiny}"\npart = "xc7a35t"\ninterval = 40\nclock_mhz = 100\ninput = "{data / "x.npy"}"\n')
    planned = call("plan", "--json").json
    assert planned["part"].startswith("xc7a35t")
    assert (planned["interval_cycles"], planned["clock_mhz"]) == (32, 100.0)
    assert call("convert", "-o", "verilog").status == 0
    assert call("run", "--output", "y.npy").status == 0
    assert np.load("y.npy").shape == (12, 3)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ([], {"interval": 40, "part": "xc7a100tcsg324-1"}),
        (["--interval", "50"], {"part": "xc7a100tcsg324-1"}),
        (["--fps", "9"], {"part": "xc7a100tcsg324-1"}),
        (["--fastest", "latency", "--part", "xc7a35t"], {}),
        (["--sweep"], {"part": "xc7a100tcsg324-1"}),
    ],
)
def test_the_command_line_wins(arguments: list[str], left: dict[str, object]) -> None:
    """An aim over all aims, a device over all devices; a board is its part where there is none."""
    command = sigmabit.get_command(None, "plan")
    assert command is not None
    found = defaults(command, arguments, {"model": "m.onnx", "interval": 40, "board": "arty_a7_100"})
    assert found == {"model": "m.onnx", **left}


def test_a_plan_is_all(tiny: Path) -> None:
    """Beside --plan nothing of what makes one counts."""
    command = sigmabit.get_command(None, "convert")
    assert command is not None
    said = {"interval": 40, "part": "xc7a35t", "clock_mhz": 9.0, "positions": "auto", "samples": 2}
    assert defaults(command, [str(tiny), "--plan", "p.json", "-o", "x"], said) == {"samples": 2}


def test_every_key_is_an_option() -> None:
    """Of some command; model is an argument."""
    found = {"model"}
    for name in COMMANDS:
        command = sigmabit.get_command(None, name)
        assert command is not None
        found |= {flag.lstrip("-").replace("-", "_") for each in command.params for flag in each.opts}
    assert set(KEYS) <= found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("interval =", "sigmabit.toml: Invalid value"),
        ('colour = "red"', "there is no colour, only baud, board,"),
        ("interval = true", "interval is 'True', expected int"),
        ("model = 3", "model is '3', expected str"),
        ('part = "a"\nboard = "b"', "part and board are both said"),
        ("\xff", "sigmabit.toml:"),
    ],
)
def test_what_cannot_be_said(text: str, says: str, refused: Refused) -> None:
    """One sentence."""
    FILE.write_bytes(text.encode("latin-1"))
    refused(["plan"], says)
    with pytest.raises(InputError, match=r"sigmabit\.toml"):
        settings()


def test_what_is_wrong_in_it_is_wrong_as_an_option(refused: Refused, tiny: Path) -> None:
    """With the option's own words."""
    FILE.write_text(f'model = "{tiny}"\ninterval = 0\n')
    refused(["plan"], "0 is not in the range x>=1. (sigmabit.toml says interval = 0)")
    FILE.write_text(f'model = "{tiny}"\npart = "xc7none"\n')
    refused(["plan"], "xc7none", "(sigmabit.toml says part = xc7none)")
    FILE.write_text('model = "nowhere"\n')
    refused(["plan"], "nowhere: no such file", "(sigmabit.toml says model = nowhere)")
    refused(["plan", "elsewhere"], "elsewhere: no such file, nor a shipped model; those are cifar10")


def test_what_it_says_is_not_blamed_for_all() -> None:
    """Only where a message holds a value of it, as a word of its own."""
    said = {"interval": 20, "part": "xc7a100t", "fps": 2.5}
    assert blamed(said, "no plan of 20 cycles for xc7a100tcsg324-1") == " (sigmabit.toml says interval = 20)"
    assert blamed(said, "120 or 2.55") == ""


def test_frames_of_shipped_digits(call: Call) -> None:
    """A shipped model of digits has the held-out ones; another needs a file."""
    context = click.Context(click.Command("x"), info_name="x")
    context.params["model"] = Path("nowhere.onnx")
    with pytest.raises(click.MissingParameter):
        options._frames(context, click.Option(["--input"]), None)
    found = call("run", "digits_bcnn", "--output", "y.npy", "--json").json
    assert found["frames"] == 599 and found["accuracy"] == pytest.approx(586 / 599)


def test_make_reads_it(tmp_path: Path) -> None:
    """As far as it has variables for it; what is given to make wins."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in ("fpga", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    FILE.write_text('model = "digits_cnn"  # shipped\nboard = "arty_a7_100"\nclock_mhz = 90\nsamples=2\n')
    (tmp_path / "show.mk").write_text("$(info $(MODEL)|$(PART)|$(BOARD)|$(CLOCK_MHZ)|$(SAMPLES)|$(BAUD))\n")

    def make(*arguments: str) -> str:
        command = ["make", "-s", "-f", "Makefile", "-f", "show.mk", *arguments, "--dry-run", "clean"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]

    assert make() == "models/digits_cnn.onnx||arty_a7_100|90|2|921600"
    assert make("MODEL=m.onnx", "PART=xc7a35t", "CLOCK_MHZ=5").startswith("m.onnx|xc7a35t|arty_a7_100|5|2|")
    FILE.unlink()
    assert make() == "models/digits_bcnn.onnx|xc7vx690tffg1761-2||200||921600"


def test_less_and_more_is_said(call: Call, tmp_path: Path) -> None:
    """Remarks go to standard error unless that is not wanted; steps do where it is."""
    model = Tiny(quantised=False).save(tmp_path / "open.onnx")
    assert call("plan", model).err.startswith("note: ")
    assert call("-q", "plan", model).err == ""
    assert call("-q", "plan", model, "--json").json["notes"]
    said = call("-v", "convert", model, "-o", "verilog").err.splitlines()
    assert said[0].startswith("note: ") and "converting open" in said
