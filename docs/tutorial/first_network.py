# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A network of your own, from PyTorch to a board
#
# A network of 2-bit weights and activations is trained with Brevitas, becomes Verilog, is proven equal to what was trained, gets a
# bug on purpose, is placed and routed, and answers on a simulated board. All of it needs
# `pip install 'sigmabit[tutorial,ecp5]'`, a C++ compiler, make and perl (`sigmabit doctor` says what is missing), and some minutes.
# The cells are those of a Jupyter notebook.

# %%
from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import brevitas.nn as qnn
import matplotlib.pyplot as plt
import numpy as np
import pywellen
import torch
from brevitas.quant import Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from torch import nn

import sigmabit

folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Train
#
# Three things make a network of PyTorch one that becomes hardware without a loss: its input has a quantiser, each layer with weights
# has a weight quantiser, and behind it, up to the next layer, stands one quantiser of activations. What lies between, such as a
# normalisation, costs nothing: it ends in thresholds.


# %%
class Weights(Int8WeightPerTensorFloat):
    """Two bits: -1, 0, 1, times a scale."""

    bit_width = 2


class Activations(Uint8ActPerTensorFloat):
    """Two bits: 0 to 3, times a scale."""

    bit_width = 2


def convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """3x3, with its normalisation and its quantiser."""
    layer = qnn.QuantConv2d(inputs, outputs, 3, padding=1, bias=False, weight_quant=Weights)
    return [layer, nn.BatchNorm2d(outputs), qnn.QuantReLU(act_quant=Activations)]


torch.manual_seed(1)
torch.set_num_threads(1)
model = nn.Sequential(
    qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=5),  # the pixels
    *convolution(1, 12),
    *convolution(12, 24),
    nn.MaxPool2d(2),
    nn.Flatten(),
    qnn.QuantLinear(24 * 4 * 4, 10, bias=False, weight_quant=Weights),
)

# %% [markdown]
# The data are scikit-learn's 8x8 digits; every third is held out. Training is PyTorch's, as ever.

# %% tags=["varies"]
digits = sigmabit.dataset("digits")
images, labels = torch.from_numpy(digits.train_images / 16), torch.from_numpy(digits.train_labels)
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
epochs = 16
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
for epoch in range(epochs):
    for pick in torch.randperm(len(images)).split(64):
        loss = nn.functional.cross_entropy(model(images[pick]), labels[pick])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    schedule.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: loss {loss.item():.3f}")

# %% [markdown]
# ## Import
#
# `from_torch` exports the module, reads the file, and makes integers of it: `file` keeps it, for the commands. What cannot become
# hardware is named here, node by node, with the reason.

# %%
file = folder / "my_digits.onnx"
network = sigmabit.from_torch(model, images[:1].numpy(), file=file)
network

# %%
for layer in sigmabit.inspect(file).layers:
    shape = "x".join(map(str, layer["output_shape"]))
    print(f"{layer['name']:8}{shape:>9} of {layer['output_bits']} bits, {layer['operations']:,} multiplications a frame")

# %% [markdown]
# ## Plan
#
# A plan says how much of each layer is computed in a cycle. Every layer works at once, frame behind frame, so the slowest sets the
# *interval* from one frame to the next, and the planner gives the others just enough hardware to keep up. The board is an
# [ULX3S](../boards/ulx3s.md), whose part is an ECP5.

# %% tags=["varies"]
board = sigmabit.board("ulx3s")
plan = sigmabit.plan(network, part=board.part, interval=1024)
print(f"{plan.interval:,} cycles between frames, {plan.latency:,} from a frame's first pixel to its scores")
print(f"{plan.fps:,.0f} frames/s at {plan.clock_mhz:g} MHz, about {plan.cost.lut:,.0f} LUT of {plan.device.lut:,}")

# %% [markdown]
# ## Speed against area
#
# `sweep` gives the front: each point is the smallest pipeline among those that are as fast. A point is a plan: ask for its interval,
# and you have it.

# %%
points = sigmabit.sweep(network, part=board.part)["points"]
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot([point["interval_cycles"] for point in points], [point["lut"] for point in points], "o-")
axes.plot([plan.interval], [plan.cost.lut], "s", color="tab:red", label="ours")
axes.set(xscale="log", yscale="log", xlabel="cycles between frames", ylabel="LUT")
axes.legend()
figure

# %% tags=["varies"]
for point in (points[0], points[-1]):
    print(f"{point['interval_cycles']:6,} cycles a frame: about {point['lut']:7,.0f} LUT")

# %% [markdown]
# ## Frames through the Verilog
#
# `verify` sends the held-out images through three executions: the float graph of the file in onnxruntime, the integers of the golden
# model, and the Verilog, compiled by Verilator. The last two must agree in every integer, and do.

# %% tags=["varies"]
loaded = sigmabit.load_with_frames(file, digits.test_images / 16)
verified = sigmabit.verify(file, plan, loaded.x, loaded.codes)
print(f"{len(loaded.x)} images, {verified.mismatches} results differ between golden and Verilog")
print(f"latency {verified.measured.latency} cycles, planned {plan.latency}")
assert verified.mismatches == 0 and verified.measured.latency == plan.latency

# %% tags=["varies"]
for name, value in verified.compared(loaded.x, digits.test_labels)["accuracy"].items():
    print(f"accuracy of {name}: {value:.2%}")

# %% [markdown]
# ## A bug, and how it is found
#
# Someone edits a table of weights: in the second convolution a single weight of channel 5 has the other sign. `compare` holds every
# integer of every layer against golden, and names the first that differs.

# %%
first, second, *rest = network.layers
weights = np.array(second.weights)
tap = np.argwhere(weights[..., 5])[0]  # (row, column, input) of one that is not 0
weights[(*tap, 5)] *= -1
wrong = replace(network, layers=(first, replace(second, weights=weights), *rest))
wrong_plan = sigmabit.plan(wrong, part=board.part, interval=1024)
found = sigmabit.compare(wrong_plan, loaded.codes[:20], network=network)
for name, elements in found.elements.items():
    print(f"{name:8}{elements:8,} integers, {'some' if found.wrong[name] else 'none'} wrong")

# %% tags=["varies"]
print(found)

# %% [markdown]
# Everything up to the first convolution is right, so what it gives is, too; behind the second something is wrong, in channel 5 alone.
# To see it happen, record all signals. Beside the file come views for [GTKWave and Surfer](../waves.md); here the stream behind the
# layer is drawn, the right hardware above the wrong one.

# %%
difference = found.difference
some = loaded.codes[: difference.frame + 1]
for name, each in (("right", plan), ("wrong", wrong_plan)):
    sigmabit.run(each.network, some, on="verilator", plan=each, waves=folder / f"{name}.fst")
sorted(path.name for path in folder.glob("*.fst")), sorted(path.name for path in folder.glob("right.*"))


# %%
def beats(file: Path, layer: str, channel: int, bits: int) -> tuple[list[int], list[int]]:
    """The cycles in which a layer gives something, and the code of a channel in each."""
    signals = {each.full_name.rpartition(".")[2]: each.signal for each in pywellen.Waveform(str(file)).all_vars()}
    edges = [time for time, value in signals["aclk"] if value == 1]
    valid, data = signals[f"{layer}_source_valid"], signals[f"{layer}_source_data"]
    cycles = [cycle for cycle, time in enumerate(edges) if valid.value_at(time - 1) == 1]
    return cycles, [int(data.value_at(edges[cycle] - 1)) >> channel * bits & (1 << bits) - 1 for cycle in cycles]


(height, width, _), bits = second.output.shape, second.output.bits
at = (height * difference.frame + difference.row) * width + difference.column
figure, axes = plt.subplots(2, sharex=True, figsize=(6, 3))
for axis, name in zip(axes, ("right", "wrong"), strict=True):
    cycles, codes = beats(folder / f"{name}.fst", second.name, difference.channel, bits)
    shown = slice(max(0, at - 20), at + 10)
    axis.step(cycles[shown], codes[shown], where="post")
    axis.axvline(cycles[at], color="tab:red", linewidth=1)
    axis.set(ylabel=name, yticks=range(4), ylim=(-0.3, 3.3))
axes[0].set_title(f"channel {difference.channel} behind {second.name}; red: the first difference")
axes[1].set_xlabel("clock cycle")
assert codes[at] != difference.expected and codes[at] == difference.found
figure

# %% [markdown]
# ## Place and route
#
# Yosys and nextpnr, from pip, make a bitstream of it; with the pipeline go the link to the host and the board's top. What is printed
# is the clock that was reached, not one that was assumed.

# %% tags=["varies"]
routed = sigmabit.route(plan, folder / "route", board=board)
facts = routed.to_json()
print(f"{routed.mhz:.1f} MHz reached, {routed.wanted_mhz:g} MHz wanted: {'met' if routed.met else 'missed'}")
print(f"{facts['fps']:,.0f} frames/s, results after {facts['latency_us']:.1f} us at {facts['clock_mhz']:g} MHz")

# %%
routed.write_bitstream(folder / routed.bitstream_name)
(folder / routed.bitstream_name).stat().st_size > 100_000

# %% [markdown]
# ## On a board
#
# `openFPGALoader -b ulx3s` would load that. Without a board, the same Verilog runs behind a pseudo-terminal: a `Client` cannot tell
# the difference, but for the time it takes.

# %%
with sigmabit.serve(plan, board=board) as served, sigmabit.Client(sigmabit.open_port(served.port, 921_600)) as client:
    sent = sigmabit.send(network, loaded.codes[:50], client)
print(f"{len(sent.y)} images in {sent.line.requests} requests")
np.array_equal(sent.y, verified.outputs["golden"][:50])

# %% [markdown]
# ## The same by commands
#
# The file is all that the commands need; what would be the same for each of them stands once in
# [sigmabit.toml](../command_line.md#one-file-instead-of-flags):
#
#     sigmabit inspect my_digits.onnx
#     sigmabit plan my_digits.onnx --part LFE5U-85F --interval 1024 -o plan.json
#     sigmabit verify my_digits.onnx --input x.npy --labels y.npy --plan plan.json
#     sigmabit report my_digits.onnx --input x.npy --labels y.npy -o report
