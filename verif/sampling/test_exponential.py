"""exponential: exp() of codes, by tables and a product; exact in its bits, close to exp(), and never falling."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.sampling.exponential import FINEST, VALUE_BITS, Exponential, largest_error
from sigmabit.golden.sampling.exponential import exponential as golden_exponential
from sigmabit.hdl.sampling.exponential import ExponentialConfig, exponential
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


def reference(code: int, form: Exponential) -> tuple[int, int]:
    """A code's value and its fraction bits, number by number, from what docs/sampling/exponential.md says."""
    limit = 4 if form.log_sigma else 8
    scale = 2.0 ** (form.squared - (not form.log_sigma)) / 2**form.fraction
    least = max(-(2 ** (form.bits - 1)), -limit * 2**form.fraction)
    code = min(max(code, least), -least - 1)
    fraction = next(f for f in range(VALUE_BITS, 0, -1) if math.exp((-least - 1) * scale) * 2**f < 2**VALUE_BITS)
    if least >= -32:
        return math.floor(math.exp(code * scale) * 2**fraction + 0.5), fraction
    short = 2 ** (least.bit_length() // 2)
    finer = next(f for f in range(23, 0, -1) if math.floor(math.expm1((short - 1) * scale) * 2**f + 0.5) < 2**17)
    high = math.floor(math.exp(code // short * short * scale) * 2**fraction + 0.5)
    low = math.floor(math.expm1(code % short * scale) * 2**finer + 0.5)
    return math.floor(high * (1 + low / 2**finer) + 0.5), fraction  # 47 bits: exact


class ExponentialSuite(BlockSuite):
    """A code in every cycle."""

    samples = tuple(
        ExponentialConfig(form)
        for form in (
            Exponential(12, 8, log_sigma=False, squared=False),
            Exponential(16, 12, log_sigma=True, squared=True),
            Exponential(6, 3, log_sigma=False, squared=True),
            Exponential(9, 2, log_sigma=True, squared=False),
        )
    )

    def configs(self) -> st.SearchStrategy[ExponentialConfig]:
        return st.builds(Exponential, st.integers(2, 16), st.integers(0, FINEST), st.booleans(), st.booleans()).map(
            ExponentialConfig
        )

    def stimuli(self, config: ExponentialConfig) -> st.SearchStrategy[list[int]]:
        half = 1 << (config.format.bits - 1)
        extremes = st.sampled_from([-half, half - 1, -1, 0, *(min(max(code, -half), half - 1) for code in config.format.clamp)])
        every = range(-half, half, 1 if config.format.bits <= 9 else 37)  # all parts of a code, if not all together
        return st.lists(extremes | st.integers(-half, half - 1), min_size=1, max_size=12) | st.just([*every])

    def expected(self, config: ExponentialConfig, stimulus: list[int]) -> list[int]:
        return [reference(code, config.format)[0] for code in stimulus]

    def golden(self, config: ExponentialConfig, stimulus: list[int]) -> list[int]:
        values: list[int] = golden_exponential(np.array(stimulus), config.format).tolist()
        return values

    def elaborate(self, config: ExponentialConfig) -> Any:
        return exponential(bit(), wire(config.format.bits), wire(VALUE_BITS), config)

    def play(self, dut: Dut, config: ExponentialConfig, stimulus: list[int]) -> list[int]:
        mask = (1 << config.format.bits) - 1
        seen = [dut.step({"code": code & mask})["value"] for code in [*stimulus, *[0] * config.latency]]
        return seen[config.latency :]


class TestGolden(ExponentialSuite, GoldenTests):
    pass


class TestMyHdl(ExponentialSuite, MyHdlTests):
    pass


class TestVerilog(ExponentialSuite, VerilogTests):
    pass


class ExhaustiveSuite(ExponentialSuite):
    """Every code, one after the other."""

    samples = ExponentialSuite.samples[:1]

    def stimuli(self, config: ExponentialConfig) -> st.SearchStrategy[list[int]]:
        half = 1 << (config.format.bits - 1)
        return st.just(list(range(-half, half)))


class TestEveryCode(ExhaustiveSuite, VerilogTests):
    pass


@pytest.mark.parametrize("log_sigma", [False, True], ids=["logvar", "log_sigma"])
def test_every_format(log_sigma: bool) -> None:
    """Standard deviations of every code of every format: within 2**-12 of exp(), never falling, positive, of 24 bits."""
    worst = 0.0
    for bits, fraction in product(range(2, 17), range(FINEST + 1)):
        form = Exponential(bits, fraction, log_sigma, squared=False)
        codes = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
        values = golden_exponential(codes, form)
        limit = 4.0 if log_sigma else 8.0
        exact = np.exp(np.clip(codes / 2.0**fraction, -limit, limit - 2.0**-fraction) / (1 if log_sigma else 2))
        assert (np.diff(values) >= 0).all(), form
        assert values.min() > 0, form
        assert values.max() >> VALUE_BITS == 0, form
        errors = np.abs(values / 2.0**form.value_fraction - exact)
        worst = max(worst, float((errors / exact).max()))
        assert largest_error(form) == pytest.approx(errors.max(), abs=1e-12)
    assert 0.7 * 2.0**-12 < worst < 0.72 * 2.0**-12  # docs/sampling/exponential.md


@pytest.mark.parametrize("bits", [6, 12, 16])
def test_values_known_beforehand(bits: int) -> None:
    """exp(0) is one exactly; the ends of the clamp are exp(-4) and almost exp(4), which codes beyond give, too."""
    form = Exponential(bits, bits - 4, log_sigma=False, squared=False)
    half = 1 << (bits - 1)
    values = golden_exponential(np.array([0, -half, half - 1]), form) / 2.0**form.value_fraction
    assert values[0] == 1
    assert values[1:] == pytest.approx([math.exp(-4), math.exp(4 - 2.0 ** (3 - bits))], rel=2.0**-12)
    if bits < 16:
        wide = Exponential(16, bits - 4, log_sigma=False, squared=False)
        beyond = golden_exponential(np.array([-32768, -half - 1, half, 32767]), wide)
        assert beyond.tolist() == golden_exponential(np.array([-half, -half, half - 1, half - 1]), form).tolist()


@pytest.mark.parametrize(
    ("bits", "fraction", "message"),
    [
        (17, 8, "bits=17 is not 2 to 16"),
        (1, 0, "bits=1 is not 2 to 16"),
        (12, -1, "fraction=-1 is not 0 to 20"),
        (12, 21, "fraction=21 is not 0 to 20"),
    ],
)
def test_refused(bits: int, fraction: int, message: str) -> None:
    """Formats that the block does not have."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Exponential(bits, fraction, log_sigma=False, squared=False)
