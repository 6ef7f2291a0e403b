"""The kinds of layers that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.sampling.latent import Latent

from ..layers.binary import Binary
from ..layers.convolution import ConvolutionKind
from ..layers.dense import DenseKind
from ..layers.fixed import fixed_kind
from ..layers.kind import Kind
from ..layers.pool import PoolKind
from ..layers.shuffle import ShuffleKind
from ..layers.threshold import ThresholdKind
from ..sampling.latent import LatentKind

KINDS: dict[type[Layer], Callable[[Any], Kind[Any]]] = {
    Convolution: lambda layer: ConvolutionKind(layer, Binary(layer)),
    Dense: lambda layer: DenseKind(layer, Binary(layer)),
    Fixed: fixed_kind,
    Latent: LatentKind,
    Pool: PoolKind,
    Shuffle: ShuffleKind,
    Threshold: ThresholdKind,
}
"""What answers for a golden layer, by its type."""


def kind_of(layer: Layer) -> Kind[Any]:
    """What answers for a layer."""
    return KINDS[type(layer)](layer)
