"""Sampling of latent variables: z = mu + sigma * eps, sigma being a function of what a layer gives, such as an exponential.

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
from ...types.scalar import Chain, Clip, Divide, Float, Function, Multiply, Power, Step
from .affine import IDENTITY, Affine, Real, affine, idle, line, split
from .model_file import Graph, Node
from .real_layers import PROBES, Intermediate, Linear, side_by_side, spread_out
from .scalar_nodes import UNARY, Refusal
from .symbols import PAD, Frame, Symbol

RANDOM = ("RandomNormal", "RandomNormalLike")
OTHER_RANDOM = ("Bernoulli", "Multinomial", "RandomUniform", "RandomUniformLike")

NO_LAYER = "the {} is not the result of a layer of weights"

FAR = 1e30
"""Instead of infinite bounds."""

EXPECTED = "expected a function of it that is nowhere negative, such as Exp(0.5 * logvar) or Softplus"

TRIED: Real = np.linspace(-8, 8, 2049)
"""Numbers for which a standard deviation must be one: a calibration tries all codes that there are."""
SEVERAL = "samples of one frame are drawn one after the other, each by a run of the graph (--samples)"
FROZEN = (
    "its noise was exported as a constant; export the model with noise that is drawn in forward(), as torch.randn_like does, "
    "so that a RandomNormalLike node stays in the graph"
)


@dataclass(eq=False)
class Noise(Intermediate):
    """A random node's samples of the standard normal."""

    tensor: str


@dataclass(frozen=True, eq=False)
class Sigma:
    """A standard deviation: a function of its argument, which is affine in the elements of its source. Without a function the
    argument is its logarithm.
    """

    argument: Affine
    function: Chain

    def wider(self, deviation: Symbol, factors: Float, node: str) -> Sigma:
        """The deviation multiplied by (latents,) factors."""
        if np.all(factors == 1):
            return self
        if self.function.steps:
            if np.any(factors != factors[0]):
                raise Refusal(
                    "the noise is multiplied by a number of its own for each latent variable, and its deviation is no Exp"
                )
            return replace(self, function=self.function.then(Multiply(node, np.asarray(factors[0]))))
        elements = deviation.index[0]
        added = np.zeros(deviation.source.frame.size)
        added[elements] = np.log(factors)
        if not np.array_equal(added[elements], np.log(factors)):
            raise Refusal("the noise is multiplied by different numbers where its deviation is the same element")
        return replace(self, argument=self.argument.then(np.ones(()), added))


@dataclass(eq=False)
class Spread(Intermediate):
    """sigma * eps, of a deviation."""

    node: Node
    noise: Noise
    deviation: Symbol
    sigma: Sigma


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
    """sigma * eps. Raises Refusal where sigma is no function of a dense layer, or eps is not one number for each latent."""
    source = eps.source
    assert isinstance(source, Noise)
    shape = deviation.shape
    if shape[:1] != (1,) or np.any(deviation.index == PAD):
        raise Refusal(f"latent variables of shape {shape}, expected (1, latents) or (1, C, H, W)")
    frame = Frame.of((math.prod(shape), 1, 1))
    if eps.shape not in (shape, shape[1:]) or not np.array_equal(eps.index.reshape(-1), np.arange(frame.size)):
        raise Refusal(f"noise of shape {eps.shape} for latent variables of shape {shape}; {SEVERAL}")
    sigma = sigma_of(in_row(deviation)).wider(in_row(deviation), _factors(eps), node.name)
    reason = f"it takes the result of {node.name}, noise without its mean; expected mu + sigma * eps"
    return Symbol(Spread(frame, reason, node, source, deviation, sigma), np.arange(frame.size).reshape(shape))


def steady(node: Node, eps: Symbol, mean: Symbol) -> Symbol:
    """sigma * eps of a deviation that is a number for each latent variable, whatever the input is: its logarithm is what the
    layer of the means gives, times 0, plus that of the number.
    """
    assert isinstance(eps.source, Noise)
    latents = math.prod(mean.shape)
    if eps.shape not in (mean.shape, mean.shape[1:]) or not np.array_equal(eps.index.reshape(-1), np.arange(latents)):
        raise Refusal(f"noise of shape {eps.shape} for latent variables of shape {mean.shape}; {SEVERAL}")
    if mean.shape[:1] != (1,) or not isinstance(mean.source, Linear) or np.any(mean.index == PAD):
        raise Refusal(NO_LAYER.format("mean"))
    logarithms, elements = np.zeros(mean.source.frame.size), mean.index.reshape(-1)
    logarithms[elements] = np.log(_factors(eps))
    if not np.array_equal(logarithms[elements], np.log(_factors(eps))):
        raise Refusal("the noise is multiplied by different numbers where its mean is the same element")
    within = np.all(np.abs(logarithms) < 2.0 ** (exponential.CLAMP - 1))
    function = Chain(() if within else (Function(node.name, UNARY["Exp"]),))
    sigma = Sigma(Affine(np.zeros(()), logarithms), function)
    frame = Frame.of((latents, 1, 1))
    reason = f"it takes the result of {node.name}, noise without its mean; expected mu + sigma * eps"
    spread = Spread(frame, reason, node, eps.source, replace(mean, chain=Chain()), sigma)
    return Symbol(spread, np.arange(latents).reshape(mean.shape))


def in_row(symbol: Symbol) -> Symbol:
    """The same elements as a row (1, n)."""
    return symbol.rearranged(symbol.index.reshape(1, -1))


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


def sigma_of(deviation: Symbol) -> Sigma:
    """What a deviation is of its source's elements. Raises Refusal where that is no function of one of them, or is negative."""
    if isinstance(deviation.source, Joint):
        raise Refusal("the noise is multiplied by what several activations make; a deviation may be a function of one")
    logarithm = log_of(deviation)
    if logarithm is not None:
        return Sigma(logarithm, Chain())
    names = passed(deviation)
    if affine(deviation.chain) is not None:
        raise Refusal(
            f"the noise is multiplied by {f'{names} of an activation' if names else 'an activation itself'}; {EXPECTED}"
        )
    parts = split(deviation.chain)
    if parts.after is not IDENTITY:
        raise Refusal(f"{names}, by which the noise is multiplied, differ between latent variables behind a function")
    results = np.asarray(parts.function(TRIED), np.float64)
    wrong = np.flatnonzero(~(results >= 0) | np.isinf(results))
    if len(wrong):
        place = wrong[np.abs(TRIED[wrong]).argmin()]
        raise Refusal(
            f"the noise is multiplied by {names} of an activation, which may be {results[place]:g}; a standard deviation is a "
            "number from 0 on"
        )
    if not results.any():
        raise Refusal(f"the noise is multiplied by {names} of an activation, which is always 0")
    return Sigma(parts.before, parts.function)


def log_of(deviation: Symbol) -> Affine | None:
    """The logarithm of a standard deviation, as an affine function of its source's elements, if it is one and has no limits but
    those that the hardware has, or wider ones.
    """
    elements, steps = deviation.index[0], deviation.chain.steps
    result = IDENTITY
    clips: list[tuple[Affine, Affine]] = []
    exponential_of = False
    for step in steps:
        if not exponential_of and isinstance(step, Clip):
            low, high = (Affine(np.zeros(()), np.clip(bound, -FAR, FAR).astype(np.float64)) for bound in step.constants)
            clips.append((low, high))
            continue
        if not exponential_of and isinstance(step, Function) and step.function is UNARY["Exp"]:
            exponential_of = True
            continue
        coefficients = _log_line(step) if exponential_of else line(step)
        if coefficients is None:
            return None
        result = result.then(*coefficients)
        clips = [(low.then(*coefficients), high.then(*coefficients)) for low, high in clips]
    limit = 2.0 ** (exponential.CLAMP - 1)
    for bounds in clips:
        ends = np.sort([bound.of(elements)[1] for bound in bounds], axis=0)
        if np.any(ends[0] > -limit) or np.any(ends[1] < limit):
            return None
    return result if exponential_of else None


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
    sigma = spread.sigma.wider(in_row(deviation), _factors(noisy), node.name)
    if mean.shape != deviation.shape or np.any(mean.index == PAD):
        raise Refusal(f"means of shape {mean.shape} for deviations of shape {deviation.shape}")
    for symbol, what in ((mean, "mean"), (deviation, "deviation")):
        if not isinstance(symbol.source, Linear) or symbol.source.pool is not None:
            raise Refusal(NO_LAYER.format(what))
    centre = split(mean.chain)
    if centre.after is not IDENTITY:
        raise Refusal(f"{passed(mean)}, which the mean passes, differ between latent variables behind a function")
    argument, log_sigma = sigma.argument, False
    if not sigma.function.steps:
        variance = Affine(2 * argument.gain, 2 * argument.offset)
        log_sigma = tensor_of(deviation, variance) is None and tensor_of(deviation, argument) is not None
        argument = argument if log_sigma else variance
    heads, probe = _merge(in_row(mean), centre.before, in_row(deviation), argument)
    nodes = tuple(dict.fromkeys((*deviation.chain.nodes, spread.node.name, *noisy.chain.nodes, node.name)))
    tensors = mean_tensor, tensor_of(deviation, argument) or "", spread.noise.tensor
    layer = RealLatent("latent", nodes, latents, log_sigma, False, *tensors, sigma.function, centre.function)
    frame = Frame.of((latents, 1, 1))
    return Symbol(Sample(frame, heads, layer, probe), np.arange(latents).reshape(mean.shape))


def _merge(mean: Symbol, centre: Affine, deviation: Symbol, logarithm: Affine) -> tuple[Linear, NDArray[np.float64]]:
    """One layer of means and logarithms, which may come from two on the same activation; and its probe."""
    parts = ((mean, centre), (deviation, logarithm))
    rows: dict[int, Linear] = {}
    for symbol, _ in parts:
        assert isinstance(symbol.source, Linear)
        rows[id(symbol.source)] = symbol.source if symbol.source.open else spread_out(symbol.source)
    try:
        heads = side_by_side([(replace(symbol, source=rows[id(symbol.source)]), function) for symbol, function in parts])
    except Refusal as refusal:
        raise Refusal(f"mean and deviation cannot become one layer: {refusal}") from None
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
        raise Refusal("it combines two activations; residual and other branches are not supported between real weights")
    elements = symbol.index[0]
    if np.any(elements == PAD):
        raise Refusal("it combines padded activations")
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    return np.asarray(chain(source.probe[:, elements]), np.float32)


def scores(parts: list[Symbol], drawn: Sample) -> Symbol:
    """The joint (1, n) of a sample and its scores, each recognised by its numbers on the probes."""
    latents = drawn.layer.latents
    if drawn.layer.centre.steps:
        raise Refusal("scores of a sample whose mean passes a function")
    if drawn.layer.function.steps:
        raise Refusal("scores of a sample whose deviation is no exponential of a layer's sums within limits of [-8, 8] or wider")
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
