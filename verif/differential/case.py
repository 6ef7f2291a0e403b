"""What a seed draws: a file, frames for it, and what is known of the graph without any importer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sigmabit.golden import Coding


@dataclass(frozen=True)
class Planted:
    """Something that no hardware is made of. `names` are the nodes that may be blamed for it, with all behind `since`."""

    what: str
    names: tuple[str, ...]


@dataclass
class Segment:
    """From what a layer reads to the bits that follow from it, as tensors of the graph.

    source: what the layer reads, before any padding; weights: its weights; both None where pixels are binarised. sums: the
    layer's result. pooled: what maxima are taken of, on the way to `bits`.
    """

    source: str | None
    weights: str | None
    sums: str
    pooled: list[str] = field(default_factory=list)
    bits: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """A model file, N frames for it, the step of its pixels where the file does not say.

    levels: all numbers that the frames may hold, where these are few. epsilon: (N, latents) samples for a graph that draws them.
    coding: the frames' codes, where they are no pixels.
    """

    seed: int
    path: Path
    x: np.ndarray
    input_scale: float | None
    levels: np.ndarray | None = None
    epsilon: np.ndarray | None = None
    planted: Planted | None = None
    segments: tuple[Segment, ...] = ()
    coding: Coding | None = None

    @property
    def real(self) -> bool:
        """Does the graph draw samples?"""
        return self.epsilon is not None


Curve = Callable[[np.ndarray], np.ndarray]
