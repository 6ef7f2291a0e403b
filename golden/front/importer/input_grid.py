"""What a file says of its input's grid without a Quant node: by the input's type, or by first nodes that divide 0 to 255."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ...network.network import Statement
from ...types.grid import Grid
from ...types.range import Range
from ...types.scalar import Chain, Quantise, Step
from .affine import affine, line
from .model_file import Graph
from .scalar_nodes import ROUNDINGS

PIXELS = 255
"""The largest of 8-bit pixels."""

NARROWED = (0.5, 32.0)
"""How wide 0 to 255 is behind nodes that are meant for whole numbers: 1 for x / 255, 2 for x / 127.5 - 1, 16 for x / 16.
Behind nodes that are meant for 0 to 1 it is hundreds wide."""

FLOATS = ("UNDEFINED", "FLOAT", "DOUBLE")
BITS = {"BOOL": 1, "UINT2": 2, "UINT4": 4, "UINT8": 8, "UINT16": 16, "UINT32": 32, "UINT64": 64}
SIGNED = {"INT2": 2, "INT4": 4, "INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}


def type_name(graph: Graph) -> str:
    """ONNX's name of the input's element type."""
    names: dict[int, str] = {number: name for name, number in TensorProto.DataType.items()}
    return names.get(graph.input_type, f"of number {graph.input_type}")


def whole_numbers(graph: Graph) -> tuple[int, int] | None:
    """The least and the largest number of the input's type, if that is one of whole numbers."""
    name = type_name(graph)
    return limits(name) if name in BITS or name in SIGNED else None


def limits(name: str) -> tuple[int, int]:
    """The least and the largest number of a type of whole numbers."""
    if name in BITS:
        return 0, (1 << BITS[name]) - 1
    half = 1 << (SIGNED[name] - 1)
    return -half, half - 1


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


def grid_of(graph: Graph, scale: float) -> tuple[Range, Grid, Chain | None]:
    """Codes and grid of an input without a Quant node, and how the host comes to its codes where these have an offset."""
    ends = whole_numbers(graph)
    if ends is None or ends[1] - ends[0] > PIXELS:
        return Range(0, PIXELS), Grid(1, 0, scale), None
    low, high = ends
    if low == 0:
        return Range(0, high), Grid(1, 0, scale), None
    one, zero = np.ones((), np.float32), np.zeros((), np.float32)
    quantise = Quantise(graph.input, one, zero, low, high, ROUNDINGS["ROUND"])
    return Range(0, high - low), Grid(1, low, 1.0), Chain((quantise,))
