"""sigmabit compare: golden against the simulated Verilog, tensor by tensor."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Sampling, Working
from ..interface.terminal import Terminal, table
from . import options

OF_256 = click.IntRange(0, 255)


@click.command(short_help="Golden against the Verilog, tensor by tensor.")
@options.model
@options.data
@options.simulator
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Only the first N frames.")
@click.option("--idle", type=OF_256, default=0, metavar="N", help="Of 256 cycles, in how many the input has nothing to give.")
@click.option("--backpressure", type=OF_256, default=0, metavar="N", help="Of 256 cycles, in how many the output is not taken.")
@click.option("--stall-seed", type=click.IntRange(0, 2**31 - 1), default=1, metavar="N", help="Which cycles these are.")
@options.planning
@options.reading_frames
@options.sampling_or_given
@options.working
@options.as_json
def compare(
    model: Path,
    data: Path,
    on: str,
    frames: int | None,
    idle: int,
    backpressure: int,
    stall_seed: int,
    planning: Planning,
    reading: Reading,
    sampling: Sampling,
    working: Working,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's Verilog with every layer recorded, and name the first element that differs from golden, or the
    first layer whose results do not come in the cycles that were planned.

    Exit status 1 if there is one.
    """
    terminal = Terminal(as_json)
    # they start while files are read
    workers = click.get_current_context().with_resource(sigmabit.workers(working.workers, cluster=working.cluster))
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, codes = loaded.network, loaded.codes
    terminal.figures |= loaded.figures
    noise, samples = sigmabit.noise(network, len(codes), **vars(sampling))
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    stalls = sigmabit.Stalls(idle, backpressure, stall_seed)
    with terminal.progress() as report:
        found = sigmabit.compare(
            made,
            codes[:frames],
            network=network,
            on=on,
            stalls=stalls,
            noise=noise,
            workers=workers,
            progress=report,
        )
    rows = [[name, elements, found.wrong[name]] for name, elements in found.elements.items()]
    title = f"{network.name}: golden against {on}"
    terminal.emit(found.to_json(), table(title, ["tensor", "elements", "mismatches"], rows), "", str(found))
    sys.exit(0 if found.equal else 1)
