"""How far each layer of a quantised network may be from that of its float graph.

Every layer of golden is held against the real one on the same input: golden's own codes, as the numbers that they stand for. What
it may differ by follows from what its weights and its bias were rounded by, the rounding of its result, and what saturation cuts
off. Whole networks differ by more, since layers amplify the differences of those before them; how much depends on the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.golden.front.quantise import SIGMAS
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.network.real import Real, RealLatent, RealLinear, RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.sampling.deferred import Deferred
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.sampling.reparameterise import error_bound
from sigmabit.golden.sampling.score import KL_FRACTION, kl_bound
from sigmabit.golden.types.scalar import Chain

BETWEEN = 8
"""Numbers on either side of a sum, as far as errors reach, for which a function is looked at."""

SECANT = 1.05
"""Between two of these numbers a function does little of what it does over all of them, nearly always."""


@dataclass(frozen=True)
class Comparison:
    """One layer's results: golden's and the real layer's, and the most that they may differ by; all of one shape."""

    layer: str
    golden: Real
    real: Real
    bound: Real

    @property
    def differences(self) -> Real:
        """How far the results are from each other."""
        return np.abs(self.golden - self.real)


def compare_layers(
    real: RealNetwork, network: Network, x: NDArray[np.generic], epsilon: NDArray[np.integer]
) -> Iterator[Comparison]:
    """Each layer for the frames x and samples (N, latents)."""
    trace = network.trace(x, epsilon[:, None])
    values = real.values(trace["input"])
    by_name = {layer.name: layer for layer in network.every}
    start = values
    for step in real.layers:
        beside = real.beside(step, start)
        layer = by_name[step.name]
        if isinstance(step, RealLatent) and isinstance(layer, Deferred):
            results, expected, bound = _deferred(step, layer, trace, values, epsilon.astype(np.float64) * 2.0**-FRACTION)
        elif isinstance(step, RealLatent):
            assert isinstance(layer, Latent)
            drawn = epsilon.astype(np.float64) * 2.0**-FRACTION
            results, expected, bound = _sampled(step, layer, trace, values, drawn)
        else:
            assert isinstance(layer, Fixed)
            last = f"{step.name}_own" if step.own else step.name
            last = f"{step.name}_shuffle" if step.rows * step.columns > 1 else last
            first = 0
            if step.pool is not None:
                last, first = f"{step.name}_pool", by_name.get(f"{step.name}_own", layer).output.low
            results = (trace[last].astype(np.float64) + first) * layer.result_scale
            layer, columns = _own(step, layer)
            results = results if columns is None else results[..., columns]
            expected, bound = _through(step, layer, values)
        if beside is not None:
            fixed = by_name[f"{step.name}_condition"]
            assert isinstance(fixed, Fixed)
            codes = trace[step.name if isinstance(step, RealLatent) else f"{step.name}_beside"]
            own = codes[..., -beside.shape[1] :] * fixed.result_scale
            parts = (results, own), (expected, beside[:, None, None]), (bound, _carried(real, step, fixed, start, beside))
            results, expected, bound = (np.concatenate(pair, axis=-1) for pair in parts)
        yield Comparison(step.name, results, expected, bound)
        values = results


def _carried(real: RealNetwork, step: RealLinear | RealLatent, layer: Fixed, values: Real, numbers: Real) -> Real:
    """(N, 1, 1, K) the most that numbers of a condition may differ by where they are beside a layer's results."""
    beside = step.beside
    assert beside is not None
    places = beside.places(real.input.order)
    weights = layer.weights[0, 0, places, np.arange(len(places))] * (layer.scale / layer.grid.scale)
    errors = np.abs(values.reshape(len(values), -1)[:, places]) * np.abs(weights - beside.gain)
    half, (low, high) = 1 << layer.activation.shift >> 1, layer.activation.limits
    errors = errors + np.abs(beside.offset - (layer.bias - half) * layer.scale) + layer.result_scale / 2
    cut = np.abs(numbers - np.clip(numbers, low * layer.result_scale, high * layer.result_scale))
    return (errors + cut)[:, None, None]


def _own(real: RealLinear, layer: Fixed) -> tuple[Fixed, NDArray[np.int64] | None]:
    """A layer without weights for samples that travel, of its input or of its results, and which of its results are left."""
    inputs, outputs = real.weights.shape[2:]
    if layer.weights.shape[2:] == (inputs, outputs):
        return layer, None
    columns = np.arange(outputs) + (np.arange(outputs) >= outputs // 2) * ((layer.channels - outputs) // 2)
    tensor = replace(layer.input, channels=inputs)
    return replace(layer, input=tensor, weights=layer.weights[:, :, :inputs, columns], bias=layer.bias[columns]), columns


def _through(real: RealLinear, layer: Fixed, values: Real) -> tuple[Real, Real]:
    activation, sums = layer.activation, real.sums(values)
    unit = layer.scale * 2**activation.shift
    rounded = np.abs(real.weights - layer.weights * (layer.scale / layer.grid.scale))
    half = (1 << activation.shift) >> 1
    inside = None if real.inside is None or layer.inside is None else np.abs(real.inside - layer.inside * layer.scale)
    errors = replace(real, weights=rounded, bias=np.zeros_like(real.bias), inside=inside).sums(np.abs(values))
    errors = errors + np.abs(real.bias - (layer.bias - half) * layer.scale) + unit / 2
    low, high = activation.limits
    limited = np.clip(sums, low * unit, high * unit)
    if activation.table is None and not real.own:
        cut = np.abs(np.asarray(real.function(sums)) - limited)
        bound = errors + cut
    else:
        cut = np.abs(np.asarray(real.function(sums)) - np.asarray(real.function(limited)))
        bound = SECANT * _variation(real.function, limited, errors) + cut + layer.result_scale / 2
    return real.result(sums), replace(real, function=Chain()).result(bound)


def _variation(function: Chain, numbers: Real, errors: Real) -> Real:
    """The most that a function differs from what it is of numbers, as far as errors reach on either side."""
    there, found = np.asarray(function(numbers), np.float64), np.zeros_like(numbers)
    for step in np.linspace(-1, 1, 2 * BETWEEN + 1):
        found = np.fmax(found, np.abs(np.asarray(function(numbers + step * errors), np.float64) - there))
    return found


def _deferred(
    real: RealLatent, layer: Deferred, trace: dict[str, NDArray[np.int64]], heads: Real, epsilon: Real
) -> tuple[Real, Real, Real]:
    """Those of the second layer that samples, whose samples were rounded on their way, and limited."""
    unit = 2.0**-layer.z_fraction
    expected = real.run(heads, epsilon)
    travelled = trace[f"{layer.name}_beside"][..., -layer.latents :] * 2.0**-layer.eps_fraction
    own = epsilon[:, None, None, real.place : real.place + real.latents]
    deviations = real.deviations(heads)[:, None, None]
    limit = (1 << layer.z_bits - 1) * unit
    rounding = 2.0 ** -(layer.eps_fraction + 1) + np.maximum(0, np.abs(own) - SIGMAS)
    bound = error_bound(layer.deviation, layer.z_fraction) * unit + np.maximum(0, np.abs(expected) + unit - limit)
    bound = np.asarray(bound + deviations * np.minimum(np.abs(travelled - own), rounding), np.float64)
    return np.asarray(trace[layer.name] * unit, np.float64), expected, bound


def _sampled(
    real: RealLatent, layer: Latent, trace: dict[str, NDArray[np.int64]], heads: Real, epsilon: Real
) -> tuple[Real, Real, Real]:
    latents, unit = layer.latents, 2.0**-layer.z_fraction
    units = np.array([unit] * latents + ([2.0 ** (-2 * layer.fraction), 2.0**-KL_FRACTION] if layer.score else []))
    expected = real.run(heads, epsilon)
    more = layer.latents - real.latents  # samples that travel
    if more:
        expected = np.concatenate([expected, epsilon[:, None, None, real.latents :]], axis=-1)
    limit = (1 << layer.z_bits - 1) * unit
    bound = np.zeros_like(expected)
    saturated = np.maximum(0, np.abs(expected[..., :latents]) + unit - limit)
    bound[..., :latents] = error_bound(layer.deviation, layer.z_fraction) * unit + saturated
    if real.centre.steps:
        means = real.means(heads)
        unit_of_means = 2.0**-layer.fraction
        high = ((1 << layer.input.bits - 1) - 1) * unit_of_means
        bound[..., :latents] += (unit_of_means / 2 + np.maximum(0, np.abs(means) - high))[:, None, None, :]
    if layer.table is not None:
        beyond = np.maximum(0, real.deviations(heads) - layer.table.limit - layer.table.error)
        bound[..., :latents] += (beyond * np.abs(epsilon))[:, None, None, :]
    if layer.score:
        bound[..., -1] = kl_bound(latents, layer.variance)
    found = trace[layer.name][..., : len(units)] * units
    if more:
        return found[..., : real.latents], expected[..., : real.latents], bound[..., : real.latents]
    return found, expected, bound
