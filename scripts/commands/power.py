"""sigmabit power: what a busy pipeline's nets do, for Vivado and for an estimate without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Sampling
from ..interface.files import check_writable, write_json
from ..interface.terminal import Terminal, table
from . import options

HELD = ("lut", "ff", "bram36", "dsp")
WATTS = ("clock_w", "logic_w", "memory_w", "watts")


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
@click.option(
    "--board",
    "board_name",
    metavar="NAME",
    shell_complete=options.boards,
    help="There, the pipeline is part of what `sigmabit board` writes.",
)
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
    on = sigmabit.board(board_name) if board_name else None
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, codes = loaded.network, loaded.codes
    terminal.figures |= loaded.figures
    noise, samples = sigmabit.noise(network, len(codes), **vars(sampling))
    made = sigmabit.plan(network, **vars(replace(planning, part=on.part) if on else planning), samples=samples)
    with terminal.progress() as report:
        result = sigmabit.power(made, codes, noise=noise, synth_file=synth_file, saif=saif, board=on, progress=report)
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
    kind = "by Yosys" if result["synthesised"] else "as planned"
    terminal.emit(
        result,
        table(
            f"{network.name} at {result['clock_mhz']:g} MHz, an assumption: dynamic power, estimated", columns, rows, total=total
        ),
        "",
        f"toggles: of a register in a cycle, on average, over {result['cycles']:,} cycles of a busy pipeline; areas {kind}",
        f"an estimate, without place and route: {result['least_watts']:.2g} to {result['most_watts']:.2g} W, and static power",
    )
