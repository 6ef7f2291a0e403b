"""from_torch: what a module computes, its network computes, plain or with Brevitas' layers; it stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sigmabit

from ..harness import needs

torch = needs.training("torch")


def plain() -> object:
    """Real weights."""
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(12, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))


def test_a_plain_module(tmp_path: Path) -> None:
    """Calibrated; near the module's own results; the file stays where it is asked for, and the module in training."""
    module, x = plain(), np.random.default_rng(2).normal(size=(200, 12)).astype(np.float32)
    network = sigmabit.from_torch(module, x, x, file=tmp_path / "mlp.onnx", remark=print)  # type: ignore[arg-type]
    assert module.training and (tmp_path / "mlp.onnx").is_file()  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()  # type: ignore[operator]
    assert float(np.sqrt(np.mean((network.run(x) - expected) ** 2))) < 0.02 * float(expected.std())


def test_without_calibration() -> None:
    """Real weights ask for one."""
    with pytest.raises(sigmabit.UncalibratedError, match=r"^Sequential: its weights are real; give frames"):
        sigmabit.from_torch(plain(), np.zeros((1, 12)))  # type: ignore[arg-type]


def test_what_cannot_be() -> None:
    """Shapes that are no frames, and modules that the exporter refuses."""
    with pytest.raises(sigmabit.InputError, match=r"example: an array of shape \(12,\), expected frames"):
        sigmabit.from_torch(plain(), np.zeros(12))  # type: ignore[arg-type]
    normal = torch.nn.Sequential(torch.nn.Linear(12, 6), torch.nn.LayerNorm(6), torch.nn.Linear(6, 3))
    with pytest.raises(sigmabit.UnsupportedModelError, match=r"^Sequential: 1 unsupported node: .*layer normalisation"):
        sigmabit.from_torch(normal, np.zeros((1, 12)), np.zeros((9, 12)))
    with pytest.raises(sigmabit.ExportError, match="PyTorch cannot write it as ONNX"):
        sigmabit.from_torch(plain(), np.zeros((1, 5)))  # type: ignore[arg-type]


def test_a_module_of_brevitas() -> None:
    """As QONNX, equal to the module in every result; no calibration is asked for."""
    qnn, quant = needs.training("brevitas.nn"), needs.training("brevitas.quant")
    torch.manual_seed(3)
    module = torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=quant.Uint8ActPerTensorFloat, bit_width=4),
        qnn.QuantLinear(12, 5, bias=False, weight_quant=quant.Int8WeightPerTensorFloat, weight_bit_width=2),
    )
    x = np.random.default_rng(2).random((64, 12)).astype(np.float32)
    module(torch.from_numpy(x))  # activations find their scale
    network = sigmabit.from_torch(module, x, remark=print)
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(network.run(x), expected, atol=1e-5)
