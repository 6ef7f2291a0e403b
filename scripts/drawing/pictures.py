"""PNG pictures: grids of small images, and what tells anomalies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating[Any]]

GAP = 1
"""Pixels between images, before enlargement."""


def write_grid(rows: Sequence[Reals], path: Path, zoom: int = 4) -> None:
    """Rows of images as one PNG: each row is (n, height, width), from 0 (black) to 1; shorter rows are filled up in grey."""
    from PIL import Image

    height, width = rows[0].shape[1:]
    columns = max(len(row) for row in rows)
    canvas = np.full((len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP), 0.5)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            canvas[y * (height + GAP) :, x * (width + GAP) :][:height, :width] = image
    grey = np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(grey).resize((grey.shape[1] * zoom, grey.shape[0] * zoom), Image.Resampling.NEAREST).save(path, "PNG")


def gallery(targets: Reals, reconstructions: Reals, decode: Callable[[Reals], Reals], latents: int, seed: int = 0) -> list[Reals]:
    """What shows an autoencoder, as rows for write_grid: n inputs, their reconstructions, two rows of fresh samples, a walk.

    targets and reconstructions: (n, height, width), from 0 to 1. decode: from latent variables (n, latents) to such images;
    fresh samples come from the prior, and the walk leads from one of its points to another in equal steps.
    """
    count = len(targets)
    fresh = np.random.default_rng(seed).standard_normal((2 * count + 2, latents))
    start, end = fresh[-2:]
    walk = start + (end - start) * np.linspace(0, 1, count)[:, None]
    samples = decode(fresh[:-2])
    return [targets, reconstructions, samples[:count], samples[count:], decode(walk)]


def plot_aucs(aucs: Mapping[str, Sequence[float]], classes: Sequence[int], path: Path) -> None:
    """Areas under the curve by left-out class, one mark for each kind of score or executor, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(aucs.items()):
        shift = (number - (len(aucs) - 1) / 2) * 0.6 / len(aucs)
        axes.plot(np.arange(len(classes)) + shift, values, "osD^vx+*"[number % 8], label=f"{name}, mean {np.mean(values):.3f}")
    axes.axhline(0.5, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xticks(range(len(classes)), [str(each) for each in classes])
    axes.set(xlabel="class left out of training", ylabel="ROC AUC", ylim=(0, 1.02))
    axes.grid(axis="y", linewidth=0.3)
    figure.legend(fontsize="small", loc="outside right center")
    figure.savefig(path, format="png", dpi=120)
