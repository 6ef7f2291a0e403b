"""Configurations that no block can be built from are refused, with the numbers that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.link.controller import Traffic
from sigmabit.golden.link.session import Exchange
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.accumulate import AccumulateConfig
from sigmabit.hdl.arithmetic.collect import CollectConfig
from sigmabit.hdl.arithmetic.delay import DelayConfig
from sigmabit.hdl.arithmetic.dot import DotConfig
from sigmabit.hdl.arithmetic.planes import PlanesConfig, WeighConfig
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.arithmetic.rom import RomConfig, RomStyle
from sigmabit.hdl.arithmetic.tabulate import TabulateConfig
from sigmabit.hdl.layers.concatenation import ConcatenationConfig, Part
from sigmabit.hdl.layers.eager import EagerConfig
from sigmabit.hdl.layers.gather import GatherConfig
from sigmabit.hdl.layers.pool import MaximumConfig
from sigmabit.hdl.layers.quantiser import PresentConfig
from sigmabit.hdl.layers.recode import RecodeConfig
from sigmabit.hdl.layers.residual import MeetConfig, Operand
from sigmabit.hdl.layers.shuffle import SpreadConfig
from sigmabit.hdl.layers.window import WindowConfig
from sigmabit.hdl.link.answerer import AnswererConfig
from sigmabit.hdl.link.controller import ControllerConfig
from sigmabit.hdl.link.crc import CrcConfig
from sigmabit.hdl.link.datagram_receiver import DatagramReceiverConfig
from sigmabit.hdl.link.deframer import DeframerConfig
from sigmabit.hdl.link.framer import FramerConfig
from sigmabit.hdl.link.session import SessionConfig
from sigmabit.hdl.link.uart_receiver import UartReceiverConfig
from sigmabit.hdl.link.uart_transmitter import UartTransmitterConfig
from sigmabit.hdl.pipeline.egress import EgressConfig
from sigmabit.hdl.pipeline.ingress import IngressConfig
from sigmabit.hdl.sampling import latent
from sigmabit.hdl.sampling.replay import ReplayConfig

SAME = Axis(5, 3, 1, 1, 1)
SQUARE = Window(SAME, SAME)
SHARED = Exchange(frame_bytes=8, result_bytes=4, window=4)
SMALL = Traffic(frame_bytes=4, result_bytes=1, frames=1, window=2)

REFUSED: tuple[tuple[Callable[..., Any], tuple[Any, ...], str], ...] = (
    (PopcountConfig, (0, 1, 1), "inputs=0 is below 1"),
    (CrcConfig, (2,), "bytes=2 is neither 1 nor 4"),
    (DatagramReceiverConfig, (1000, 16), "depth=1000 is no power of two of at least 736"),
    (DatagramReceiverConfig, (1024, 2), "messages=2 is no power of two of at least 4"),
    (Exchange, (0, 1, 4), "frame_bytes=0 is below 1"),
    (Exchange, (65536, 1, 4), "frames of 65536 bytes, expected 65,535 at most"),
    (Exchange, (4, 1461, 4), "results of 1461 bytes, a datagram has room for 1460"),
    (Exchange, (4, 4, 3), "window=3 is none of 2, 4, 8, 16"),
    (SessionConfig, (SHARED, 3, bytes(16), (0, 1, 0)), "frame_bytes=8 is no multiple of the 3 bytes of a transfer"),
    (SessionConfig, (SHARED, 4, b"m", (0, 1, 0)), "model of 1 bytes, expected 16"),
    (SessionConfig, (SHARED, 4, bytes(16), (0, 1, 0), 3), "lease=3 is not between 4 and 40"),
    (AnswererConfig, (SHARED, 3), "result_bytes=4 is no multiple of the 3 bytes of a transfer"),
    (PopcountConfig, (1, 0, 1), "bits=0 is below 1"),
    (PopcountConfig, (1, 1, 0), "lanes=0 is below 1"),
    (AccumulateConfig, (1, 1, 2, 0, False, False), "gain=0 is below 1"),
    (AccumulateConfig, (1, 1, 2, 1, True, False, 0), "turns=0: at least 1, and no more where sums are of one count"),
    (AccumulateConfig, (1, 1, 2, 1, False, False, 2), "turns=2: at least 1, and no more where sums are of one count"),
    (MaximumConfig, (Window(Axis(3, 3, 1, 0, 2), Axis(3, 3)), 1, False), "two windows end at the same input of the rows"),
    (MaximumConfig, (Window(Axis(3, 3), Axis(3, 3, 1, 0, 2)), 1, False), "two windows end at the same input of the columns"),
    (WindowConfig, (SQUARE, 4, 2, 1, 1, 4), "columns=2 is neither 1 nor the kernel's 3"),
    (WindowConfig, (SQUARE, 4, 3, 3, 1, 4), "slices=3 does not divide width=4"),
    (WindowConfig, (SQUARE, 4, 3, 1, 1, 2), "rows=2 is below the kernel's 3"),
    (WindowConfig, (SQUARE, 4, 3, 1, 0, 4), "repeats=0 is below 1"),
    (GatherConfig, (12, 4, 5, 1, 1, 2), "merge=5 does not divide positions=12"),
    (GatherConfig, (12, 4, 1, 3, 1, 2), "slices=3 does not divide width=4"),
    (GatherConfig, (12, 4, 4, 2, 1, 2), "merge=4 and slices=2: one of them is 1"),
    (GatherConfig, (12, 4, 4, 1, 0, 2), "frames=2, repeats=0: both are at least 1"),
    (EagerConfig, (12, 4, 5, 1, 1, 2), "merge=5 does not divide positions=12"),
    (RomConfig, ("conv1", "weights", 4, (), RomStyle.LOGIC), "conv1_weights: no words"),
    (RomConfig, ("conv1", "weights", 4, (1, 2), RomStyle.CONSTANT), "conv1_weights: 2 words in style constant"),
    (RomConfig, ("conv1", "weights", 4, (1,), RomStyle.BLOCK), "conv1_weights: 1 words in style block"),
    (RomConfig, ("conv1", "weights", 4, (1, 16), RomStyle.LOGIC), "conv1_weights: a word of 5 bits, the width is 4"),
    (CollectConfig, (9, 4, 2), "2 chunks of 4 bits for a position of 9 bits"),
    (CollectConfig, (8, 4, 3), "3 chunks of 4 bits for a position of 8 bits"),
    (DelayConfig, (1, 0, True), "a delay of 1 bits by 0 cycles"),
    (IngressConfig, (5, 1, 8, 0, 5, 1), "pace=0, frames=1: both are at least 1"),
    (IngressConfig, (5, 1, 8, 2, 9, 1), r"interval=9 is below beats \* pace = 10"),
    (DotConfig, (0, 4, False, 4, 1, 9), "inputs=0 is below 1"),
    (PlanesConfig, (0, 2, 2, 1, 9), "inputs=0 is below 1"),
    (PlanesConfig, (1, 2, 1, 1, 9), "weight_bits=1: signed weights take at least 2 bits"),
    (WeighConfig, (1, 2, 0, 9), "highest=0 is below 1"),
    (PopcountConfig, (1, 1, 1, True, False, 0, (), True), "weights of 1 and 0 change, and have no sign"),
    (DotConfig, (1, 0, False, 4, 1, 9), "bits=0 is below 1"),
    (DotConfig, (1, 4, False, 0, 1, 9), "weight_bits=0 is below 1"),
    (DotConfig, (1, 4, False, 4, 0, 9), "lanes=0 is below 1"),
    (DotConfig, (1, 4, False, 4, 1, 0), "count_bits=0 is below 1"),
    (DotConfig, (1, 1, True, 4, 1, 9), "bits=1, weight_bits=4: signed numbers take at least 2 bits"),
    (DotConfig, (1, 4, False, 1, 1, 9), "bits=4, weight_bits=1: signed numbers take at least 2 bits"),
    (TabulateConfig, ("dense1", 2, 4, (1,)), "dense1_table_2: 1 words, expected a power of two from 2 on"),
    (TabulateConfig, ("dense1", 2, 4, (1, 2, 3)), "dense1_table_2: 3 words, expected a power of two from 2 on"),
    (TabulateConfig, ("dense1", 2, 4, (1, 16)), "dense1_table_2: a word of 5 bits, the width is 4"),
    (ReplayConfig, (8, 1, 3), "times=1, pace=3: at least 2 and 1 are needed"),
    (ReplayConfig, (8, 2, 0), "times=2, pace=0: at least 2 and 1 are needed"),
    (UartReceiverConfig, (7,), "divisor=7 is below 8"),
    (UartTransmitterConfig, (7,), "divisor=7 is below 8"),
    (DeframerConfig, (0, 32), "limit=0 is not between 1 and 65535"),
    (DeframerConfig, (24, 32), "depth=32 is no power of two above the 32 bytes of the largest frame"),
    (DeframerConfig, (24, 63), "depth=63 is no power of two above the 32 bytes of the largest frame"),
    (FramerConfig, (1, 60), "slots=1 is below 2"),
    (FramerConfig, (2, 65536), "limit=65536 is not between 1 and 65535"),
    (Traffic, (4, 0, 1, 2), "result_bytes=0 is below 1"),
    (Traffic, (4, 1, 256, 2), "frames=256 of 4 and 1 bytes: at most 255, and 65535 bytes each way"),
    (Traffic, (4, 700, 100, 2), "frames=100 of 4 and 700 bytes: at most 255, and 65535 bytes each way"),
    (Traffic, (4, 1, 1, 3), "window=3 is none of 2, 4, 8, 16"),
    (
        ControllerConfig,
        (Traffic(4, 1, 1, 2), 3, 1, bytes(16), (0, 0, 0)),
        "frame_bytes=4 is no multiple of the 3 bytes of a transfer",
    ),
    (
        ControllerConfig,
        (Traffic(6, 1, 1, 2), 3, 1, bytes(16), (0, 0, 0), 9, (2, 1)),
        "frame_bytes=6 is no multiple of the 4 bytes of a row",
    ),
    (
        ControllerConfig,
        (Traffic(6, 6, 1, 2), 3, 3, bytes(16), (0, 0, 0), 9, None, (2, 3)),
        "the last transfer of a row keeps 3 of 3 bytes, expected fewer",
    ),
    (ControllerConfig, (SMALL, 4, 1, bytes(15), (0, 0, 0)), "model of 15 bytes, expected 16"),
    (ControllerConfig, (SMALL, 4, 1, bytes(16), (0, 0, 0), 0), "patience=0 is not between 1 and 40"),
    (SpreadConfig, (2, 2, 3, 2, 4, 3, 0, 2), "bottom=3, right=0 of blocks of 3 x 2"),
    (SpreadConfig, (2, 2, 3, 2, 4, 0, 2, 2), "bottom=0, right=2 of blocks of 3 x 2"),
    (SpreadConfig, (2, 2, 3, 2, 4, -1, 0, 2), "bottom=-1, right=0 of blocks of 3 x 2"),
    (SpreadConfig, (2, 2, 3, 2, 4, 0, 0, 2, 3), "positions=3 is not from 1 to 2"),
    (SpreadConfig, (2, 2, 3, 2, 4, 0, 1, 2, 1, 4), "places=4 is not from 1 to 3"),
    (MeetConfig, ("add1", Operand(2, False, (1, 1)), Operand(2, False, (1,)), 1, 0, 4), "add1: 2 numbers beside 1"),
    (
        ConcatenationConfig,
        ("concat1", *[Part(1, 2, False)] * 2, 2, 1, 0, 0, False),
        "concat1: depth=0 is below 1, or wait=0 below 0",
    ),
    (ConcatenationConfig, ("concat1", *[Part(1, 2, False)] * 2, 1, 1, 1, 0, False), "concat1: bits=1 for codes of 2 and 2 bits"),
    (PresentConfig, ("quantiser1", 4, False, 4, (False,)), "quantiser1: sum_bits=4 for sums of 4 bits"),
    (RecodeConfig, ("recode1", 2, 2, ((0, 1, 2),)), "recode1: 3 entries for codes of 2 bits"),
    (RecodeConfig, ("recode1", 1, 2, ((0, 4),)), "recode1: entries from 0 to 4 for results of 2 bits"),
    (MeetConfig, ("add1", *[Operand(2, False, (1,))] * 2, 0, 0, 4), "add1: depth=0 is below 1, or wait=0 below 0"),
    (EgressConfig, (5, 3, 8, False, 2, 1, (2, 2)), "rows of 2 beats in a result of 5"),
    (EgressConfig, (4, 3, 8, False, 2, 1, (2, 3)), "the last beat of a row keeps 3 of 3 numbers, expected fewer"),
)


@pytest.mark.parametrize(("config", "fields", "message"), REFUSED, ids=[f"{case[0].__name__}-{case[2]}" for case in REFUSED])
def test_refused(config: Callable[..., Any], fields: tuple[Any, ...], message: str) -> None:
    """The message says what does not fit."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        config(*fields)


SHAPE = (TensorType(1, 1, 3, Range.of_levels(8)), Grid(1, 0, 1.0), Window(Axis(1, 1), Axis(1, 1)))
SUMS = (np.zeros((1, 1, 3, 2), int), np.zeros(2, int))
HEADS = (2, False, False, 8, 4)

LAYERS_REFUSED: tuple[tuple[Callable[..., Any], tuple[Any, ...], str], ...] = (
    (Fixed, (*SHAPE, SUMS[0][:, :, :2], SUMS[1]), r"weights of shape \(1, 1, 2, 2\) for a window of shape \(1, 1, 3\)"),
    (Fixed, (*SHAPE, SUMS[0], np.zeros(3, int)), r"\(3,\) biases for 2 channels"),
    (
        lambda *fields: Fixed(*fields),
        (*SHAPE, *SUMS, Activation(0, 4, True), 1.0, 1.0, np.zeros((2, 1, 2), int)),
        r"biases of shape \(2, 1, 2\) for kernel positions of shape \(1, 1, 2\)",
    ),
    (
        Latent,
        (TensorType(1, 2, 4, Range.of_bits(4, signed=True)), *HEADS),
        "layer: means and logarithms from .*, expected signed codes at one position",
    ),
    (
        Latent,
        (TensorType(1, 1, 3, Range.of_bits(4, signed=True)), *HEADS),
        "layer: means and logarithms from .*, expected signed codes at one position",
    ),
    (
        Latent,
        (TensorType(1, 1, 4, Range.of_levels(16)), *HEADS),
        "layer: means and logarithms from .*, expected signed codes at one position",
    ),
    (Shuffle, (TensorType(2, 2, 6, Range.of_levels(8)), 2, 2, 4, 4), "layer: 6 channels for blocks of 2 x 2"),
    (Shuffle, (TensorType(2, 2, 4, Range.of_levels(8)), 2, 2, 2, 4), "layer: 2 rows of 2 blocks of 2"),
    (Shuffle, (TensorType(2, 2, 4, Range.of_levels(8)), 2, 2, 4, 5), "layer: 5 columns of 2 blocks of 2"),
)


@pytest.mark.parametrize(("layer", "fields", "message"), LAYERS_REFUSED, ids=[case[2] for case in LAYERS_REFUSED])
def test_layers_refused(layer: Callable[..., Any], fields: tuple[Any, ...], message: str) -> None:
    """Layers whose parts do not fit each other."""
    activation = (Activation(0, 4, True),) if layer is Fixed else ()
    with pytest.raises(ValueError, match=f"^{message}$"):
        layer("layer", (), *fields, *activation)


def test_widths_of_golden_and_hdl() -> None:
    """A sampling layer whose results are wider in golden than in hdl cannot be."""
    layer = Latent("latent", (), TensorType(1, 1, 4, Range.of_bits(4, signed=True)), *HEADS)
    wider = replace(layer, z_bits=layer.z_bits + 1)
    with (
        patch.object(Latent, "result_bits", wider.result_bits),
        pytest.raises(ValueError, match=r"^latent: results of 8 bits, golden has 9$"),
    ):
        latent.configure(layer, 1, 1, 2)
