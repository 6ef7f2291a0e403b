"""sigmabit anomaly: how well autoencoders tell a class that they were trained without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import InputError, Network, import_real
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.plan import MAX_SAMPLES
from sigmabit.verif.simulation import SIMULATORS, Noise, reference, simulate

from ..api.execution import latent_values
from ..interface.choices import Planning, Reading
from ..interface.files import check_writable, read_labels, write_whole
from ..interface.loading import load_with_data, make_plan
from ..interface.terminal import Terminal, table
from ..measures.comparison import check_size
from ..networks.anomaly import LEFT_OUT, Executor, Inference, Reals, roc_auc, scores, trigger_scores
from . import options

CLASSES = 10

PLACES = ("float", "golden", *SIMULATORS)


@click.command(short_help="How well autoencoders tell a class left out of training.")
@click.argument("models", type=options.MODEL, nargs=-1, required=True, metavar="MODEL...")
@options.data
@click.option("--labels", type=options.PATH, metavar="Y.npy", required=True, help="One class per frame.")
@click.option(
    "--on", type=click.Choice(PLACES), multiple=True, help="What computes it; may be given again [default: float, golden]."
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
    as_json: bool,
) -> None:
    """Score the frames of X.npy with each MODEL, and print the area under the ROC curve (AUC) for the class it does not know.

    Every place is given the same samples. Scores: sampled (reconstruction error and KL divergence over K samples), mean (the
    same from mu), kl, and radius (the sum of mu squared).
    """
    terminal = Terminal(as_json)
    if plot:
        check_writable(plot)
    places = on or PLACES[:2]
    results: list[dict[str, Any]] = []
    with terminal.progress() as report:
        for number, model in enumerate(models):
            network, x, codes = load_with_data(model, data, reading, terminal)
            if network.latent is None:
                raise InputError(f"{model}: it draws no samples")
            check_size(network, len(x), samples + 1, recorded=True)
            anomalous = read_labels(labels, len(x), CLASSES) == (unknown := _left_out(model, left_out))
            if not 0 < anomalous.sum() < len(x):
                raise InputError(
                    f"{labels}: {anomalous.sum()} of {len(x)} frames are of class {unknown}, expected some but not all"
                )
            aucs = {}
            for place in places:
                report(f"{model.name} on {place}", number, len(models))
                found = _scores(_executor(model, network, codes, place), network, x, samples, seed)
                aucs[place] = {kind: roc_auc(values, anomalous) for kind, values in found.items()}
            results.append({"model": str(model), "left_out": unknown, "auc": aucs})
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
        {"frames": len(x), "samples": samples, "models": results, "mean_auc": means},
        table("ROC AUC", ["model", "left out", *series], rows, total=["mean", "", *(f"{mean:.4f}" for mean in means.values())]),
    )


def _left_out(model: Path, given: int | None) -> int:
    """The class that a model was trained without: the one given, or else that of its metadata."""
    if given is not None:
        return given
    noted = {entry.key: entry.value for entry in onnx.load(str(model)).metadata_props}.get(LEFT_OUT, "")
    if not noted.isdecimal():
        raise InputError(f"{model}: it does not say which class it was trained without; give --left-out")
    return int(noted)


def _scores(execute: Executor, network: Network, x: NDArray[Any], samples: int, seed: int) -> dict[str, Reals]:
    """The scores of the frames x, by their kind."""
    assert network.latent is not None
    grid = 2.0**FRACTION
    drawn = np.random.default_rng(seed).standard_normal((len(x), samples, network.latent.latents))
    eps = np.rint(drawn * grid) / grid
    if network.latent.score:
        return trigger_scores(execute(x, eps[:, :1]).reconstruction)
    return scores(execute, x, x / x.max(), eps)


def _executor(model: Path, network: Network, codes: NDArray[np.int64], place: str) -> Executor:
    """What runs a model's frames, whose codes are given, in one of the PLACES."""

    def in_float(frames: NDArray[Any], eps: Reals) -> Inference:
        latent = import_real(model, network.input.grid.scale, network.output.name).latent
        assert latent is not None
        heads = latent.mean, latent.logarithm
        found = reference.execute(model, frames, epsilon=eps.astype(np.float32), tensors=heads, output=network.output.name)
        mu, logarithm = (found.tensors[name][:, 0].reshape(len(frames), -1) for name in heads)
        return Inference(found.outputs, mu, latent.log_variances(logarithm))

    def in_integers(frames: NDArray[Any], eps: Reals) -> Inference:
        drawn = np.rint(eps * 2.0**FRACTION).astype(np.int64)
        if place == "golden":
            tensors = dict(network.steps(codes, drawn))
        else:
            made = make_plan(network, Planning(), samples=drawn.shape[1])
            tensors = simulate(made, codes, place, True, noise=Noise(epsilon=drawn)).trace
        y = network.output.decode(tensors[network.layers[-1].name])
        latents = latent_values(network, tensors, drawn)
        return Inference(y.reshape(*eps.shape[:2], *y.shape[1:]), latents["mu"], latents["logvar"])

    return in_float if place == "float" else in_integers
