"""Structures that no pipeline computes are refused by the name of what they are: once, at one node, with what helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from sigmabit.golden import ModelFileError, UnsupportedModelError, read_model
from sigmabit.golden.front.importer.real_layers import MAX_WEIGHTS
from sigmabit.hdl.family.families import FAMILIES

from ..harness.command_line import Call, Refused
from ..harness.onnx_graphs import Builder
from ..harness.real_graphs import Vae

STEPS, FEATURES, CODEWORDS = 6, 8, 10
SEQUENCE, ROW, IMAGE = (STEPS, FEATURES), (FEATURES,), (4, 5, 5)

NORMALISED = "whose mean or deviation is that of the frame itself, known only when all of it has come; train with BatchNorm"
ATTENDED = "which multiplies activations with one another; only products with constant weights are layers"
LOOKED_UP = "the nearest codeword of a codebook is looked up here, as in a VQ-VAE; the encoder in front of it"
LOST = "an error of what layers give against the input itself, as a loss is, which only the host can compute"
STATEFUL = "which keeps a state from step to step; a Conv1d over a window of steps"


def mean(g: Vae, x: str, *axes: int) -> str:
    """As before opset 18, or since."""
    return g("ReduceMean", x, axes=[*axes]) if g.opset < 18 else g("ReduceMean", x, np.array(axes))


def norm(g: Vae, x: str, *axes: int, inverse: bool = False) -> str:
    """A normalisation written out, as PyTorch does; or with a reciprocal, as Keras."""
    difference = g("Sub", x, mean(g, x, *axes))
    square = g("Mul", difference, difference) if inverse else g("Pow", difference, 2.0)
    root = g("Sqrt", g("Add", mean(g, square, *axes), 1e-5))
    return g("Mul", difference, g("Reciprocal", root)) if inverse else g("Div", difference, root)


def rows_end(g: Vae, y: str, size: int = 8) -> str:
    """A decoder's end behind a row."""
    return g.dense(g("Relu", y), size, 3)


def images_end(g: Vae, y: str) -> str:
    """Behind an image."""
    return g.dense(g("Flatten", g("Relu", y)), 100, 3)


def conv(g: Vae) -> str:
    """An image of four channels."""
    return g("Conv", "x", g.weights(4, 4, 3, 3, fan=36), pads=[1, 1, 1, 1])


def grouped(g: Vae, written: bool) -> str:
    """As PyTorch exports GroupNorm, or with the means written out."""
    y = g("Reshape", conv(g), np.array([0, 2, -1]))
    y = norm(g, y, 2) if written else g("InstanceNormalization", y, np.ones(2), np.zeros(2))
    y = g("Reshape", y, np.array([-1, *IMAGE]))
    return images_end(g, g("Add", g("Mul", y, np.full((4, 1, 1), 2.0)), np.ones((4, 1, 1))))


def attention(g: Vae) -> str:
    """Of one head: queries, keys and values of a sequence, and a projection to each."""
    projected = (g("Add", g("MatMul", "x", g.weights(8, 8, fan=8)), g.weights(8, fan=8)) for _ in range(3))
    queries, keys, values = projected
    scores = g("Div", g("MatMul", queries, g("Transpose", keys, perm=[0, 2, 1])), 2.83)
    return g.dense(g("Flatten", g("MatMul", g("Softmax", scores, axis=-1), values)), STEPS * FEATURES, 3)


def similarity(g: Vae) -> str:
    """A product with itself, without a softmax."""
    return g.dense(g("Flatten", g("MatMul", "x", g("Transpose", "x", perm=[0, 2, 1]))), STEPS * STEPS, 3)


def codebook(g: Vae, form: str) -> str:
    """The nearest codeword, as VQ-VAEs are written, with the straight-through sum."""
    z, words = g.dense(g("Relu", g.dense("x", 8, 8)), 8, 4), g.weights(CODEWORDS, 4, fan=4)
    axis = np.array([1])
    if form == "cdist":
        squares = g("Pow", g("Sub", g("Unsqueeze", z, axis), words[None]), 2.0)
        distances = g("Sqrt", g("ReduceSum", squares, np.array([2]), keepdims=0))
    else:
        lengths = g("Add", g("ReduceSum", g("Pow", z, 2.0), axis), (words**2).sum(1))
        distances = g("Sub", lengths, g("Mul", g("MatMul", z, words.T.copy()), 2.0))
    if form == "number":
        return g("ArgMin", distances, axis=1)
    if form == "one hot":
        number = g("ArgMax", g("Neg", distances), axis=1, keepdims=0)
        hot = g("OneHot", number, np.array(CODEWORDS), np.array([0.0, 1.0]), axis=-1)
        word = g("MatMul", hot, words)
    else:
        word = g("Gather", words, g("ArgMin", distances, axis=1, keepdims=0), axis=0)
    return g.dense(g("Add", z, g("Sub", word, z)), 4, 3)


def recurrent(g: Vae, operator: str, gates: int) -> str:
    """Over a sequence, the last of whose states are taken."""
    y = g("Transpose", "x", perm=[1, 0, 2])
    y = g(operator, y, g.weights(1, 4 * gates, 8, fan=8), g.weights(1, 4 * gates, 4, fan=8), hidden_size=4)
    return g.dense(g("Flatten", g("Transpose", g("Squeeze", y, np.array([1])), perm=[1, 0, 2])), 4 * STEPS, 2)


def root_mean_square(g: Vae, inverse: bool) -> str:
    """RMSNorm, written out."""
    y = g.dense("x", 8, 8)
    root = g("Sqrt", g("Add", mean(g, g("Pow", y, 2.0), -1), 1e-6))
    y = g("Mul", y, g("Reciprocal", root)) if inverse else g("Div", y, root)
    return rows_end(g, g("Mul", y, np.linspace(0.5, 2, 8)))


def unrolled(g: Vae) -> str:
    """A recurrent layer, step by step, as PyTorch's newer exporter writes it."""
    sums = g("Add", g("MatMul", g("Transpose", "x", perm=[1, 0, 2]), g.weights(8, 5, fan=8)), g.weights(5, fan=4))
    state, weights = np.zeros((1, 5), np.float32), g.constant(g.weights(5, 5, fan=5))
    h = g("Tanh", g("Add", g("Squeeze", g("Slice", sums, *map(np.array, ([0], [1], [0]))), np.array([0])), state))
    for step in range(1, STEPS):
        taken = g("Squeeze", g("Slice", sums, np.array([step]), np.array([step + 1]), np.array([0])), np.array([0]))
        h = g("Tanh", g("Add", g("Add", g("MatMul", h, weights), g.weights(5, fan=4)), taken))
    return g.dense(h, 5, 2)


def reconstruction(g: Vae) -> str:
    """Of an image."""
    y = g("ConvTranspose", g("Relu", g("Conv", "x", g.weights(3, 4, 2, 2, fan=16))), g.weights(3, 4, 2, 2, fan=12))
    return g("Sigmoid", y)


def squared(g: Vae, mean: bool = True) -> str:
    """MSELoss; or a sum over rows, and its mean."""
    if mean:
        return g("ReduceMean", g("Pow", g("Sub", reconstruction(g), "x"), 2.0), keepdims=0)
    difference = g("Sub", g("Flatten", "x"), g("Flatten", reconstruction(g)))
    return g("ReduceMean", g("ReduceSum", g("Mul", difference, difference), np.array([1])), keepdims=0)


def entropy(g: Vae) -> str:
    """A binary cross-entropy, written out."""
    y = reconstruction(g)
    ones, zeros = g("Mul", "x", g("Log", y)), g("Mul", g("Sub", 1.0, "x"), g("Log", g("Sub", 1.0, y)))
    return g("Neg", g("ReduceMean", g("Add", ones, zeros), keepdims=0))


def elbo(g: Vae) -> str:
    """The error beside a divergence."""
    mean, logvar = g.heads(g("Relu", g.dense("x", 8, 8)), 8, 3)
    y = g.dense(g("Relu", g.dense(g.draw(mean, logvar), 3, 8)), 8, 8)
    error = g("ReduceSum", g("Abs", g("Sub", y, "x")), np.array([1]))
    excess = g("Sub", g("Sub", g("Add", g("Mul", mean, mean), g("Exp", logvar)), 1.0), logvar)
    return g("Add", error, g("Mul", g("ReduceSum", excess, np.array([1])), 0.5))


Graph = Callable[[Vae], str]

CASES: dict[str, tuple[tuple[int, ...], Graph, str, str]] = {
    "LSTM": (SEQUENCE, lambda g: recurrent(g, "LSTM", 4), "LSTM", f"an LSTM, {STATEFUL}"),
    "GRU": (SEQUENCE, lambda g: recurrent(g, "GRU", 3), "GRU", f"a GRU, {STATEFUL}"),
    "RNN": (SEQUENCE, lambda g: recurrent(g, "RNN", 1), "RNN", f"a recurrent layer, {STATEFUL}"),
    "instance": (
        IMAGE,
        lambda g: images_end(g, g("InstanceNormalization", conv(g), np.ones(4), np.zeros(4))),
        "InstanceNormalization",
        f"instance normalisation, {NORMALISED}",
    ),
    "instance written out": (
        IMAGE,
        lambda g: images_end(g, norm(g, conv(g), 2, 3)),
        "Div",
        f"instance normalisation, {NORMALISED}",
    ),
    "group": (IMAGE, lambda g: grouped(g, written=False), "InstanceNormalization", f"group normalisation, {NORMALISED}"),
    "group written out": (IMAGE, lambda g: grouped(g, written=True), "Div", f"group normalisation, {NORMALISED}"),
    "layer written out": (
        ROW,
        lambda g: rows_end(g, norm(g, g.dense("x", 8, 8), -1)),
        "Div",
        f"layer normalisation, {NORMALISED}",
    ),
    "layer of Keras": (
        ROW,
        lambda g: rows_end(g, norm(g, g.dense("x", 8, 8), -1, inverse=True)),
        "Sqrt",
        f"layer normalisation, {NORMALISED}",
    ),
    "root mean square": (
        ROW,
        lambda g: root_mean_square(g, inverse=False),
        "Div",
        f"RMS normalisation, {NORMALISED}",
    ),
    "root mean square of PyTorch": (
        ROW,
        lambda g: root_mean_square(g, inverse=True),
        "Mul",
        f"RMS normalisation, {NORMALISED}",
    ),
    "unrolled": (SEQUENCE, unrolled, "MatMul", f"a recurrent layer, unrolled over 5 steps and more, {STATEFUL}"),
    "attention": (SEQUENCE, attention, "MatMul", f"attention, {ATTENDED}"),
    "similarity": (SEQUENCE, similarity, "MatMul", f"a product of two activations, as in attention, {ATTENDED}"),
    "codebook": (ROW, lambda g: codebook(g, "expanded"), "ArgMin", LOOKED_UP),
    "codebook of distances": (ROW, lambda g: codebook(g, "cdist"), "ArgMin", LOOKED_UP),
    "codebook without codewords": (ROW, lambda g: codebook(g, "number"), "ArgMin", LOOKED_UP),
    "squared error": (IMAGE, squared, "Sub", LOST),
    "sum of squares": (IMAGE, lambda g: squared(g, mean=False), "Sub", LOST),
    "cross-entropy": (IMAGE, entropy, "Mul", LOST),
    "elbo": (ROW, elbo, "Sub", LOST),
    "one of the codebook": (ROW, lambda g: codebook(g, "one hot"), "ArgMax", LOOKED_UP),
}
"""By what it is: the input's shape, a graph, the operator that is at fault, and what is said of it."""

SINCE = {
    "layer": (17, lambda g: rows_end(g, g("LayerNormalization", g.dense("x", 8, 8), np.ones(8), axis=-1)), ROW, "layer"),
    "group": (
        21,
        lambda g: images_end(g, g("GroupNormalization", conv(g), np.ones(4), np.zeros(4), num_groups=2)),
        IMAGE,
        "group",
    ),
}
"""Operators that came later."""


def only_finding(path: Path) -> tuple[str, str]:
    """Operator and reason of the one node that is refused."""
    with pytest.raises(UnsupportedModelError) as caught:
        read_model(path)
    (finding,) = caught.value.findings
    return finding.operator, finding.reason


@pytest.mark.parametrize("opset", [13, 20])
@pytest.mark.parametrize("name", CASES)
def test_by_name(name: str, opset: int, tmp_path: Path) -> None:
    """One finding for all of its nodes."""
    shape, graph, operator, says = CASES[name]
    g = Vae(shape, np.random.default_rng(5), opset=opset)
    found, reason = only_finding(g.save(tmp_path / "m.onnx", graph(g)))
    assert found == operator
    assert reason.startswith(says)


@pytest.mark.parametrize("name", SINCE)
def test_own_operators(name: str, tmp_path: Path) -> None:
    """What has an operator of its own by now."""
    opset, graph, shape, what = SINCE[name]
    g = Vae(shape, np.random.default_rng(5), opset=opset)
    assert only_finding(g.save(tmp_path / "m.onnx", graph(g)))[1].startswith(f"{what} normalisation, {NORMALISED}")


def test_each_is_told_and_so_is_what_is_beside(tmp_path: Path) -> None:
    """Two normalisations are one finding, and an operator that is nobody's part is another."""
    g = Vae(ROW, np.random.default_rng(5))
    y = g("Relu", norm(g, g.dense("x", 8, 8), -1))
    y = g("Tan", norm(g, g.dense(y, 8, 8), -1), name="sine")
    with pytest.raises(UnsupportedModelError) as caught:
        read_model(g.save(tmp_path / "m.onnx", rows_end(g, y)))
    assert [finding.operator for finding in caught.value.findings] == ["Div", "Tan"]


def test_outputs_beside_a_loss(tmp_path: Path, call: Call) -> None:
    """Those that the graph has are named, and one of them taken is a network."""
    g = Vae(IMAGE, np.random.default_rng(5))
    y = reconstruction(g)
    loss = g("ReduceMean", g("Pow", g("Sub", y, "x"), 2.0), keepdims=0)
    path = g.save(tmp_path / "m.onnx", loss, y)
    assert only_finding(path)[1].endswith(f"; --output-name {y} takes another output")
    assert only_finding(g.save(tmp_path / "alone.onnx", loss))[1].endswith("; export the model without it")
    assert call("inspect", path, "--output-name", y).status == 0


def test_a_fixed_batch(tmp_path: Path) -> None:
    """Of a sequence in a batch of its own, the structure is what is told, not the batch; without one, the batch."""
    g = Vae(SEQUENCE, np.random.default_rng(5), batch=5)
    assert only_finding(g.save(tmp_path / "m.onnx", recurrent(g, "LSTM", 4)))[1].startswith(f"an LSTM, {STATEFUL}")
    g = Vae(ROW, np.random.default_rng(5), batch=5)
    with pytest.raises(ModelFileError, match="a fixed batch of 5"):
        read_model(g.save(tmp_path / "m.onnx", g.dense("x", 8, 3)))


def test_what_is_none(tmp_path: Path) -> None:
    """A class by ArgMax, a spread over one frame's row, and a root are no structures."""
    g = Vae(ROW, np.random.default_rng(5))
    y = g.dense(g("Sqrt", g("Softplus", g.dense("x", 8, 8))), 8, 8)
    path = g.save(tmp_path / "m.onnx", g("ReduceMean", g("Tan", y, name="sine"), axes=[1]))
    assert only_finding(path) == ("Tan", "not supported on activations")


def test_many(tmp_path: Path) -> None:
    """A file of nothing but such products ends soon, whatever is told of its last ones."""
    g, y = Builder((4, 4)), "x"
    for _ in range(1000):
        y = g("MatMul", y, y)
    with pytest.raises(UnsupportedModelError) as caught:
        read_model(g.save(tmp_path / "m.onnx", y))
    findings = caught.value.findings
    assert len(findings) < 1000  # those that are looked at are one
    assert "a product of two activations" in findings[0].reason
    assert findings[0].reason.endswith("(and so are MatMul_1, MatMul_2, MatMul_3, ...)")


def test_quantisers_of_other_formats(tmp_path: Path) -> None:
    """Told once, with the format that has grids in the file."""
    g = Vae(ROW, np.random.default_rng(5))
    (codes, scale, zero) = (f"x_{part}" for part in ("codes", "scale", "zero"))
    g("DynamicQuantizeLinear", "x", name="quantiser")
    g.nodes[-1].output[:] = [codes, scale, zero]
    sums = g("MatMulInteger", codes, np.ones((8, 4), np.uint8), zero)
    path = g.save(tmp_path / "m.onnx", g("Relu", g("Mul", g("Cast", sums, to=TensorProto.FLOAT), scale)))
    operator, reason = only_finding(path)
    assert operator == "DynamicQuantizeLinear"
    assert "quantise statically, in the QDQ format" in reason
    g = Vae(ROW, np.random.default_rng(5))
    numbers = np.array(0.1, np.float32), np.array(3, np.uint8)
    y = g("QLinearMatMul", g("QuantizeLinear", "x", *numbers), *numbers, np.ones((8, 4), np.uint8), *numbers, *numbers)
    path = g.save(tmp_path / "m.onnx", g("DequantizeLinear", y, *numbers))
    operator, reason = only_finding(path)
    assert operator == "QLinearMatMul"
    assert "quantise in the QDQ format" in reason


def test_sequences(tmp_path: Path) -> None:
    """A sequence of tensors is told once, with what says the same."""
    g = Vae(ROW, np.random.default_rng(5))
    sequence = g("SequenceConstruct", g.dense("x", 8, 3), g.dense("x", 8, 3))
    path = g.save(tmp_path / "m.onnx", g("Concat", *(g("SequenceAt", sequence, np.array(n)) for n in (0, 1)), axis=1))
    operator, reason = only_finding(path)
    assert operator == "SequenceConstruct"
    assert "torch.cat" in reason


def test_length(tmp_path: Path) -> None:
    """A row that is divided by its own length, as PyTorch writes it."""
    g = Vae(ROW, np.random.default_rng(5), opset=17)
    y = g("Relu", g.dense("x", 8, 5))
    size = g("Expand", g("Clip", g("ReduceL2", y, axes=[1]), 1e-6), g("Shape", y))
    operator, reason = only_finding(g.save(tmp_path / "m.onnx", g.dense(g("Div", y, size), 5, 2)))
    assert operator == "Div"
    assert reason.startswith("a division of a row by its own length")


def test_projections_of_attention(tmp_path: Path) -> None:
    """What puts heads side by side behind an attention is part of it, however it treats the batch."""
    g = Vae(SEQUENCE, np.random.default_rng(5))
    y = g(
        "Transpose",
        g("MatMul", g("Softmax", g("MatMul", "x", g("Transpose", "x", perm=[0, 2, 1])), axis=-1), "x"),
        perm=[1, 0, 2],
    )
    y = g("Gemm", g("Reshape", y, np.array([-1, 8])), g.weights(8, 8, fan=8), g.weights(8, fan=4))
    y = g("Transpose", g("Reshape", y, np.array([8, -1, 8])), perm=[1, 0, 2])
    assert only_finding(g.save(tmp_path / "m.onnx", y))[0] == "MatMul"


@pytest.mark.usefixtures("own_folder")
def test_commands(call: Call, refused: Refused) -> None:
    """One sentence, whatever was asked for; `inspect` lists it."""
    g = Vae(SEQUENCE, np.random.default_rng(5))
    g.save(Path("m.onnx"), attention(g))
    refused(["plan", "m.onnx", "-o", "p.json"], "m.onnx: 1 unsupported node: MatMul_", "(MatMul): attention, which multiplies")
    assert "attention" in call("inspect", "m.onnx").out


class TestTooManyWeights:
    def test_no_part_holds_more_than_is_read(self) -> None:
        """Even of two bits each, in all of a part's block RAM and tables; but for the largest of UltraScale+."""
        parts = [device for family in FAMILIES for device in family.parts]
        larger = {d.name for d in parts if d.bram36 * 36 * 1024 + d.lut * 64 >= 2 * MAX_WEIGHTS}
        assert larger == {"xcvu9p", "xcvu11p", "xcvu13p", "xcvu37p"}

    @pytest.mark.usefixtures("own_folder")
    def test_part_is_named(self, refused: Refused) -> None:
        """Of what a file may have, the part that is too small, what it lacks, and how much it has of it."""
        g = Vae((200,), np.random.default_rng(5))
        g.save(Path("m.onnx"), g.dense(g("Relu", g.dense("x", 200, 300)), 300, 9))
        np.save("x.npy", np.random.default_rng(1).integers(0, 256, (4, 200)).astype(np.float32))
        refused(["plan", "m.onnx", "--calibration", "x.npy", "--part", "xc7s6", "-o", "p.json"], "needs at least", "xc7s6 offers")
