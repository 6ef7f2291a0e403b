"""deviations: the sampling layer with standard deviations from a table, which may be those of any function of a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.sampling.deviations import Table
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.sampling.reparameterise import error_bound, reparameterise
from sigmabit.hdl.arithmetic.tabulate import TabulateConfig
from sigmabit.hdl.sampling.deviations import DeviationsConfig
from sigmabit.hdl.sampling.reparameterise import ReparameteriseConfig

from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_latent import Case, Frame, LatentSuite
from .test_reparameterise import telling
from .test_score import Posterior


def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    return np.logaddexp(0, x)


TIED, MANY = 64, 40
"""Words of a table that are chosen for what they show; how many of them one stimulus has."""


@dataclass(frozen=True)
class Tabulated(Case):
    """Without scores; the table holds any words."""

    value_fraction: int = 20

    @property
    def shift(self) -> int:
        """Bits of a product that are rounded away."""
        return self.value_fraction + 11 - self.z_bits // 2

    @cached_property
    def tied(self) -> list[tuple[int, int]]:
        """Words of a table, each with a sample of the normal: their product is but some units from where z is rounded the other
        way. There, each bit of both and of all that is made of them counts.
        """
        random = np.random.default_rng(self.bits)
        found: list[tuple[int, int]] = []
        while len(found) < min(1 << self.bits, TIED):
            eps = random.integers(1 << 11, 1 << 15, 4096)
            edge = 2 * random.integers(0, 1 << self.z_bits - 2, 4096) + 1 << self.shift - 1
            word = (edge + eps // 2) // eps
            chosen = (np.abs(word * eps - edge) <= 4) & (word < 1 << 24)
            found += zip(word[chosen].tolist(), eps[chosen].tolist(), strict=True)
        return found[: 1 << self.bits]

    @cached_property
    def words(self) -> list[int]:
        """Of codes from 0 upwards, then of the negative ones; the least and the largest among them."""
        words = np.random.default_rng(self.bits).integers(0, 1 << 24, 1 << self.bits)
        words[: len(self.tied)] = [word for word, _ in self.tied]
        words[:2] = 0, (1 << 24) - 1
        return words.tolist()  # type: ignore[no-any-return]

    @cached_property
    def layer(self) -> Latent:
        plain = replace(super().layer, score=False)
        return replace(plain, table=Table(self.bits, self.fraction, self.value_fraction, np.array(self.words)))


class TabulatedSuite(LatentSuite):
    """As that of exponentials; short tables and one in block RAM."""

    samples: ClassVar[Sequence[Case]] = (
        Tabulated(2, 6, 3, False, False, 8, 1, 1, False),
        Tabulated(3, 5, 3, False, False, 10, 3, 2, True, value_fraction=24),
        Tabulated(1, 12, 8, False, False, 12, 2, 1, False, value_fraction=10),
    )

    def configs(self) -> st.SearchStrategy[Case]:
        flags, bits, no = st.booleans(), st.integers(2, 10), st.just(False)
        shape = st.integers(1, 3), bits, st.integers(0, 10), no, no, bits
        return st.builds(
            Tabulated, *shape, st.sampled_from([1, 2, 4]), st.integers(1, 4), flags, value_fraction=st.integers(10, 24)
        )

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Frame]]:
        return super().stimuli(config) | st.integers(0, 1 << 32).map(lambda seed: self.many(config, seed))

    @staticmethod
    def many(config: Case, seed: int) -> list[Frame]:
        """Words that are tied, most of them, with samples of the normal on either side of where z is rounded the other way."""
        assert isinstance(config, Tabulated)
        random, step = np.random.default_rng(seed), 1 << max(0, config.fraction - config.z_bits // 2)
        levels, most = 1 << config.bits, (1 << config.bits - 2) // step
        orders = [random.permutation(len(config.tied)) for _ in range(config.latents)]
        frames = []
        for places in list(zip(*orders, strict=True))[:MANY]:
            mu = [step * int(random.integers(-most, most + 1)) for _ in places]
            logs = [int(place) - (levels if place >= levels // 2 else 0) for place in places]
            signs = random.choice([-1, 1], (config.samples, config.latents)).tolist()
            eps = [tuple(sign * config.tied[place][1] for sign, place in zip(row, places, strict=True)) for row in signs]
            frames.append(Frame(True, Posterior(tuple(mu), tuple(logs)), tuple(eps), -2, 0))
        return frames

    def latents(self, config: Case) -> st.SearchStrategy[tuple[tuple[int, int, int], ...]]:
        """Each code of a short table often, with samples whose z is all but rounded the other way."""
        assert isinstance(config, Tabulated)
        half = 1 << config.bits - 1
        drawn = st.tuples(st.integers(-half, half - 1), st.integers(-half, half - 1))

        def tell(codes: tuple[int, int]) -> tuple[int, int, int]:
            mean = codes[0] << config.value_fraction + 11 - config.fraction
            return *codes, telling(mean, config.words[codes[1]], config.shift, config.z_bits)

        return st.tuples(*[drawn.map(tell)] * config.latents)

    def expected(self, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        assert isinstance(config, Tabulated)
        results, half, fraction = [], 1 << (config.z_bits - 1), config.z_bits // 2
        for frame in stimulus:
            for vector in frame.eps if frame.good else ():
                z = []
                for mu, code, eps in zip(frame.posterior.mu, frame.posterior.logvar, vector, strict=True):
                    sigma = Fraction(config.words[code], 2**config.value_fraction)  # a negative index counts from the end
                    exact = Fraction(mu, 2**config.fraction) + sigma * Fraction(eps, 2**11)
                    z.append(min(max(floor(exact * 2**fraction + Fraction(1, 2)), -half), half - 1))
                results.append(z)
        return results


class TestGolden(TabulatedSuite, GoldenTests):
    pass


class TestMyHdl(TabulatedSuite, MyHdlTests):
    pass


class TestVerilog(TabulatedSuite, VerilogTests):
    pass


@pytest.mark.parametrize("function", [softplus, lambda x: np.exp(x / 2) + 1e-3, np.abs, lambda x: 0.9 / (1 + np.exp(-x))])
def test_within_the_bound(function: Any) -> None:
    """A table's deviations are within their error of the function, for every code, and z is within the stated bound."""
    table = Table.tabulated(function, 12, 8, 64.0)
    codes = np.arange(-2048, 2048)
    exact = function(codes / 256)
    worst = np.abs(table.of(codes) * 2.0**-table.value_fraction - exact).max()
    assert 0.4 * 2.0**-table.value_fraction < worst <= table.error or np.all(exact == np.abs(codes / 256))
    assert table.words.max() >> 23 == 1  # as fine as 24 bits hold it
    eps = np.random.default_rng(0).integers(-32768, 32768, len(codes))
    z = reparameterise(np.zeros_like(codes), codes, eps, table, 40, 8)
    assert np.abs(z - exact * eps / 2**11 * 2**8).max() <= error_bound(table, 8) + 1e-9


@pytest.mark.parametrize(("largest", "units"), [(1, 0.5), (1 << 23, 0.5), ((1 << 24) - 2, 0.5), ((1 << 24) - 1, 1.0)])
def test_error(largest: int, units: float) -> None:
    """Half a unit, and a whole one where the largest may have been cut to what 24 bits hold."""
    table = Table(2, 0, 20, np.array([0, 1, largest, 0]))
    assert table.error == units * 2.0**-20
    assert table.limit == largest * 2.0**-20


@pytest.mark.parametrize("largest", [0.999, 1.0 - 2**-26, 1.0, 1.0 + 2**-26])
def test_largest_of_all(largest: float) -> None:
    """However near to a power of two it is, it is as near to its word as is said."""
    table = Table.tabulated(lambda x: np.where(x > 0, largest, 0.25), 3, 0, 64.0)
    found = table.of(np.arange(-4, 4)) * 2.0**-table.value_fraction
    assert np.abs(found - np.where(np.arange(-4, 4) > 0, largest, 0.25)).max() <= table.error


def test_limited() -> None:
    """Beyond the limit stands the limit, as nearly as 24 bits hold it, and it costs no precision below."""
    table = Table.tabulated(lambda x: np.exp(100 * x), 12, 8, 4.0)
    assert (table.value_fraction, table.limit) == (22, 4 - 2.0**-22)
    assert table.of(np.array([-2048, 0, 3, 4, 2047])).tolist() == [0, 1 << 22, 13539379, (1 << 24) - 1, (1 << 24) - 1]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, "a standard deviation of -0.00390625 where its function takes -0.00390625"),
        (lambda x: np.where(x < 5, 1, np.nan), "a standard deviation of nan where its function takes 5"),
        (lambda x: np.exp(2 * x), r"a standard deviation of up to 1e\+06, at most 16384 is supported"),
        (lambda x: 0 * x, "a standard deviation of 0 for every code"),
    ],
)
def test_functions_refused(function: Any, message: str) -> None:
    """What is no standard deviation."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Table.tabulated(function, 12, 8, 1e6)


WORDS = np.zeros(16, np.int64)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((17, 8, 20, WORDS), "bits=17 is not 2 to 16"),
        ((1, 8, 20, WORDS[:2]), "bits=1 is not 2 to 16"),
        ((4, 21, 20, WORDS), "fraction=21 is not 0 to 20"),
        ((4, -1, 20, WORDS), "fraction=-1 is not 0 to 20"),
        ((4, 2, 9, WORDS), "value_fraction=9 is not 10 to 24"),
        ((5, 2, 20, WORDS), r"a table of \(16,\) deviations for codes of 5 bits"),
        ((4, 2, 20, WORDS - 1), "deviations from -1 to -1, of 24 bits"),
    ],
)
def test_tables_refused(fields: Any, message: str) -> None:
    """Tables that do not fit."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Table(*fields)


@pytest.mark.parametrize("bits", [2, 16])
def test_widest_tables(bits: int) -> None:
    """From 2 to 16 bits."""
    words = np.arange(1 << bits)
    assert np.array_equal(Table(bits, 0, 20, words).of(np.arange(-(1 << bits - 1), 1 << bits - 1)), np.roll(words, 1 << bits - 1))


def test_layers_refused() -> None:
    """Tables that do not fit a layer's codes, or whose deviations are to have scores."""
    layer = Tabulated(2, 6, 3, False, False, 8, 1, 1, False).layer
    with pytest.raises(ValueError, match=r"^latent: a table of codes of 6 bits, 3 of them fraction, for codes of 6 and 2$"):
        replace(layer, fraction=2)
    with pytest.raises(ValueError, match=r"^latent: scores of deviations that are no exponential$"):
        replace(layer, score=True)
    with pytest.raises(ValueError, match=r"^score of deviations that come in place of logarithms$"):
        ReparameteriseConfig(2, 6, 3, 8, 4, False, True, 20)
    with pytest.raises(
        ValueError, match=r"^deviations_2x6: a table of 32 words of 24 bits for codes of 6 bits and values of 24$"
    ):
        DeviationsConfig(6, TabulateConfig("latent", 2, 24, (0,) * 32))
