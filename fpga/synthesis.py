"""Area by Yosys, module by module, out of context."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import programs
from .netlist import Area, Netlist
from .series7.target import SERIES7
from .target import Target
from .workers import Report, Threads, Workers


class SynthesisError(RuntimeError):
    """Yosys failed; the message holds its own."""


def run_yosys(lines: Sequence[str], name: str, folder: Path, work: Path) -> Path:
    """Run a script in `folder`. Returns the log; script and log are kept in `work`.

    Raises SynthesisError with Yosys' first error.
    """
    work.mkdir(parents=True, exist_ok=True)
    script, log = work / f"{name}.ys", work / f"{name}.log"
    script.write_text("\n".join(lines) + "\n")
    with log.open("w") as output:
        command = [sys.executable, "-m", "sigmabit.fpga.yosys", str(script.resolve())]
        status = programs.call(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    if status:
        errors = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
        raise SynthesisError(f"{name}: {errors[0] if errors else f'Yosys ended with status {status}'} (see {log})")
    return log


def synthesise(
    sources: Sequence[Path],
    top: str,
    work: Path,
    boxes: Collection[str] = (),
    target: Target = SERIES7,
    then: Sequence[str] = (),
) -> Netlist:
    """The mapped netlist of module `top`. Sources are read in their own folder, where the contents of memories lie.

    work: a folder for the script, the log and the netlist. boxes: modules of which the netlist has instances, and no more.
    then: further passes. Raises SynthesisError.
    """
    netlist = work / f"{top}.json"
    run_yosys(
        [*_mapping(sources, top, work, target, boxes), *then, f"write_json {netlist.resolve()}"],
        top,
        sources[0].resolve().parent,
        work,
    )
    return target.netlist(netlist, top)


def _mapping(sources: Sequence[Path], top: str, work: Path, target: Target, boxes: Collection[str] = ()) -> list[str]:
    """The commands that read sources, in their own folder, and map module `top`. work: a folder for the family's own bodies."""
    folder = sources[0].resolve().parent
    reading = []
    for source in sources:
        body = None if source.stem in boxes else target.body(source.stem)
        if body is not None:
            own = work / "bodies" / source.name
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(body)
        read = str(source.resolve().relative_to(folder)) if body is None else str(own.resolve())
        reading.append(f"read_verilog {'-lib' if source.stem in boxes else target.reading} {read}")
    return [
        *target.libraries,
        *reading,
        f"hierarchy -check -top {top}",
        f"script {target.script}",
    ]


def as_verilog(sources: Sequence[Path], top: str, work: Path, target: Target = SERIES7) -> tuple[str, Netlist]:
    """The mapped netlist of module `top` as Verilog made of primitives, and itself. Nets that are no ports are named n1, n2, ...

    Otherwise as `synthesise`.
    """
    netlist, verilog = work / f"{top}.json", work / f"{top}.v"
    renaming = ["select -set inner w:* x:* %d", "rename -hide @inner c:*", "rename -enumerate -pattern n%"]
    writing = [f"write_verilog -noattr -noexpr {verilog.resolve()}", f"write_json {netlist.resolve()}"]
    run_yosys([*_mapping(sources, top, work, target), *renaming, *writing], top, sources[0].resolve().parent, work)
    # a bus of thousands on one line is more than some tools take
    return verilog.read_text().replace(", ", ",\n"), target.netlist(netlist, top)


def areas(
    sources: Mapping[str, Sequence[Path]],
    work: Path,
    progress: Callable[[str], None] = lambda name: None,
    workers: Workers | None = None,
    boxes: Collection[str] = (),
    target: Target = SERIES7,
) -> dict[str, Area]:
    """The area of each module, by its name, whose sources are given; workers: two at a time without them.

    boxes: modules that are synthesised by themselves, once, wherever they are used; their inputs and outputs are registers'. What
    uses them has their area added for each instance.
    """
    inside = {top: [source.stem for source in files if source.stem in boxes] for top, files in sources.items()}
    needed = {box: [source for source in sources[top] if source.stem == box] for top, found in inside.items() for box in found}
    modules = [_Module(name, tuple(files), tuple(inside.get(name, ()))) for name, files in {**needed, **sources}.items()]

    done: set[str] = set()

    def told(number: int, what: str, *_: int) -> None:
        if what not in done:  # a piece whose worker has died is done again
            done.add(what)
            progress(what)

    measured = (workers or Threads(2)).map(partial(_area, target, work), modules, told)
    found = {module.top: area for module, area in zip(modules, measured, strict=True)}
    for top, boxed in inside.items():
        for box in boxed:
            found[top] = found[top].including(found[box], found[top].cells[box])
    return {top: found[top] for top in sources}


@dataclass(frozen=True)
class _Module:
    """What is synthesised by itself."""

    top: str
    sources: tuple[Path, ...]
    boxes: tuple[str, ...]


def _area(target: Target, work: Path, module: _Module, report: Report) -> Area:
    check_shared(module.sources[0])
    area = synthesise(module.sources, module.top, work, module.boxes, target).area
    report(module.top, 1, 1)
    return area


def check_shared(file: Path) -> None:
    """SynthesisError where a worker does not see a file that whoever asks it has just written."""
    if not file.exists():
        raise SynthesisError(f"{file}: not there for a worker on another machine; --work names a folder that all of them see")
