"""sigmabit report: one page about a pipeline."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.hdl.family import SERIES7

from ..interface.choices import Planning, Reading, Sampling
from ..interface.files import check_folder
from ..interface.loading import check_reported, check_series7, labels_of, load_with_data, make_noise, make_plan
from ..interface.terminal import Terminal
from ..measures.area import Areas, read_areas, synthesised
from ..measures.power import estimate, measured, read_activity
from ..report.study import Subject, study
from ..report.write import PAGE, write
from . import options


class Remembered(click.Command):
    """A command that knows what was typed behind its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[TYPED] = list(args)
        return super().parse_args(ctx, args)


TYPED = "sigmabit.report.typed"
"""Where a context holds that."""


@click.command(cls=Remembered, short_help="One page about MODEL's pipeline: speed, area, bits, comparisons.")
@options.model
@options.data
@options.labels
@options.planning_at_interval
@options.reading_frames
@options.sampling
@click.option(
    "--synth", "synth_file", type=options.PATH, metavar="FILE", help="What `sigmabit synth --report` wrote for this plan."
)
@click.option("--no-synth", is_flag=True, help="Leave Yosys out; areas are then planned ones alone.")
@click.option(
    "--power", "power_file", type=options.PATH, metavar="FILE", help="What `sigmabit power --report` wrote for this plan."
)
@click.option("--no-power", is_flag=True, help="Leave out the simulation that counts toggles, and the estimate of power.")
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for the page and its plots.")
@options.as_json
def report(
    model: Path,
    data: Path,
    labels: Path | None,
    planning: Planning,
    reading: Reading,
    sampling: Sampling,
    synth_file: Path | None,
    no_synth: bool,
    power_file: Path | None,
    no_power: bool,
    output: Path,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's pipeline in Verilog, synthesise it, and write what comes of it as one HTML page with plots.

    The page holds the pipeline's layers, planned and measured cycles and area, an estimate of power, decisions or
    reconstructions, published accelerators, batch sizes beside onnxruntime on this processor, and the sweep of interval against
    area.

    Exit status 1 if golden and the Verilog differ in any integer of a result.
    """
    terminal = Terminal(as_json)
    if synth_file and no_synth:
        raise click.UsageError("--synth and --no-synth exclude each other")
    if power_file and no_power:
        raise click.UsageError("--power and --no-power exclude each other")
    if planning.file and planning.interval is not None:
        raise click.UsageError("--plan and --interval exclude each other; a plan has its interval")
    check_folder(output)
    network, x, codes = load_with_data(model, data, reading, terminal)
    truth = labels_of(labels, network, len(x))
    if truth is not None and network.latent is not None:
        raise click.UsageError(f"--labels: {network.name} draws samples, it does not classify")
    noise, samples = make_noise(network, len(x), sampling)
    made = make_plan(network, planning, samples)
    check_reported(made)
    typed = ["sigmabit", "report", *click.get_current_context().meta[TYPED]]
    energies = made.family is SERIES7
    if power_file:
        check_series7(made, "--power")
    areas = read_areas(synth_file, made) if synth_file else None
    activity = read_activity(power_file, made) if power_file else None
    with terminal.progress() as progress, tempfile.TemporaryDirectory() as work:

        def area() -> Areas | None:
            return areas if areas or no_synth else synthesised(made, Path(work), progress)

        def power(known: Areas | None) -> dict[str, Any] | None:
            if no_power or not energies:
                return None
            return estimate(activity or measured(made, codes, noise, progress), made, known)

        found = study(Subject(model, made, x, codes, truth, noise, typed), area, power, progress)
    files = write(found, made, x, output)
    if not (energies or no_power):
        terminal.remark(f"power is left out: energies are known for the {SERIES7.name} alone, not for {made.family.name}")
    doubts = found.data["batches"]["warning"]
    if doubts:
        terminal.remark(f"onnxruntime's times: {doubts}")
    summary: dict[str, Any] = found.data | {"folder": str(output), "files": files}
    terminal.emit(summary, f"{output / PAGE}, and {len(files) - 1} files beside it")
    sys.exit(1 if found.data["measured"]["mismatches"] else 0)
