"""Autoencoders that lack something, and samples that do not fit: one sentence, and nothing half done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from sigmabit.golden import Precision, calibrated, embed, import_model, import_real
from sigmabit.golden.front.calibration import KEY
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.scripts.networks.trigger import random_trigger

from ..harness.command_line import Call, Refused, Tiny, frames
from ..harness.onnx_graphs import Builder

pytestmark = pytest.mark.usefixtures("vae")

RUN = ["run", "calibrated.onnx", "--input", "x.npy", "--output", "out.npy"]


@pytest.fixture
def vae(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The test runs in a folder with a small autoencoder, its frames, the same calibrated, and a binary network."""
    monkeypatch.chdir(tmp_path)
    Path("vae.onnx").write_bytes(random_trigger((6, 4), 2, bits=4, seed=1).SerializeToString())
    x = np.random.default_rng(1).integers(0, 256, (20, 6)).astype(np.float32)
    np.save("x.npy", x)
    embed(Path("vae.onnx"), calibrated(import_real("vae.onnx", 1.0), x, Precision()), Path("calibrated.onnx"))
    Tiny().save(Path("binary.onnx"))
    np.save("frames.npy", frames())


def with_metadata(text: str) -> None:
    """bad.onnx: the calibrated model with another calibration."""
    proto = onnx.load("calibrated.onnx")
    onnx.helper.set_model_props(proto, {KEY: text})
    onnx.save(proto, "bad.onnx")


@pytest.mark.parametrize("command", ["plan vae.onnx", "convert vae.onnx -o verilog", "synth vae.onnx"])
def test_uncalibrated(refused: Refused, command: str) -> None:
    """What has no frames cannot go on, and says how to."""
    refused(command.split(), "vae.onnx", "range", "--calibration", "sigmabit calibrate")


def test_inspected_without_a_calibration(call: Call) -> None:
    """Layers are listed as they are with one, but for their widths; and it is said how to come by these."""
    found, known = (call("inspect", name, "--json").json for name in ("vae.onnx", "calibrated.onnx"))
    assert (found["supported"], found["calibrated"], known["calibrated"]) == (True, False, True)
    assert found["operations"] == known["operations"] == sum(layer["operations"] for layer in found["layers"])
    for layer, same in zip(found["layers"], known["layers"], strict=True):
        assert layer["input_bits"] is layer["output_bits"] is None
        for key in ("name", "input_shape", "output_shape", "operations", "nodes"):
            assert layer[key] == same[key]
    people = call("inspect", "vae.onnx")
    assert people.status == 0
    for words in ("dense1", "not calibrated", "sigmabit calibrate MODEL --input x.npy -o calibrated.onnx", "--calibration"):
        assert words in people.out


@pytest.fixture
def silent(vae: None) -> None:
    """silent.onnx: the autoencoder's means, so that nothing is drawn."""
    proto = onnx.load("vae.onnx")
    makers = {name: node for node in proto.graph.node for name in node.output}
    (noise,) = (node for node in proto.graph.node if node.op_type.startswith("RandomNormal"))
    (spread,) = (node for node in proto.graph.node if noise.output[0] in node.input)
    (sample,) = (node for node in proto.graph.node if spread.output[0] in node.input)
    (mean,) = (name for name in sample.input if name != spread.output[0])
    assert mean in makers
    proto.graph.output[0].name = mean
    for node in (noise, spread, sample):
        proto.graph.node.remove(node)
    onnx.save(proto, "silent.onnx")


@pytest.mark.usefixtures("silent")
def test_without_noise(call: Call, refused: Refused) -> None:
    """It is a network of real weights like any other: listed, calibrated, planned; nothing is said of bits."""
    refused(["plan", "silent.onnx"], "silent.onnx", "its numbers are real", "sigmabit calibrate")
    assert call("inspect", "silent.onnx", "--json").json["calibrated"] is False
    assert call("calibrate", "silent.onnx", "--input", "x.npy", "-o", "o.onnx").status == 0
    found = call("inspect", "o.onnx", "--json").json
    assert "latent" not in [layer["kind"] for layer in found["layers"]]
    assert call("plan", "o.onnx", "-o", "plan.json").status == 0


@pytest.fixture
def three(vae: None) -> None:
    """three.onnx: the autoencoder with means and logarithms as its first outputs."""
    proto = onnx.load("vae.onnx")
    latent = import_real("vae.onnx", 1.0).latent
    assert latent is not None
    last = proto.graph.output[0].name
    outputs = [onnx.helper.make_tensor_value_info(name, 1, None) for name in (latent.mean, latent.logarithm)]
    outputs.append(onnx.ValueInfoProto.FromString(proto.graph.output[0].SerializeToString()))
    del proto.graph.output[:]
    proto.graph.output.extend(outputs)
    onnx.save(proto, "three.onnx")
    Path("name").write_text(last)


@pytest.mark.usefixtures("three")
def test_several_outputs(call: Call, refused: Refused) -> None:
    """The first is taken, and it is said; or the named one, which a calibrated copy keeps."""
    last = Path("name").read_text()
    found = call("inspect", "three.onnx", "--json").json
    assert found["output"]["name"] != last
    assert found["outputs_not_taken"][-1] == last
    assert found["nodes_of_other_outputs"] > 0
    assert [layer["kind"] for layer in found["layers"]] == ["dense"] * len(found["layers"])
    result = call("calibrate", "three.onnx", "--input", "x.npy", "-o", "copy.onnx", "--output-name", last)
    assert result.status == 0
    assert f"note: three.onnx: output {last} is taken, " in result.err
    result = call("run", "copy.onnx", "--input", "x.npy", "--output", "y.npy", "--json")
    assert json.loads(result.out)["notes"] == [line.removeprefix("note: ") for line in result.err.splitlines()]
    assert f"output {last} is taken" in result.err
    assert call(*RUN).status == 0
    assert np.array_equal(np.load("y.npy"), np.load("out.npy"))
    refused(["inspect", "three.onnx", "--output-name", "nothing"], "no output nothing; its outputs are", last)


def test_calibrated_copy_of_weights_in_another_file(call: Call) -> None:
    """The copy holds them itself, so that it may lie anywhere."""
    proto = onnx.load("vae.onnx")
    onnx.save_model(proto, "outside.onnx", save_as_external_data=True, location="outside.onnx.data", size_threshold=0)
    Path("elsewhere").mkdir()
    assert call("calibrate", "outside.onnx", "--input", "x.npy", "-o", "elsewhere/copy.onnx").status == 0
    assert call("run", "elsewhere/copy.onnx", "--input", "x.npy", "--output", "y.npy").status == 0
    assert call(*RUN).status == 0
    assert np.array_equal(np.load("y.npy"), np.load("out.npy"))


def test_what_gave_the_step(call: Call) -> None:
    """Of the input: the calibration in the file, the one of the command, or the option."""
    random, g = np.random.default_rng(1), Builder((4,))
    y = g("Relu", g("Gemm", "x", random.normal(size=(4, 6)).astype(np.float32)))
    g.save(Path("mlp.onnx"), g("Gemm", y, random.normal(size=(6, 2)).astype(np.float32)))
    np.save("rows.npy", random.integers(0, 256, (50, 4)).astype(np.float32))
    assert call("calibrate", "mlp.onnx", "--input", "rows.npy", "-o", "copy.onnx").status == 0
    for arguments, given in (
        (("copy.onnx",), "its calibration"),
        (("mlp.onnx", "--calibration", "rows.npy"), "--calibration"),
        (("mlp.onnx", "--calibration", "rows.npy", "--input-scale", 1), "--input-scale"),
        (("mlp.onnx", "--input-scale", 1), "--input-scale"),
    ):
        shown = call("inspect", *arguments).out
        assert re.search(rf"step \S+ by {given}\n", shown), shown


def test_nothing_was_calibrated(call: Call) -> None:
    """Frames that are refused are not said to have calibrated a model."""
    x = np.load("x.npy").astype(np.float32)
    x[0, 0] = np.nan
    np.save("wrong.npy", x)
    result = call("run", "vae.onnx", "--input", "wrong.npy", "--output", "y.npy")
    assert result.status == 2
    assert result.err.startswith("error: wrong.npy: ")


def test_calibrated_with_the_frames_of_a_run(call: Call) -> None:
    """What has frames needs nothing else, and says what it does."""
    result = call("run", "vae.onnx", "--input", "x.npy", "--output", "y.npy")
    assert result.status == 0
    assert "calibrated with x.npy" in result.err
    assert call(*RUN).status == 0
    assert np.array_equal(np.load("y.npy"), np.load("out.npy"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--samples 0", ("0 samples",)),
        ("--samples -3", ("-3 samples",)),
        ("--samples 99999999", ("99999999 samples", "65536")),
        ("--seed -1", ("--seed",)),
        ("--seed 18446744073709551616", ("--seed",)),
        ("--seed x", ("--seed", "x")),
        ("--epsilon missing.npy", ("missing.npy", "No such file")),
        ("--epsilon x.npy", ("x.npy", "below 16")),
        ("--epsilon good.npy --seed 3", ("--seed and --epsilon",)),
        ("--epsilon good.npy --samples 2", ("good.npy", "(20, 1, 2)", "(20, 2, 2)")),
        ("--epsilon few.npy", ("few.npy", "(19, 1, 2)", "(20, 1, 2)")),
        ("--epsilon nan.npy", ("nan.npy", "nan", "(3, 1)")),
        ("--epsilon wide.npy", ("wide.npy", "16.0", "(0, 0)", "-16")),
        ("--epsilon text.npy", ("text.npy",)),
        ("--latents out.npy", ("--latents", "different files")),
    ],
)  # fmt: skip
def test_samples(refused: Refused, options: str, says: tuple[str, ...]) -> None:
    """Numbers, seeds and files of samples."""
    good = np.zeros((20, 2), np.float32)
    np.save("good.npy", good)
    np.save("few.npy", good[:19])
    for name, place, value in (("nan", (3, 1), np.nan), ("wide", (0, 0), 16.0)):
        changed = good.copy()
        changed[place] = value
        np.save(f"{name}.npy", changed)
    np.save("text.npy", np.full((20, 2), "a"))
    refused([*RUN, *options.split()], *says)


@pytest.mark.parametrize("option", [["--samples", "2"], ["--seed", "0"], ["--epsilon", "x.npy"], ["--latents", "l.npz"]])
def test_a_network_that_draws_nothing(refused: Refused, option: list[str]) -> None:
    """Options that say nothing about it are refused, not ignored."""
    run = ["run", "binary.onnx", "--input", "frames.npy", "--output", "y.npy", "--input-scale", "1"]
    refused([*run, *option], option[0], "draws no samples")


def test_seed_of_zero(call: Call) -> None:
    """A seed like any other, and the one that is taken without one; other seeds give other samples."""
    results = []
    for options in ((), ("--seed", "0"), ("--seed", "1")):
        assert call(*RUN, *options).status == 0
        results.append(np.load("out.npy"))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_axis_of_samples(call: Call) -> None:
    """--samples inserts an axis, even for one; three-dimensional samples from outside do for more than one."""
    shapes = []
    np.save("eps.npy", np.zeros((20, 3, 2)))
    for options in ((), ("--samples", "1"), ("--samples", "3"), ("--epsilon", "eps.npy")):
        assert call(*RUN, *options).status == 0
        shapes.append(np.load("out.npy").shape)
    assert shapes == [(20, 4), (20, 1, 4), (20, 3, 4), (20, 3, 4)]


def test_plan_for_other_samples(refused: Refused, call: Call) -> None:
    """A plan is for a number of samples."""
    assert call("plan", "calibrated.onnx", "--samples", "2", "-o", "plan.json").status == 0
    refused([*RUN, "--on", "verilator", "--plan", "plan.json", "--samples", "3"], "plan.json", "2 samples", "3")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"precision": {"weights": 8}, "input_scale": 1, "ranges": {}}', "no range for dense1"),
        ('{"precision": {"weights": 99}, "input_scale": 1, "ranges": {}}', "weights=99"),
        ('{"precision": {"weights": "8"}, "input_scale": 1, "ranges": {}}', "no whole number"),
        ('{"precision": {}, "input_scale": 1, "ranges": {"dense1": [2, 1]}}', "a range from 2 to 1"),
        ('{"precision": {}, "input_scale": 1, "ranges": {"dense1": [0, NaN]}}', "dense1 is nan"),
        ('{"precision": {}, "input_scale": "a", "ranges": {}}', "damaged"),
    ],
)
def test_damaged_calibration(refused: Refused, text: str, says: str) -> None:
    """A file's metadata are not trusted."""
    with_metadata(text)
    refused(["inspect", "bad.onnx"], "bad.onnx" if "no range" not in says else "bad", says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("vae.onnx --input nothing.npy", "nothing.npy"),
        ("vae.onnx --input frames.npy", "frames.npy"),
        ("vae.onnx --input x.npy --weight-bits 40", "--weight-bits"),
        ("vae.onnx --input x.npy --bits 1", "--bits"),
        ("binary.onnx --input frames.npy", "nothing to calibrate"),
        ("overflowing.onnx --input x.npy", "dense2: the calibration's data lead to numbers up to"),
    ],
)
def test_calibrate(refused: Refused, options: str, says: str) -> None:
    """Frames, widths and models that lead to no calibration."""
    proto = onnx.load("vae.onnx")
    for tensor in proto.graph.initializer:
        if tensor.name == "mu.weight":
            values = onnx.numpy_helper.to_array(tensor) * np.float32(3e38)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), tensor.name))
    for tensor in proto.graph.initializer:
        if tensor.name == "logvar.weight":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full_like(onnx.numpy_helper.to_array(tensor), 1e30), tensor.name))
    onnx.save(proto, "overflowing.onnx")
    refused(["calibrate", *options.split(), "-o", "out.onnx"], says)


def test_logarithms_out_of_range() -> None:
    """A logarithm of a variance beyond [-8, 8) is clamped, in golden as in hardware: the deviation is exp(4) at the most."""
    network = import_model("calibrated.onnx")
    latent = network.latent
    assert latent is not None
    low, high = latent.variance.clamp
    heads = np.zeros((2, 1, 1, 4), np.int64)
    heads[:, 0, 0, 2:] = [[latent.input.high, high], [latent.input.low, low]]
    epsilon = np.full((2, 1, 2), 1 << 11)
    drawn = latent.run(heads, epsilon)[:, 0, 0, :2] * 2.0**-latent.z_fraction
    unit = 2.0**-latent.z_fraction
    deviations = np.exp(np.array([high, low]) * 2.0**-latent.fraction / 2)
    assert np.all(drawn[:, 0] == drawn[:, 1])
    limit = ((1 << latent.z_bits - 1) - 1) * unit
    assert np.allclose(drawn[:, 0], np.minimum(deviations, limit), atol=unit)


def changed(path: str, **factors: float) -> None:
    """The autoencoder with some of its constants multiplied."""
    proto = onnx.load("vae.onnx")
    for tensor in proto.graph.initializer:
        if tensor.name.replace(".", "_") in factors:
            values = onnx.numpy_helper.to_array(tensor) * np.float32(factors[tensor.name.replace(".", "_")])
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), tensor.name))
    onnx.save(proto, path)


def test_weights_too_small_to_matter(call: Call) -> None:
    """They become nothing, not numbers that no width holds."""
    changed("tiny.onnx", dense1_weight=1e-30)
    assert call("calibrate", "tiny.onnx", "--input", "x.npy", "-o", "copy.onnx").status == 0
    assert all(np.abs(layer.bias).max() < 1 << 40 for layer in import_model("copy.onnx").layers if isinstance(layer, Fixed))


def test_one_wide_latent_variable(call: Call) -> None:
    """Beyond the clamp a logarithm says nothing about the range of z, and it is remarked."""
    changed("wide.onnx", logvar_bias=60.0)
    result = call("calibrate", "wide.onnx", "--input", "x.npy", "-o", "copy.onnx")
    assert result.status == 0
    assert "clamped to +-8" in result.err
    latent = import_model("copy.onnx").latent
    assert latent is not None
    assert latent.z_fraction >= 2  # room for five deviations of exp(4), not of what the float graph has


def test_copy_over_the_model(refused: Refused) -> None:
    """The model stays what it was."""
    refused(["calibrate", "vae.onnx", "--input", "x.npy", "-o", "vae.onnx"], "vae.onnx", "another file")


def test_plan_on_golden(call: Call, refused: Refused) -> None:
    """Golden takes the number of samples from a plan, as the hardware does, and refuses a plan that does not fit."""
    assert call("plan", "calibrated.onnx", "--samples", "3", "-o", "plan.json").status == 0
    assert call(*RUN, "--plan", "plan.json").status == 0
    assert np.load("out.npy").shape == (20, 3, 4)
    Path("out.npy").unlink()
    refused([*RUN, "--plan", "plan.json", "--samples", "2"], "3 samples")
    refused([*RUN, "--plan", "missing.json"], "missing.json")


def test_first_frames_with_samples_of_all(call: Call) -> None:
    """--frames cuts the samples, too."""
    np.save("eps.npy", np.random.default_rng(2).standard_normal((20, 2)))
    compare = ["compare", "calibrated.onnx", "--input", "x.npy", "--frames", "3", "--epsilon", "eps.npy", "--on", "myhdl"]
    assert call(*compare).status == 0


def test_calibrated_copy(call: Call) -> None:
    """It holds what is needed: the step of the input, widths, ranges; and it stays a model that onnx checks."""
    result = call("calibrate", "vae.onnx", "--input", "x.npy", "--bits", "7", "-o", "copy.onnx", "--json")
    assert json.loads(result.out)["input_scale"] == 1.0
    onnx.checker.check_model(onnx.load("copy.onnx"))
    assert call("plan", "copy.onnx", "--interval", "1").status == 0
    assert import_model("copy.onnx").layers[0].output.layout.bits == 7
