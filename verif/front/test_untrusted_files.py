"""A file that is damaged, or made to do damage, ends in one clear SigmabitError, soon and without much memory."""

from __future__ import annotations

import json
import os
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.fpga import boards
from sigmabit.fpga.board import BoardError
from sigmabit.golden import (
    CalibrationError,
    InputError,
    ModelFileError,
    Network,
    SigmabitError,
    UnsupportedModelError,
    import_model,
)
from sigmabit.golden.front.calibration import KEY
from sigmabit.golden.front.importer import budget, constants, trials
from sigmabit.golden.front.importer.budget import MAX_STEPS
from sigmabit.golden.front.onnx_file import MAX_FIELDS, MAX_FILE_BYTES
from sigmabit.hdl.planning.plan import PlanError, make_plan, planned_scale, read_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.interface.choices import Reading, Sampling
from sigmabit.scripts.interface.files import read_array, read_labels
from sigmabit.scripts.interface.loading import load_network, make_noise
from sigmabit.scripts.interface.terminal import Terminal
from sigmabit.scripts.measures.comparison import check_size
from sigmabit.scripts.measures.report_files import reread

from ..harness.onnx_graphs import BREVITAS, QONNX, Builder, normalisation, signs

DIGITS = Path(__file__).parents[2] / "models" / "digits_bcnn.onnx"
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

    def test_names_that_are_no_text(self, tmp_path: Path) -> None:
        content, path = DIGITS.read_bytes(), tmp_path / "m.onnx"
        path.write_bytes(content.replace(b"/1/Conv", b"/1/\xffonv"))
        assert re.fullmatch(rf"{path}: graph\.node\.\w+ is b'/1/.xffonv.*', which is not UTF-8 text", str(outcome(path)))

    def test_more_fields_than_any_model_has(self, tmp_path: Path) -> None:
        """Two bytes a node, of which protobuf makes some hundred."""
        path, nodes = tmp_path / "m.onnx", b"\x0a\x00" * (MAX_FIELDS + 1)
        length = len(nodes)
        packed = [length & 127 | 128, (length >> 7) & 127 | 128, (length >> 14) & 127 | 128, length >> 21]
        path.write_bytes(b"\x3a" + bytes(packed) + nodes)
        assert str(outcome(path)) == f"{path}: more than {MAX_FIELDS} fields"

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
            ((), "has 1 dimensions, expected (N, C, H, W), (N, C, L) or (N, features)"),
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

    @pytest.mark.parametrize(
        "take",
        [
            lambda g, table: g("Gather", table, np.arange(4)),
            lambda g, table: g("Gather", g("Transpose", table), np.arange(4), axis=1),
            lambda g, table: g("Tile", g("Gather", table, np.arange(1)), np.array([4, 1])),
            lambda g, table: g("Expand", g("Gather", table, np.arange(1)), np.array([4, 1])),
        ],
    )
    def test_little_of_much(self, take: Callable[[Builder, np.ndarray], str], tmp_path: Path) -> None:
        """Rows of a large table are no bomb: what is counted is what there is behind."""
        g = Builder((2, 6, 5))
        weights = g("Reshape", take(g, RANDOM.choice([-1.0, 1.0], (4096, 72)).astype(np.float32)), np.array([4, 2, 6, 6]))
        assert isinstance(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", weights, pads=[1, 1, 1, 1]))), Network)

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

    def test_all_together(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Results of any size, one after the other."""
        monkeypatch.setattr(constants, "MAX_ALL_ELEMENTS", 10 * WEIGHTS.size)
        g = Builder((2, 6, 5))
        y = g("Identity", WEIGHTS)
        for _ in range(10):
            y = g("Neg", y)
        assert "Neg_" in (told := str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", y))))) and "unfold to more than" in told

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

    @pytest.mark.parametrize(
        "value",
        [helper.make_tensor("v", TensorProto.STRING, [1], [b"text"]), None],  # type: ignore[list-item]  # its stub knows numbers only
        ids=["shape of texts", "cast to texts"],
    )
    def test_texts(self, value: onnx.TensorProto | None, tmp_path: Path) -> None:
        g = Builder((2, 6, 5))
        y = g("ConstantOfShape", np.array([1 << 25]), **({} if value is None else {"value": value}))
        y = y if value else g("Cast", y, to=TensorProto.STRING)
        assert "not supported on constants that are no numbers" in str(outcome(g.save(tmp_path / "m.onnx", g("Conv", "x", y))))

    @pytest.mark.parametrize("last", ["BipolarQuant", "Abs"])
    def test_long_chains(self, last: str, tmp_path: Path) -> None:
        """As many nodes as are taken, on every sum of 16-bit pixels, and one more."""
        for count in (MAX_STEPS - 4, MAX_STEPS + 1):
            g = Builder((1, 3, 3))
            y = g("Conv", g.quant("x", 16, signed=0), np.ones((1, 1, 3, 3)))
            for _ in range(count):
                y = g("Relu", y)
            y = g("Sub", g("Abs", g("Sub", y, 50.0)), 5.0) if last == "Abs" else y
            result = outcome(g.save(tmp_path / "m.onnx", g("BipolarQuant", y, 1.0)))
            if count > MAX_STEPS:
                assert f"Relu_{MAX_STEPS + 2} (Relu): more than {MAX_STEPS} scalar nodes one after the other" in str(result)
            elif last == "Abs":
                assert f"not monotone from Abs_{count + 3} on" in str(result)
            else:
                assert isinstance(result, Network)

    @pytest.mark.parametrize(("alpha", "beta"), [(np.inf, 1.0), (np.nan, 1.0), (1.0, -np.inf)])
    def test_attributes_that_are_not_finite(self, alpha: float, beta: float, tmp_path: Path) -> None:
        g = Builder((4,))
        y = g("Gemm", g.quant("x", 2, signed=0), np.ones((4, 3)), np.ones(3), alpha=alpha, beta=beta)
        assert "Gemm_1 (Gemm): its attribute " in str(outcome(g.save(tmp_path / "m.onnx", y)))


class TestBudget:
    """What nodes keep and look at is counted over the whole graph, whichever they are. The bounds are made small here."""

    @pytest.mark.parametrize("kind", ["rearranged", "constants", "weights", "quantised weights"])
    def test_bytes(self, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(budget, "MAX_BYTES", 1 << 20)
        g = Builder((1, 64, 64))
        y, matrix = g.quant("x", 2, signed=0), np.ones((4096, 4096 // 16), np.float32)
        more: list[str] = []
        for number in range(80):
            if kind == "rearranged":
                shape = [1, 1, 64, 64] if number % 2 else [1, 1, 32, 128]
                y = g("Reshape", g("Transpose", y, perm=[0, 1, 3, 2]), np.array(shape))
            elif kind == "constants":
                y = g("Add", y, RANDOM.standard_normal((64, 64)))
            elif kind == "weights":
                more.append(g("MatMul", g("Flatten", y), matrix))
            else:
                more.append(g("BipolarQuant", matrix, 1.0))
        if more:
            y = g("Concat", *more, axis=0)
        words = "the activations up to here, with their weights and constants, take more than 1 MB"
        assert words in str(outcome(g.save(tmp_path / "m.onnx", y)))

    def test_steps_that_nobody_needs_any_longer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Weights as trained networks spell them out, (scale * sign(w) - w) + w: of all its steps, the last one is kept."""
        g = Builder((64,))
        y, weights = g.quant("x", 1, signed=0), RANDOM.standard_normal((64, 64)).astype(np.float32)
        monkeypatch.setattr(budget, "MAX_BYTES", 14 * weights.nbytes)  # four steps of five layers are 20
        for _ in range(5):
            steps = g("Add", g("Sub", g("Mul", g("Sign", weights), 0.5), weights), weights)
            y = g("BipolarQuant", g("MatMul", y, steps), 1.0)
        assert isinstance(outcome(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(RANDOM, 64, 2)))), Network)

    def test_work(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(budget, "MAX_WORK", 1 << 16)
        g = Builder((1, 64, 64))
        y = "x"
        for _ in range(20):
            y = g("Relu", y)
        result = outcome(g.save(tmp_path / "m.onnx", y))
        assert isinstance(result, UnsupportedModelError)
        assert [finding.node for finding in result.findings] == ["Relu_16"]

    def test_evaluations(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those of all layers together."""
        monkeypatch.setattr(trials, "MAX_STEPS", 5000)
        g = Builder((64,))
        y = g.quant("x", 1, signed=0)
        for _ in range(3):
            y = g("BipolarQuant", g("MatMul", y, signs(RANDOM, 64, 64 if _ < 2 else 2)), 1.0)
        assert "at most 5000 such steps are made for a network" in str(outcome(g.save(tmp_path / "m.onnx", y)))

    def test_a_large_network_is_read(self, tmp_path: Path) -> None:
        """Half of what a VGG-16 of 224x224 keeps, in bounds of a quarter of the real ones."""
        g = Builder((3, 224, 224))
        y = g("Sub", g("Mul", "x", 2.0), 1.0)
        for outputs, inputs in ((64, 3), (64, 64)):
            y = g("Conv", y, signs(RANDOM, outputs, inputs, 3, 3), pads=[1, 1, 1, 1])
            y = g("BipolarQuant", g("BatchNormalization", y, *normalisation(RANDOM, outputs, 9 * inputs)), 1.0)
        y = g("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
        assert isinstance(outcome(g.save(tmp_path / "m.onnx", y)), Network)


class TestOtherFiles:
    @pytest.mark.parametrize("place", ["model", "data", "labels", "plan", "calibration", "epsilon", "report"])
    @pytest.mark.parametrize("kind", ["/dev/zero", "pipe", "folder", "large"])
    def test_no_ordinary_file(self, place: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither read for ever, nor waited for, nor read at all where it is larger than any file of its kind (here: empty, with
        a length).
        """
        monkeypatch.chdir(tmp_path)
        os.mkfifo("pipe")
        Path("folder").mkdir()
        with Path("large").open("wb") as file:
            file.truncate(MAX_FILE_BYTES + 1)
        words = {"folder": "folder: Is a directory", "large": "bytes, at most"}.get(kind, f"{kind}: not an ordinary file")
        start = time.process_time()
        with pytest.raises(SigmabitError) as raised:
            READERS[place](Path(kind))
        assert words in str(raised.value)
        assert time.process_time() - start < SECONDS

    @pytest.mark.parametrize("scale", ["1" + "0" * 400, "1" + "0" * 5000, "NaN", "-Infinity", "1e400", "1e-308", "-1", "0"])
    def test_numbers_of_a_plan(self, scale: str, tmp_path: Path) -> None:
        network, path = import_model(DIGITS), tmp_path / "plan.json"
        plan = json.dumps(Planner(network, "xc7k325t", 200.0).plan(20_000).to_json() | {"input_scale": 0.5})
        path.write_text(plan.replace('"input_scale": 0.5', f'"input_scale": {scale}'))
        assert planned_scale(path) is None
        with pytest.raises(PlanError, match=f"{path}: .*input_scale"):
            read_plan(path, network)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"schema": 1, "schema": 1}', "schema is there twice"),
            ('{"a": ' * 50_000, "nested too deeply"),
            ("[" * 50_000, "nested too deeply"),
            ('{"clock_mhz": [[NaN]]}', "clock_mhz is nan, beyond 1e+30"),
            (" " * (1 << 23) + "1", "bytes, at most"),
            ("\udcff", "not JSON"),
        ],
        ids=["twice", "deep", "deep lists", "nan", "long", "no text"],
    )
    def test_json(self, text: str, words: str, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(PlanError, match=re.escape(words)):
            read_plan(path, import_model(DIGITS))

    @pytest.mark.parametrize("value", ["1e-308", "1e308", "NaN", "Infinity", "1" + "0" * 400, '"1"', "true", "null"])
    @pytest.mark.parametrize("where", ["ranges", "input_scale", "precision"])
    def test_calibrations(self, where: str, value: str, tmp_path: Path) -> None:
        if where == "input_scale" and value == "null":
            return
        model = onnx.load(str(DIGITS.with_name("digits_vae.onnx")))
        note = next(entry for entry in model.metadata_props if entry.key == KEY)
        data = json.loads(note.value)
        if where == "ranges":
            data["ranges"]["conv1"] = [0, "here"]
        elif where == "precision":
            data["precision"]["weights"] = "here"
        else:
            data["input_scale"] = "here"
        note.value = json.dumps(data).replace('"here"', value)
        path = tmp_path / "m.onnx"
        path.write_bytes(model.SerializeToString())
        result = outcome(path)
        assert isinstance(result, CalibrationError)
        assert "the calibration in the model's metadata is damaged" in str(result)

    @pytest.mark.parametrize("number", ["1" * 5000, "0x" + "f" * 9000])
    def test_numbers_of_a_board(self, number: str, tmp_path: Path) -> None:
        text = boards.files()["vc709"].read_text()
        (tmp_path / "b.toml").write_text(re.sub(r"(?m)^mhz = .*", f"mhz = {number}", text))
        with pytest.raises(BoardError, match=r"b\.toml: .*(too many digits|cannot be shown)"):
            boards.board("b", tmp_path)

    def test_arrays_that_lie(self, tmp_path: Path) -> None:
        """A small file whose header promises much is not believed; nor is a long one read that holds more than is of use."""
        path = tmp_path / "x.npy"
        for kind, count, size in (("<f4", 1 << 40, 64), ("|V0", 1 << 40, 64), ("|u1", 1 << 28, 1 << 28)):
            with path.open("wb") as file:
                np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": (count,)})
                file.truncate(file.tell() + size)
            with pytest.raises(InputError, match="truncated" if size < 100 else f"{count} numbers, at most"):
                read_array(path)

    @pytest.mark.parametrize(("frames", "samples", "at_a_time"), [(1, 65_536, 100_000), (3, 7, 1000)])
    def test_samples_in_parts(self, frames: int, samples: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same as all at once, without the memory."""
        network = import_model(DIGITS.with_name("trigger_vae.onnx"))
        codes = RANDOM.integers(0, 256, (frames, *network.input.tensor.shape))
        epsilon = RANDOM.integers(-100, 100, (frames, samples, network.latent.latents if network.latent else 0))
        expected = dict(network.steps(codes, epsilon))[network.layers[-1].name]
        monkeypatch.setattr("sigmabit.golden.network.network.AT_A_TIME", at_a_time)
        assert np.array_equal(network.results(codes, epsilon), expected)

    def test_samples_that_no_plan_holds(self) -> None:
        """The planner finds no room for their exit; whoever chooses foldings himself meets the bound of memory."""
        network = import_model(DIGITS.with_name("digits_vae.onnx"))
        planner = Planner(network, "xc7k325t", 200.0, 65_536)
        with pytest.raises(PlanError, match=r"an interval of [\d,]+ cycles needs at least [\d,.]+ RAMB36, whatever else is used"):
            planner.fastest()
        layers = Planner(network, "xc7k325t", 200.0).fastest().layers
        foldings = {layer.name: layer.folding for layer in layers if layer.folding is not None}
        most = "deconv2_shuffle makes 64 transfers of each, and at most 32768 samples can be planned"
        with pytest.raises(PlanError, match=most):
            make_plan(network, foldings, "xc7k325t", 200.0, samples=65_536)
        with pytest.raises(InputError, match=r"600 frames of 65536 samples give results of \d+ numbers, at most 134217728"):
            check_size(planner.network, 600, 65_536)


READERS: dict[str, Callable[[Path], object]] = {
    "model": import_model,
    "data": read_array,
    "labels": lambda path: read_labels(path, 3, 3),
    "plan": lambda path: read_plan(path, import_model(DIGITS)),
    "calibration": lambda path: load_network(DIGITS.with_name("digits_vae.onnx"), Reading(calibration=path), Terminal(False)),
    "epsilon": lambda path: make_noise(import_model(DIGITS.with_name("digits_vae.onnx")), 1, Sampling(epsilon=path)),
    "report": lambda path: reread(path, "synth", Planner(import_model(DIGITS), "xc7k325t", 200.0).plan(20_000), [], [], print),
}
"""Whatever commands read."""
