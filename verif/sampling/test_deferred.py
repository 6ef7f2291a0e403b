"""deferred: means, logarithms and samples of one beat become latent variables; whole networks of two sampling layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden import CalibrationError, Precision, calibrated, import_model, import_real
from sigmabit.golden.sampling.deferred import Deferred
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.sampling.deferred import DeferredConfig, configure, deferred
from sigmabit.hdl.sampling.reparameterise import ReparameteriseConfig
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.authors import WORKS, Author
from ..harness.bench import Dut
from ..harness.command_line import Call
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..simulation import Noise, Stalls, simulate
from ..simulation.compare import first_difference
from .test_reparameterise import EPS_BITS, sample_of
from .test_score import codes, packed, signed

FORMATS = (4, 0), (8, 4), (12, 8), (16, 11), (10, 11)
"""Bits of a code, and fraction bits of a sample among them."""


@dataclass(frozen=True)
class Case:
    """latents, and numbers between them and the samples; bits of a code; fraction bits of means, of samples, of results."""

    latents: int
    between: int
    bits: int
    fraction: int
    eps_fraction: int
    log_sigma: bool
    z_bits: int
    z_fraction: int

    @property
    def layer(self) -> Deferred:
        """The golden layer."""
        tensor = TensorType(1, 1, 3 * self.latents + self.between, Range.of_bits(self.bits, signed=True))
        form = self.latents, self.fraction, self.eps_fraction, self.log_sigma, self.z_bits, self.z_fraction
        return Deferred("latent2", (), tensor, *form)

    @property
    def config(self) -> DeferredConfig:
        """The block."""
        return configure(self.layer)


@dataclass(frozen=True)
class Beat:
    """Idle cycles, then all codes."""

    idle: int
    codes: tuple[int, ...]


class DeferredSuite(BlockSuite):
    """Beats one after the other, with and without pauses."""

    samples: ClassVar[Sequence[Case]] = (
        Case(2, 3, 12, 8, 8, False, 12, 7),
        Case(1, 0, 16, 4, 11, True, 10, 4),
        Case(3, 1, 6, 3, 0, False, 16, 8),
    )
    examples = 5
    resets, interrupted, flags, before = 2, (4, 20), ("source_valid",), 7

    def configs(self) -> st.SearchStrategy[Case]:
        def case(form: tuple[int, int], latents: int, between: int, fraction: int, log_sigma: bool, z: tuple[int, int]) -> Case:
            return Case(latents, between, form[0], fraction, form[1], log_sigma, *z)

        form, z = st.sampled_from(FORMATS), st.sampled_from([(8, 3), (12, 8), (16, 10)])
        return st.builds(case, form, st.integers(1, 3), st.integers(0, 3), st.integers(0, 10), st.booleans(), z)

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Beat]]:
        beat = st.builds(Beat, st.integers(0, 2), codes(config.bits, 3 * config.latents + config.between))
        return st.lists(beat, min_size=1, max_size=8)

    def expected(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        limit, latents = 1 << EPS_BITS - 1, config.latents
        results = []
        for beat in stimulus:
            eps = [min(max(code * 2 ** (11 - config.eps_fraction), -limit), limit - 1) for code in beat.codes[-latents:]]
            mu, logarithms = beat.codes[:latents], beat.codes[latents : 2 * latents]
            numbers = zip(mu, logarithms, eps, strict=True)
            results.append([sample_of(m, log, e, config.config.sampling) for m, log, e in numbers])
        return results

    def golden(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        given = np.array([beat.codes for beat in stimulus])[:, None, None]
        return config.layer.run(given)[:, 0, 0].tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        sink = Flow((3 * config.latents + config.between) * config.bits)
        return deferred(bit(), reset(), sink, Flow(config.latents * config.z_bits), config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        dut.reset({"sink_valid": 1, "sink_data": 0})
        cycles = np.cumsum([1 + beat.idle for beat in stimulus]).tolist()
        words = [packed(beat.codes, config.bits) for beat in stimulus]
        latency, bits = config.config.latency, config.z_bits
        seen = play_flow(dut, "sink", list(zip(cycles, words, strict=True)), cycles[-1] + latency + 2, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == [cycle + latency for cycle in cycles]
        fields = ([outputs["source_data"] >> (i * bits) & (1 << bits) - 1 for i in range(config.latents)] for _, outputs in seen)
        return [[signed(field, bits) for field in row] for row in fields]


class TestGolden(DeferredSuite, GoldenTests):
    pass


class TestMyHdl(DeferredSuite, MyHdlTests):
    pass


class TestVerilog(DeferredSuite, VerilogTests):
    pass


def written(folder: Path, name: str = "two latents") -> tuple[Path, np.ndarray]:
    """A network of two sampling layers, calibrated, and frames."""
    path = WORKS[name].write(folder / "m.onnx", "script", 17, fixed=False)
    return path, WORKS[name].frames("script")[0]


@pytest.mark.parametrize(("samples", "stalls"), [(2, Stalls()), pytest.param(1, Stalls(90, 120, 5), marks=pytest.mark.long)])
def test_network(samples: int, stalls: Stalls, tmp_path: Path) -> None:
    """Every tensor of the Verilog is golden's; a vector of samples is consumed for both layers at once."""
    path, x = written(tmp_path)
    real = import_real(path, coding=WORKS["two latents"].frames("script")[1])
    network = import_model(path, calibration=calibrated(real, x, Precision()))
    assert network.latent is not None
    assert network.latent.latents == real.latents == 5
    plan = Planner(network, "xc7vx690t", 200.0, samples).plan(400)
    codes, noise = network.input.encode(x), Noise(3)
    measured = simulate(plan, codes, "verilator", taps=True, noise=noise, optimise=0, stalls=stalls)
    assert first_difference(dict(network.steps(codes, noise.for_network(network, len(x), samples))), measured.trace) is None
    assert stalls != Stalls() or measured.latency == plan.latency


@pytest.mark.usefixtures("own_folder")
def test_commands(call: Call) -> None:
    """Samples from outside are those of both layers; the executed graph is given the same."""
    path, x = written(Path())
    np.save("x.npy", x)
    random = np.random.default_rng(2)
    np.save("eps.npy", random.normal(size=(len(x), 5)))
    assert call("calibrate", path, "--input", "x.npy", "-o", "c.onnx").status == 0
    run = ["run", "c.onnx", "--input", "x.npy", "--output"]
    assert call(*run, "y.npy", "--epsilon", "eps.npy", "--latents", "z.npz").status == 0
    assert np.load("z.npz")["z"].shape == (len(x), 1, 5)
    found = call("verify", "c.onnx", "--input", "x.npy", "--json").json
    assert found["mismatches"] == 0
    errors = found["reconstruction_error"]
    assert errors["golden"] == pytest.approx(errors["onnxruntime"], rel=0.05)


def test_another_deviation(tmp_path: Path) -> None:
    """Only exponentials so far, of either layer; which one is said."""
    for first, says in ((True, "latent: two samples, the first with"), (False, "latent2: the deviation of a second sample")):
        g = Author((4,), "script", 17, "N", 3)
        z = "x"
        for place in (True, False):
            mean, head = (g.linear(z, 4 if place else 2, 2) for _ in range(2))
            z = g.sample(mean, g("Softplus" if place == first else "Exp", head))
        path = g.save(tmp_path / "m.onnx", z)
        real = import_real(path, 1.0)
        x = np.random.default_rng(1).integers(0, 256, (9, 4)).astype(np.float32) % 3
        with pytest.raises(CalibrationError, match=says):
            import_model(path, 1.0, calibrated(real, x, Precision()))


def test_operations() -> None:
    """A product for each of the latent variables."""
    tensor = TensorType(1, 1, 9, Range.of_bits(12, signed=True))
    assert Deferred("latent2", (), tensor, 3, 8, 11, False, 12, 8).operations == 3


@pytest.mark.parametrize(
    ("form", "says"),
    [((2, 5, 8), "2 means, logarithms and samples from"), ((2, 6, 12), "samples of 12 fraction bits, expected 0 to 11")],
)
def test_refused(form: tuple[int, int, int], says: str) -> None:
    """Too few numbers, or samples finer than the normal's."""
    latents, channels, eps_fraction = form
    tensor = TensorType(1, 1, channels, Range.of_bits(12, signed=True))
    with pytest.raises(ValueError, match=says):
        Deferred("latent2", (), tensor, latents, 8, eps_fraction, False, 12, 8)
    with pytest.raises(ValueError, match="channels=5" if channels == 5 else "eps_fraction=12"):
        DeferredConfig("latent2", channels, eps_fraction, ReparameteriseConfig(latents, 12, 8, 12, 8, False, False))
