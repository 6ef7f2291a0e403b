"""Networks as authors write them: accepted, equal to onnxruntime in real numbers, near it in integers, equal in Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import Network, Precision, calibrated, import_model, import_real
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner

from ..harness.authors import OPSETS, STYLES, WORKS
from ..harness.quantisation import compare_layers
from ..simulation import Noise, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

PRECISION = Precision()

THROUGH_VERILOG = (
    *("vae relu", "vae leaky", "vae tanh", "vae elu", "vae gelu", "vae relu6", "heads chunked", "sigma softplus"),
    *("sigma narrow clamp", "noise given", "noise of a temperature", "sample and scores", "conv vae", "conv vae elu", "maxima"),
    *("means", "global means", "decoder transposed", "decoder upsampled", "decoder shuffled", "series", "series vae"),
    *("encoder of counts", "encoder score", "trigger", "autoencoder of images", "classifier of images", "classifier separable"),
    *("normalised inside", "heads of their own", "mean of tanh", "latent image", "latent column", "two latents"),
    *("latent image in chunks", "series pooled", "scaled back", "noise given and cooled", "norm first"),
    *(
        "sigma a number",
        "sigma next to nothing",
        "decoder in parts",
        "each step",
        "slopes of channels",
        "heads of their own, apart",
    ),
)


def spellings(every: bool) -> list[object]:
    """Each network once, exporters, opsets and batches in turn; or all that there are."""
    found: list[object] = []
    for number, name in enumerate(WORKS):
        forms = [(style, opset, fixed) for style in STYLES for opset in OPSETS for fixed in (False, True)]
        for place, form in enumerate(forms):
            if (place == number * 7 % len(forms)) != every:
                found.append(pytest.param(name, *form, id=f"{name}-{form[0]}-{form[1]}-{'fixed' if form[2] else 'free'}"))
    return found


def imported(name: str, folder: Path, style: str, opset: int, fixed: bool) -> tuple[Path, np.ndarray, RealNetwork, Network]:
    """A file, frames for it, and what it is in real numbers and in integers."""
    path = WORKS[name].write(folder / "m.onnx", style, opset, fixed)
    x, coding = WORKS[name].frames(style)
    real = import_real(path, coding=coding)
    return path, x, real, import_model(path, calibration=calibrated(real, x, PRECISION))


def check(name: str, folder: Path, style: str, opset: int, fixed: bool) -> None:
    """Real numbers are onnxruntime's, and each layer of integers is as near to them as its roundings allow."""
    path, x, real, network = imported(name, folder, style, opset, fixed)
    latents = real.latents
    epsilon = np.rint(np.random.default_rng(13).normal(size=(len(x), latents)) * 2**FRACTION).astype(np.int64)
    noise = epsilon * 2.0**-FRACTION
    executed = execute(path, x, epsilon=noise.astype(np.float32) if latents else None).outputs
    np.testing.assert_allclose(real.output(x, noise), executed, rtol=1e-4, atol=1e-5 * np.abs(executed).max())
    compared = list(compare_layers(real, network, x, epsilon))
    assert len(compared) == len(real.layers)
    for layer in compared:
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    golden = network.run(x, epsilon[:, None] if latents else None).reshape(executed.shape)
    assert WORKS[name].steep or np.sqrt(np.mean((golden - executed) ** 2)) < 0.1 * max(executed.std(), 0.05)


def test_as_many_as_promised() -> None:
    """Sixty networks, of which twenty go through Verilog."""
    assert len(WORKS) >= 60
    assert len({*THROUGH_VERILOG} & {*WORKS}) >= 20


def test_rare_samples(tmp_path: Path) -> None:
    """Of few frames, a calibration sees what the layers behind a sample get of rare ones, too."""
    _, x, real, _ = imported("vae relu", tmp_path, "script", 17, fixed=False)
    few, many = x[:6], np.repeat(x[:6], 500, axis=0)
    found = calibrated(real, few, PRECISION).ranges["dense3"]
    results = real.evaluate(many, np.random.default_rng(1).normal(size=(len(many), real.latents)))
    behind = next(layer for layer in real.layers if layer.name == "dense3")
    sums = behind.sums(results["latent"])  # type: ignore[union-attr]
    assert np.mean((sums < found.low) | (sums > found.high)) < 0.002


@pytest.mark.parametrize(("name", "style", "opset", "fixed"), spellings(every=False))
def test_once(name: str, style: str, opset: int, fixed: bool, tmp_path: Path) -> None:
    """Each network in one spelling."""
    check(name, tmp_path, style, opset, fixed)


@pytest.mark.long
@pytest.mark.parametrize(("name", "style", "opset", "fixed"), spellings(every=True))
def test_every_spelling(name: str, style: str, opset: int, fixed: bool, tmp_path: Path) -> None:
    """Each network as every exporter writes it, for every opset, with either batch."""
    check(name, tmp_path, style, opset, fixed)


@pytest.mark.long
@pytest.mark.parametrize("name", THROUGH_VERILOG)
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor of the Verilog is golden's, in the cycles that were planned."""
    _, x, _, network = imported(name, tmp_path, "script", 17, fixed=False)
    plan = Planner(network, "xc7vx690t", 200.0).plan(400)
    codes, noise = network.input.encode(x), Noise(3)
    measured = simulate(plan, codes, "verilator", taps=True, noise=noise, optimise=0)
    golden = dict(network.steps(codes, noise.for_network(network, len(x), 1)))
    assert first_difference(golden, measured.trace) is None
    assert measured.latency == plan.latency
