"""Anomaly detection with a variational autoencoder: scores of frames, and how well they tell a class that was never trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating[Any]]

VARIANCE = 1 / 64
"""Variance of a pixel, from 0 to 1, about its reconstruction: what the digits' autoencoders are trained with, and about reach."""

LEFT_OUT = "sigmabit.left_out"
"""The entry of a model file's metadata that names the class it was trained without."""


@dataclass(frozen=True, eq=False)
class Inference:
    """What a VAE makes of N frames with K samples each: reconstructions (N, K, ...), mu and logvar (N, latents)."""

    reconstruction: Reals
    mu: Reals
    logvar: Reals


Executor = Callable[[NDArray[Any], Reals], Inference]
"""Runs frames (N, ...) with the eps given, (N, K, latents): the float graph, golden, or the Verilog."""


def scores(execute: Executor, frames: NDArray[Any], target: Reals, eps: Reals) -> dict[str, Reals]:
    """Anomaly scores (N,) of the frames, in nats but for the radius, by the name of their kind; larger is more anomalous.

    sampled: the negative evidence lower bound up to a constant, that is squared error over 2 VARIANCE plus KL divergence,
    averaged over the K samples that eps (N, K, latents) makes. The others draw nothing: mean, the same with the one
    reconstruction from mu; kl, the KL divergence alone; radius, the sum of mu squared (both Govorkova et al.,
    arXiv:2108.03986). `target` holds the frames as the network is to give them back, from 0 to 1.
    """
    inference = execute(frames, np.concatenate([eps, np.zeros_like(eps[:, :1])], axis=1))
    errors = squared_error(inference.reconstruction, target) / (2 * VARIANCE)
    kl = kl_divergence(inference.mu, inference.logvar)
    radius = (inference.mu.astype(np.float64) ** 2).sum(1)
    return {"sampled": errors[:, :-1].mean(1) + kl, "mean": errors[:, -1] + kl, "kl": kl, "radius": radius}


def trigger_scores(outputs: Reals) -> dict[str, Reals]:
    """The same for the outputs (N, K, latents + 2) of a network that ends in its scores: kl and radius, as it computes them."""
    return {"kl": outputs[:, 0, -1], "radius": outputs[:, 0, -2]}


def squared_error(reconstruction: Reals, target: Reals) -> Reals:
    """The sum (N, K) over a frame's pixels of the squared difference between reconstructions (N, K, ...) and target (N, ...)."""
    difference = reconstruction.astype(np.float64) - target[:, None]
    return (difference**2).reshape(*difference.shape[:2], -1).sum(2)


def kl_divergence(mu: Reals, logvar: Reals) -> Reals:
    """Kullback-Leibler divergence (N,) of the posterior from the standard normal, in nats."""
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1)


def roc_auc(scores: Reals, anomalous: NDArray[np.bool_]) -> float:
    """Area under the receiver operating characteristic: the chance that an anomaly scores above a normal frame, ties half.

    By ranks (Mann and Whitney 1947). Both kinds of frame must occur.
    """
    anomalies = int(anomalous.sum())
    normals = len(scores) - anomalies
    if not anomalies or not normals:
        raise ValueError(f"{anomalies} anomalies and {normals} normal frames, expected at least one of each")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[anomalous].sum() - anomalies * (anomalies + 1) / 2) / (anomalies * normals))
