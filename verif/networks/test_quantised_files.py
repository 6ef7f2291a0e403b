"""Files of onnxruntime's quantiser, QuantizeLinear and DequantizeLinear around each tensor: their grids are the hardware's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from sigmabit.golden import Network, Precision, UnsupportedModelError, calibrated, import_model, import_real
from sigmabit.golden.front.widths import Tensor, tensors
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner

from ..harness.authors import LATENTS, WORKS, Author
from ..harness.quantisation import compare_layers
from ..simulation import Noise, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

KINDS = {"unsigned": QuantType.QUInt8, "signed": QuantType.QInt8}


class Frames(CalibrationDataReader):  # type: ignore[misc]
    """What inputs take, frame by frame, as the quantiser reads it."""

    def __init__(self, **inputs: np.ndarray) -> None:
        count = len(next(iter(inputs.values())))
        self.frames = iter([{name: array[i : i + 1] for name, array in inputs.items()} for i in range(count)])

    def get_next(self) -> Any:
        """The next one, or None."""
        return next(self.frames, None)


def quantised(name: str, folder: Path, kind: str, per_channel: bool) -> tuple[Path, np.ndarray, RealNetwork, Network]:
    """A work's file as the quantiser writes it, frames, and what it is in real numbers and in integers."""
    path = WORKS[name].write(folder / "m.onnx", "script", 17, fixed=False)
    return of_file(path, WORKS[name].frames("script")[0], kind, per_channel)


def of_file(
    path: Path, x: np.ndarray, kind: str, per_channel: bool, **others: np.ndarray
) -> tuple[Path, np.ndarray, RealNetwork, Network]:
    """The same of a file, for frames, and what its other inputs take."""
    given = path.with_name("q.onnx")
    form = {"quant_format": QuantFormat.QDQ, "activation_type": KINDS[kind], "weight_type": QuantType.QInt8}
    quantize_static(str(path), str(given), Frames(x=x, **others), per_channel=per_channel, **form)
    real = import_real(given)
    return given, x, real, import_model(given, calibration=calibrated(real, x, Precision()))


@pytest.mark.parametrize(
    ("name", "kind", "per_channel"),
    [
        ("autoencoder", "unsigned", False),
        ("autoencoder tanh", "signed", True),
        ("autoencoder of sums", "signed", False),
        ("autoencoder of images", "unsigned", True),
        ("series", "signed", True),
        ("encoder", "unsigned", False),
        ("series score", "unsigned", True),
    ],
)
def test_grids(name: str, kind: str, per_channel: bool, tmp_path: Path) -> None:
    """Codes are those of the file, each layer within its bound; results differ by a step here and there."""
    check(*quantised(name, tmp_path, kind, per_channel))


@pytest.mark.parametrize(("kind", "rectified"), [("unsigned", True), ("signed", False)])
def test_maxima(kind: str, rectified: bool, tmp_path: Path) -> None:
    """The quantiser states the same grid before maxima and behind them."""
    g = Author((2, 8, 6), "script", 17, "N", 3)
    y = g.conv("x", 2, 4, (3, 3), pads=[1, 1, 1, 1])
    y = g("MaxPool", g("Relu", y) if rectified else y, kernel_shape=[2, 2], strides=[2, 2])
    y = g.linear(g("Relu", g.linear(g("Flatten", y), 48, 8)), 8, 4)
    x = (np.random.default_rng(1).integers(0, 256, (24, 2, 8, 6)) / 255).astype(np.float32)
    check(*of_file(g.save(tmp_path / "m.onnx", y), x, kind, per_channel=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["vae silu", "conv vae relu", "sigma softplus", "latent image", "noise given"])
def test_noise(name: str, kind: str, tmp_path: Path) -> None:
    """Grids of noise, and of a sample, are dropped: the sampling layer has its own, which are finer."""
    path = WORKS[name].write(tmp_path / "m.onnx", "script", 17, fixed=False)
    x = WORKS[name].frames("script")[0]
    drawn = np.random.default_rng(3).normal(size=(len(x), LATENTS)).astype(np.float32)
    others = {"eps": drawn} if name == "noise given" else {}
    path, x, real, network = of_file(path, x, kind, False, **others)
    assert real.latents
    eps = np.clip(np.random.default_rng(2).normal(size=(len(x), real.latents)), -0.75, 0.75)  # beyond, the file saturates
    for noise, close in ((0 * eps, 0.06), (eps, 0.12)):
        codes = np.rint(noise * 2**FRACTION).astype(np.int64)
        executed = execute(path, x, epsilon=noise.astype(np.float32)).outputs
        for layer in compare_layers(real, network, x, codes):
            assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
        golden = network.run(x, codes[:, None]).reshape(executed.shape)
        assert np.sqrt(np.mean((golden - executed) ** 2)) < close * executed.std()


def test_host(tmp_path: Path) -> None:
    """What differs between elements behind a function is the host's, rounded as the file says."""
    path, x, _, network = quantised("scaled back", tmp_path, "signed", per_channel=False)
    executed = execute(path, x).outputs
    golden = network.run(x)
    assert np.sqrt(np.mean((golden - executed) ** 2)) < 0.02 * executed.std()


def check(path: Path, x: np.ndarray, real: RealNetwork, network: Network) -> None:
    """A quantised file against onnxruntime and against its float network, as `test_grids` says."""
    none = np.zeros((len(x), 0))
    executed = execute(path, x).outputs
    steps = [layer.result_scale for layer in network.every if isinstance(layer, Fixed)]
    # float32 takes a sum near a half the other way now and then
    assert np.mean(np.abs(real.output(x, none) - executed) > 1e-4 * np.abs(executed).max()) < 0.02
    for layer in compare_layers(real, network, x, none.astype(np.int64)):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    golden = network.run(x)
    assert np.sqrt(np.mean((golden - executed) ** 2)) < 2 * steps[-1]
    off = golden / steps[-1]
    assert np.abs(off - np.rint(off)).max() < 1e-3
    assert {tensor.layer for tensor in tensors(real) if tensor.part == "codes"} <= {real.layers[-1].name}
    assert {Tensor(layer.name, "weights") for layer in real.layers} <= {*tensors(real)}


@pytest.mark.long
@pytest.mark.parametrize("name", ["autoencoder of sums", "autoencoder of images", "series"])
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor of the Verilog is golden's, in the cycles that were planned."""
    _, x, _, network = quantised(name, tmp_path, "unsigned", per_channel=True)
    plan = Planner(network, "xc7vx690t", 200.0).plan(400)
    codes = network.input.encode(x)
    measured = simulate(plan, codes, "verilator", taps=True, noise=Noise(), optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency


def test_few_levels(tmp_path: Path) -> None:
    """What decides between a few numbers is refused behind real weights, as it was."""
    g = Author((6,), "script", 17, "N", 3)
    y = g.quant(g("Relu", g.linear("x", 6, 5)), 2, 0.3, signed=0, name="decides")
    with pytest.raises(UnsupportedModelError, match=r"decides|weights that are not whole numbers"):
        import_real(g.save(tmp_path / "m.onnx", g.linear(y, 5, 2)))
