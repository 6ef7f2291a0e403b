"""The second of two sampling layers: its samples of the standard normal have come all the way beside the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .exponential import Exponential
from .reparameterise import EPS_BITS, EPS_FRACTION, reparameterise


@dataclass(frozen=True, eq=False)
class Deferred:
    """z = mu + exp(logvar / 2) * eps for each of `latents` latent variables; see golden/sampling/reparameterise.py.

    input: (1, 1, channels) signed codes: means, then logarithms of variances (of deviations if log_sigma), both with `fraction`
    fraction bits; anything; and at the end eps, with eps_fraction fraction bits, limited to what EPS_BITS hold. Results are in
    two's complement, with z_bits bits and z_fraction fraction bits.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    latents: int
    fraction: int
    eps_fraction: int
    log_sigma: bool
    z_bits: int
    z_fraction: int

    def __post_init__(self) -> None:
        tensor = self.input
        if (tensor.height, tensor.width) != (1, 1) or tensor.channels < 3 * self.latents or not tensor.signed:
            raise ValueError(f"{self.name}: {self.latents} means, logarithms and samples from {tensor}, signed at one position")
        if not 0 <= self.eps_fraction <= EPS_FRACTION:
            raise ValueError(f"{self.name}: samples of {self.eps_fraction} fraction bits, expected 0 to {EPS_FRACTION}")

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame and sample."""
        return self.latents

    @property
    def deviation(self) -> Exponential:
        """How standard deviations follow from codes."""
        return Exponential(self.input.bits, self.fraction, self.log_sigma, squared=False)

    @property
    def output(self) -> TensorType:
        """The results."""
        return TensorType(1, 1, self.latents, Range.of_bits(self.z_bits, signed=True))

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, 1, 1, channels) codes to (N, 1, 1, latents)."""
        beat, latents = codes[:, 0, 0].astype(np.int64), self.latents
        limit = 1 << EPS_BITS - 1
        eps = np.clip(beat[:, -latents:] << EPS_FRACTION - self.eps_fraction, -limit, limit - 1)
        mu, logarithms = beat[:, :latents], beat[:, latents : 2 * latents]
        z = reparameterise(mu, logarithms, eps, self.deviation, self.z_bits, self.z_fraction)
        return z[:, None, None, :]

    def reach(self, inputs: Reach) -> Reach:
        """All results: samples have no bounds but those of their width."""
        return Reach.of(self.output)
