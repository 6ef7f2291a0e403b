"""What a graph is: a binary network or a real-valued one. Here, and nowhere else, this is decided."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from ...layers.linear import Linear
from ...network.network import Network
from ...network.real import RealNetwork
from ...types.coding import Coding
from ...types.errors import ModelFileError, Unsupported, UnsupportedModelError
from ...types.scalar import Chain, Rowwise
from . import latent
from .binary_walk import BinaryWalk
from .choices import with_choices
from .front import BINARISING, ROUNDING, last_binary
from .model_file import Graph, leading_to
from .quantised_noise import without_grids_of_noise
from .real_walk import RealWalk
from .scalar_nodes import QUANTISERS
from .structures import told

PIXELS = (*QUANTISERS, "QuantizeLinear")
"""What may quantise the input alone."""

MORE_READINGS = 3
"""Of one graph as a binary network, with sums as they are where more than one quantiser takes them."""

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@np.errstate(all="ignore")  # what is not finite is looked at where it decides, and is no matter for a warning
def interpret(graph: Graph, path: str, coding: Coding | None) -> Network | RealNetwork:
    """The network of a graph; see `_read`. Structures that are neither are told by the name of what they are."""
    try:
        return _read(graph, path, coding)
    except UnsupportedModelError as error:
        raise told(error, graph, path) from None
    except ModelFileError:  # an input that none of our networks has, perhaps for the structure's sake
        named = told(UnsupportedModelError(path, ()), graph, path)
        if not named.findings:
            raise
        raise named from None


def _read(graph: Graph, path: str, coding: Coding | None) -> Network | RealNetwork:
    """The network of a graph, whose numbers have the given codes if it has no Quant at its input.

    What draws noise, or holds some as constants, is real-valued. Anything else is a binary network if it can be one, since that
    is exact: bits at the ends of all chains but the last, whatever their spelling, and scores there. Where it cannot, but for
    reasons behind its last binarisation alone, what stands behind is real-valued: its chains end in numbers, which need ranges.
    Raises UnsupportedModelError for what is neither, with the findings of what it will have been meant to be.
    """
    graph = with_choices(without_grids_of_noise(graph))
    if latent.noisy(graph, graph.leading):
        return RealWalk(graph, path, coding).run()
    walk, found = _binary(graph, path, coding)
    if isinstance(found, Network):
        if missing := _no_numbers(found):
            operators = {node.name: node.operator for node in graph.nodes}
            raise UnsupportedModelError(
                path, tuple(Unsupported(name, operators.get(name, ""), reason) for name, reason in missing)
            )
        return found
    as_binary = found
    last, beside_noise = last_binary(graph, graph.leading), latent.noisy(graph, graph.nodes)
    front = _front(graph, last)
    at_fault = {finding.node for finding in as_binary.findings}
    if walk.budget.exhausted or (front & at_fault and not beside_noise):
        raise as_binary
    try:
        real = RealWalk(graph, path, coding).run()
    except UnsupportedModelError as as_real:
        simpler = last is None and len(as_real.findings) < len(as_binary.findings)
        if beside_noise or simpler:
            raise
        raise (as_real if walk.real_weights and not _decides(graph) else as_binary) from None
    return replace(real, unlike=as_binary.findings) if front else real


def _no_numbers(network: Network) -> list[tuple[str, str]]:
    """The node that makes scores what is no number, such as their roots, and where, if a choice is made of them: executors take
    one or another of these. A function that is not everywhere has no value for the least or for the greatest sum.
    """
    steps, last = network.output.chain.steps, network.layers[-1]
    if not network.output.chooses or not isinstance(last, Linear):
        return []
    ends = np.stack(last.accumulator_range)[:, network.output.order % last.output.channels]
    for end in range(1, 1 + next(place for place, step in enumerate(steps) if isinstance(step, Rowwise))):
        reals = replace(network.output, chain=Chain(steps[:end]), shape=(len(network.output.order),)).of_scores(ends)
        if (wrong := np.argwhere(np.isnan(reals))).size:
            which, score = wrong[0]
            reason = f"score {score} is no number at accumulator {ends[which, score]}, and a choice is made of it"
            return [(steps[end - 1].node, reason)]
    return []


def _binary(graph: Graph, path: str, coding: Coding | None) -> tuple[BinaryWalk, Network | UnsupportedModelError]:
    """A reading as a binary network, and what has come of it.

    Sums that a second quantiser takes are left on a stream as they are, if that makes a network of the graph.
    """
    walk = BinaryWalk(graph, path, coding)
    try:
        return walk, walk.run()
    except UnsupportedModelError as error:
        apart, tried = frozenset[str](), walk
        for _ in range(MORE_READINGS):
            if apart >= tried.assembly.contested:
                break
            apart |= tried.assembly.contested
            tried = BinaryWalk(graph, path, coding, apart)
            with suppress(UnsupportedModelError):
                return tried, tried.run()
        return walk, error


def _front(graph: Graph, last: str | None) -> set[str]:
    """Names of the nodes up to the last binarisation, if layers of weights are among them. What is at fault there is so for
    either reading.
    """
    nodes = leading_to((last,), graph.leading) if last else ()
    return {node.name for node in nodes} if any(node.operator in WEIGHTED for node in nodes) else set()


def _decides(graph: Graph) -> bool:
    """Whether anything in it makes bits of numbers, but for a quantiser of its pixels."""
    last = last_binary(graph, graph.leading, (*BINARISING, *ROUNDING))
    of_pixels = {node.outputs[0] for node in graph.leading if node.operator in PIXELS and node.inputs[0] == graph.input}
    return last is not None and last not in of_pixels
