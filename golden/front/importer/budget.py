"""Bounds of what one import takes, whatever the graph: bytes kept, and elements looked at."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial

import numpy as np

from .scalar_nodes import Refusal
from .symbols import Symbol, Value

MAX_BYTES = 1 << 30
"""Of indices, constants and weights of all activations together. A VGG-16 of 224x224 takes half."""

MAX_WORK = 1 << 31
"""Elements of all nodes' inputs together: some seconds."""

MAX_STEPS = 256
"""Scalar nodes between two layers."""


class Budget:
    """What is left of both. Nothing is counted twice, and no array that nobody holds any longer."""

    def __init__(self) -> None:
        self.bytes = MAX_BYTES
        self.work = MAX_WORK
        self.counted: dict[int, object] = {}

    @property
    def exhausted(self) -> bool:
        """Is nothing left, so that nothing more is worth a look?"""
        return self.work < 0 or self.bytes < 0

    def look(self, arguments: Iterable[Value]) -> None:
        """A node's inputs are about to be looked at. Raises Refusal where that is too much."""
        for value in arguments:
            if value is not None:
                self.work -= value.index.size if isinstance(value, Symbol) else value.size
        if self.work < 0:
            raise Refusal(f"the inputs of all nodes up to here have more than {MAX_WORK} elements")

    def keep(self, results: Iterable[Value]) -> None:
        """A node's results are kept. Raises Refusal where that is too much."""
        for value in results:
            if isinstance(value, Symbol):
                self._keep(value)
            else:
                self._count(value)
        if self.bytes < 0:
            raise Refusal(f"the activations up to here, with their weights and constants, take more than {MAX_BYTES >> 20} MB")

    def _keep(self, symbol: Symbol) -> None:
        if len(symbol.chain.steps) > MAX_STEPS:
            raise Refusal(f"more than {MAX_STEPS} scalar nodes one after the other")
        self._count(symbol.index)
        self._count(symbol.source.frame.view)
        for part in vars(symbol.source).values():
            self._count(part)
        for step in reversed(symbol.chain.steps):
            if id(step) in self.counted:  # so are those before it
                break
            self.counted[id(step)] = step
            for constant in step.constants:
                self._count(constant)

    def _count(self, part: object) -> None:
        while isinstance(part, np.ndarray) and isinstance(part.base, np.ndarray):
            part = part.base
        if isinstance(part, np.ndarray) and id(part) not in self.counted:
            self.counted[id(part)] = weakref.ref(part, partial(self._forget, id(part), part.nbytes))
            self.bytes -= part.nbytes

    def _forget(self, identity: int, size: int, _: object) -> None:
        """An array is no more."""
        del self.counted[identity]
        self.bytes += size
