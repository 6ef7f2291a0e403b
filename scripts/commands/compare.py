"""sigmabit compare: golden against the simulated Verilog, tensor by tensor."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import click

from sigmabit.verif.simulation import Stalls, simulate
from sigmabit.verif.simulation.compare import Difference, first_delay, first_difference
from sigmabit.verif.simulation.job import level

from ..interface.choices import Planning, Reading, Sampling
from ..interface.loading import load_with_data, make_noise, make_plan
from ..interface.terminal import Terminal, table
from ..measures.comparison import check_size
from . import options

AT_A_TIME = 500
"""Frames, or samples of frames, that are simulated and compared at a time, each time from reset: all their tensors are kept."""

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
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's Verilog with every layer recorded, and name the first element that differs from golden, or the
    first layer whose results do not come in the cycles that were planned.

    Exit status 1 if there is one.
    """
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, reading, terminal)
    noise, samples = make_noise(network, len(codes), sampling)
    codes = codes[:frames]
    made = make_plan(network, planning, samples)
    step = max(1, AT_A_TIME // made.samples)
    check_size(network, min(step, len(codes)), made.samples, recorded=True)
    optimise = level(made, len(codes))
    stalls = Stalls(idle, backpressure, stall_seed)
    elements: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    difference: Difference | None = None
    delay: str | None = None
    with terminal.progress() as report:
        for start in range(0, len(codes), step):
            some = codes[start : start + step]

            def overall(what: str, done: int, total: int, start: int = start) -> None:
                report(what, start + done, len(codes) if total else 0)

            given = noise.part(start, len(some))
            measured = simulate(made, some, on, taps=True, stalls=stalls, progress=overall, optimise=optimise, noise=given)
            golden = dict(network.steps(some, given.for_network(network, len(some), made.samples)))
            for name, tensor in golden.items():
                elements[name] += tensor.size
                wrong[name] += int((tensor != measured.trace[name]).sum())
            if start == 0 and idle == backpressure == 0:
                delay = first_delay(made, measured)
            if difference is None:
                found = first_difference(golden, measured.trace)
                difference = found and replace(found, frame=start + found.frame)
    if difference:
        difference = replace(difference, count=wrong[difference.layer])
    result = {
        "frames": len(codes),
        "mismatches": sum(wrong.values()),
        "tensors": {name: {"elements": elements[name], "mismatches": wrong[name]} for name in elements},
        "first_difference": asdict(difference) if difference else None,
        "first_delay": delay,
    }
    rows = [[name, elements[name], wrong[name]] for name in elements]
    verdict = str(difference) if difference else f"all tensors of {len(codes)} frames are equal"
    verdict += f"; {delay}" if delay else ""
    terminal.emit(result, table(f"{network.name}: golden against {on}", ["tensor", "elements", "mismatches"], rows), "", verdict)
    sys.exit(1 if difference or delay else 0)
