"""sigmabit power: what a busy pipeline's nets do, for Vivado and for an estimate without it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga.board import top_name
from sigmabit.fpga.boards import board
from sigmabit.hdl.verilog.keywords import system_name
from sigmabit.verif.simulation.activity import switching

from ..interface.choices import Planning, Reading, Sampling
from ..interface.files import check_writable, write_json, write_whole
from ..interface.loading import check_series7, load_with_data, make_noise, make_plan
from ..interface.terminal import Terminal, table
from ..measures.area import HELD, read_areas
from ..measures.power import WATTS, estimate
from . import options


@click.command(short_help="Activity as SAIF, and an estimate of dynamic power.")
@options.model
@options.data
@options.planning
@options.reading_frames
@options.sampling
@click.option(
    "--synth", "synth_file", type=options.PATH, metavar="FILE", help="Areas from `sigmabit synth --report`; else planned."
)
@click.option("--saif", type=options.PATH, metavar="FILE.saif", help="Write the activity of all nets, for Vivado's read_saif.")
@click.option("--board", "board_name", metavar="NAME", help="There, the pipeline is part of what `sigmabit board` writes.")
@options.report_file
@options.as_json
def power(
    model: Path,
    data: Path,
    planning: Planning,
    reading: Reading,
    sampling: Sampling,
    synth_file: Path | None,
    saif: Path | None,
    board_name: str | None,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's pipeline in Verilator, count how often nets toggle while it is busy, and estimate dynamic power.

    The first frames fill the pipeline and are not counted; where there are too few, they come again, and less toggles than with
    as many different ones.
    """
    terminal = Terminal(as_json)
    written = [path for path in (saif, report_file) if path]
    for path in written:
        check_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise click.UsageError("--saif and --report are the same file")
    if board_name and (planning.part or not saif):
        raise click.UsageError("--board needs --saif, and has a part")
    on = board(board_name) if board_name else None
    network, _, codes = load_with_data(model, data, reading, terminal)
    noise, samples = make_noise(network, len(codes), sampling)
    made = make_plan(network, replace(planning, part=on.part) if on else planning, samples)
    check_series7(made, "power")
    areas = read_areas(synth_file, made) if synth_file else None
    under: tuple[str, ...] = ()
    if on:  # the pipeline as `sigmabit board` has it, and the clock that is made there
        under = (top_name(system_name(made.pipeline.name)), "system_instance", "pipeline_instance")
        made = replace(made, clock_mhz=float(on.made_clock(made.clock_mhz).mhz))
    with terminal.progress() as progress, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "core.saif"
        activity, _ = switching(made, codes, file, noise, under, progress)
        if saif:
            write_whole(saif, lambda fresh: shutil.move(file, fresh))
    result = estimate(activity, made, areas)
    if report_file:
        write_json(report_file, result)
    rows = [
        [row["name"], *(row[key] for key in HELD), f"{row['rate']:.3f}", *(f"{row[key]:.3f}" for key in WATTS)]
        for row in result["layers"]
    ]
    words = made.family.resources
    columns = ["layer", words["lut"], "FF", words["bram36"], words["dsp"], "toggles", "clock", "logic", "memory", "watts"]
    sums = [sum(row[key] for row in result["layers"]) for key in HELD]
    total = ["total", *sums, "", *(f"{result[key]:.3f}" for key in WATTS)]
    kind = "by Yosys" if areas else "as planned"
    terminal.emit(
        result,
        table(f"{network.name} at {made.clock_mhz:g} MHz, an assumption: dynamic power, estimated", columns, rows, total=total),
        "",
        f"toggles: of a register in a cycle, on average, over {activity.cycles:,} cycles of a busy pipeline; areas {kind}",
        f"an estimate, without place and route: {result['least_watts']:.2g} to {result['most_watts']:.2g} W, and static power",
    )
