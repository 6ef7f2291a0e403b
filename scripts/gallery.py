"""Pictures of what a variational autoencoder does: frames and reconstructions, fresh samples, a walk between two frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network, sampler
from sigmabit.golden.gaussian import FRACTION

from .pictures import latent_walk, write_grid

ACROSS = 12
"""Images in a row."""

SAMPLES_SEED = 1
"""Of the latent variables of fresh samples."""


def draw(
    network: Network, x: NDArray[Any], y: NDArray[np.float32], tensors: dict[str, NDArray[np.int64]], folder: Path
) -> list[str]:
    """Write <network>_*.png for frames x, results y (N * K, ...) and golden's tensors of them. Returns the files' names.

    Nothing is drawn of networks whose results are no images like their frames.
    """
    image = _image(network)
    if image is None or network.latent is None:
        return []
    count, samples = min(ACROSS, len(x)), len(y) // len(x)
    frames = (x / x.max()).reshape(-1, *image)[:count]
    reconstructed = y.reshape(len(x), samples, *image)[:count]
    pictures = {
        "reconstructions": [frames, *reconstructed.transpose(1, 0, 2, 3)[:4]],
        "samples": list(_fresh(network, 4 * ACROSS).reshape(4, ACROSS, *image)),
        "walk": _walks(network, tensors, image),
    }
    names = []
    for what, rows in pictures.items():
        names.append(f"{network.name}_{what}.png")
        write_grid(rows, folder / names[-1])
    return names


def _image(network: Network) -> tuple[int, int] | None:
    """(height, width) of frames and results that are images of one channel."""
    shape = network.output.shape
    if len(shape) == 3 and shape[0] == 1 and shape == network.input.shape:
        return shape[1], shape[2]
    return None


def decode(network: Network, z: NDArray[np.floating]) -> NDArray[np.float32]:
    """Results of latent variables (N, latents) of one's own, by golden's layers behind the sampling layer."""
    latent = network.latent
    assert latent is not None
    half = 1 << latent.z_bits - 1
    codes = np.clip(np.rint(z * 2.0**latent.z_fraction), -half, half - 1).astype(np.int64)[:, None, None, :]
    for layer in network.layers[network.layers.index(latent) + 1 :]:
        codes = layer.run(codes)  # type: ignore[call-arg]
    return network.output.decode(codes)


def _fresh(network: Network, count: int) -> NDArray[np.float32]:
    """Results of latent variables drawn from the standard normal."""
    assert network.latent is not None
    return decode(network, sampler.samples(SAMPLES_SEED, network.latent.latents, count) * 2.0**-FRACTION)


def _walks(network: Network, tensors: dict[str, NDArray[np.int64]], image: tuple[int, int]) -> list[NDArray[np.float32]]:
    """From the mean of each of four frames to that of the next one."""
    latent = network.latent
    assert latent is not None
    means = tensors[network.layers[network.layers.index(latent) - 1].name][:5, 0, 0, : latent.latents] * 2.0**-latent.fraction
    pairs = zip(means, means[1:], strict=False)
    return [decode(network, latent_walk(start, end, ACROSS)).reshape(-1, *image) for start, end in pairs] or [
        decode(network, means).reshape(-1, *image)
    ]
