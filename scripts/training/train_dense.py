"""Train a variational autoencoder of dense layers by NumPy alone: no PyTorch, and a file in minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Dataset

Array = NDArray[Any]
Layers = dict[str, tuple[Array, Array]]
"""Float32 weights (outputs, inputs) and biases (outputs,) by layer: encoder, mu, logvar, decoder, result."""

SEED = 2024
WARM_UP = 0.3
"""Part of the training over which the divergence's weight rises from 0 to 1, so that latents are used before they cost."""
RISE = 0.1
"""Part of it over which the rate rises."""
MOMENTS = (0.9, 0.999)
"""How much of the gradient's running means stays at each step (Kingma and Ba, arXiv:1412.6980)."""


@dataclass(frozen=True)
class Recipe:
    """Sizes and schedule. variance: of a pixel about its reconstruction; the smaller it is, the closer these are to images."""

    dataset: str
    hidden: int
    latents: int
    epochs: int
    batch: int
    learning_rate: float
    variance: float


RECIPES = {"mnist_dense_vae": Recipe("mnist", 400, 20, epochs=10, batch=250, learning_rate=2e-3, variance=1 / 12)}


@dataclass(frozen=True, eq=False)
class Passed:
    """What a pass through the layers gave, for the way back."""

    x: Array
    hidden: Array
    mu: Array
    logvar: Array
    eps: Array
    z: Array
    decoded: Array
    y: Array


def started(recipe: Recipe, pixels: int, random: np.random.Generator) -> Layers:
    """Layers before training, as PyTorch begins: even, up to the root of a layer's inputs."""
    hidden, latents = recipe.hidden, recipe.latents
    sizes = {"encoder": (pixels, hidden), "mu": (hidden, latents), "logvar": (hidden, latents)}
    sizes |= {"decoder": (latents, hidden), "result": (hidden, pixels)}

    def drawn(inputs: int, *shape: int) -> Array:
        limit = 1 / math.sqrt(inputs)
        return random.uniform(-limit, limit, shape).astype(np.float32)

    return {name: (drawn(inputs, outputs, inputs), drawn(inputs, outputs)) for name, (inputs, outputs) in sizes.items()}


def passed(layers: Layers, x: Array, random: np.random.Generator) -> Passed:
    """Images (N, pixels) from end to end, with samples of their own."""

    def through(name: str, source: Array) -> Array:
        weights, biases = layers[name]
        return source @ weights.T + biases

    hidden = np.maximum(through("encoder", x), 0)
    mu, logvar = through("mu", hidden), through("logvar", hidden)
    eps = random.standard_normal(mu.shape, np.float32)
    z = mu + np.exp(logvar / 2) * eps
    decoded = np.maximum(through("decoder", z), 0)
    y = 1 / (1 + np.exp(-through("result", decoded)))
    return Passed(x, hidden, mu, logvar, eps, z, decoded, y)


def divergence(found: Passed) -> Array:
    """Kullback-Leibler divergence of each latent from the standard normal, (N, latents), in nats."""
    terms: Array = 0.5 * (found.mu**2 + np.exp(found.logvar) - 1 - found.logvar)
    return terms


def gradients(layers: Layers, found: Passed, variance: float, weight: float) -> Layers:
    """Of the negative evidence lower bound per image, with so much weight on the divergence."""
    count, results = len(found.x), Layers()

    def back(name: str, source: Array, upstream: Array) -> Array:
        results[name] = upstream.T @ source / count, upstream.mean(axis=0)
        taken: Array = upstream @ layers[name][0]
        return taken

    upstream = (found.y - found.x) / np.float32(variance) * found.y * (1 - found.y)
    z = back("decoder", found.z, back("result", found.decoded, upstream) * (found.decoded > 0))
    mu = z + np.float32(weight) * found.mu
    spread = np.exp(found.logvar / 2)
    logvar = z * found.eps * spread / 2 + np.float32(weight / 2) * (spread**2 - 1)
    hidden = back("mu", found.hidden, mu) + back("logvar", found.hidden, logvar)
    back("encoder", found.x, hidden * (found.hidden > 0))
    return results


def schedule(recipe: Recipe, images: int, epochs: int) -> Iterator[tuple[int, float, float]]:
    """For each step its epoch, the rate, and the divergence's weight."""
    each = -(-images // recipe.batch)
    total = epochs * each
    for step in range(total):
        part = step / total
        rise = part / RISE if part < RISE else (1 + math.cos(math.pi * (part - RISE) / (1 - RISE))) / 2
        yield step // each, recipe.learning_rate * max(rise, 1e-3), min(1.0, part / WARM_UP)


def train(
    recipe: Recipe, dataset: Dataset, progress: Callable[[int, int, float, float], None], epochs: int | None = None
) -> Layers:
    """Train a recipe; calls progress(epoch, epochs, squared error per pixel, KL divergence in nats) after each epoch."""
    random, total = np.random.default_rng(SEED), epochs or recipe.epochs
    images = dataset.train_images.reshape(len(dataset.train_images), -1)
    layers = started(recipe, images.shape[1], random)
    means, squares = ({name: tuple(map(np.zeros_like, parts)) for name, parts in layers.items()} for _ in range(2))
    order, sums, epoch = random.permutation(len(images)), np.zeros(2), 0
    first, second = MOMENTS
    for step, (now, rate, weight) in enumerate(schedule(recipe, len(images), total), 1):
        if now > epoch:
            progress(now, total, *(sums / len(images)).tolist())
            order, sums, epoch = random.permutation(len(images)), np.zeros(2), now
        start = (step - 1) * recipe.batch - now * (-(-len(images) // recipe.batch)) * recipe.batch
        x = images[order[start : start + recipe.batch]]
        found = passed(layers, x, random)
        sums += ((found.y - x) ** 2).mean(axis=1).sum(), divergence(found).sum()
        for name, parts in gradients(layers, found, recipe.variance, weight).items():
            for kind, gradient in enumerate(parts):
                mean, square = means[name][kind], squares[name][kind]
                mean += (1 - first) * (gradient - mean)
                square += (1 - second) * (gradient**2 - square)
                size = rate * math.sqrt(1 - second**step) / (1 - first**step)
                layers[name][kind][...] -= np.float32(size) * mean / (np.sqrt(square) + np.float32(1e-8))
    progress(total, total, *(sums / len(images)).tolist())
    return layers


def figures(layers: Layers, images: Array) -> dict[str, Any]:
    """Squared error per pixel of reconstructions from samples, and the divergence of each latent in nats, on some images."""
    found = passed(layers, images.reshape(len(images), -1), np.random.default_rng(SEED))
    error = float(((found.y - found.x) ** 2).mean())
    return {"squared_error_per_pixel": error, "kl_per_latent": divergence(found).mean(axis=0).astype(float).tolist()}
