"""Anomaly scores of a posterior: the length of its mean, and its Kullback-Leibler divergence from the standard normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .exponential import Exponential, exponential, largest_error

KL_FRACTION = 12
"""Fraction bits of the divergence."""


def linear(logvar: NDArray[np.integer], variance: Exponential) -> NDArray[np.int64]:
    """1 + v of (...) codes, v being the logarithm of the variance within the clamp, in units of the variance."""
    one = 1 << variance.value_fraction
    return one + (variance.clamped(logvar) << linear_shift(variance))


def linear_shift(variance: Exponential) -> int:
    """Bits by which a code is shifted to be a log-variance in units of the variance."""
    return variance.value_fraction - variance.fraction + variance.log_sigma


def score(
    mu: NDArray[np.integer], logvar: NDArray[np.integer], variance: Exponential
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """sum(mu**2) and sum(mu**2 + exp(v) - 1 - v) / 2 of (..., latents) codes, v being the logarithm of the variance.

    The first is exact, with 2 * variance.fraction fraction bits; the second has KL_FRACTION, rounded half up. (Kingma and
    Welling, Auto-Encoding Variational Bayes, 2014, appendix B.)
    """
    mu_squared = (mu.astype(np.int64) ** 2).sum(axis=-1)
    excess = (exponential(logvar, variance) - linear(logvar, variance)).sum(axis=-1)
    square_shift, excess_shift, cut = kl_shifts(variance)
    total = (mu_squared << square_shift) + (excess << excess_shift) + (1 << (cut - 1))
    return mu_squared, total >> cut


def kl_shifts(variance: Exponential) -> tuple[int, int, int]:
    """How far the sums of squares and of the rest are shifted left to be added, and how far their total right to be halved."""
    square_fraction = 2 * variance.fraction
    common = max(square_fraction, variance.value_fraction)
    return common - square_fraction, common - variance.value_fraction, common + 1 - KL_FRACTION


def mu_squared_bits(latents: int, variance: Exponential) -> int:
    """Width of the sum of squares in two's complement."""
    return (latents << 2 * (variance.bits - 1)).bit_length() + 1


def kl_bits(latents: int, variance: Exponential) -> int:
    """Width of the divergence in two's complement."""
    low, high = variance.clamp
    codes = np.arange(low, high + 1)
    excess = int((exponential(codes, variance) - linear(codes, variance)).max())
    square_shift, excess_shift, cut = kl_shifts(variance)
    largest = (1 << 2 * (variance.bits - 1) + square_shift) + (excess << excess_shift)
    return ((latents * largest >> cut) + 1).bit_length() + 1


def kl_bound(latents: int, variance: Exponential) -> float:
    """What the divergence differs by at the most from that of the real numbers which the codes stand for, within the clamp."""
    return latents * largest_error(variance) / 2 + 2.0 ** -(KL_FRACTION + 1)
