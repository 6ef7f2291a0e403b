"""sigmabit package: a pipeline for Vivado's IP integrator and for FuseSoC."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import click

from sigmabit.fpga.series7.package import NOT_A_PART, Core, Port, fusesoc, ipxact, is_vivados
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import Design
from sigmabit.hdl.verilog.convert import convert as to_verilog

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, write_folder
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal
from . import options

COMPONENT = "component.xml"


@click.command(short_help="MODEL's pipeline as an IP-XACT component and a FuseSoC core.")
@options.model
@options.planning
@options.reading
@options.samples
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="A new folder for the package.")
@options.as_json
def package(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write MODEL's pipeline as Verilog, with component.xml for Vivado's IP integrator and a .core file for FuseSoC."""
    terminal = Terminal(as_json)
    if output.exists():
        raise click.UsageError(f"{output} exists; a package takes a new folder")
    check_folder(output)
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, planning, samples)
    with terminal.progress() as report:
        design = to_verilog(Pipeline(made.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
    core = core_of(design, f"{network.name} as a streaming pipeline, made by Sigmabit")

    def write(fresh: Path) -> None:
        design.write(fresh)
        (fresh / COMPONENT).write_text(ipxact(core, round(made.clock_mhz * 1e6)))
        (fresh / f"{core.name}.core").write_text(fusesoc(core, made.part))

    write_folder(output, write, last=(COMPONENT,))
    if not is_vivados(made.part):
        terminal.remark(f"{core.name}.core has no target for synthesis: {made.part} {NOT_A_PART}")
    part_of_core = made.part if is_vivados(made.part) else None
    data = {"top": core.name, "folder": str(output), "component": COMPONENT, "core": f"{core.name}.core", "part": part_of_core}
    terminal.emit(data, f"{len(core.files)} modules in {output}, {COMPONENT} for Vivado and {core.name}.core for FuseSoC")


def core_of(design: Design, description: str) -> Core:
    """What is packaged of a design."""
    ports = [Port(port.name, port.output, port.bits, port.vector) for port in design.modules[design.top].ports]
    memories = sorted(set(design.texts) - set(design.files))
    return Core(design.top, version("sigmabit"), description, ports, design.files, memories)
