"""Networks with seeded weights: the same file from the same seed, balanced bits, and decisions that all executors share."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from sigmabit.golden import Network, import_model
from sigmabit.scripts.networks.binary_weights import pack_weights, unpack
from sigmabit.scripts.networks.random_network import IMAGES, random_network, synthetic, taps
from sigmabit.scripts.networks.shapes import SHAPES, cifar10_bcnn

from ..harness.command_line import Call, Refused
from ..simulation import reference

FRAMES = 12
SMALL = ("digits_bcnn", "mnist_bcnn", "cifar10_bcnn_small")


def images(name: str, count: int = FRAMES, seed: int = 99) -> NDArray[np.float32]:
    """Synthetic images that no network has seen, as the graph takes them."""
    shape = SHAPES[name]
    codes = synthetic(shape, np.random.default_rng(seed), count)
    return codes.astype(np.float32) if shape.bits else codes.astype(np.float32) / np.float32(255)


@cache
def network(path: Path) -> Network:
    """The imported file; pixels are multiples of 1/255."""
    return import_model(path, 1 / 255)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each shape."""
    folder = tmp_path_factory.mktemp("random")
    for name, shape in SHAPES.items():
        onnx.save(random_network(name, shape, 1).model, str(folder / f"{name}.onnx"))
    return {name: folder / f"{name}.onnx" for name in SHAPES}


@pytest.mark.parametrize("name", SHAPES)
def test_balanced(name: str, saved: dict[str, Path]) -> None:
    """On images that the normalisations have not seen, no layer's bits are all alike, nor are the decisions."""
    steps = dict(network(saved[name]).steps(network(saved[name]).input.encode(images(name))))
    bits = {layer: values for layer, values in steps.items() if layer.startswith(("conv", "dense"))}
    _, scores = bits.popitem()
    for layer, values in bits.items():
        assert 0.25 < values.mean() < 0.75, layer
        assert (values[1:] != values[:-1]).mean() > 0.2, layer
    assert len(set(scores.reshape(FRAMES, -1).argmax(axis=1))) >= 3


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str, saved: dict[str, Path]) -> None:
    """Weights, files of about one bit for each of them, and normalisations that rise and fall."""
    layers = [layer for layer in network(saved[name]).layers if hasattr(layer, "weights")]
    assert sum(layer.weights.size for layer in layers) == SHAPES[name].weights
    assert saved[name].stat().st_size < SHAPES[name].weights / 8 + 100_000
    for tensor in onnx.load(str(saved[name])).graph.initializer:
        if tensor.name.endswith("gamma"):
            negative = (numpy_helper.to_array(tensor) < 0).mean()
            assert 0.1 < negative < 0.9 or tensor.dims == [10], tensor.name
    assert network(saved[name]).ties == ()


def test_the_papers_network(saved: dict[str, Path]) -> None:
    """The full CIFAR-10 network is the one that the literature counts."""
    full = network(saved["cifar10_bcnn"])
    assert full.operations == 616_966_144
    assert SHAPES["cifar10_bcnn"].weights == 14_022_016
    assert saved["cifar10_bcnn"].stat().st_size < 2_000_000


@pytest.mark.parametrize("name", SMALL)
def test_decisions(name: str, saved: dict[str, Path]) -> None:
    """Golden gives what an executor of the float graph gives."""
    x = images(name, 100)
    executed = reference.execute(saved[name], x).outputs
    golden = network(saved[name]).run(x)
    assert np.array_equal(golden.argmax(axis=1), executed.argmax(axis=1))
    assert np.allclose(golden, executed, atol=1e-4)


def test_seeds() -> None:
    """The seed is all that a file depends on, but for the images; weights do not depend on those."""
    shape = cifar10_bcnn(8, 16)
    first, again, other = (random_network("x", shape, seed) for seed in (1, 1, 2))
    assert first.model.SerializeToString(deterministic=True) == again.model.SerializeToString(deterministic=True)
    assert first.model != other.model
    seen = random_network("x", shape, 1, np.random.default_rng(3).integers(0, 256, (5, 3, 32, 32)))
    weights, others = (
        {t.name: t.raw_data for t in result.model.graph.initializer if t.name.endswith("packed")} for result in (first, seen)
    )
    assert weights == others
    assert len(weights) == 9
    assert first.model != seen.model


def test_products_are_left_to_blas() -> None:
    """A view without unit stride goes by NumPy's own loops; a kernel's matrices have it, and are the kernel's."""
    kernel = np.random.default_rng(5).choice(np.array([-1, 1], np.float32), (5, 4, 3, 2))
    found = dict(taps(kernel))
    assert list(found) == [(row, column) for row in range(3) for column in range(2)]
    for (row, column), matrix in found.items():
        assert matrix.flags.c_contiguous
        assert np.array_equal(matrix, kernel[:, :, row, column].T)


FILES = {
    "digits_bcnn": "3031b8034737862de2a1e6f153db29edafd5bccc4933863e3fddcaa39c391fbe",
    "mnist_bcnn": "e7cdaea067e59709046767c5e96009b86becd165f73b406a29db1dedb7eb72bf",
    "cifar10_bcnn_small": "5f1f7f3c74a4f9e7305984cf4ed4bd112309f5af81f9259334296c2cd1fc79fc",
}
"""SHA-256 of the models of seed 1."""


@pytest.mark.parametrize("name", FILES)
def test_files_of_old(name: str) -> None:
    """A seed gives the bytes that it has always given."""
    done: list[tuple[int, int]] = []
    model = random_network(name, SHAPES[name], 1, progress=lambda *how_far: done.append(how_far)).model
    assert hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest() == FILES[name]
    layers = len(SHAPES[name].layers)
    assert done == [(position, layers) for position in range(layers)]


def test_packed_weights() -> None:
    """Packing changes how weights are stored, and nothing else."""
    random = np.random.default_rng(4)
    signs = random.choice(np.array([-1, 1], np.float32), (4, 3, 2, 3))
    others: dict[str, NDArray[Any]] = {
        "odd": np.ones(7, np.float32),
        "real": np.full((2, 4), 0.5, np.float32),
        "whole": np.ones(8, np.int64),
    }
    constants = [numpy_helper.from_array(array, name) for name, array in {"signs": signs, **others}.items()]
    inputs = [onnx.helper.make_tensor_value_info(name, 1, None) for name in ("x", "signs")]
    output = onnx.helper.make_tensor_value_info("y", 1, None)
    node = onnx.helper.make_node("Conv", ["x", "signs"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "packed", inputs, [output], constants))
    pack_weights(model)
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert np.array_equal(unpack(found["signs.packed"], signs.shape), signs)
    assert found.keys() == {"signs.packed", "signs.shape", "signs_of_bytes", *others}
    assert [value.name for value in model.graph.input] == ["x"]
    results = ReferenceEvaluator(model).run(None, {"x": np.ones((1, 3, 2, 3), np.float32)})
    assert np.array_equal(np.ravel(next(iter(results))), signs.sum(axis=(1, 2, 3)))


@pytest.mark.usefixtures("own_folder")
class TestCommand:
    def test_files(self, call: Call) -> None:
        first = call("random", "digits_bcnn", "-o", "a.onnx", "--json").json
        assert (first["model"], first["seed"], first["weights"]) == ("a.onnx", 1, 38_160)
        assert all(0.4 < ones < 0.6 for ones in first["ones"])
        assert len(first["ones"]) == 3
        call("random", "digits_bcnn", "--seed", 1)
        call("random", "digits_bcnn", "--seed", 2, "-o", "c.onnx")
        a, b, c = (Path(f"{name}.onnx").read_bytes() for name in ("a", "digits_bcnn", "c"))
        assert a == b != c

    def test_images(self, call: Call) -> None:
        x = images("mnist_bcnn", IMAGES + 1)
        np.save("x.npy", x)
        np.save("y.npy", x[:IMAGES])
        for name in "xy":
            assert call("random", "mnist_bcnn", "--input", f"{name}.npy", "-o", f"{name}.onnx").status == 0
        assert Path("x.onnx").read_bytes() == Path("y.onnx").read_bytes()

    def test_refused(self, refused: Refused) -> None:
        refused(["random", "nope"], "nope", "digits_bcnn", "cifar10_bcnn")
        refused(["random", "digits_bcnn", "--seed", "-1"], "--seed")
        refused(["random", "digits_bcnn", "-o", "none/a.onnx"], "none", "does not exist")
        for name, numbers, says in (
            ("digits_bcnn", np.full((2, 1, 8, 8), 32.0), "whole numbers from 0 to 31"),
            ("mnist_bcnn", np.full((2, 1, 28, 28), 0.3), "multiples of 1/255"),
            ("mnist_bcnn", np.full((2, 1, 28, 28), 255), "multiples of 1/255"),
            ("mnist_bcnn", np.full((2, 1, 28, 28), np.nan), "multiples of 1/255"),
            ("mnist_bcnn", np.full((2, 1, 28, 28), "1"), "multiples of 1/255"),
            ("mnist_bcnn", np.zeros((2, 28, 28)), "(2, 28, 28)"),
            ("mnist_bcnn", np.zeros((0, 1, 28, 28)), "(0, 1, 28, 28)"),
        ):
            np.save("x.npy", numbers)
            refused(["random", name, "--input", "x.npy", "-o", "a.onnx"], "x.npy", says)
