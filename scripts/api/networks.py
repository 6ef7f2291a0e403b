"""From model files to networks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, Network
from sigmabit.verif.simulation import Noise

from ..data.shipped import held_out as shipped_frames
from ..data.shipped import model_file
from ..interface.choices import Reading, Sampling, Source
from ..interface.loading import load_network, load_with_data, make_noise

Remark = Callable[[str], object]
"""Takes a sentence on something to know that is no error."""


class Notice(UserWarning):
    """Something to know that is no error, such as an input's step that had to be assumed."""


def warn(text: str) -> None:
    """A warning of the kind Notice."""
    warnings.warn(text, Notice, stacklevel=5)


@dataclass
class Ear:
    """Who hears what there is to know of a file, and keeps counts about frames."""

    listening: Remark
    figures: dict[str, int] = field(default_factory=dict)

    def remark(self, text: str) -> None:
        """Something to know that is no error."""
        self.listening(text)


class Loaded(NamedTuple):
    """A network and frames for it.

    x: (N, *network.input.shape), as the graph takes them, a condition's numbers included. codes: (N, height, width, channels), as
    the hardware does. figures: counts about the frames; saturated_inputs, where codes may saturate.
    """

    network: Network
    x: NDArray[Any]
    codes: NDArray[np.int64]
    figures: dict[str, int]


def load(
    model: str | Path,
    *,
    plan: Path | None = None,
    input_scale: float | None = None,
    input_bits: int | None = None,
    input_offset: float | None = None,
    output_name: str | None = None,
    calibration: Source | None = None,
    condition: Source | None = None,
    remark: Remark = warn,
) -> Network:
    """The network of an ONNX or QONNX file, as integers from end to end.

    Args:
        model: the file, or the name of a shipped model, such as digits_bcnn.
        plan: a plan.json whose step of pixels is taken, where nothing else says one.
        input_scale: the step of the input's codes, for a model without a Quant node at its input; without it and without
            anything else that says it, pixels are multiples of 1/255.
        input_bits: their width, 2 to 16; 8, or as a calibration needs, without it.
        input_offset: the number that the first of them stands for; 0 without it.
        output_name: which of the graph's outputs is taken; without it the first.
        calibration: frames (N, ...) that show what range a real-valued model's numbers have, as an array or a .npy file.
        condition: what the graph's further input takes beside the frames of the calibration: (N, numbers), or labels (N,).
        remark: is told what was assumed or left out; without it, it is a warning (Notice).

    Raises:
        ModelFileError: there is no such file, or it is no ONNX file.
        UnsupportedModelError: nodes are not supported; its findings name each, with the reason.
        UncalibratedError: weights are real, and there is no calibration in the file and none given.
        InputError: options contradict each other or the file.
    """
    reading = Reading(input_scale, output_name, calibration, input_bits, input_offset, condition=condition)
    return load_network(model_file(model), reading, Ear(remark), plan)


def load_with_frames(
    model: str | Path,
    data: Source,
    *,
    input_scale: float | None = None,
    input_bits: int | None = None,
    input_offset: float | None = None,
    output_name: str | None = None,
    calibration: Source | None = None,
    condition: Source | None = None,
    strict_input: bool = False,
    remark: Remark = warn,
) -> Loaded:
    """The network of a file and frames for it, which settle what the file leaves open: the step of pixels, and the ranges of a
    real-valued model that has no calibration.

    Args:
        model: the file, or the name of a shipped model.
        data: frames as the graph's first input takes them, (N, C, H, W), (N, C, L) or (N, features), as an array or a .npy file.
        input_scale: see load, also for the arguments that are not listed here.
        input_bits: see load.
        input_offset: see load.
        output_name: see load.
        calibration: see load; without it, data calibrates.
        condition: what the graph's further input takes beside each frame: (N, numbers), or labels (N,).
        strict_input: refuse numbers beyond the input's codes, which saturate otherwise.
        remark: see load.

    Raises:
        InputError: frames of another shape or type, NaN, or a value off the input's grid, by position and value.
        ModelFileError, UnsupportedModelError: as load does.
    """
    reading = Reading(input_scale, output_name, calibration, input_bits, input_offset, strict_input, condition)
    ear = Ear(remark)
    return Loaded(*load_with_data(model_file(model), data, reading, ear), ear.figures)


def held_out(model: str | Path) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """Frames (N, 1, 8, 8) for a shipped model of scikit-learn's digits, which it was not trained with, and their classes (N,),
    where it tells them.

    Raises InputError for any other model.
    """
    found = shipped_frames(model_file(model))
    if found is None:
        raise InputError(f"{model}: frames are at hand for the shipped models of digits alone")
    return found


def noise(
    network: Network, frames: int, *, samples: int | None = None, seed: int | None = None, epsilon: Source | None = None
) -> tuple[Noise, int | None]:
    """Where a network's samples of the standard normal come from, and how many of them each frame has, if that is said.

    Args:
        network: one that draws samples; for another there is nothing to say.
        frames: how many there are.
        samples: of each frame, K.
        seed: of the sampler, 0 to 2**64 - 1; 0 without it.
        epsilon: samples to use instead, (N, latents) or (N, K, latents), as an array or a .npy file.

    Raises:
        InputError: the network draws none, a seed that is none, or samples that do not fit it.
    """
    if seed is not None and not 0 <= seed < 2**64:
        raise InputError(f"seed={seed}, expected a whole number from 0 to 2**64 - 1")
    return make_noise(network, frames, Sampling(samples, seed, epsilon))
