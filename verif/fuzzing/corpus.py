"""What model files are changed: small graphs of every front and every kind of layer, drawn by the project's own generators."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import sigmabit
from sigmabit.golden import Coding, SigmabitError
from sigmabit.golden.front.importer import read_model

from ..differential.binary import draw_binary
from ..differential.case import Case
from ..differential.few_bits import draw_few_bits
from ..differential.real import draw_real
from ..harness.real_graphs import Vae

MODELS = Path(sigmabit.__file__).with_name("models")

BINARY, FEW_BITS, REAL = 20, 30, 24
"""Drawn graphs of each front."""

LARGEST = 12_000
"""Bytes of a drawn graph: its structure is to be changed, more than its weights."""

SHIPPED = "trigger_57", "trigger_vae", "digits_cnn"
"""Models with a calibration inside."""


@dataclass(frozen=True)
class Whole:
    """A model file that is right, and what says how its numbers become codes, where the file does not."""

    name: str
    content: bytes
    input_scale: float | None = None
    coding: Coding | None = None


@lru_cache
def corpus() -> tuple[Whole, ...]:
    """All of them, always the same."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = [*_drawn(Path(folder)), *_conditional()]
    return (*drawn, *(Whole(name, (MODELS / f"{name}.onnx").read_bytes()) for name in SHIPPED))


def _drawn(folder: Path) -> Iterator[Whole]:
    for draw, count in ((draw_binary, BINARY), (draw_few_bits, FEW_BITS), (draw_real, REAL)):
        seed = found = 0
        while found < count:
            case = draw(seed, folder)
            seed += 1
            if case.path.stat().st_size <= LARGEST and _accepted(case):
                found += 1
                yield Whole(case.path.stem, case.path.read_bytes(), case.input_scale, case.coding)


def _accepted(case: Case) -> bool:
    try:
        read_model(case.path, case.input_scale, coding=case.coding)
    except SigmabitError:
        return False
    return True


def _conditional() -> Iterator[Whole]:
    """Autoencoders with a condition: numbers beside the input and the sample; a label, behind a table and as one of several."""
    coding = Coding.stated(8, 1 / 64, -2.0)
    for name, label, noise in (("joined", False, False), ("embedded", True, False), ("with_noise", False, True)):
        g = Vae((6,), np.random.default_rng(7))
        kind, sizes = (TensorProto.INT64, []) if label else (TensorProto.FLOAT, [4])
        g.inputs.append(helper.make_tensor_value_info("c", kind, ["N", *sizes]))
        beside = g("Gather", g.weights(4, 4, fan=1), "c") if label else "c"
        mean, logarithm = g.heads(g("Relu", g.dense(g("Concat", "x", beside, axis=1), 10, 5)), 5, 2)
        if noise:
            g.inputs.append(helper.make_tensor_value_info("eps", TensorProto.FLOAT, ["N", 2]))
            z = g("Add", mean, g("Mul", "eps", g("Exp", g("Mul", logarithm, 0.5))))
        else:
            z = g.draw(mean, logarithm)
        y = g("Sigmoid", g.dense(g("Relu", g.dense(g("Concat", z, beside, axis=1), 6, 5)), 5, 6))
        yield Whole(f"condition_{name}", g.model(y).SerializeToString(), coding=coding)


def message(whole: Whole) -> onnx.ModelProto:
    """A model of its own, to be changed."""
    return onnx.load_model_from_string(whole.content)
