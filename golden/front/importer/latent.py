"""Sampling of latent variables: z = mu + sigma * eps, sigma being an exponential of what a layer gives.

(Kingma and Welling, Auto-Encoding Variational Bayes, 2014, section 2.4.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...network.real import RealLatent
from ...sampling import exponential
from ...types.scalar import Clip, Divide, Float, Function, Multiply, Power, Step
from .affine import IDENTITY, Affine, affine, idle, line
from .model_file import Graph, Node
from .real_layers import PROBES, Intermediate, Linear, side_by_side
from .scalar_nodes import UNARY, Refusal
from .symbols import PAD, Frame, Symbol

RANDOM = ("RandomNormal", "RandomNormalLike")
OTHER_RANDOM = ("Bernoulli", "Multinomial", "RandomUniform", "RandomUniformLike")

FAR = 1e30
"""Instead of infinite bounds."""

EXPECTED = "expected Exp(0.5 * logvar), Sqrt(Exp(logvar)) or Exp(logsigma)"
SEVERAL = "samples of one frame are drawn one after the other, each by a run of the graph (--samples)"
FROZEN = (
    "its noise was exported as a constant; export the model with noise that is drawn in forward(), as torch.randn_like does, "
    "so that a RandomNormalLike node stays in the graph"
)


@dataclass(eq=False)
class Noise(Intermediate):
    """A random node's samples of the standard normal."""

    tensor: str


@dataclass(eq=False)
class Spread(Intermediate):
    """sigma * eps. logarithm: of sigma, by the elements of the deviation's source."""

    node: Node
    noise: Noise
    deviation: Symbol
    logarithm: Affine


@dataclass(eq=False)
class Joint(Intermediate):
    """What a node makes of heads, alone or together. probe: (PROBES, size), of the heads' probes."""

    probe: NDArray[np.float32]


@dataclass(eq=False)
class Sample:
    """z, of the one position of `heads`: means first, then logarithms."""

    frame: Frame
    heads: Linear
    layer: RealLatent
    probe: NDArray[np.float64]
    """(PROBES, 2 * latents) means and logarithms of the probes."""


@dataclass(eq=False)
class Scored(Intermediate):
    """A sample with its two scores behind it."""

    sample: Sample


def noise(node: Node, shape: tuple[int, ...]) -> Symbol:
    """The result of a random node."""
    mean, scale = (float(node.attributes.get(key, default)) for key, default in (("mean", 0), ("scale", 1)))
    if (mean, scale) != (0, 1):
        raise Refusal(f"noise of mean {mean:g} and deviation {scale:g}; only a standard normal is supported")
    frame = Frame.of((math.prod(shape), 1, 1))
    reason = f"it takes the noise of {node.name}, which may only be part of mu + sigma * eps"
    return Symbol(Noise(frame, reason, node.outputs[0]), np.arange(frame.size).reshape(shape))


def spread(node: Node, deviation: Symbol, eps: Symbol) -> Symbol:
    """sigma * eps. Raises Refusal where sigma is no exponential of a dense layer, or eps is not one number for each latent."""
    source = eps.source
    assert isinstance(source, Noise)
    shape = deviation.shape
    if len(shape) != 2 or shape[0] != 1 or np.any(deviation.index == PAD):
        raise Refusal(f"latent variables of shape {shape}, expected (1, latents): flatten them before they are sampled")
    if eps.shape not in (shape, shape[1:]) or not np.array_equal(eps.index.reshape(-1), np.arange(shape[1])):
        raise Refusal(f"noise of shape {eps.shape} for latent variables of shape {shape}; {SEVERAL}")
    logarithm = _wider(log_of(deviation), deviation, _factors(eps))
    frame = Frame.of((shape[1], 1, 1))
    reason = f"it takes the result of {node.name}, noise without its mean; expected mu + sigma * eps"
    return Symbol(Spread(frame, reason, node, source, deviation, logarithm), np.arange(frame.size).reshape(shape))


def _factors(noisy: Symbol) -> Float:
    """(latents,) what a chain multiplies noise by, which becomes part of its standard deviation."""
    whole = affine(noisy.chain)
    names = ", ".join(dict.fromkeys(noisy.chain.nodes))
    if whole is None:
        raise Refusal(f"the noise passes {names}, which does more than multiply it by a number; expected mu + sigma * eps")
    gain, offset = whole.of(noisy.index.reshape(-1))
    if np.any(offset):
        raise Refusal(f"{names} adds {offset[np.flatnonzero(offset)[0]]:g} to the noise; only the mean may be added to it")
    if not np.all(gain > 0):
        raise Refusal(f"{names} multiplies the noise by {gain.min():g}; only positive factors are supported")
    return gain


def _wider(logarithm: Affine, deviation: Symbol, factors: Float) -> Affine:
    """The logarithm of a standard deviation, by the elements of its source, that is multiplied by (latents,) factors."""
    if np.all(factors == 1):
        return logarithm
    added = np.zeros(deviation.source.frame.size)
    added[deviation.index[0]] = np.log(factors)
    if not np.array_equal(added[deviation.index[0]], np.log(factors)):
        raise Refusal("the noise is multiplied by different numbers where its deviation is the same element")
    return logarithm.then(np.ones(()), added)


def log_of(deviation: Symbol) -> Affine:
    """The logarithm of a standard deviation, as an affine function of its source's elements."""
    elements, steps = deviation.index[0], deviation.chain.steps
    result = IDENTITY
    clips: list[tuple[str, Affine, Affine]] = []
    exponential_of = False
    for step in steps:
        if not exponential_of and isinstance(step, Clip):
            low, high = (Affine(np.zeros(()), np.clip(bound, -FAR, FAR).astype(np.float64)) for bound in step.constants)
            clips.append((step.node, low, high))
            continue
        if not exponential_of and isinstance(step, Function) and step.function is UNARY["Exp"]:
            exponential_of = True
            continue
        coefficients = _log_line(step) if exponential_of else line(step)
        if coefficients is None:
            raise Refusal(f"the noise is multiplied by {passed(deviation)} of an activation; {EXPECTED}")
        result = result.then(*coefficients)
        clips = [(name, low.then(*coefficients), high.then(*coefficients)) for name, low, high in clips]
    if not exponential_of:
        names = passed(deviation)
        raise Refusal(
            f"the noise is multiplied by {f'{names} of an activation' if names else 'an activation itself'}; {EXPECTED}"
        )
    limit = 2.0 ** (exponential.CLAMP - 1)
    for name, low, high in clips:
        ends = np.sort([bound.of(elements)[1] for bound in (low, high)], axis=0)
        if np.any(ends[0] > -limit) or np.any(ends[1] < limit):
            low_end, high_end = 2 * ends[0].max(), 2 * ends[1].min()
            raise Refusal(
                f"{name} limits the logarithm of the variance to [{low_end:g}, {high_end:g}]; the hardware's own limits are "
                f"[{-2 * limit:g}, {2 * limit:g}], and narrower ones are not supported"
            )
    return result


def passed(symbol: Symbol) -> str:
    """Names of the nodes between a layer's sums and an activation."""
    own = symbol.source.nodes if isinstance(symbol.source, Linear) else ()
    return ", ".join(name for name in dict.fromkeys(symbol.chain.nodes) if name not in own)


def _log_line(step: Step) -> tuple[Float, Float] | None:
    """What a step on an exponential does to its logarithm."""
    one, zero = np.ones(()), np.zeros(())
    constants = [np.asarray(constant, np.float64) for constant in step.constants]
    match step:
        case Function() if step.function is UNARY["Sqrt"]:
            return one / 2, zero
        case Power():
            return constants[0], zero
        case Multiply() if np.all(constants[0] > 0):
            return one, np.log(constants[0])
        case Divide() if np.all(constants[0] > 0):
            return one, -np.log(constants[0])
    return None


def sample(
    node: Node, mean: Symbol, mean_tensor: str, noisy: Symbol, tensor_of: Callable[[Symbol, Affine], str | None]
) -> Symbol:
    """mu + sigma * eps, as a source of latent variables; the two heads become one layer.

    tensor_of: the name of the graph's tensor, if there is one, that holds an affine function of a symbol's elements.
    """
    spread = noisy.source
    assert isinstance(spread, Spread)
    deviation = spread.deviation
    latents = spread.frame.size
    if not np.array_equal(noisy.index.reshape(-1), np.arange(latents)):
        raise Refusal(f"what stands between {spread.node.name} and it; expected mu + sigma * eps")
    wider = _wider(spread.logarithm, deviation, _factors(noisy))
    if mean.shape != deviation.shape or np.any(mean.index == PAD):
        raise Refusal(f"means of shape {mean.shape} for deviations of shape {deviation.shape}")
    for symbol, what in ((mean, "mean"), (deviation, "deviation")):
        if not isinstance(symbol.source, Linear):
            raise Refusal(f"the {what} is not the result of a layer of weights")
        if not symbol.source.open:
            raise Refusal(
                f"the {what} is an image of shape {symbol.source.frame.shape}; only dense layers may give latent variables"
            )
    centre = affine(mean.chain)
    if centre is None:
        raise Refusal(f"the mean passes {passed(mean)}; expected the result of a layer of weights itself")
    variance = Affine(2 * wider.gain, 2 * wider.offset)
    logarithm, log_sigma = tensor_of(deviation, variance), False
    if logarithm is None:
        logarithm = tensor_of(deviation, wider)
        log_sigma = logarithm is not None
    heads, probe = _merge(mean, centre, deviation, wider if log_sigma else variance)
    nodes = tuple(dict.fromkeys((*deviation.chain.nodes, spread.node.name, *noisy.chain.nodes, node.name)))
    layer = RealLatent("latent", nodes, latents, log_sigma, False, mean_tensor, logarithm or "", spread.noise.tensor)
    frame = Frame.of((latents, 1, 1))
    return Symbol(Sample(frame, heads, layer, probe), np.arange(latents).reshape(1, latents))


def _merge(mean: Symbol, centre: Affine, deviation: Symbol, logarithm: Affine) -> tuple[Linear, NDArray[np.float64]]:
    """One layer of means and logarithms, which may come from two on the same activation; and its probe."""
    parts = ((mean, centre), (deviation, logarithm))
    try:
        heads = side_by_side(parts)
    except Refusal:
        raise Refusal("mean and deviation come from layers on different activations; branches are not supported") from None
    probe, nodes = [], dict[str, None]()
    for symbol, function in parts:
        assert isinstance(symbol.source, Linear)
        nodes |= dict.fromkeys((*symbol.source.nodes, *(mean.chain.nodes if symbol is mean else ())))
        gain, offset = function.of(symbol.index[0])
        probe.append(symbol.source.probe[:, symbol.index[0]] * gain + offset)
    return replace(heads, nodes=tuple(nodes)), np.concatenate(probe, axis=1)


def probe_of(symbol: Symbol) -> NDArray[np.float32]:
    """(PROBES, ...) numbers for an activation that depends on heads alone."""
    source = symbol.source
    if not (isinstance(source, Joint) or (isinstance(source, Linear) and source.open)) or symbol.shape[:1] != (1,):
        raise Refusal("it combines two activations; residual and other branches are not supported")
    elements = symbol.index[0]
    if np.any(elements == PAD):
        raise Refusal("it combines padded activations")
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    return np.asarray(chain(source.probe[:, elements]), np.float32)


def scores(parts: list[Symbol], drawn: Sample) -> Symbol:
    """The joint (1, n) of a sample and its scores, each recognised by its numbers on the probes."""
    latents = drawn.layer.latents
    heads = drawn.probe[:, None, None, :]
    known = replace(drawn.layer, score=True)
    expected = known.run(heads, np.zeros((PROBES, latents)))[:, 0, 0, latents:]
    index = []
    for position, part in enumerate(parts):
        if part.source is drawn and idle(part.chain, part.index):
            index.append(part.index)
            continue
        numbers = probe_of(part)
        matches = [n for n in (0, 1) if part.shape == (1, 1) and np.allclose(numbers[:, 0], expected[:, n], rtol=1e-4, atol=1e-4)]
        if not matches:
            raise Refusal(
                f"its part {position} is neither the sample z, nor the sum of mu^2, nor the divergence "
                "0.5 * sum(mu^2 + exp(logvar) - 1 - logvar), each over axis 1 with keepdims"
            )
        index.append(np.full((1, 1), latents + matches[0]))
    frame = Frame.of((latents + 2, 1, 1))
    reason = "it takes scores; they may only be the graph's output"
    return Symbol(Scored(frame, reason, Sample(drawn.frame, drawn.heads, known, drawn.probe)), np.concatenate(index, axis=1))


def frozen(symbol: Symbol) -> bool:
    """Is it an exponential or a root times an array of constants, as sigma * eps is whose eps was folded?"""
    steps, positive = symbol.chain.steps, (UNARY["Exp"], UNARY["Sqrt"])
    first = next((i for i, step in enumerate(steps) if isinstance(step, Function) and step.function in positive), len(steps))
    return any(isinstance(step, Multiply) and np.ndim(step.constant) for step in steps[first:])


def noisy(graph: Graph, nodes: Sequence[Node]) -> bool:
    """Do these nodes of a graph sample: is one of them a random node, or one whose noise has become a constant?"""
    return any(node.operator in (*RANDOM, *OTHER_RANDOM) for node in nodes) or _has_frozen_noise(graph, nodes)


def _has_frozen_noise(graph: Graph, nodes: Sequence[Node]) -> bool:
    """Is an exponential or a root multiplied by an array of constants, and the product added to another activation?"""
    makers = {name: node for node in nodes for name in node.outputs}

    def of(name: str, *operators: str) -> bool:
        return name in makers and makers[name].operator in operators

    def constant(name: str) -> bool:
        array = makers[name].attributes.get("value") if of(name, "Constant") else graph.constants.get(name)
        return array is not None and np.size(array) > 1

    products = {
        node.outputs[0]
        for node in nodes
        if node.operator == "Mul" and len(node.inputs) == 2 and node.outputs
        for first, second in (node.inputs, node.inputs[::-1])
        if of(first, "Exp", "Sqrt") and constant(second)
    }
    return any(
        first in products and second in makers and not of(second, "Constant")
        for node in nodes
        if node.operator == "Add" and len(node.inputs) == 2
        for first, second in (node.inputs, node.inputs[::-1])
    )
