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
# # An autoencoder that draws its samples
#
# A stochastic variational autoencoder in hardware: how soon its results come, what its samples are worth, and how it tells digits
# that it has never seen. It needs `pip install 'sigmabit[tutorial]'`, a C++ compiler, make and perl; PyTorch is not used here.

# %%
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import sigmabit

# %% [markdown]
# ## What it is
#
# `digits_vae` ships with Sigmabit: dense layers of real weights, made integers by a calibration that lies in the file, and one layer
# in the middle that draws z = mu + exp(logvar / 2) * eps, with eps from a Gaussian sampler in the pipeline itself.

# %%
frames, _ = sigmabit.held_out("digits_vae")
network, x, codes, _ = sigmabit.load_with_frames("digits_vae", frames[:100])
for layer in sigmabit.inspect("digits_vae").layers:
    print(f"{layer['name']:16}{layer['input_shape'][-1]:4} to {layer['output_shape'][-1]:3}")
network

# %% [markdown]
# ## Latency
#
# Two aims: frames as fast as they come, or the results of one frame as soon as they can be. The planner takes either, and says what it
# costs. All cycles are exact; LUT are estimated.

# %%
plans = {
    "64 cycles a frame": sigmabit.plan(network, part="xc7a100t", interval=64),
    "small": sigmabit.plan(network, part="xc7a100t", interval=2000),
    "soonest results": sigmabit.plan(network, part="xc7a100t", fastest="latency"),
}
for aim, plan in plans.items():
    print(f"{aim:18} interval {plan.interval:5}, latency {plan.latency:5} cycles, about {plan.cost.lut:6,.0f} LUT")

# %% [markdown]
# What is planned is what is measured, to the cycle: in the Verilog, compiled by Verilator.

# %%
plan = plans["soonest results"]
ran = sigmabit.run(network, codes, on="verilator", plan=plan)
print(f"first pixel to last result: {ran.measured.latency} cycles, planned {plan.latency}")
print(f"at {plan.clock_mhz:g} MHz: {plan.latency / plan.clock_mhz:.2f} us")

# %%
golden = sigmabit.run(network, codes)
np.array_equal(ran.y, golden.y)

# %% [markdown]
# ## Sampling
#
# The same seed gives the same samples, in hardware and in golden; another gives others. A frame may have several: the first layers
# compute it once, and what lies behind the latent layer computes each sample.

# %%
noise, samples = sigmabit.noise(network, 5, samples=6, seed=7)
drawn = sigmabit.run(network, codes[:5], noise=noise, samples=samples)
figure, axes = plt.subplots(5, 7, figsize=(6, 4.4))
for row, line in enumerate(axes):
    line[0].imshow(frames[row].reshape(8, 8), cmap="gray_r")
    for column, axis in enumerate(line[1:]):
        axis.imshow(drawn.y[row, column].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
for axis in axes.flat:
    axis.set_axis_off()
axes[0, 0].set_title("frame", fontsize=9)
axes[0, 3].set_title("six samples of its reconstruction", fontsize=9)
figure

# %% [markdown]
# More samples make a better mean:

# %%
target = frames[:100].reshape(100, -1) / 16
errors = []
for count in (1, 2, 4, 8, 16):
    noise, _ = sigmabit.noise(network, len(x), samples=count, seed=7)
    mean = sigmabit.run(network, codes, noise=noise, samples=count).y.reshape(len(x), count, -1).mean(axis=1)
    errors.append(float(((mean - target) ** 2).mean()))
    print(f"{count:2} samples: squared error {errors[-1]:.4f}")
assert errors == sorted(errors, reverse=True)

# %% [markdown]
# ## Anomaly
#
# Ten more autoencoders ship, each trained without one class. Frames of that class are reconstructed worse: squared error and
# Kullback-Leibler divergence, over 16 samples, are the score. `anomaly` gives the area under the ROC curve for the float graph and for
# the hardware's integers.

# %% tags=["varies"]
digits = sigmabit.dataset("digits", test_only=True)
found = {left_out: sigmabit.anomaly(f"digits_vae_no{left_out}", digits.test_images, digits.test_labels) for left_out in (0, 4, 6)}
for left_out, each in found.items():
    float_auc, auc = each.auc["float"]["sampled"], each.auc["golden"]["sampled"]
    print(f"without {left_out}: AUC {float_auc:.3f} in float, {auc:.3f} in the hardware's integers")

# %%
figure, axis = plt.subplots(figsize=(6, 2.6))
scores, unseen = found[6].scores["golden"]["sampled"], digits.test_labels == 6
axis.hist([scores[~unseen], scores[unseen]], bins=40, stacked=True, label=["digits it knows", "sixes, which it does not"])
axis.set(xlabel="score in nats", ylabel="frames")
axis.legend()
figure
