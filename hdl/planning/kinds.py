"""The kinds of layers that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sigmabit.golden import Network
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.sampling.latent import Latent

from ..layers.binary import Binary
from ..layers.convolution import ConvolutionKind
from ..layers.dense import DenseKind
from ..layers.few_bits import few_bits_kind
from ..layers.fixed import fixed_kind
from ..layers.kind import Kind
from ..layers.pool import PoolKind
from ..layers.shuffle import ShuffleKind
from ..layers.threshold import ThresholdKind
from ..sampling.latent import LatentKind

KINDS: dict[type[Layer], Callable[..., Kind[Any]]] = {
    Convolution: lambda layer, positions: ConvolutionKind(layer, Binary(layer), positions=positions),
    Dense: lambda layer, positions: DenseKind(layer, Binary(layer), positions=positions),
    FewBits: few_bits_kind,
    Fixed: fixed_kind,
    Latent: LatentKind,
    Pool: PoolKind,
    Shuffle: ShuffleKind,
    Threshold: ThresholdKind,
}
"""What answers for a golden layer, by its type; called with the layer, and positions=..."""


def kind_of(layer: Layer, positions: int = 1) -> Kind[Any]:
    """What answers for a layer on whose input so many positions of a row lie side by side. Raises Unsuitable."""
    kind = KINDS[type(layer)](layer, positions=positions)
    kind.check_positions()
    return kind


def kinds_of(network: Network, positions: int, wide: Mapping[str, int] | None = None) -> dict[str, Kind[Any]]:
    """What answers for each layer, by its name, where so many positions lie side by side at the entrance. Raises Unsuitable.

    wide: how many lie side by side behind a layer, by its name, where that is a choice.
    """
    found: dict[str, Kind[Any]] = {}
    for layer in network.layers:
        kind = kind_of(layer, positions)
        if wide and layer.name in wide:
            kind = kind.giving(wide[layer.name])
        found[layer.name], positions = kind, kind.places
    return found
