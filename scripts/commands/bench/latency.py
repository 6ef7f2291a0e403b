"""sigmabit bench latency: a pipeline beside a processor, batch by batch."""

from __future__ import annotations

from pathlib import Path

import click

from sigmabit.golden import SigmabitError

from ...interface.choices import Planning, Reading
from ...interface.files import check_writable, write_whole
from ...interface.loading import load_with_data, make_plan
from ...interface.terminal import Terminal, table
from ...measures import latency as measure
from .. import options

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@click.command(name="latency")
@options.model
@options.data
@options.planning
@options.reading_frames
@click.option("--torch", "recipe", metavar="NAME", help="Measure PyTorch too, on the shipped autoencoder of that name.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw time against batch size.")
@options.as_json
def latency(
    model: Path,
    data: Path,
    planning: Planning,
    reading: Reading,
    recipe: str | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Time for batches of 1 to 256 frames: onnxruntime on this processor, PyTorch, and the pipeline's cycles at an assumed clock.

    The pipeline's cycles are those of its plan, which simulations meet exactly; its clock is an assumption.
    """
    terminal = Terminal(as_json)
    if picture:
        check_writable(picture)
    network, x, _ = load_with_data(model, data, reading, terminal)
    made = make_plan(network, planning)
    crowd = measure.Crowd()
    measured: dict[str, list[measure.Timed]] = {}
    with terminal.progress() as report:
        report("measuring", 0, 0)
        for threads, name in ((1, "onnxruntime, one thread"), (0, "onnxruntime")):
            measured[name] = measure.timed(measure.onnxruntime_run(model, threads), x, BATCHES)
        if recipe:
            measured["PyTorch"] = measure.timed(_torch(recipe), x, BATCHES)
    others = crowd.others
    doubts = measure.warning(measured, others)
    if doubts:
        terminal.remark(doubts)
    times = {name: [each.median for each in of] for name, of in measured.items()}
    pipeline = f"pipeline at an assumed {made.clock_mhz:g} MHz"
    times[pipeline] = measure.pipeline_seconds(made, BATCHES)
    if picture:
        write_whole(picture, lambda fresh: measure.plot(fresh, network.name, BATCHES, times))
    result = {
        "batches": list(BATCHES),
        "seconds": times,
        "quartiles": {name: [[each.low, each.high] for each in of] for name, of in measured.items()},
        "others": others,
        "latency_cycles": made.latency,
        "interval_cycles": made.interval,
        "clock_mhz": made.clock_mhz,
    }
    columns = ["frames", *(f"{name}, us" for name in times)]
    rows: list[list[object]] = [
        [batch, *(f"{values[i] * 1e6:,.2f}" for values in times.values())] for i, batch in enumerate(BATCHES)
    ]
    best = min(values[0] for name, values in times.items() if name != pipeline)
    faster = f"one frame: {best / times[pipeline][0]:,.1f} times as fast as the faster of the others"
    terminal.emit(result, table(f"{network.name}: time for a batch", columns, rows), "", faster)


def _torch(recipe: str) -> measure.Run:
    try:
        return measure.torch_run(recipe)
    except ImportError as error:
        raise SigmabitError(f"--torch needs the training extra: {error}") from None
    except KeyError:
        raise SigmabitError(f"--torch {recipe}: no shipped autoencoder of that name") from None
