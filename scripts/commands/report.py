"""sigmabit report: one page about a pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Sampling
from ..interface.files import check_folder
from ..interface.loading import labels_of
from ..interface.terminal import Terminal
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
@options.planning
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
@click.option(
    "--route", "route_file", type=options.PATH, metavar="FILE", help="What `sigmabit route --report` wrote for this plan."
)
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
    route_file: Path | None,
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
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, x = loaded.network, loaded.x
    terminal.figures |= loaded.figures
    truth = labels_of(labels, network, len(x))
    if truth is not None and network.latent is not None:
        raise click.UsageError(f"--labels: {network.name} draws samples, it does not classify")
    noise, samples = sigmabit.noise(network, len(x), **vars(sampling))
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as progress:
        found = sigmabit.report(
            model,
            made,
            x,
            loaded.codes,
            output,
            labels=truth,
            noise=noise,
            synth=not no_synth,
            synth_file=synth_file,
            power=not no_power,
            power_file=power_file,
            route_file=route_file,
            command=["sigmabit", "report", *click.get_current_context().meta[TYPED]],
            progress=progress,
        )
    if found["power"] is None and not no_power:
        terminal.remark(f"power is left out: energies are not known for {made.family.name}")
    doubts = found["batches"]["warning"]
    if doubts:
        terminal.remark(f"onnxruntime's times: {doubts}")
    page, *others = found["files"]
    terminal.emit(found, f"{output / page}, and {len(others)} files beside it")
    sys.exit(1 if found["measured"]["mismatches"] else 0)
