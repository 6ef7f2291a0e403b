"""The kinds of layers that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sigmabit.golden import Network
from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.layers.recode import Recode
from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.layers.ways import Ways
from sigmabit.golden.sampling.deferred import Deferred
from sigmabit.golden.sampling.latent import Latent

from ..layers.binary import Binary
from ..layers.concatenation import ConcatenationKind
from ..layers.convolution import ConvolutionKind
from ..layers.dense import DenseKind
from ..layers.few_bits import few_bits_kind
from ..layers.fixed import fixed_kind
from ..layers.kind import Kind
from ..layers.pool import PoolKind
from ..layers.quantiser import QuantiserKind
from ..layers.recode import RecodeKind
from ..layers.residual import ResidualKind
from ..layers.shuffle import ShuffleKind
from ..layers.threshold import ThresholdKind
from ..sampling.deferred import DeferredKind
from ..sampling.latent import LatentKind


def _joining(kind: Callable[..., Kind[Any]]) -> Callable[..., Kind[Any]]:
    """The kind of a layer that joins two ways, with those of the layers of both."""

    def answers(layer: Ways, positions: int) -> Kind[Any]:
        main, skip = (tuple(chain_of(way, positions)) for way in layer.ways)
        return kind(layer, main, skip, positions=positions)

    return answers


KINDS: dict[type[Layer], Callable[..., Kind[Any]]] = {
    Concatenation: _joining(ConcatenationKind),
    Convolution: lambda layer, positions: ConvolutionKind(layer, Binary(layer), positions=positions),
    Deferred: DeferredKind,
    Dense: lambda layer, positions: DenseKind(layer, Binary(layer), positions=positions),
    FewBits: few_bits_kind,
    Fixed: fixed_kind,
    Latent: LatentKind,
    Pool: PoolKind,
    Quantiser: QuantiserKind,
    Residual: _joining(ResidualKind),
    Shuffle: ShuffleKind,
    Recode: RecodeKind,
    Threshold: ThresholdKind,
}
"""What answers for a golden layer, by its type; called with the layer, and positions=..."""


def kind_of(layer: Layer, positions: int = 1) -> Kind[Any]:
    """What answers for a layer on whose input so many positions of a row lie side by side. Raises Unsuitable."""
    kind = KINDS[type(layer)](layer, positions=positions)
    kind.check_positions()
    return kind


def chain_of(layers: Sequence[Layer], positions: int, wide: Mapping[str, int] | None = None) -> Iterator[Kind[Any]]:
    """What answers for the layers of a chain, on the first of which so many positions lie side by side. Raises Unsuitable.

    wide: how many lie side by side behind a layer, by its name, where that is a choice.
    """
    for layer in layers:
        kind = kind_of(layer, positions)
        if wide and layer.name in wide:
            kind = kind.giving(wide[layer.name])
        yield kind
        positions = kind.places


def every(kinds: Iterable[Kind[Any]]) -> Iterator[Kind[Any]]:
    """All kinds of a chain; those of the ways that one joins come before it."""
    for kind in kinds:
        for branch in kind.branches:
            yield from every(branch)
        yield kind


def kinds_of(network: Network, positions: int, wide: Mapping[str, int] | None = None) -> dict[str, Kind[Any]]:
    """What answers for each layer, by its name, where so many positions lie side by side at the entrance. Raises Unsuitable.

    wide: how many lie side by side behind a layer of the network's chain, by its name, where that is a choice.
    """
    return {kind.layer.name: kind for kind in every(chain_of(network.layers, positions, wide))}
