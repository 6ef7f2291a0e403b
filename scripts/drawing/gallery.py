"""A picture of what a quantised variational autoencoder does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.golden.sampling.latent import Latent

from ..interface.files import write_whole
from .pictures import gallery, write_grid

ACROSS = 16
"""Images in a row."""


def draw(network: Network, x: NDArray[Any], y: NDArray[np.float32], folder: Path) -> Path | None:
    """Write <network>.png for frames x and their results y (N * K, ...), of which the first of each frame is shown.

    None for a network whose results are no images like its frames: nothing is drawn.
    """
    shape, latent = network.output.shape, network.latent
    if latent is None or len(shape) != 3 or shape[0] != 1 or shape != network.input.first:
        return None
    x, count = network.input.of_first(x), min(ACROSS, len(x))
    targets = (x / x.max()).reshape(-1, *shape[1:])[:count]
    reconstructions = y.reshape(len(x), -1, *shape[1:])[:count, 0]

    def of_latents(z: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return decode(network, latent, z).reshape(-1, *shape[1:])

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{network.name}.png"
    rows = gallery(targets, reconstructions, of_latents, latent.latents)
    write_whole(path, lambda fresh: write_grid(rows, fresh))
    return path


def decode(network: Network, latent: Latent, z: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Results of latent variables (N, latents) of one's own, by golden's layers behind the sampling layer."""
    half = 1 << latent.z_bits - 1
    codes = np.clip(np.rint(z * 2.0**latent.z_fraction), -half, half - 1).astype(np.int64)[:, None, None, :]
    for layer in network.layers[network.layers.index(latent) + 1 :]:
        assert not isinstance(layer, Latent)
        codes = layer.run(codes)
    return network.output.decode(codes)
