"""A network of 2-bit weights and activations: trained with Brevitas, imported, and verified in Verilog. Needs the training extra.

python examples/from_torch.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from sklearn.datasets import load_digits
from torch import nn

import sigmabit


class Weights(Int8WeightPerTensorFloat):
    """Two bits: -1, 0, 1."""

    bit_width = 2


class Activations(Uint8ActPerTensorFloat):
    """Two bits: 0 to 3."""

    bit_width = 2


def network() -> nn.Sequential:
    """8x8 digits: pixels of 5 bits, a convolution, a dense layer, ten scores."""
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=5),
        qnn.QuantConv2d(1, 16, 3, padding=1, bias=False, weight_quant=Weights),
        nn.BatchNorm2d(16),
        qnn.QuantReLU(act_quant=Activations),
        nn.MaxPool2d(2),
        nn.Flatten(),
        qnn.QuantLinear(256, 10, bias=False, weight_quant=Weights),
    )


def main(folder: Path) -> None:
    """Train for some seconds, and verify."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(digits.target)
    test = torch.arange(len(labels)) % 3 == 2
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(4):
        for pick in torch.randperm(int((~test).sum())).split(64):
            loss = nn.functional.cross_entropy(model(images[~test][pick]), labels[~test][pick])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "digits.onnx"
    found = sigmabit.from_torch(model, images[:1], file=file)
    print(repr(found))

    frames, classes = images[test].numpy(), labels[test].numpy()
    loaded = sigmabit.load_with_frames(file, frames)
    plan = sigmabit.plan(loaded.network, part="xc7a100t", interval=512)
    verified = sigmabit.verify(file, plan, loaded.x, loaded.codes)
    accuracy = verified.compared(loaded.x, classes)["accuracy"]
    print(repr(plan))
    print(
        f"accuracy {accuracy['qonnx']:.1%} by qonnx, {accuracy['verilator']:.1%} in Verilog; {verified.mismatches} results differ"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
