"""The fewest bits of each tensor: the output stays as near to the executed graph's as was asked, and no bit is left to take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from sigmabit.golden import CalibrationError, Coding, Precision, embed, import_model, import_real
from sigmabit.golden.front.quantise import CALIBRATION_SEED
from sigmabit.golden.front.widths import Found, Tensor, fewest
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.types.scalar import Chain

from ..harness.command_line import Call, Refused
from ..harness.onnx_graphs import Builder
from ..harness.real_graphs import Vae
from ..simulation.reference import execute

FEATURES, LATENTS, FRAMES = 6, 2, 40


def samples(latents: int) -> np.ndarray:
    """(FRAMES, 1, latents) codes of those that a search draws."""
    drawn = np.random.default_rng(CALIBRATION_SEED).standard_normal((FRAMES, 1, latents))
    return np.rint(drawn * 2**FRACTION).astype(np.int64)


def frames() -> np.ndarray:
    """As a scaler leaves them."""
    return np.random.default_rng(3).normal(size=(FRAMES, FEATURES)).astype(np.float32)


def tanh(g: Vae) -> str:
    """A table, a ReLU, sums; the output is small."""
    y = g.dense(g("Relu", g.dense(g("Tanh", g.dense("x", FEATURES, 7)), 7, 8)), 8, 2)
    return g("Mul", y, 0.01)


def vae(g: Vae) -> str:
    """Heads, a sample, a decoder."""
    z = g.draw(*g.heads(g("Relu", g.dense("x", FEATURES, 8)), 8, LATENTS))
    return g("Sigmoid", g.dense(g("Relu", g.dense(z, LATENTS, 8)), 8, 4))


def chosen(g: Vae) -> str:
    """The number of a class, whose scores are what errors are of."""
    return g("ArgMax", g.dense(g("Relu", g.dense("x", FEATURES, 7)), 7, 3), axis=1)


GRAPHS: dict[str, Callable[[Vae], str]] = {"tanh": tanh, "vae": vae, "chosen": chosen}


def saved(name: str, folder: Path) -> Path:
    """The file of a graph."""
    g = Vae((FEATURES,), np.random.default_rng(7))
    result = GRAPHS[name](g)
    kind = onnx.TensorProto.INT64 if name == "chosen" else onnx.TensorProto.FLOAT
    return g.save(folder / f"{name}.onnx", result, kind=kind)


def search(path: Path, share: float, **stated: int) -> Found:
    """What is found for a file, whose input's width is looked for, too."""

    def read(coding: Coding | None) -> RealNetwork:
        return import_real(path, coding=coding)

    return fewest(read, Coding.fitting(frames()), True, frames(), share, stated, lambda what, done, total: None)


def measured(path: Path, found: Found) -> float:
    """The error of the file with a calibration, as a share of the executed graph's deviation."""
    network = import_model(path, calibration=found.calibration)
    if network.latent is None:
        tensors = [onnx.load(str(path)).graph.node[-1].input[0]] if network.output.chooses else []
        executed = execute(path, frames(), tensors=tensors)
        expected = executed.tensors[tensors[0]] if tensors else executed.outputs
        if tensors:
            network = replace(network, output=replace(network.output, chain=Chain(), shape=(-1,)))
        result = network.run(frames())
    else:
        epsilon = samples(network.latent.latents)
        expected = execute(path, frames(), epsilon=(epsilon[:, 0] * 2.0**-FRACTION).astype(np.float32)).outputs
        result = network.run(frames(), epsilon)
    return float(np.sqrt(np.mean((result - expected) ** 2)) / expected.std())


def with_one_less(found: Found, tensor: Tensor) -> Found:
    """The same with one bit less of one tensor."""
    assert tensor.layer is not None
    calibration = found.calibration
    widths = calibration.own[tensor.layer]
    fewer = replace(widths, **{tensor.part: getattr(widths, tensor.part) - 1})
    return replace(found, calibration=replace(calibration, own={**calibration.own, tensor.layer: fewer}))


@pytest.mark.parametrize(("name", "share"), [("tanh", 0.05), ("tanh", 0.01), ("vae", 0.03), ("chosen", 0.02)])
def test_as_near_as_asked_and_no_bit_more(name: str, share: float, tmp_path: Path) -> None:
    """By the executor, on numbers that nothing has rounded; and each tensor with one bit less is beyond."""
    path = saved(name, tmp_path)
    found = search(path, share)
    error = measured(path, found)
    assert error <= share * 1.0001
    assert found.share == pytest.approx(error, rel=1e-3)
    assert error > share / 6  # were it less, every tensor could have one bit less at once
    inner = [tensor for tensor in found.free if tensor.layer and found.widths[tensor] > tensor.limits[0]]
    assert len(inner) >= 3
    for tensor in inner:
        assert measured(path, with_one_less(found, tensor)) > share, tensor
    assert found.calibration.coding is not None
    assert found.calibration.coding.codes.bits < 16


def test_finer_shares_need_more_bits(tmp_path: Path) -> None:
    """A twentieth of the error is four bits and more of each tensor, nearly."""
    path = saved("tanh", tmp_path)
    coarse, fine = (search(path, share).widths for share in (0.1, 0.005))
    assert sum(fine.values()) >= sum(coarse.values()) + 3 * len(coarse)


def test_stated_widths_stay(tmp_path: Path) -> None:
    """What options say is what all layers have, and other tensors make up for it."""
    found = search(saved("tanh", tmp_path), 0.02, weights=14, table=11)
    for tensor, bits in found.widths.items():
        assert tensor.part not in ("weights", "table") or bits == {"weights": 14, "table": 11}[tensor.part]
        assert (tensor in found.free) == (tensor.part == "codes")
    assert found.calibration.precision == Precision(14, table=11)


def test_file_holds_them(tmp_path: Path) -> None:
    """A copy with the calibration has those widths: of weights no more than was found, of results just that."""
    path, copy = saved("tanh", tmp_path), tmp_path / "copy.onnx"
    found = search(path, 0.02)
    embed(path, found.calibration, copy)
    network = import_model(copy)
    assert np.array_equal(network.run(frames()), import_model(path, calibration=found.calibration).run(frames()))
    for layer in network.layers[:-1]:
        assert layer.output.bits == found.widths[Tensor(layer.name, "codes")]
        assert getattr(layer, "weight_bits") <= found.widths[Tensor(layer.name, "weights")]  # noqa: B009


@pytest.mark.parametrize(("share", "stated", "says"), [(1e-7, {}, "with the most bits"), (0.01, {"weights": 2}, "weights of 2")])
def test_out_of_reach(share: float, stated: dict[str, int], says: str, tmp_path: Path) -> None:
    """The most bits are too few, or those that were stated are."""
    with pytest.raises(CalibrationError, match=f"tanh: the output's error is .*{says}.* cannot stay below"):
        search(saved("tanh", tmp_path), share, **stated)


class TestCommand:
    @pytest.fixture(autouse=True)
    def folder(self, own_folder: None) -> None:
        """A folder with a model and frames."""
        saved("tanh", Path())
        np.save("x.npy", frames())

    def test_table(self, call: Call) -> None:
        """What was found, for people and for programs; the copy runs like any other."""
        command = ["calibrate", "tanh.onnx", "--input", "x.npy", "-o", "c.onnx", "--bits", "Auto"]
        found = call(*command, "--share", "0.03", "--json").json
        assert 0.005 < found["share"] <= 0.03
        assert set(found["widths"]) == {"dense1", "dense2", "dense3"}
        assert set(found["widths"]["dense1"]) == {"weights", "table", "codes"}
        for part in ("weights", "table", "codes"):
            assert found["precision"][part] == max(widths[part] for widths in found["widths"].values() if part in widths)
        assert found["precision"]["weights"] != Precision().weights
        people = call(*command).out
        assert "Fewest bits of each tensor" in people
        assert "of its standard deviation" in people
        assert call("plan", "c.onnx", "-o", "p.json", "--json").status == 0

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ("--bits 8 --share 0.1", "--share: how near the output is to stay is for --bits auto"),
            ("--bits some", "--bits': 'some' is no number of bits from 2 to 16, nor auto, which looks for the fewest"),
            ("--weight-bits auto", "--weight-bits': 'auto' is no number of bits from 2 to 18"),
            ("--bits auto --share 1e-9", "x.npy: tanh: the output's error is"),
            ("--bits auto --share 0", "--share"),
        ],
    )
    def test_refused(self, options: str, says: str, refused: Refused) -> None:
        refused(["calibrate", "tanh.onnx", "--input", "x.npy", "-o", "c.onnx", *options.split()], says)

    @pytest.mark.parametrize("bits", ["8", "auto"])
    def test_one_frame(self, bits: str, refused: Refused) -> None:
        """From one frame no range can be told."""
        for name, times, says in (("one", 1, "one frame shows no range"), ("same", 9, "all frames are the same, which shows no")):
            np.save(f"{name}.npy", np.repeat(frames()[:1], times, axis=0))
            refused(["calibrate", "tanh.onnx", "--input", f"{name}.npy", "-o", "c.onnx", "--bits", bits], f"{name}.npy: {says}")

    def test_constant_output(self, refused: Refused) -> None:
        """Of no deviation there is no share."""
        g = Builder((FEATURES,))
        g.save(Path("dead.onnx"), g("Relu", g("Gemm", "x", np.zeros((FEATURES, 2)), np.full(2, -1.0))))
        command = ["calibrate", "dead.onnx", "--input", "x.npy", "-o", "c.onnx", "--bits", "auto"]
        refused(command, "x.npy: dead: the output is the same for all frames")

    @pytest.mark.parametrize(("bias", "most"), [(1.0, None), (1e8, 5), (1e10, 2)])
    def test_shrunk_weights(self, bias: float, most: int | None, call: Call) -> None:
        """Weights that are next to nothing beside their layer's sums lose their bits, which is said; few levels stay."""
        g = Vae((FEATURES,), np.random.default_rng(5))
        y = g("Relu", g("Gemm", "x", g.weights(FEATURES, 6, fan=FEATURES), np.full(6, bias)))
        g.save(Path("far.onnx"), g("Gemm", y, np.sign(g.weights(6, 2, fan=6))))
        notes = call("calibrate", "far.onnx", "--input", "x.npy", "-o", "c.onnx", "--json").json.get("notes", [])
        assert len(notes) == (most is not None)
        for note in notes:
            left = re.search(r"the weights of dense1 are left with (\d+) of 12 bits", note)
            assert left is not None and int(left[1]) <= (most or 0)
