"""tabled: the same samples and scores as reparameterise gives, sooner, from tables of whole codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.sampling.exponential import FINEST
from sigmabit.hdl.arithmetic.products import Products
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.sampling.reparameterise import ReparameteriseConfig
from sigmabit.hdl.sampling.tabled import MOST_BITS, WAYS, TabledConfig, tabled
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_reparameterise import EPS_BITS, Beat, ReparameteriseSuite, timed

FORM = ReparameteriseConfig(13, 12, 8, 12, 6, log_sigma=False, score=True)
"""trigger_57's."""


class TabledSuite(BlockSuite):
    """What reparameterise's suite plays, and expects."""

    plain = ReparameteriseSuite()
    samples: ClassVar[Sequence[TabledConfig]] = (
        TabledConfig(replace(FORM, latents=3)),
        TabledConfig(ReparameteriseConfig(2, 11, 9, 20, 8, log_sigma=True, score=False)),
        TabledConfig(ReparameteriseConfig(4, 8, 4, 10, 3, log_sigma=False, score=True)),
        TabledConfig(ReparameteriseConfig(1, 6, 3, 8, 5, log_sigma=True, score=True)),
        TabledConfig(replace(FORM, latents=2), "logic"),
        TabledConfig(replace(FORM, latents=1, z_fraction=8), "logic"),
        TabledConfig(ReparameteriseConfig(1, 5, 8, 6, 2, log_sigma=False, score=False), "logic"),
        TabledConfig(ReparameteriseConfig(1, 12, 0, 9, 20, log_sigma=True, score=False), "logic"),
        TabledConfig(ReparameteriseConfig(1, 12, 1, 24, 0, log_sigma=False, score=True), "logic"),
        TabledConfig(ReparameteriseConfig(2, 2, 20, 24, 20, log_sigma=False, score=False), "logic"),
        TabledConfig(ReparameteriseConfig(1, 2, 0, 2, 0, log_sigma=False, score=False), "logic"),
    )
    resets, interrupted, flags, before = 2, (4, 20), ("source_valid",), 7

    def configs(self) -> st.SearchStrategy[TabledConfig]:
        fraction = st.integers(0, FINEST)
        shape = st.integers(1, 4), st.integers(2, MOST_BITS), fraction, st.integers(2, 24), fraction
        form = st.builds(ReparameteriseConfig, *shape, st.booleans(), st.booleans())
        return st.builds(TabledConfig, form, st.sampled_from(WAYS))

    def stimuli(self, config: TabledConfig) -> st.SearchStrategy[list[Beat]]:
        return self.plain.stimuli(config.form)

    def expected(self, config: TabledConfig, stimulus: list[Beat]) -> list[list[int]]:
        return self.plain.expected(config.form, stimulus)

    def golden(self, config: TabledConfig, stimulus: list[Beat]) -> list[list[int]]:
        return self.plain.golden(config.form, stimulus)

    def elaborate(self, config: TabledConfig) -> Any:
        form = config.form
        sink, source = Flow(2 * form.latents * form.bits), Flow(form.outputs * form.result_bits)
        return tabled(bit(), reset(), sink, wire(form.latents * EPS_BITS), bit(), source, config)

    def play(self, dut: Dut, config: TabledConfig, stimulus: list[Beat]) -> list[list[int]]:
        return timed(dut, config.form, stimulus, config.eps_latency, config.latency)


class TestGolden(TabledSuite, GoldenTests):
    pass


class TestMyHdl(TabledSuite, MyHdlTests):
    pass


class TestVerilog(TabledSuite, VerilogTests):
    pass


def test_excess() -> None:
    """exp(v) - 1 - v is nowhere negative, in any format: adders take it as it is."""
    for bits in range(2, MOST_BITS + 1):
        for fraction in range(0, FINEST + 1, 4):
            for log_sigma in (False, True):
                config = TabledConfig(ReparameteriseConfig(1, bits, fraction, 8, 4, log_sigma, score=True))
                assert config.excess.min() >= 0
                assert config.excess[0] == 0


@pytest.mark.parametrize(("products", "lut", "latency"), [("single", 1300, 4), ("logic", 3900, 4)])
def test_cost(products: Products, lut: int, latency: int, tmp_path: Path) -> None:
    """The trigger's: area, logic depth and latency (docs/sampling/tabled.md)."""
    config = TabledConfig(FORM, products)
    with outline():
        block = TabledSuite().elaborate(config)
    design = convert(block)
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    cost = config.bill(SERIES7)
    print(area, cost)
    assert area.lut <= lut
    assert area.dsp == cost.dsp == (13 if products == "single" else 0)
    assert area.bram36 == pytest.approx(cost.bram36, rel=0.1)
    assert 1 <= area.levels <= 4
    assert cost.lut == pytest.approx(area.lut, rel=0.2 if products == "single" else 0.05)
    assert (config.eps_latency, config.score_latency, config.z_latency, config.latency) == (0, 3, latency, latency)


@pytest.mark.parametrize(("z_fraction", "latency"), [(6, 4), (8, 5)])
def test_levels(z_fraction: int, latency: int, tmp_path: Path) -> None:
    """Where saturation looks at more bits than find room behind a sum, there is a register between the two."""
    config = TabledConfig(replace(FORM, latents=1, z_fraction=z_fraction, score=False), "logic")
    with outline():
        block = TabledSuite().elaborate(config)
    design = convert(block)
    assert config.latency == latency
    assert synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area.levels == 4


def test_refused() -> None:
    """Codes of more bits, and deviations that come as they are."""
    with pytest.raises(ValueError, match=r"^bits=13: codes of up to 12 bits are looked up whole$"):
        TabledConfig(replace(FORM, bits=13))
    with pytest.raises(ValueError, match=r"^products=pairs is none of single, logic$"):
        TabledConfig(FORM, "pairs")
    with pytest.raises(ValueError, match=r"^deviations come from a table of their own$"):
        TabledConfig(replace(FORM, score=False, value_fraction=18))
