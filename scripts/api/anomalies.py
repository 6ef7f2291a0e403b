"""How well autoencoders tell a class that they were trained without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.fpga.workers import HERE, Workers
from sigmabit.golden import InputError, Network, import_real
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.verif.simulation import SIMULATORS, Noise, reference
from sigmabit.verif.simulation.job import Progress
from sigmabit.verif.simulation.pieces import golden_in_pieces, simulate_in_pieces

from ..data.shipped import model_file
from ..interface.choices import Planning, Source
from ..interface.files import read_labels
from ..interface.loading import make_plan
from ..measures.comparison import check_size
from ..networks.anomaly import LEFT_OUT, Executor, Inference, Reals, roc_auc, scores, trigger_scores
from .execution import latent_values, silent
from .networks import Remark, load_with_frames, warn

CLASSES = 10

PLACES = ("float", "golden", *SIMULATORS)
"""What may compute an anomaly's scores."""


@dataclass(frozen=True, eq=False)
class Anomaly:
    """How well a model tells a class. auc: the area under the ROC curve by place, and by the kind of score.

    scores: (N,) of each frame, by the same; larger is more anomalous. figures: counts about the frames.
    """

    model: Path
    left_out: int
    scores: dict[str, dict[str, NDArray[np.floating[Any]]]]
    auc: dict[str, dict[str, float]]
    figures: dict[str, int]

    @property
    def frames(self) -> int:
        """How many there were."""
        return len(next(iter(next(iter(self.scores.values())).values())))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"model": str(self.model), "left_out": self.left_out, "auc": self.auc}


def anomaly(
    model: str | Path,
    data: Source,
    labels: Source,
    *,
    on: Sequence[str] = PLACES[:2],
    left_out: int | None = None,
    samples: int = 16,
    seed: int = 0,
    input_scale: float | None = None,
    input_bits: int | None = None,
    input_offset: float | None = None,
    output_name: str | None = None,
    calibration: Source | None = None,
    condition: Source | None = None,
    strict_input: bool = False,
    workers: Workers | None = None,
    remark: Remark = warn,
    progress: Progress = silent,
) -> Anomaly:
    """Score frames with an autoencoder that draws samples, and find how well the scores tell the class that it does not know.

    Every place is given the same samples. Scores: sampled (reconstruction error and KL divergence over the samples), mean (the
    same from mu), kl, and radius (the sum of mu squared; both Govorkova et al., arXiv:2108.03986).

    Args:
        model: the file, or the name of a shipped model.
        data: frames (N, ...), as an array or a .npy file.
        labels: (N,) classes from 0 to 9, likewise.
        on: what computes the scores: some of float, golden, and SIMULATORS.
        left_out: the anomalous class, where the file does not say it.
        samples: of each frame.
        seed: of the samples.
        input_scale: see load, also for the arguments that are not listed here.
        input_bits: see load.
        input_offset: see load.
        output_name: see load.
        calibration: see load.
        condition: see load.
        strict_input: see load_with_frames.
        workers: compute golden and the hardware in pieces.
        remark: see load.
        progress: is told which place is at work.

    Raises:
        InputError: it draws no samples, or it is not known which class is the anomalous one, or none or all frames are of it.
    """
    file = model_file(model)
    for place in on:
        if place not in PLACES:
            raise InputError(f"unknown place {place}, expected some of {', '.join(PLACES)}")
    if seed < 0:
        raise InputError(f"seed={seed}, expected a whole number from 0 on")
    loaded = load_with_frames(
        file,
        data,
        input_scale=input_scale,
        input_bits=input_bits,
        input_offset=input_offset,
        output_name=output_name,
        calibration=calibration,
        condition=condition,
        strict_input=strict_input,
        remark=remark,
    )
    network, x, codes = loaded.network, loaded.x, loaded.codes
    if network.latent is None:
        raise InputError(f"{file}: it draws no samples")
    check_size(network, len(x), samples + 1, recorded=True)
    anomalous = read_labels(labels, len(x), CLASSES) == (unknown := _left_out(file, left_out))
    if not 0 < anomalous.sum() < len(x):
        where = "the labels" if isinstance(labels, np.ndarray) else labels
        raise InputError(f"{where}: {anomalous.sum()} of {len(x)} frames are of class {unknown}, expected some but not all")
    found: dict[str, dict[str, Reals]] = {}
    for number, place in enumerate(on):
        progress(f"{file.name} on {place}", number, len(on))
        found[place] = _scores(_executor(file, network, codes, place, workers or HERE), network, x, samples, seed)
    aucs = {place: {kind: roc_auc(each, anomalous) for kind, each in kinds.items()} for place, kinds in found.items()}
    return Anomaly(file, unknown, found, aucs, loaded.figures)


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


def _executor(model: Path, network: Network, codes: NDArray[np.int64], place: str, workers: Workers) -> Executor:
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
            tensors = golden_in_pieces(workers, network, codes, drawn, True)
        else:
            made = make_plan(network, Planning(), samples=drawn.shape[1])
            tensors = simulate_in_pieces(workers, made, codes, place, True, Noise(epsilon=drawn)).trace
        y = network.output.decode(tensors[network.layers[-1].name])
        latents = latent_values(network, tensors, drawn)
        return Inference(y.reshape(*eps.shape[:2], *y.shape[1:]), latents["mu"], latents["logvar"])

    return in_float if place == "float" else in_integers
