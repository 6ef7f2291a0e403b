"""The sampling layer: latent variables drawn from the posterior that an encoder gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .deviations import Table
from .exponential import Exponential
from .reparameterise import Deviation, reparameterise
from .score import kl_bits, mu_squared_bits, score


@dataclass(frozen=True, eq=False)
class Latent:
    """z = mu + exp(logvar / 2) * eps for each of `latents` latent variables and each sample; see
    golden/sampling/reparameterise.py.

    input: (1, 1, 2 * latents) signed codes with `fraction` fraction bits, means in front, logarithms of variances behind; of
    standard deviations if log_sigma. Results are in two's complement, z with z_bits bits and z_fraction fraction bits; with
    score, the sum of the squared means and the Kullback-Leibler divergence follow.

    table: None, or the standard deviations that the codes behind the means stand for, which then are no logarithms; there is no
    score of them. carried: how many further codes come behind, which are given behind the results, as they are but
    saturated to their width.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    fraction: int
    log_sigma: bool
    score: bool
    z_bits: int
    z_fraction: int
    table: Table | None = None
    carried: int = 0

    def __post_init__(self) -> None:
        tensor = self.input
        if (tensor.height, tensor.width) != (1, 1) or (tensor.channels - self.carried) % 2 or not tensor.signed:
            raise ValueError(f"{self.name}: means and logarithms from {tensor}, expected signed codes at one position")
        table = self.table
        if table is None:
            return
        if (table.bits, table.fraction) != (tensor.bits, self.fraction):
            found = f"a table of codes of {table.bits} bits, {table.fraction} of them fraction"
            raise ValueError(f"{self.name}: {found}, for codes of {tensor.bits} and {self.fraction}")
        if self.score:
            raise ValueError(f"{self.name}: scores of deviations that are no exponential")

    @property
    def latents(self) -> int:
        """Latent variables."""
        return (self.input.channels - self.carried) // 2

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame and sample."""
        return self.latents

    @property
    def deviation(self) -> Deviation:
        """How standard deviations follow from codes."""
        return self.table or Exponential(self.input.bits, self.fraction, self.log_sigma, squared=False)

    @property
    def variance(self) -> Exponential:
        """How variances follow from codes."""
        return Exponential(self.input.bits, self.fraction, self.log_sigma, squared=True)

    @property
    def result_bits(self) -> int:
        """Width of a result: that of z, or of the larger score if there are scores."""
        if not self.score:
            return self.z_bits
        return max(self.z_bits, mu_squared_bits(self.latents, self.variance), kl_bits(self.latents, self.variance))

    @property
    def output(self) -> TensorType:
        """The results of one sample."""
        return TensorType(1, 1, self.latents + 2 * self.score + self.carried, Range.of_bits(self.result_bits, signed=True))

    def run(self, codes: NDArray[np.integer], epsilon: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """(N, 1, 1, 2 * latents + carried) codes and (N, K, latents) standard normal codes to (N * K, 1, 1, results).

        ValueError without samples.
        """
        if epsilon is None:
            raise ValueError(f"{self.name} needs samples")
        heads = codes[:, 0, 0].astype(np.int64)
        mu, logvar, carried = np.split(heads[:, None], [self.latents, 2 * self.latents], axis=-1)
        results = reparameterise(mu, logvar, epsilon, self.deviation, self.z_bits, self.z_fraction)
        if self.score:
            scores = np.stack(score(mu, logvar, self.variance), axis=-1)
            results = np.concatenate([results, np.broadcast_to(scores, (*results.shape[:2], 2))], axis=-1)
        if self.carried:
            half = 1 << (self.result_bits - 1)
            carried = np.clip(carried, -half, half - 1)
            results = np.concatenate([results, np.broadcast_to(carried, (*results.shape[:2], self.carried))], axis=-1)
        return results.reshape(-1, 1, 1, results.shape[-1])

    def log_variances(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Logarithms of variances that (...) codes stand for, as they are before the clamp; of a table's deviations -inf of 0."""
        logarithms: NDArray[np.float64]
        if self.table is None:
            logarithms = codes * np.float64(2.0**-self.fraction * (2 if self.log_sigma else 1))
            return logarithms
        with np.errstate(divide="ignore"):
            logarithms = 2 * np.log(self.table.of(codes) * 2.0**-self.table.value_fraction)
        return logarithms

    def reach(self, inputs: Reach) -> Reach:
        """All results: samples have no bounds but those of their width."""
        return Reach.of(self.output)
