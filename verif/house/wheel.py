"""The wheel in an empty environment: `python -m sigmabit.verif.house.wheel FOLDER [--tutorials]`.

Builds the wheel, installs it with its dependencies alone in FOLDER, and tries every command there, far from the tree: each must
do its work, or say in a sentence what it needs. With --tutorials, the extras that these need are installed and both are executed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from sigmabit.scripts.group import sigmabit

ROOT = Path(__file__).resolve().parents[2]

TRIED = (
    "doctor",
    "data digits --frames 40 -o d",
    "inspect digits_bcnn",
    "plan digits_bcnn --part xc7a100t --interval 512 -o plan.json",
    "convert digits_bcnn --plan plan.json -o verilog",
    "package digits_bcnn --plan plan.json -o package",
    "board digits_bcnn --board ulx3s -o board",
    "run digits_bcnn --input d/x.npy --output y.npy",
    "run digits_bcnn --input d/x.npy --output v.npy --on verilator --plan plan.json --waves w.fst",
    "compare digits_bcnn --input d/x.npy --plan plan.json",
    "verify digits_bcnn --input d/x.npy --labels d/y.npy --plan plan.json",
    "synth digits_bcnn --plan plan.json --report synth.json",
    "power digits_bcnn --input d/x.npy --plan plan.json --saif core.saif",
    "report digits_bcnn --input d/x.npy --labels d/y.npy --plan plan.json --synth synth.json -o report",
    "calibrate digits_cnn --input d/x.npy -o calibrated.onnx",
    "anomaly digits_vae_no3 --input d/x.npy --labels d/y.npy",
    "random digits_bcnn -o random.onnx",
    "sampler distribution",
    "sampler cost --lanes 1",
    "sampler compare --lanes 1 --samples 100",
    "sampler stats --samples 100000",
    "bench popcount --inputs 16 --lanes 2",
    "bench products --inputs 16 --lanes 2",
    "bench steps --sum-bits 8 --bits 2 --groups 1",
    "bench queue",
    "bench simulation digits_bcnn --plan plan.json",
    "bench latency digits_bcnn --input d/x.npy --plan plan.json",
    "bench frame digits_bcnn",
    "bench gates digits_bcnn --input d/x.npy --interval 4096",
    "bench link digits_bcnn --board ulx3s",
    "bench datagrams --count 100",
    "bench fuzz --files 10",
    "send digits_bcnn --port /dev/null --input d/x.npy",
    "status --port /dev/null",
    "train trigger_57",
)
"""Each does its work, but for those of NEEDS."""

NEEDS = {
    "bench differential --graphs 3": "pip install 'sigmabit[test]'",
    "bench mutants pool": "call it in a clone",
    "bench ethernet digits_bcnn": "pip install sigmabit[ethernet]",
    "sampler stats --samples 8 --workers 2": "pip install 'sigmabit[cluster]'",
    "train digits_w2a2": "install sigmabit[training]",
    "route digits_bcnn --part LFE5U-85F-6BG381C": "sigmabit[ecp5]",
    "serve-sim digits_bcnn --udp 127.0.0.1:0": "sigmabit[ethernet]",
    "send digits_bcnn --port /dev/null --input d/x.npy": "it is no serial port",
    "status --port /dev/null": "it is no serial port",
}
"""What needs something that is not there, and what is said then."""

SERVED = "serve-sim digits_bcnn --plan plan.json"


def installed(folder: Path, extras: str = "") -> Path:
    """The Python of an environment that has the wheel, and what it asks for."""
    with source() as tree:
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(tree)], check=True)
    (wheel,) = folder.glob("*.whl")
    python = folder / "environment" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", f"{wheel}{extras}"], check=True)
    return python


@contextmanager
def source():  # type: ignore[no-untyped-def]
    """What a clone would have: a build leaves folders behind."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "sigmabit"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tree)], check=True)
        yield tree


def tried(python: Path, folder: Path) -> list[str]:
    """Every command, and what went otherwise than it should."""
    wrong: list[str] = []
    command = python.with_name("sigmabit")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"

    def run(words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command), *words.split()], cwd=work, env=environment, capture_output=True, text=True, check=False
        )

    for words in (*TRIED, *(each for each in NEEDS if each not in TRIED)):
        begun, done = time.monotonic(), run(words)
        needed = NEEDS.get(words)
        good = done.returncode == 2 and needed in done.stderr if needed else done.returncode == 0
        said = done.stderr.strip().splitlines()[-1] if done.returncode else "done"
        print(f"{'' if good else 'WRONG: '}{words}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)
        wrong += [] if good else [words]
    serving = subprocess.Popen([str(command), *SERVED.split()], cwd=work, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        port = (serving.stdout.readline() if serving.stdout else "").split()[-1]
        for words in (f"send digits_bcnn --port {port} --input d/x.npy --labels d/y.npy", f"status --port {port}"):
            done = run(words)
            print(f"{'' if done.returncode == 0 else 'WRONG: '}{words}", flush=True)
            wrong += [] if done.returncode == 0 else [words]
    finally:
        serving.terminate()
        serving.wait(20)
    called = [f"{words} " for words in (*TRIED, *NEEDS, SERVED)]
    return wrong + [f"{name}: not tried" for name in names(sigmabit) if not any(words.startswith(f"{name} ") for words in called)]


def names(group: click.Group) -> list[str]:
    """Every command, those of bench and sampler as two words."""
    found: list[str] = []
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            found += [f"{name} {each}" for each in names(command)] if isinstance(command, click.Group) else [name]
    return found


def main(arguments: Sequence[str]) -> None:
    """Build, install, try."""
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    if "--tutorials" in arguments:
        python = installed(folder, "[tutorial,ecp5]")
        for name in ("first_network", "autoencoder"):
            begun = time.monotonic()
            shutil.copytree(ROOT / "docs" / "tutorial", folder / "tutorial", dirs_exist_ok=True)
            subprocess.run([str(python), str(folder / "tutorial" / "execute.py"), name], cwd=folder, check=True)
            print(f"{name}: {time.monotonic() - begun:.0f} s in all", flush=True)
        return
    python = installed(folder)
    wrong = tried(python, folder)
    sys.exit(f"{len(wrong)} wrong: {', '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
