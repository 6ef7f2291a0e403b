"""sigmabit anomaly: how well autoencoders tell a class that they were trained without."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import sigmabit

from ..interface.choices import MAX_SAMPLES, Reading, Working
from ..interface.files import check_writable, write_whole
from ..interface.terminal import Terminal, table
from . import options

CLASSES = 10


@click.command(short_help="How well autoencoders tell a class left out of training.")
@click.argument("models", type=options.MODEL, nargs=-1, required=True, metavar="MODEL...")
@options.data
@click.option("--labels", type=options.PATH, metavar="Y.npy", required=True, help="One class per frame.")
@click.option(
    "--on",
    type=click.Choice(sigmabit.PLACES),
    multiple=True,
    help="What computes it; may be given again [default: float, golden].",
)
@click.option(
    "--left-out", type=click.IntRange(0, CLASSES - 1), metavar="C", help="The anomalous class, where files do not say it."
)
@click.option(
    "--samples", type=click.IntRange(1, MAX_SAMPLES), default=16, show_default=True, metavar="K", help="Samples of each frame."
)
@click.option("--seed", type=options.SEED, default=0, metavar="N", help="Seed of the samples (default: 0).")
@options.reading_frames
@click.option("--plot", type=options.PATH, metavar="FILE.png", help="Draw the areas under the curves.")
@options.working
@options.as_json
def anomaly(
    models: tuple[Path, ...],
    data: Path,
    labels: Path,
    on: tuple[str, ...],
    left_out: int | None,
    samples: int,
    seed: int,
    reading: Reading,
    plot: Path | None,
    working: Working,
    as_json: bool,
) -> None:
    """Score the frames of X.npy with each MODEL, and print the area under the ROC curve (AUC) for the class it does not know.

    Every place is given the same samples. Scores: sampled (reconstruction error and KL divergence over K samples), mean (the
    same from mu), kl, and radius (the sum of mu squared).
    """
    terminal = Terminal(as_json)
    if plot:
        check_writable(plot)
    places = on or sigmabit.PLACES[:2]
    found: list[sigmabit.Anomaly] = []
    with terminal.progress() as report, sigmabit.workers(working.workers, cluster=working.cluster) as workers:
        for number, model in enumerate(models):

            def overall(what: str, done: int, total: int, number: int = number) -> None:
                report(what, number * total + done, len(models) * total)

            given = {"on": places, "left_out": left_out, "samples": samples, "seed": seed, **vars(reading)}
            found.append(
                sigmabit.anomaly(model, data, labels, **given, workers=workers, remark=terminal.remark, progress=overall)
            )
            terminal.figures |= found[-1].figures
    results = [each.to_json() for each in found]
    columns = [(place, kind) for place in places for kind in results[0]["auc"][place]]
    series = {f"{place} {kind}": [each["auc"][place][kind] for each in results] for place, kind in columns}
    if plot:
        from ..drawing.pictures import plot_aucs

        write_whole(plot, lambda fresh: plot_aucs(series, [each["left_out"] for each in results], fresh))
    means = {name: float(np.mean(values)) for name, values in series.items()}
    rows = [
        [Path(each["model"]).stem, each["left_out"], *(f"{v[i]:.4f}" for v in series.values())] for i, each in enumerate(results)
    ]
    terminal.emit(
        {"frames": found[0].frames, "samples": samples, "models": results, "mean_auc": means},
        table("ROC AUC", ["model", "left out", *series], rows, total=["mean", "", *(f"{mean:.4f}" for mean in means.values())]),
    )
