"""Maxima of real numbers, which are those of the layer before: rising functions may be applied before a maximum or behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...layers.window import Window
from ...types.scalar import Float
from .affine import IDENTITY
from .model_file import Node
from .real_layers import Linear, read
from .scalar_nodes import Refusal
from .symbols import Frame, Index, Symbol


def maxima(node: Node, symbol: Symbol, image: Index, window: Window) -> Symbol:
    """The maxima (1, C, H, W) of an image of a layer's results."""
    source = symbol.source
    if not isinstance(source, Linear) or source.open or source.pool is not None:
        raise Refusal("maxima of what no convolution gives")
    taken = read(symbol, image)
    if taken.parts.after is not IDENTITY:
        raise Refusal(f"{', '.join(taken.nodes)} before it differ between elements behind a function that is not affine")
    gain, offset = taken.parts.before.of(taken.view)
    if np.any(gain != gain[:, :1, :1]) or np.any(offset != offset[:, :1, :1]):
        raise Refusal(f"{', '.join(taken.nodes)} before it differ between positions of one channel")
    channels = taken.view[:, 0, 0] // taken.view[0].size
    frame = Frame.of((len(image), window.rows.outputs, window.columns.outputs))

    def of_maxima(constant: Float) -> Float:
        """A constant of the function, as it is for each of the maxima."""
        if np.ndim(constant) == 0:
            return np.asarray(constant)
        numbers = constant[taken.view]
        if np.any(numbers != numbers[:, :1, :1]):
            raise Refusal(f"{', '.join(taken.nodes)} before it differ between positions of one channel")
        return np.repeat(numbers[:, 0, 0], frame.settled[0].size)

    layer = replace(
        source.chosen(channels, gain[:, 0, 0], offset[:, 0, 0]),
        nodes=tuple(dict.fromkeys((*source.nodes, *taken.nodes, node.name))),
        frame=frame,
        inner=taken.parts.function.map_constants(of_maxima),
        pool=window,
        means=None,
    )
    return Symbol(layer, layer.frame.settled[None])
