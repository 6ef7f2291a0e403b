"""The reparameterisation: samples of a posterior from samples of the standard normal."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EPS_BITS, EPS_FRACTION = 16, 11
"""A sample of the standard normal: two's complement, within [-16, 16)."""


class Deviation(Protocol):
    """How standard deviations follow from codes: an Exponential, or a Table."""

    @property
    def fraction(self) -> int:
        """Fraction bits of a code."""

    @property
    def value_fraction(self) -> int:
        """Fraction bits of a standard deviation."""

    @property
    def error(self) -> float:
        """What one differs by at the most from what its code stands for."""

    def of(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Standard deviations of (...) codes, unsigned, of 24 bits."""


def sigma(logvar: NDArray[np.integer], deviation: Deviation) -> NDArray[np.int64]:
    """Standard deviations of (...) codes, unsigned, of 24 bits with deviation.value_fraction fraction bits."""
    return deviation.of(logvar)


def reparameterise(
    mu: NDArray[np.integer],
    logvar: NDArray[np.integer],
    eps: NDArray[np.integer],
    deviation: Deviation,
    z_bits: int,
    z_fraction: int,
) -> NDArray[np.int64]:
    """mu + sigma * eps of (...) codes, with z_fraction fraction bits, rounded half up, saturated to z_bits in two's complement.

    mu and logvar are codes of the same format, eps has EPS_FRACTION fraction bits. (Kingma and Welling, Auto-Encoding
    Variational Bayes, 2014, section 2.4.)
    """
    fraction = deviation.value_fraction + EPS_FRACTION
    shift = fraction - z_fraction
    total = sigma(logvar, deviation) * eps + (mu.astype(np.int64) << (fraction - deviation.fraction))
    half = 1 << (z_bits - 1)
    z: NDArray[np.int64] = np.clip((total + (1 << (shift - 1))) >> shift, -half, half - 1)
    return z


def error_bound(deviation: Deviation, z_fraction: int) -> float:
    """What z differs by at the most, in units of its last place, from mu + exp(...) * eps of the real numbers which the codes
    stand for, within the clamp and where z is not saturated: half a unit, and the largest error of sigma times the largest eps.
    """
    largest = 2.0 ** (EPS_BITS - 1 - EPS_FRACTION)
    return 0.5 + deviation.error * largest * 2.0**z_fraction
