"""A compiler launcher for Verilator's makefiles: Verilator's runtime and its header are compiled once, and kept.

Verilator calls `$(OBJCACHE) g++ ... source`. Sources inside the folder $VERILATOR_ROOT/include are the same for every design.
So is the header verilated.h, which takes the compiler longer than most designs do: whatever is compiled begins with it,
precompiled. Verilator by itself precompiles the headers of each design, twice; it is given this one instead.
Run as a script, with the folder of what is kept first: python objcache.py FOLDER g++ -O2 -c -o x.o x.cpp
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = "#include <verilated.h>\n"
PRECOMPILE = ["-x", "c++-header"]


def main(arguments: list[str]) -> int:
    """Run the compiler, or fetch what it gave before; its exit status."""
    folder, command = Path(arguments[0]), arguments[1:]
    sources = [a for a in command if a.endswith((".cpp", ".h"))]
    if len(sources) != 1 or not {"-c", PRECOMPILE[1]} & set(command):
        return subprocess.call(command)
    options = _options(command, sources[0])
    if PRECOMPILE[1] in command:
        ready = _precompiled(folder, [a for a in options if a not in PRECOMPILE])
        return _place(ready, command) if ready else subprocess.call(command)
    if Path(sources[0]).resolve().is_relative_to(_runtime()) and "-o" in command:
        ready = _kept(folder, ".o", options, Path(sources[0]))
        return _place(ready, command) if ready else subprocess.call(command)
    if "-include" not in command and (ready := _precompiled(folder, options)):
        command += ["-include", str(ready.with_suffix(""))]
    return subprocess.call(command)


def _runtime() -> Path:
    """The folder of Verilator's runtime."""
    return Path(os.environ.get("VERILATOR_ROOT", "/nowhere"), "include").resolve()


def _options(command: list[str], source: str) -> list[str]:
    """A compiler's call without what it reads, what it writes and the notes on that."""
    output = command.index("-o") if "-o" in command else len(command)
    rest = command[:output] + command[output + 2 :]
    return [a for a in rest if a not in ("-c", "-MMD", "-MP", source)]


def _precompiled(folder: Path, options: list[str]) -> Path | None:
    """The precompiled header. Beside it lies the header itself, for compilers that do not want to take the other."""
    with contextlib.suppress(OSError):
        ready = _kept(folder, ".h.gch", options + PRECOMPILE, _header(folder / "runtime.h"))
        if ready:
            _header(ready.with_suffix(""))
        return ready
    return None


def _header(path: Path) -> Path:
    """The header, written unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(HEADER)
        os.replace(file.name, path)
    return path


def _kept(folder: Path, suffix: str, options: list[str], source: Path) -> Path | None:
    """What a compiler makes of a source with these options, now or earlier; None where it fails or nothing can be kept."""
    program = os.path.realpath(shutil.which(options[0]) or options[0])
    key = hashlib.sha256()
    for option in (program, str(os.stat(program).st_mtime_ns), *(a for a in options[1:] if not a.startswith("-I"))):
        key.update(option.encode() + b"\0")
    for path in (source, *sorted(_runtime().glob("*.h"))):
        key.update(path.read_bytes())
    for kept in folder.glob(f"{key.hexdigest()}-*{suffix}"):
        if kept.name == _name(key.hexdigest(), kept, suffix):  # or it is damaged
            return kept
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=folder)
        os.close(handle)
        try:
            if subprocess.call([*options, *([] if suffix == ".h.gch" else ["-c"]), str(source), "-o", fresh]) == 0:
                kept = folder / _name(key.hexdigest(), Path(fresh), suffix)
                os.replace(fresh, kept)
                return kept
        finally:
            with contextlib.suppress(OSError):
                os.unlink(fresh)
    return None


def _name(key: str, path: Path, suffix: str) -> str:
    """The name of what is kept, which says what it must hold."""
    with path.open("rb") as file:
        return f"{key}-{hashlib.file_digest(file, 'sha256').hexdigest()}{suffix}"


def _place(ready: Path, command: list[str]) -> int:
    """Put what is kept where a compiler's call would have."""
    output = Path(command[command.index("-o") + 1])
    output.unlink(missing_ok=True)
    try:
        output.hardlink_to(ready)
    except OSError:  # another file system
        shutil.copyfile(ready, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
