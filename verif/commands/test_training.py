"""Fast training of binary networks: Brevitas' arithmetic, interrupted or not, and what is exported from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sigmabit.golden import import_model
from sigmabit.golden.layers.residual import Residual
from sigmabit.scripts.data.datasets import Dataset
from sigmabit.scripts.networks.shapes import cifar10_bcnn

from ..harness import needs

if TYPE_CHECKING:
    import torch

    from sigmabit.scripts.training import interruptible, topologies, train, train_fast, train_few_bits, train_residual
else:
    torch = needs.training("torch")
    names = "interruptible", "topologies", "train", "train_fast", "train_few_bits", "train_residual"
    interruptible, topologies, train, train_fast, train_few_bits, train_residual = (
        needs.training(f"sigmabit.scripts.training.{name}") for name in names
    )

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = cifar10_bcnn(4, 8)
RECIPE = topologies.Recipe("cifar10", epochs=3, batch=3, learning_rate=5e-3, shift=2, flip=True, fast=True)
EPOCHS = 3


def silent(*args: object) -> None:
    """No report of the progress."""


def dataset(count: int = 40) -> Dataset:
    """Random images."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (count, 3, 32, 32)).astype(np.float32) / np.float32(255)
    labels = random.integers(0, 10, count)
    return Dataset("noise", images, labels, images[:16], labels[:16])


def trained(checkpoint: Path | None = None, epochs: int = EPOCHS) -> Any:
    """The network after a few epochs."""
    return train_fast.train(SHAPE, RECIPE, dataset(), silent, epochs, 5, checkpoint)


def same(first: Any, second: Any) -> bool:
    """Have both networks the same parameters and statistics?"""
    return all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


def test_brevitas_arithmetic() -> None:
    """Scores and gradients in float32 are those of the Brevitas module with the same parameters."""
    torch.manual_seed(2)
    plain, module = topologies.build(SHAPE, train_fast.plain(torch.float32)), topologies.build(SHAPE)
    module.load_state_dict(plain.state_dict(), strict=False)
    x = torch.from_numpy(dataset().train_images)
    scores, expected = plain.train()(x), module.train()(x)
    assert torch.allclose(scores, expected, atol=1e-4)
    for results in (scores, expected):
        results.square().sum().backward()
    for (name, parameter), (other, brevitas) in zip(plain.named_parameters(), module.named_parameters(), strict=True):
        assert name == other
        assert parameter.grad is not None and brevitas.grad is not None
        assert torch.allclose(parameter.grad, brevitas.grad, rtol=1e-3, atol=1e-3), name


def test_interrupted(tmp_path: Path) -> None:
    """A training that goes on from a checkpoint ends as one that was not interrupted."""
    whole = trained()
    training = train_fast.Training(SHAPE, RECIPE, dataset(), EPOCHS, 5)
    training.run_epoch()
    training.save(tmp_path / "state.pt")
    assert same(trained(tmp_path / "state.pt"), whole)
    assert same(trained(tmp_path / "state.pt"), whole)  # which is finished now
    assert not same(trained(epochs=2), whole)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_bad_checkpoint(content: bytes | None, tmp_path: Path) -> None:
    """Neither a damaged file nor that of another training is gone on from."""
    path = tmp_path / "state.pt"
    if content is None:
        trained(path, 1)
    else:
        path.write_bytes(content)
    with pytest.raises(interruptible.CheckpointError, match="over 1 epochs, not 3" if content is None else "not a checkpoint"):
        trained(path)


def test_augmented_images() -> None:
    """Every image is a training image, perhaps mirrored, moved by no more than the recipe says."""
    training = train_fast.Training(SHAPE, RECIPE, dataset(), EPOCHS, 5)
    pick = torch.arange(16)
    moved = training.augmented(pick).numpy()
    originals = dataset().train_images
    kinds = set()
    for image, original in zip(moved, originals, strict=False):
        wide = np.pad(original, ((0, 0), (2, 2), (2, 2)), mode="reflect")
        places = [
            (row, column, flip)
            for flip in (False, True)
            for row in range(5)
            for column in range(5)
            if np.allclose(image[..., ::-1] if flip else image, wide[:, row : row + 32, column : column + 32], atol=1e-6)
        ]
        assert len(places) == 1
        kinds.update(places)
    assert len(kinds) > 8
    assert {flip for _, _, flip in kinds} == {False, True}


def test_export(tmp_path: Path) -> None:
    """The file's decisions are the module's, and its weights take one bit each."""
    module, images = trained(), dataset().train_images
    path = tmp_path / "small.onnx"
    train.export(module, images[:1], path, packed=True)
    assert path.stat().st_size < SHAPE.weights / 8 + 50_000
    with torch.no_grad():
        scores = module(torch.from_numpy(images)).numpy()
    golden = import_model(path, 1 / 255).run(images)
    assert np.allclose(golden, scores, atol=1e-3)
    assert np.array_equal(golden.argmax(axis=1), scores.argmax(axis=1))


def test_two_bits(tmp_path: Path) -> None:
    """A network of 2 bits that is trained a little and exported decides as its module does."""
    random, path = np.random.default_rng(4), tmp_path / "digits.onnx"
    images = random.integers(0, 17, (64, 1, 8, 8)).astype(np.float32)
    noise = Dataset("noise", images, random.integers(0, 10, 64), images, random.integers(0, 10, 64))
    module = train_few_bits.train("digits_w2a2", noise, silent, 1)
    train_few_bits.export(module, images[:1], path)
    with torch.no_grad():
        scores = module(torch.from_numpy(images)).numpy()
    network = import_model(path)
    assert [layer.output.bits for layer in network.layers[:4]] == [2] * 4
    assert np.allclose(network.run(images), scores, atol=1e-4)


def test_residual_arithmetic() -> None:
    """Results and gradients of a sum of two ways, with rounding, are those of its Brevitas modules with the same parameters."""
    torch.manual_seed(2)
    parts = train_residual.plain(train_residual.Rounding(True), torch.float32)
    plain, module = (train_residual.Block(kind, 4, 8, 2).eval() for kind in (parts, train_residual.BREVITAS))
    assert not module.load_state_dict(plain.state_dict(), strict=False).unexpected_keys
    x = torch.randint(0, 16, (3, 4, 6, 6)) * train_residual.STEP
    results, expected = plain(x), module(x)
    assert torch.equal(results, expected) and len(results.unique()) > 3
    for each in (results, expected):
        each.square().sum().backward()
    latent = dict(module.named_parameters())
    for name, parameter in plain.named_parameters():
        other = latent[name].grad
        assert parameter.grad is not None and other is not None
        apart = (parameter.grad - other) * torch.sign(parameter)
        assert apart.max() - apart.min() < 1e-2, name  # Brevitas hands something to the mean size, too, the same for all weights


def test_residual_sums(tmp_path: Path) -> None:
    """A network of residual sums that is trained a little, interrupted, and exported decides as its module does."""
    path, images = tmp_path / "m.onnx", dataset().test_images
    recipe = replace(train_residual.RECIPE, batch=3)
    training = train_residual.Training(recipe, dataset(), 3, 5)
    while training.epoch < 3:
        training.run_epoch()
        if training.epoch == 2:
            training.save(tmp_path / "state.pt")
    module = training.finished()
    other = train_residual.Training(recipe, dataset(), 3, 5)
    other.load(tmp_path / "state.pt")
    other.run_epoch()
    assert same(other.model, training.model)
    train_few_bits.export(module, images[:1], path)
    with torch.no_grad():
        scores = module(torch.from_numpy(images)).numpy()
    network = import_model(path, 1 / 255)
    joins = [layer for layer in network.layers if isinstance(layer, Residual)]
    assert [len(join.skip) for join in joins] == [0, 1, 0, 1]
    assert all(join.output.bits == 4 for join in joins)
    assert np.allclose(network.run(images), scores, atol=1e-3)
