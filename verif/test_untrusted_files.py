"""A file that is damaged, or made to do damage, ends in one clear SigmabitError, soon and without much memory."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import ModelFileError, Network, SigmabitError, UnsupportedModelError, import_model

from .onnx_graphs import BREVITAS, QONNX, Builder, normalisation, signs

DIGITS = Path(__file__).parent.parent / "models" / "digits_bcnn.onnx"
RANDOM = np.random.default_rng(11)
WEIGHTS = signs(RANDOM, 4, 2, 3, 3)
SECONDS = 10
MEGABYTES = 1024


def outcome(path: Path) -> Network | SigmabitError:
    """What becomes of a file: a network, or an error in one line that begins with its path; nothing else is raised."""
    start, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: Network | SigmabitError
    try:
        result = import_model(path)
    except SigmabitError as error:
        result = error
    assert isinstance(result, Network) or str(result).startswith(f"{path}: ")
    assert time.process_time() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MEGABYTES << 10
    return result


def small_model(domain: str) -> onnx.ModelProto:
    """A model of a few hundred bytes with every kind of layer, so that most of them are structure."""
    random = np.random.default_rng(2)
    g = Builder((1, 5, 4), domain, constant_nodes=True)
    y = g("BipolarQuant", g("Sub", g("Mul", "x", 2.0), 1.0), 1.0)
    y = g("Conv", g("Pad", y, np.array([0, 0, 1, 0, 0, 0, 0, 1])), signs(random, 2, 1, 2, 2), strides=[1, 2])
    y = g("MaxPool", g("BatchNormalization", y, *normalisation(random, 2, 2)), kernel_shape=[2, 1], strides=[2, 1])
    y = g("Transpose", g.quant(y, 1, 1.0, signed=0), perm=[0, 2, 3, 1])
    batch = g("Unsqueeze", g("Gather", g("Shape", y), np.array(0)), np.array([0]))
    y = g("Reshape", y, g("Concat", batch, np.array([-1]), axis=0))
    return g.model(g("Softmax", g("Gemm", y, signs(random, 3, 8), np.zeros(3), transB=1), axis=1))


class TestDamagedFiles:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "not an ONNX model"),
            (b"Not a model, but a letter.\n" * 40, "not an ONNX file, or truncated"),
            (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not an ONNX file, or truncated"),
            (b"\x0a" * 100_000, "not an ONNX"),
            (helper.make_model(helper.make_graph([], "empty", [], [])).SerializeToString(), "no inputs or no outputs"),
        ],
        ids=["empty", "text", "image", "nested", "no graph"],
    )
    def test_not_a_model(self, content: bytes, words: str, tmp_path: Path) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(content)
        result = outcome(path)
        assert isinstance(result, ModelFileError)
        assert words in str(result)

    def test_not_a_file(self, tmp_path: Path) -> None:
        assert str(outcome(tmp_path / "nowhere.onnx")) == f"{tmp_path / 'nowhere.onnx'}: No such file or directory"
        assert str(outcome(tmp_path)) == f"{tmp_path}: Is a directory"

    def test_truncated_anywhere(self, tmp_path: Path) -> None:
        content, path = DIGITS.read_bytes(), tmp_path / "m.onnx"
        for length in RANDOM.integers(1, len(content), 60):
            path.write_bytes(content[:length])
            assert isinstance(outcome(path), ModelFileError), length

    @pytest.mark.parametrize("source", [QONNX, BREVITAS, "digits"])
    def test_changed_anywhere(self, source: str, tmp_path: Path) -> None:
        """Bytes changed, removed, doubled: whatever is read is a network or an error; both occur."""
        content = DIGITS.read_bytes() if source == "digits" else small_model(source).SerializeToString()
        path, seen = tmp_path / "m.onnx", set()
        for _ in range(60 if source == "digits" else 400):
            changed = bytearray(content)
            for place in RANDOM.integers(0, len(content) - 32, RANDOM.integers(1, 4)):
                match RANDOM.integers(4):
                    case 0:
                        changed[place] = RANDOM.integers(256)
                    case 1:
                        changed[place] ^= 1 << RANDOM.integers(8)
                    case 2:
                        del changed[place : place + RANDOM.integers(1, 9)]
                    case _:
                        changed[place:place] = changed[place : place + RANDOM.integers(1, 9)]
                changed.extend(bytes(max(0, len(content) - len(changed))) if RANDOM.integers(2) else b"")
            path.write_bytes(changed)
            seen.add(type(outcome(path)))
        assert {Network, ModelFileError} <= seen

    def test_changed_fields(self, tmp_path: Path) -> None:
        """Well-formed files that lie: attributes, shapes, names and operators drawn anew, one at a time."""
        seen: dict[type, int] = {}
        for number in range(400):
            model = small_model(QONNX)
            _change(model.graph)
            path = tmp_path / f"{number}.onnx"
            path.write_bytes(model.SerializeToString())
            kind = type(outcome(path))
            seen[kind] = seen.get(kind, 0) + 1
        assert seen[Network] > 20
        assert seen[UnsupportedModelError] > 100

    def test_undamaged_files_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(small_model(QONNX).SerializeToString())
        assert isinstance(outcome(path), Network)
        assert isinstance(outcome(DIGITS), Network)


def _change(graph: onnx.GraphProto) -> None:
    """Change one thing of one node."""
    node = graph.node[RANDOM.integers(len(graph.node))]
    numbers: list[Any] = [0, 1, -1, 2, 7, -(1 << 40), 1 << 62]
    match RANDOM.integers(5):
        case 0 if node.attribute:
            old = node.attribute[RANDOM.integers(len(node.attribute))]
            number = numbers[RANDOM.integers(len(numbers))]
            values = [
                number,
                [number],
                [number] * 2,
                [number] * 4,
                [1, 1, number, 1],
                float("nan"),
                0.5,
                b"\xff",
                "SAME_UPPER",
                [],
            ]
            shape = [2, 2]
            values.append(helper.make_tensor("t", TensorProto.INT64, shape, [1, 2, 3, 4]))
            values.append(helper.make_tensor("t", TensorProto.FLOAT, [], [np.inf]))
            values.append(helper.make_tensor("t", TensorProto.STRING, [1], [b"text"]))  # type: ignore[list-item]
            value = values[RANDOM.integers(len(values))]
            new = helper.make_attribute(old.name, value, attr_type=onnx.AttributeProto.INTS if value == [] else None)
            old.CopyFrom(new)
        case 1 if node.input:
            node.input[RANDOM.integers(len(node.input))] = _name(graph)
        case 2:
            node.op_type = graph.node[RANDOM.integers(len(graph.node))].op_type
        case 3 if node.input:
            del node.input[RANDOM.integers(len(node.input)) :]
        case _:
            node.output[0] = _name(graph)


def _name(graph: onnx.GraphProto) -> str:
    """Any tensor's name, or none at all."""
    return str(RANDOM.choice(["", "x", "nowhere", *(output for node in graph.node for output in node.output)]))


Change = Callable[[onnx.ModelProto], object]


class TestTensors:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda t: t.dims.__setitem__(0, 5), "damaged"),
            (lambda t: t.dims.__setitem__(0, -4), "elements"),
            (lambda t: t.dims.__setitem__(0, 1 << 50), "elements, at most"),
            (lambda t: t.dims.__setitem__(slice(0, 4), [-2, -36, 1, 1]), "damaged"),
            (lambda t: t.dims.__setitem__(slice(0, 4), [1 << 32, 1 << 32, 1, 1]), "elements, at most"),
            (lambda t: setattr(t, "raw_data", b""), "damaged"),
            (lambda t: setattr(t, "data_type", 99), "damaged"),
        ],
    )
    def test_sizes_that_do_not_fit(self, change: Callable[[Any], object], words: str, tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        y = g("Conv", "x", WEIGHTS)
        change(g.initializers[0])
        result = outcome(g.save(tmp_path / "m.onnx", y))
        assert isinstance(result, ModelFileError)
        assert words in str(result)
        assert "tensor constant_0" in str(result)


def elsewhere(folder: Path, constant_nodes: bool = False, **entries: Any) -> Path:
    """m.onnx, whose weights lie where the entries say."""
    g = Builder((2, 6, 5), constant_nodes=constant_nodes)
    model = g.model(g("Conv", "x", WEIGHTS))
    tensor = model.graph.node[0].attribute[0].t if constant_nodes else model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    if entries.pop("dims", ""):
        tensor.dims[:] = [-2, -36, 1, 1]
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a model, with weights in it and above."""
    made = tmp_path / "model"
    made.mkdir()
    for place in (made, tmp_path):
        (place / "weights.bin").write_bytes(b"\xff" * 16 + WEIGHTS.tobytes() + b"\xff")
    return made


class TestDataElsewhere:
    """Weights in a file beside the model, as PyTorch's exporter writes them."""

    @pytest.mark.parametrize("constant_nodes", [False, True])
    @pytest.mark.parametrize("length", [{}, {"length": str(WEIGHTS.nbytes)}])
    def test_beside(self, constant_nodes: bool, length: dict[str, str], folder: Path) -> None:
        result = outcome(elsewhere(folder, constant_nodes, location="weights.bin", offset="16", **length))
        assert isinstance(result, Network)
        g = Builder((2, 6, 5))
        inside = import_model(g.save(folder / "inside.onnx", g("Conv", "x", WEIGHTS)))
        x = (RANDOM.integers(0, 256, (9, 2, 6, 5)) / 255).astype(np.float32)
        assert np.array_equal(result.run(x), inside.run(x))

    def test_as_onnx_writes_it(self, folder: Path) -> None:
        g = Builder((2, 6, 5))
        model = g.model(g("BatchNormalization", g("Conv", "x", WEIGHTS), *normalisation(RANDOM, 4, 2)))
        onnx.save_model(model, folder / "m.onnx", save_as_external_data=True, location="m.onnx.data", size_threshold=0)
        assert isinstance(outcome(folder / "m.onnx"), Network)

    @pytest.mark.parametrize("constant_nodes", [False, True])
    @pytest.mark.parametrize(
        "location", ["/etc/passwd", "../weights.bin", "./weights.bin", "..", ".", "", "x/../weights.bin", "a\\b", "weights.bin\0"]
    )
    def test_paths(self, location: str, constant_nodes: bool, folder: Path) -> None:
        """No file in another folder is opened, whether it exists or not."""
        result = outcome(elsewhere(folder, constant_nodes, location=location, offset="16"))
        assert isinstance(result, ModelFileError)
        assert "lies in another file" in str(result)
        assert "no plain name" in str(result)

    def test_links(self, folder: Path) -> None:
        (folder / "inner.bin").symlink_to("weights.bin")
        (folder / "outer.bin").symlink_to("../weights.bin")
        (folder / "circle.bin").symlink_to("circle.bin")
        assert isinstance(outcome(elsewhere(folder, location="inner.bin", offset="16")), Network)
        assert "lies in another file, circle.bin" in str(outcome(elsewhere(folder, location="circle.bin")))
        assert "a link that leads out" in str(outcome(elsewhere(folder, location="outer.bin", offset="16")))

    def test_what_is_no_file(self, folder: Path) -> None:
        """A pipe without a writer is not waited for."""
        os.mkfifo(folder / "pipe")
        (folder / "inner").mkdir()
        assert "no regular file" in str(outcome(elsewhere(folder, location="pipe")))
        assert "lies in another file, inner" in str(outcome(elsewhere(folder, location="inner")))
        assert "No such file" in str(outcome(elsewhere(folder, location="missing.bin")))

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"offset": "18"}, "needs bytes 18 to 306 of weights.bin, which has 305"),
            ({"offset": "9" * 19}, "of weights.bin, which has 305"),
            ({"offset": "-16"}, "the offset '-16'"),
            ({"offset": "9" * 5000}, "the offset '9999999999999999999'"),
            ({"offset": "16", "length": "287"}, "has 287 bytes in 'weights.bin', its type and shape ask for 288"),
            ({"length": "0x10"}, "the length '0x10'"),
            ({"dims": "negative"}, "is damaged"),
        ],
    )
    def test_sizes(self, entries: dict[str, Any], words: str, folder: Path) -> None:
        result = outcome(elsewhere(folder, location="weights.bin", **entries))
        assert isinstance(result, ModelFileError)
        assert words in str(result)

    def test_one_large_file_for_many_tensors(self, folder: Path) -> None:
        """Of a sparse file nothing is read beyond the bound on all tensors together."""
        with (folder / "large.bin").open("wb") as file:
            file.truncate(1 << 40)
        g = Builder((2, 6, 5))
        model = g.model(g("Conv", "x", WEIGHTS))
        for number in range(40):
            tensor = model.graph.initializer.add(name=f"t{number}", data_type=TensorProto.FLOAT, dims=[1 << 26])
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="large.bin")
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        assert "makes the data in other files more than" in str(outcome(folder / "m.onnx"))


class TestShapes:
    @pytest.mark.parametrize(
        ("shape", "words"),
        [
            ((), "has 1 dimensions, expected (N, C, H, W) or (N, features)"),
            ((2, 6), "has 3 dimensions"),
            ((1, 2, 6, 5), "has 5 dimensions"),
            ((2, "height", 5), "a free dimension besides the batch"),
            ((2, 0, 5), "a free dimension besides the batch"),
            ((2, -6, 5), "a free dimension besides the batch"),
            ((2, 1 << 40, 5), "elements, at most"),
            ((1 << 31, 1 << 31, 1 << 31), "elements, at most"),
        ],
    )
    def test_inputs(self, shape: tuple[int | str, ...], words: str, tmp_path: Path) -> None:
        g = Builder(shape)
        result = outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", WEIGHTS)))
        assert isinstance(result, ModelFileError)
        assert "input x" in str(result)
        assert words in str(result)

    def test_a_fixed_batch(self, tmp_path: Path) -> None:
        g = Builder((2, 6, 5), batch=8)
        assert "a fixed batch of 8" in str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", WEIGHTS))))

    def test_no_shape(self, tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        g.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
        assert "has 1 dimensions" in str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", WEIGHTS))))


def twice(model: onnx.ModelProto) -> None:
    """Give the graph's input once more, and take it."""
    conv, multiply = model.graph.node
    conv.output[0] = multiply.input[0] = "x"


class TestConnections:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda m: m.graph.initializer.pop(), "Mul_2 (Mul): it takes constant_2, which nothing before it gives"),
            (lambda m: m.graph.node.reverse(), "Mul_2 (Mul): it takes Conv_1_y, which nothing before it gives"),
            (lambda m: m.graph.node[0].input.__setitem__(0, "Mul_2_y"), "Conv_1 (Conv): it takes Mul_2_y, which nothing"),
            (lambda m: twice(m), "Conv_1 (Conv): it gives x, which something before it gives"),
            (lambda m: m.graph.node[1].output.pop(), "Mul_2_y (graph output): no node gives it"),
            (lambda m: m.graph.node.pop(), "Mul_2_y (graph output): no node gives it"),
            (lambda m: m.graph.node[1].input.append("x"), "Mul_2 (Mul): inputs or attributes that do not suit the operator"),
        ],
        ids=["missing", "unsorted", "cyclic", "twice", "no output", "no node", "too many inputs"],
    )
    def test_graphs(self, change: Change, words: str, tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        model = g.model(g("Mul", g("Conv", "x", WEIGHTS, name="Conv_1"), 2.0, name="Mul_2"))
        change(model)
        path = tmp_path / "m.onnx"
        path.write_bytes(model.SerializeToString())
        result = outcome(path)
        assert isinstance(result, UnsupportedModelError)
        assert words in str(result)


def with_functions(folder: Path, called: str, **bodies: tuple[str, ...]) -> Path:
    """m.onnx, in which `called` stands behind a convolution; each function is named, and calls others in turn."""
    g = Builder((2, 6, 5))
    model = g.model(g(called, g("Conv", "x", WEIGHTS), domain="own"))
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)]
    for name, operators in bodies.items():
        nodes = [
            helper.make_node(operator, [f"t{i}"], [f"t{i + 1}"], domain="own" if operator in bodies else "")
            for i, operator in enumerate(operators)
        ]
        model.functions.append(helper.make_function("own", name, ["t0"], [f"t{len(nodes)}"], nodes, imports))
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


class TestFunctions:
    """A model's own functions are written out, while they stay small."""

    def test_within_each_other(self, tmp_path: Path) -> None:
        result = outcome(with_functions(tmp_path, "Twice", Twice=("Once", "Once"), Once=("Neg", "Identity")))
        assert isinstance(result, Network)
        assert len(result.output.chain.steps) == 2

    def test_an_unsupported_node_inside(self, tmp_path: Path) -> None:
        result = outcome(with_functions(tmp_path, "Outer", Outer=("Neg", "Frobnicate")))
        assert isinstance(result, UnsupportedModelError)
        assert "(Frobnicate): not supported on activations" in str(result)

    def test_missing(self, tmp_path: Path) -> None:
        assert "operator Nowhere of the domain own" in str(outcome(with_functions(tmp_path, "Nowhere", Other=("Neg",))))

    def test_without_end(self, tmp_path: Path) -> None:
        path = with_functions(tmp_path, "First", First=("Next",), Next=("First",))
        assert "its function First calls itself" in str(outcome(path))

    def test_doublings(self, tmp_path: Path) -> None:
        bodies = {f"F{i}": (f"F{i + 1}", f"F{i + 1}") for i in range(60)} | {"F60": ("Neg",)}
        assert f"{(1 << 60) + 1} nodes with its functions written out" in str(outcome(with_functions(tmp_path, "F0", **bodies)))

    def test_depth(self, tmp_path: Path) -> None:
        bodies = {f"F{i}": (f"F{i + 1}",) for i in range(2000)} | {"F2000": ("Neg",)}
        assert "at a depth of more than 64" in str(outcome(with_functions(tmp_path, "F0", **bodies)))


class TestBombs:
    """Small files that unfold."""

    @pytest.mark.parametrize(
        "unfold",
        [
            lambda g: g("ConstantOfShape", np.array([1 << 40])),
            lambda g: g("Add", g("ConstantOfShape", np.array([-(1 << 40)])), g("ConstantOfShape", np.array([1 << 29]))),
            lambda g: g("Expand", 1.0, np.array([1 << 20, 1 << 20])),
            lambda g: g("Mul", np.ones((20_000, 1)), np.ones((1, 20_000))),
            lambda g: g("BipolarQuant", np.ones((20_000, 1)), np.ones((1, 20_000))),
            lambda g: g("Gather", np.ones((1, 20_000)), np.zeros(20_000, np.int64)),
            lambda g: g("Tile", np.ones(20_000), np.array([1 << 30])),
            lambda g: g("Range", np.array(0), np.array(1 << 40), np.array(1)),
        ],
        ids=["size", "negative size", "expand", "broadcast", "scale", "gather", "tile", "range"],
    )
    def test_constants(self, unfold: Callable[[Builder], str], tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        result = outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", unfold(g))))
        assert isinstance(result, UnsupportedModelError)

    def test_doublings(self, tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        y = g("Identity", WEIGHTS)
        for _ in range(60):
            y = g("Concat", y, y, axis=0)
        assert "unfold to more than" in str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", y))))

    def test_loops(self, tmp_path: Path) -> None:
        """A loop on constants, for ever."""
        body = helper.make_graph(
            [helper.make_node("Identity", ["go"], ["again"])],
            "body",
            [
                helper.make_tensor_value_info("i", TensorProto.INT64, []),
                helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            ],
            [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
        )
        g = Builder((2, 6, 5))
        y = g("Loop", np.array((1 << 63) - 1), np.array(True), body=body)
        assert "(Loop): not supported on constants" in str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", y))))

    def test_accumulators(self, tmp_path: Path) -> None:
        """Wide pixels, many weights, many channels: thresholds would take years."""
        g = Builder((1 << 12,))
        y = g("MatMul", g.quant("x", 16, signed=0), np.ones((1 << 12, 1 << 8)))
        assert "accumulators of its channels" in str(outcome(g.save(tmp_path / "m.onnx", g("BipolarQuant", y, 1.0))))
