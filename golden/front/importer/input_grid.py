"""What a file says of its input's grid without a Quant node: by the input's type, or by first nodes that divide 0 to 255."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ...network.network import Statement
from ...types.coding import PIXELS, Coding
from ...types.grid import Grid
from ...types.range import Range
from ...types.scalar import Chain, Quantise, Step
from .affine import affine, line
from .model_file import Graph
from .scalar_nodes import ROUNDINGS
from .whole_types import BITS, SIGNED, limits

NARROWED = (0.5, 32.0)
"""How wide 0 to 255 is behind nodes that are meant for whole numbers: 1 for x / 255, 2 for x / 127.5 - 1, 16 for x / 16.
Behind nodes that are meant for 0 to 1 it is hundreds wide."""

FLOATS = ("UNDEFINED", "FLOAT", "DOUBLE")
HELP_OF_HALVES = "export the model in float32, which model.float() makes of it"


def type_name(graph: Graph) -> str:
    """ONNX's name of the input's element type."""
    names: dict[int, str] = {number: name for name, number in TensorProto.DataType.items()}
    return names.get(graph.input_type, f"of number {graph.input_type}")


def whole_numbers(graph: Graph) -> tuple[int, int] | None:
    """The least and the largest number of the input's type, if that is one of whole numbers."""
    name = type_name(graph)
    return limits(name) if name in BITS or name in SIGNED else None


def stated(graph: Graph, chain: Chain) -> Statement | None:
    """What the file says of the step of its input, of which `chain` is the first layer's."""
    if whole_numbers(graph) is not None:
        return Statement(1.0, f"the input's type {type_name(graph).lower()}")
    steps = chain.steps[_idle(chain) :]
    count = next((i for i, step in enumerate(steps) if line(step) is None), len(steps))
    first = Chain(steps[:count])
    whole = affine(first)
    assert whole is not None
    width = np.abs(whole.gain) * PIXELS
    if not count or not np.all((width >= NARROWED[0]) & (width <= NARROWED[1])):
        return None
    nodes = ", ".join(dict.fromkeys(first.nodes))
    return Statement(1.0, f"what its first nodes do ({nodes})")


def _idle(chain: Chain) -> int:
    """How many steps in front leave 0 to 255 as they are: a clip to them, a ReLU, a rounding."""
    pixels = np.arange(PIXELS + 1, dtype=np.float32)

    def changes(step: Step) -> bool:
        return any(map(np.ndim, step.constants)) or bool(np.any(Chain((step,))(pixels) != pixels))

    return next((i for i, step in enumerate(chain.steps) if changes(step)), len(chain.steps))


def grid_of(graph: Graph, coding: Coding) -> tuple[Range, Grid, Chain | None]:
    """Codes and grid of an input without a Quant node, and how the host comes to its codes where it does not take numbers as they
    are.
    """
    if not fixed(graph):
        return coding.codes, coding.grid, Chain((_rounding(graph, coding),)) if coding.rounds else None
    low, high = limits(type_name(graph))
    if low == 0:
        return Range(0, high), Grid(1, 0, coding.grid.scale), None
    signed = Coding(Range(0, high - low), Grid(1, low, 1.0))
    return signed.codes, signed.grid, Chain((_rounding(graph, signed),))


def fixed(graph: Graph) -> bool:
    """Is the input's type one of so few whole numbers that each has a code?"""
    ends = whole_numbers(graph)
    return ends is not None and ends[1] - ends[0] <= PIXELS


def _rounding(graph: Graph, coding: Coding) -> Quantise:
    """What the host does to numbers that become the nearest codes."""
    step, zero = np.float32(coding.step), np.float32(-coding.grid.offset / coding.grid.gain)
    return Quantise(graph.input, np.asarray(step), np.asarray(zero), coding.codes.low, coding.codes.high, ROUNDINGS["ROUND"])
