"""A compiler launcher for Verilator's makefiles that compiles Verilator's own runtime once and keeps the objects.

Verilator calls `$(OBJCACHE) g++ ... source`. Sources inside the folder $VERILATOR_ROOT/include are the same for every design;
their objects are kept under a key made of the compiler, its arguments and the source. Everything else is compiled as asked.
Run as a script, with the folder of kept objects first: python objcache.py FOLDER g++ -O2 -c -o x.o x.cpp
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


def main(arguments: list[str]) -> int:
    """Run the compiler, or fetch what it gave before; its exit status."""
    folder, compiler = Path(arguments[0]), arguments[1:]
    runtime = os.path.realpath(os.environ.get("VERILATOR_ROOT", "/nowhere")) + "/include/"
    sources = [a for a in compiler if a.endswith(".cpp") and os.path.realpath(a).startswith(runtime)]
    if len(sources) != 1 or "-c" not in compiler or "-o" not in compiler:
        return subprocess.call(compiler)
    output = Path(compiler[compiler.index("-o") + 1])
    program = os.path.realpath(shutil.which(compiler[0]) or compiler[0])
    key = hashlib.sha256()
    for part in (program, str(os.stat(program).st_mtime_ns), *(a for a in compiler[1:] if a != str(output))):
        key.update(part.encode() + b"\0")
    key.update(Path(sources[0]).read_bytes())
    for kept in folder.glob(f"{key.hexdigest()}-*.o"):
        contents = kept.read_bytes()
        if kept.name == _name(key.hexdigest(), contents):  # or it is damaged
            output.write_bytes(contents)
            return 0
    status = subprocess.call(compiler)
    if status == 0 and output.is_file():
        contents = output.read_bytes()
        with contextlib.suppress(OSError):  # it would only have saved time
            folder.mkdir(parents=True, exist_ok=True)
            handle, fresh = tempfile.mkstemp(dir=folder)
            os.close(handle)
            try:
                Path(fresh).write_bytes(contents)
                os.replace(fresh, folder / _name(key.hexdigest(), contents))
            except BaseException:
                os.unlink(fresh)
                raise
    return status


def _name(key: str, contents: bytes) -> str:
    """An object's file name, which says what it must hold."""
    return f"{key}-{hashlib.sha256(contents).hexdigest()}.o"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
