"""Layers of fixed-point weights: which of the kinds with weights one is."""

from __future__ import annotations

from sigmabit.golden.layers.fixed import Fixed

from .convolution import ConvolutionKind
from .dense import DenseKind
from .unrolled import UnrolledKind, applies
from .weighted import Weighted


def fixed_kind(layer: Fixed) -> Weighted:
    """The kind of a layer: golden has one type for all."""
    if applies(layer):
        return UnrolledKind(layer)
    return DenseKind(layer) if layer.dense else ConvolutionKind(layer)
