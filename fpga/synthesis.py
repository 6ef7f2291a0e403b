"""Area by Yosys, module by module, out of context."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .netlist import Area, Netlist

SCRIPT = Path(__file__).with_name("xc7.ys")

PRIMITIVES = "SIGMABIT_7SERIES"
"""The macro with which modules instantiate primitives of the 7 series."""


class SynthesisError(RuntimeError):
    """Yosys failed; the message holds its own."""


def run_yosys(lines: Sequence[str], name: str, folder: Path, work: Path) -> Path:
    """Run a script in `folder`. Returns the log; script and log are kept in `work`.

    Raises SynthesisError with Yosys' first error.
    """
    work.mkdir(parents=True, exist_ok=True)
    script, log = work / f"{name}.ys", work / f"{name}.log"
    script.write_text("\n".join(lines) + "\n")
    program = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1], libyosys.Design())"
    with log.open("w") as output:
        command = [sys.executable, "-c", program, str(script.resolve())]
        status = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status:
        errors = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
        raise SynthesisError(f"{name}: {errors[0] if errors else f'Yosys ended with status {status}'} (see {log})")
    return log


def synthesise(sources: Sequence[Path], top: str, work: Path) -> Netlist:
    """The mapped netlist of module `top`. Sources are read in their own folder, where the contents of memories lie.

    work: a folder for the script, the log and the netlist. Raises SynthesisError.
    """
    netlist, folder = work / f"{top}.json", sources[0].resolve().parent
    lines = [
        "read_verilog -lib -specify +/xilinx/cells_sim.v",
        "read_verilog -lib +/xilinx/cells_xtra.v",
        *(f"read_verilog -D{PRIMITIVES} {source.resolve().relative_to(folder)}" for source in sources),
        f"hierarchy -check -top {top}",
        f"script {SCRIPT}",
        f"write_json {netlist.resolve()}",
    ]
    run_yosys(lines, top, folder, work)
    return Netlist(netlist, top)


def areas(
    sources: Mapping[str, Sequence[Path]],
    work: Path,
    progress: Callable[[str], None] = lambda name: None,
    jobs: int = 2,
) -> dict[str, Area]:
    """The area of each module, by its name, whose sources are given, `jobs` at a time."""

    def one(top: str) -> Area:
        area = synthesise(sources[top], top, work).area
        progress(top)
        return area

    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(sources, pool.map(one, sources), strict=True))
