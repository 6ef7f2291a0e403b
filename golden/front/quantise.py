"""From real numbers to integers: ranges by calibration, and the fixed-point network that they lead to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.activate import Activation
from ..layers.concatenation import Concatenation
from ..layers.fixed import Fixed
from ..layers.layer import Layer
from ..layers.pool import Pool
from ..layers.recode import Recode
from ..layers.shuffle import Shuffle
from ..layers.window import Axis, Window
from ..network.network import Network, OutputFormat
from ..network.real import Real, RealBeside, RealLatent, RealLinear, RealNetwork
from ..sampling.deferred import Deferred
from ..sampling.deviations import Table
from ..sampling.exponential import CLAMP
from ..sampling.latent import Latent
from ..sampling.reparameterise import EPS_FRACTION
from ..sampling.score import KL_FRACTION
from ..types.errors import CalibrationError
from ..types.grid import Grid
from ..types.range import Range
from ..types.scalar import Chain, LeakyRelu, Quantise, Step, fine
from ..types.tensor import TensorType

LOGARITHMS = "logarithms of variances"
"""Under which name a calibration holds their range, which quantisation has no need of: they are clamped."""

CLAMPED = 2.0**CLAMP
"""From where on logarithms of variances are clamped; those of deviations from half of that."""

CALIBRATION_SEED = 2024
"""Of the samples that calibration draws where the network draws its own."""

FEWEST_DRAWS = 1000
"""Samples of which a calibration sees the results of the layers behind: of few frames it draws several each, as far as rare ones
reach.
"""

MOST_UNITS = 2.0**62
"""Of a bias: NumPy's integers hold no more."""

MOST_DRAWS = 32
"""Samples of one frame at the most: a large network takes its time for each."""

SIGMAS = 5.0
"""Standard deviations from its mean up to which a latent variable is given room."""

DEVIATION_TOLERANCE = 2.0**-12
"""By how much of its largest a standard deviation may be off where its code saturates."""

ZOOMS = 3
"""How often the part in which a deviation changes is looked at again, more closely."""

AT_A_TIME = 1 << 24
"""Numbers of a layer's sums that a calibration looks at at a time."""

LATENT_FRACTION = 8
"""Fraction bits of means and logarithms of variances, unless the means need the bits in front of the point."""

SCORE_BITS = 16
"""Of the results of a network that draws no samples, if they are sums, or those of a ReLU: so many that they add next to nothing
to the error of its weights.
"""

SCORE_ROOM = 2
"""How far beyond the calibration's such results may go before they are cut off, and two of them become alike."""

SHRUNK = 4
"""Bits by which weights may be narrower than was asked for before that is worth a word."""

MAX_SHIFT = 24
"""Most bits that are cut off a sum: weights too small to matter are rounded to nothing rather than have sums of any width."""

MAX_WEIGHT_BITS = 24
"""Widest weights, where means and logarithms of variances take more than was asked for."""

GRID_TOLERANCE = 1e-6
"""By how much of a step a weight may lie off a grid that it is taken to lie on: float32's rounding."""

FEW_WEIGHTS = 64
"""Of a layer, on which a grid is tried before it is tried on all."""


LIMITS = {"weights": (2, 18), "codes": (2, 16), "latents": (4, 16), "table": (2, 14)}
"""Fewest and most bits, by fields of Precision."""


@dataclass(frozen=True)
class Precision:
    """Widths in bits: of weights, of activations, of means and logarithms of variances and of latent variables, and of the
    numbers that tables of functions are read with.
    """

    weights: int = 12
    codes: int = 8
    latents: int = 12
    table: int = 10

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}={getattr(self, name)} bits, expected {low} to {high}")


NONE: Mapping[str, Precision] = MappingProxyType({})
"""No layer has widths of its own."""


@dataclass(frozen=True)
class Extent:
    """What a layer's sums, before its function, and its results lie between, on the data of a calibration."""

    low: float
    high: float

    @property
    def magnitude(self) -> float:
        """Largest absolute value."""
        return max(-self.low, self.high, 0.0)

    def including(self, other: Extent) -> Extent:
        """What holds both."""
        return Extent(min(self.low, other.low), max(self.high, other.high))


Extents = Mapping[str, Extent]
"""By a layer's name; for the sampling layer, the range of the latent variables."""


def calibrate(network: RealNetwork, x: NDArray[np.generic]) -> dict[str, Extent]:
    """The ranges of all layers for the frames x (N, *input.shape), and for several samples of each if they are few.

    Raises InputError for data that do not fit the input, and CalibrationError where numbers are not finite.
    """
    codes, random = network.input.encode(x), np.random.default_rng(CALIBRATION_SEED)
    step = max(1, AT_A_TIME // _widest(network))
    draws = min(MOST_DRAWS, -(-FEWEST_DRAWS // len(codes))) if network.latents else 1
    ranges: dict[str, Extent] = {}
    for start in list(range(0, len(codes), step)) * draws:
        values = network.values(codes[start : start + step])
        for name, found in _ranges(network, values, random.standard_normal((len(values), network.latents))).items():
            seen = ranges.get(name, found)
            ranges[name] = seen.including(found)
    return ranges


def _widest(network: RealNetwork) -> int:
    """Numbers of a frame where it is largest."""
    linear = [layer for layer in network.layers if isinstance(layer, RealLinear)]
    real = [layer.window.outputs * int(layer.weights.shape[3]) for layer in linear]
    return max([math.prod(network.tensor.shape), *(math.prod(layer.output.shape) for layer in network.binary), *real])


def _ranges(network: RealNetwork, values: Real, epsilon: Real) -> dict[str, Extent]:
    """Those of some frames, of what the first real layer reads."""
    ranges, first = {}, values
    for layer, following in with_following(network):
        beside = network.beside(layer, first)
        if beside is not None:
            ranges[_condition(layer)] = _range(_condition(layer), beside)
        if isinstance(layer, RealLatent):
            means, logarithms = layer.means(values), values[:, 0, 0, layer.latents :]
            if not layer.function.steps:
                limit = CLAMPED / (1 + layer.log_sigma)
                ranges[LOGARITHMS] = _range(LOGARITHMS, logarithms)
                logarithms = np.clip(logarithms, -limit, limit)
            heads = np.concatenate([values[:, 0, 0, : layer.latents], logarithms], axis=1)[:, None, None, :]
            reach = np.abs(means) + SIGMAS * layer.deviations(heads)
            if layer.place + layer.latents < network.latents:  # samples for the next one travel with these
                reach = np.maximum(reach, SIGMAS)
            if beside is not None:
                reach = np.append(reach, np.abs(beside))
            ranges[layer.name] = _range(layer.name, np.array([-reach.max(), reach.max()]))
            values = layer.run(values, epsilon, beside)
        else:
            sums = layer.sums(values)
            if isinstance(following, RealLatent):  # logarithms have the means' format, whose range suffices for them
                _range(layer.name, sums)
                ranges[layer.name] = _range(layer.name, sums[..., : following.latents])
                if following.centre.steps:  # what it gives has the means' format
                    given = _range(layer.name, np.asarray(following.centre(sums[..., : following.latents]), np.float64))
                    ranges[layer.name] = ranges[layer.name].including(given)
                if following.function.steps:
                    needed = _changing(following.function, _range(layer.name, sums[..., following.latents :]))
                    ranges[layer.name] = ranges[layer.name].including(needed)
            else:
                ranges[layer.name] = _range(layer.name, sums)
            values = layer.result(sums, beside)
    return ranges


def _condition(layer: RealLinear | RealLatent) -> str:
    """The name of a condition's numbers beside the results of a layer."""
    return f"{layer.name}_condition"


def _changing(function: Chain, extent: Extent) -> Extent:
    """Between which of its arguments a standard deviation changes: beyond, it is what it is at the ends, but for so little that z
    does not show it.
    """
    for _ in range(ZOOMS):
        points = np.linspace(extent.low, extent.high, 1025)
        results = np.asarray(function(points), np.float64)
        tolerance = np.abs(results).max() * DEVIATION_TOLERANCE
        begin, end = (np.flatnonzero(np.abs(results - results[side]) > tolerance) for side in (0, -1))
        if not len(begin):
            return Extent(0, 0)
        extent = Extent(float(points[max(0, begin[0] - 1)]), float(points[min(len(points) - 1, end[-1] + 1)]))
    return extent


def with_following(network: RealNetwork) -> list[tuple[RealLinear | RealLatent, RealLinear | RealLatent | None]]:
    """Each real layer, and the one behind it."""
    return list(zip(network.layers, (*network.layers[1:], None), strict=True))


def _range(name: str, values: Real) -> Extent:
    if not np.isfinite(values).all():
        raise CalibrationError(f"{name}: the calibration's data lead to numbers that are not finite")
    return Extent(float(values.min()), float(values.max()))


@dataclass(frozen=True)
class _Stage:
    """What a layer reads: the type of its input, and what the codes stand for."""

    tensor: TensorType
    grid: Grid

    @staticmethod
    def of(tensor: TensorType, unit: float) -> _Stage:
        """Codes that are multiples of a unit."""
        return _Stage(tensor, Grid(1, 0, unit))


def quantise(network: RealNetwork, ranges: Extents, precision: Precision, own: Mapping[str, Precision] = NONE) -> Network:
    """The fixed-point network. own: by a layer's name what it has instead of `precision`.

    Raises CalibrationError where a layer has no range.
    """
    for name in (name for real in network.layers for name in (real.name, *((_condition(real),) if real.beside else ()))):
        if name not in ranges:
            raise CalibrationError(f"{network.name}: the calibration has no range for {name}")
    layers: list[Layer] = list(network.binary)
    stage = _Stage(network.tensor, network.grid)
    units: list[float] = []
    carried: _Carried | None = None
    for real, following in with_following(network):
        widths = own.get(real.name, precision)
        if isinstance(real, RealLatent):
            if real.centre.steps:
                layers.append(_centred(real, stage))
            if carried is not None:
                z = widths.latents, _z_fraction(ranges[real.name], widths)
                layers[carried.start :], stage = carried.joined(real, tuple(layers[carried.start :]), stage, z)
                units = [stage.grid.scale] * real.latents
                continue
            if real.beside is not None:
                unit = 2.0 ** -_z_fraction(ranges[real.name], widths)
                codes = Range.of_bits(widths.latents, signed=True)
                layers = [_with_condition(network, real, real.beside, tuple(layers), unit, codes, widths.weights)]
                stage = replace(stage, tensor=layers[0].output)
            latent = _latent(real, stage, ranges[real.name], widths)
            layers.append(latent)
            stage = _Stage.of(latent.output, 2.0**-latent.z_fraction)
            units = [stage.grid.scale] * (latent.latents + latent.carried)
            if latent.score:
                units += [2.0 ** (-2 * latent.fraction), 2.0**-KL_FRACTION]
            if latent.latents > real.latents:
                carried = _Carried(len(layers), latent)
            continue
        heads = _head_unit(ranges[real.name], widths) if isinstance(following, RealLatent) else None
        last = following is None and network.latent is None and real.pool is None
        fixed, unit = _linear(_reading(real, stage.tensor), stage, ranges[real.name], widths, heads, last)
        if isinstance(following, RealLatent) and not following.place:
            fixed = _with_more(fixed, following, network.latents - following.latents)
        layers.append(fixed)
        if real.own:
            layers[-1:], unit = _by_channel(real, fixed, ranges[real.name], widths)
        tensor = layers[-1].output
        if real.rows * real.columns > 1:
            block = real.rows, real.columns, real.height, real.width
            spread = Shuffle(f"{real.name}_shuffle", real.nodes, tensor, *block)
            layers.append(spread)
            tensor = spread.output
        stage = _Stage.of(tensor, unit)
        if real.pool is not None:
            layers += _maxima(real, real.pool, tensor)
            stage = _Stage(layers[-1].output, Grid(1, tensor.low, unit))
            tensor = stage.tensor
        if real.beside is not None:
            seen = ranges[_condition(real)]
            codes = Range(math.floor(min(seen.low, 0) / unit), max(1, math.ceil(seen.high / unit)))
            codes = Range.of_bits(min(codes.bits, LIMITS["codes"][1]), codes.signed)
            layers = [_with_condition(network, real, real.beside, tuple(layers), unit, codes, widths.weights)]
            stage = _Stage.of(layers[0].output, unit)
            tensor = stage.tensor
        units = [unit] * tensor.channels
    scale = np.array(units, np.float32)[network.output_order % stage.tensor.channels]
    output = OutputFormat(
        network.output_name, network.output_shape, network.output_order, scale, 1, stage.grid.offset, network.host
    )
    return Network(network.name, network.input, tuple(layers), output, network.ties, network.omitted, network.uneven)


def shrunk(network: RealNetwork, quantised: Network, precision: Precision, own: Mapping[str, Precision] = NONE) -> dict[str, int]:
    """By the names of layers, how many bits their rounded weights have, where these are far fewer than the widths say: beside
    the largest sums, which biases and ranges make, such weights matter little. What lies on a grid as it is keeps its own width.
    """
    found = {}
    layers = {layer.name: layer for layer in quantised.every}
    for real in network.layers:
        fixed = layers[real.name]
        if not isinstance(real, RealLinear) or not isinstance(fixed, Fixed):
            continue
        asked = own.get(real.name, precision).weights
        if fixed.weight_bits <= asked - SHRUNK and real.weights.any() and _step(real.weights, _limit(asked)) is None:
            found[real.name] = fixed.weight_bits
    return found


@dataclass(frozen=True)
class _Carried:
    """Samples for a second sampling layer, which the first one gives behind its own; start: of the layers behind that one."""

    start: int
    first: Latent

    def joined(
        self, real: RealLatent, between: tuple[Layer, ...], heads: _Stage, z: tuple[int, int]
    ) -> tuple[list[Layer], _Stage]:
        """The layers between, with the samples beside them, and the second one, whose results have z bits and fraction bits; and
        what it gives.
        """
        if real.function.steps:
            raise CalibrationError(f"{real.name}: the deviation of a second sample is a function other than Exp")
        beside = Concatenation(f"{real.name}_beside", real.nodes, self.first.output, between, ())
        fraction = round(-math.log2(heads.grid.scale))
        form = real.latents, fraction, self.first.z_fraction, real.log_sigma
        last = Deferred(real.name, real.nodes, beside.output, *form, *z)
        return [beside, last], _Stage.of(last.output, 2.0 ** -z[1])


def _with_condition(
    network: RealNetwork,
    real: RealLinear | RealLatent,
    beside: RealBeside,
    before: tuple[Layer, ...],
    unit: float,
    codes: Range,
    weight_bits: int,
) -> Concatenation:
    """The layers before, and beside their results a condition's numbers as such codes, multiples of a unit."""
    tensor, condition = network.tensor, network.input.condition
    assert condition is not None
    places, count = beside.places(network.input.order), len(beside.elements)
    if np.any(places >= tensor.channels):
        raise CalibrationError(f"{real.name}: its condition is not at the first position of the input")
    weights = np.zeros((1, 1, tensor.channels, count))
    weights[0, 0, places, np.arange(count)] = beside.gain
    window = Window(*(Axis(size, 1, size) for size in (tensor.height, tensor.width)))
    integers, shift, _ = _scaled(weights * network.grid.scale, unit, weight_bits, exact=True)
    scale = unit / 2**shift
    bias = np.rint(beside.offset / scale).astype(np.int64) + (1 << shift >> 1)
    activation = Activation(shift, codes.bits, codes.signed)
    form = tensor, network.grid, window, integers, bias, activation, scale, unit
    return Concatenation(f"{real.name}_beside", real.nodes, tensor, before, (Fixed(_condition(real), (condition.name,), *form),))


def _reading(real: RealLinear, tensor: TensorType) -> RealLinear:
    """The layer with no weight for what of its input is not its own: samples that travel."""
    more = tensor.channels - real.weights.shape[2]
    return replace(real, weights=np.pad(real.weights, ((0, 0), (0, 0), (0, more), (0, 0)))) if more else real


def _with_more(heads: Fixed, real: RealLatent, more: int) -> Fixed:
    """Heads with means and logarithms of 0 for more latent variables, which are samples themselves then."""
    if not more:
        return heads
    if real.function.steps:
        raise CalibrationError(f"{real.name}: two samples, the first with a deviation that is a function other than Exp")
    weights, bias = (np.split(array, 2, axis=-1) for array in (heads.weights, heads.bias))
    none = np.zeros((*heads.weights.shape[:3], more), np.int64), np.full(more, 1 << heads.activation.shift >> 1)
    return replace(
        heads,
        weights=np.concatenate([weights[0], none[0], weights[1], none[0]], axis=-1),
        bias=np.concatenate([bias[0], none[1], bias[1], none[1]]),
    )


def _head_unit(means: Extent, precision: Precision) -> float:
    """The unit of means and logarithms of variances, a power of two."""
    fraction = LATENT_FRACTION
    while fraction > 0 and means.magnitude * 2**fraction > _limit(precision.latents):
        fraction -= 1
    return 2.0**-fraction


def _centred(real: RealLatent, stage: _Stage) -> Recode:
    """What a function makes of the means, by a table; logarithms stay as they are."""
    codes = np.arange(stage.tensor.low, stage.tensor.high + 1)
    results = np.asarray(real.centre(codes * stage.grid.scale), np.float64)
    if not np.isfinite(results).all():
        raise CalibrationError(f"{real.name}: the function of its means is not finite on the range of their sums")
    means = np.clip(np.rint(results / stage.grid.scale), stage.tensor.low, stage.tensor.high).astype(np.int64)
    entries = np.concatenate([np.tile(row, (real.latents, 1)) for row in (means, codes)])
    return Recode(f"{real.name}_means", real.nodes, stage.tensor, entries, stage.tensor.codes)


def _latent(real: RealLatent, stage: _Stage, reach: Extent, precision: Precision) -> Latent:
    fraction = round(-math.log2(stage.grid.scale))
    z_fraction = _z_fraction(reach, precision)
    carried = 0 if real.beside is None else len(real.beside.elements)
    if stage.tensor.channels - carried > 2 * real.latents:
        z_fraction = min(z_fraction, EPS_FRACTION)  # samples travel with these
    form = fraction, real.log_sigma, real.score, precision.latents, z_fraction
    table = None
    if real.function.steps:
        try:
            # one that is larger than the largest z says nothing any more
            table = Table.tabulated(real.function, stage.tensor.bits, fraction, 2.0 ** (precision.latents - 1 - z_fraction))
        except ValueError as error:
            raise CalibrationError(f"{real.name}: {error}") from None
    return Latent(real.name, real.nodes, stage.tensor, *form, table, carried)


def _z_fraction(reach: Extent, precision: Precision) -> int:
    """Fraction bits of latent variables that reach so far."""
    found = math.floor(math.log2(_limit(precision.latents) / max(reach.magnitude, 2.0**-20)))
    return min(max(found, 0), LATENT_FRACTION + 4)


def _linear(
    real: RealLinear, stage: _Stage, sums: Extent, precision: Precision, heads: float | None, last: bool
) -> tuple[Fixed, float]:
    """A layer, and the unit of its codes. heads: the unit that is wanted of means and logarithms of variances. last: its results
    are those of a network that draws no samples.
    """
    stated = Stated.of(real)
    if stated is not None and heads is None:
        return _on_grid(real, stated, stage, sums, precision)
    steps, relu = real.function.steps, is_relu(real.function)
    bits, room = (SCORE_BITS, SCORE_ROOM) if last else (precision.codes, 1)
    if heads is not None:
        bits, signed, wanted = precision.latents, True, heads
    elif relu:
        signed, wanted = False, room * max(sums.high, 0.0) / ((1 << bits) - 1)
    elif not steps:
        signed, wanted = True, room * sums.magnitude / _limit(bits)
    else:
        bits, signed = precision.table, True
        wanted = _reach(real.function, sums.magnitude, precision) / _limit(precision.table)
    weights = real.weights * stage.grid.scale
    if heads is not None and np.abs(weights).max() >= heads * 2**MAX_WEIGHT_BITS:
        raise CalibrationError(f"{real.name}: weights up to {np.abs(real.weights).max():g} for means in steps of {heads:g}")
    integers, shift, unit = _scaled(weights, wanted, precision.weights, exact=heads is not None)
    scale = unit / 2**shift
    bias, inside = _biases(real, scale, shift)
    activation = Activation(shift, bits, signed)
    if steps and not relu and not real.own:
        results = _results(real, np.arange(-(1 << bits - 1), 1 << bits - 1) * unit, sums)
        activation, unit = _tabulated(real.name, shift, results, precision.table, precision)
    form = real.name, real.nodes, stage.tensor, stage.grid, real.window
    return Fixed(*form, integers, bias, activation, scale, unit, inside), unit


@dataclass(frozen=True)
class Stated:
    """Grids that quantisers of the graph state for a layer. step, sums: what sums become first, one by one, and which of that
    there are; None where a function stands between. unit, codes: the same of the results; None where another function follows.
    """

    step: float | None
    sums: Range | None
    unit: float | None
    codes: Range | None

    @staticmethod
    def of(real: RealLinear) -> Stated | None:
        """Those of a layer, if there are any. Raises CalibrationError where no code stands for 0, or channels have functions of
        their own.
        """
        steps = real.function.steps
        places = [place for place, step in enumerate(steps) if fine(step)]
        if not places:
            return None
        if real.own:
            raise CalibrationError(f"{real.name}: channels have functions of their own, in front of a quantiser of the file's")
        (first, sums), (last, codes) = (_codes_of(real, steps[place]) for place in (places[0], places[-1]))
        straight = places[0] == 0 or is_relu(Chain(steps[: places[0]]))
        behind = Chain(steps[places[-1] + 1 :])
        numbers = last * np.arange(codes.low, codes.high + 1)
        results = np.asarray(behind(numbers), np.float64)
        unit = float(results[-1] - results[0]) / (codes.levels - 1)
        told = unit > 0 and np.allclose(results, unit * np.arange(codes.low, codes.high + 1), atol=unit / 1000)
        entry: tuple[float | None, Range | None] = (first, sums) if straight else (None, None)
        return Stated(*entry, unit, codes) if told else Stated(*entry, None, None)


def _codes_of(real: RealLinear, step: Step) -> tuple[float, Range]:
    """Step and codes of a quantiser, where the code 0 stands for 0."""
    assert isinstance(step, Quantise)
    zero = float(step.zero_point)
    if zero % 1:
        raise CalibrationError(f"{real.name}: {step.node} gives codes of which none stands for 0")
    return float(step.scale), Range(step.lowest - int(zero), step.highest - int(zero))


def _on_grid(real: RealLinear, stated: Stated, stage: _Stage, sums: Extent, precision: Precision) -> tuple[Fixed, float]:
    """A layer whose sums or results are codes of a stated grid, and the unit of its codes."""
    bits = precision.table if stated.sums is None else Range(min(stated.sums.low, -1), stated.sums.high).bits
    wanted = stated.step or _reach(real.function, sums.magnitude, precision) / _limit(bits)
    exact = stated.step is not None
    integers, shift, unit = _scaled(real.weights * stage.grid.scale, wanted, precision.weights, exact=exact)
    bias, inside = _biases(real, unit / 2**shift, shift)
    results = _results(real, np.arange(-(1 << bits - 1), 1 << bits - 1) * unit, sums)
    if stated.unit is None or stated.codes is None:
        activation, result_unit = _tabulated(real.name, shift, results, bits, precision)
    else:
        if not np.isfinite(results).all():
            raise CalibrationError(f"{real.name}: its function is not finite on the range of its sums")
        codes, result_unit = stated.codes, stated.unit
        table = np.clip(np.rint(results / result_unit), codes.low, codes.high).astype(np.int64)
        activation = Activation(shift, bits, True, table, codes.bits, codes.signed)
    form = real.name, real.nodes, stage.tensor, stage.grid, real.window
    return Fixed(*form, integers, bias, activation, unit / 2**shift, result_unit, inside), result_unit


def _biases(real: RealLinear, scale: float, shift: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Those of a layer, in units of a sum, with half a unit of the result, so that the shift rounds; and of kernel positions."""
    largest = max(np.abs(part).max(initial=0) for part in (real.bias, real.inside) if part is not None)
    if not largest / scale < MOST_UNITS:
        raise CalibrationError(
            f"{real.name}: its bias of {largest:g} is {largest / scale:g} units of its sums, at most {MOST_UNITS:g}"
        )
    bias = np.rint(real.bias / scale).astype(np.int64) + (1 << shift >> 1)
    return bias, None if real.inside is None else np.rint(real.inside / scale).astype(np.int64)


def is_relu(function: Chain) -> bool:
    """Is that all that a function is? It needs no table."""
    steps = function.steps
    return len(steps) == 1 and isinstance(steps[0], LeakyRelu) and not np.any(steps[0].constant)


def _results(real: RealLinear, numbers: NDArray[np.floating], sums: Extent) -> Real:
    """What a layer's function makes of numbers that its sums may be; where that is not finite, of the nearest that they were."""
    results = np.asarray(real.function(numbers), np.float64)
    if np.isfinite(results).all():
        return results
    return np.where(np.isfinite(results), results, np.asarray(real.function(np.clip(numbers, sums.low, sums.high)), np.float64))


def _by_channel(real: RealLinear, fixed: Fixed, seen: Extent, precision: Precision) -> tuple[list[Layer], float]:
    """A layer of sums, and behind it each channel's own function by a table of its own; and the unit of the codes."""
    sums = np.arange(fixed.output.low, fixed.output.high + 1)[:, None] * fixed.result_scale
    entries, codes, unit = _coded(real.name, _results(real, sums, seen), precision)
    tables = Recode(f"{real.name}_own", real.nodes, fixed.output, entries.T, codes)
    return [replace(fixed, result_scale=unit), tables], unit


def _maxima(real: RealLinear, window: Window, tensor: TensorType) -> list[Layer]:
    """Pooling of codes, which first become such that count from 0."""
    layers: list[Layer] = []
    if tensor.low < 0:
        codes = Range.of_levels(tensor.codes.levels)
        entries = np.tile(np.arange(codes.levels), (tensor.channels, 1))
        layers.append(Recode(f"{real.name}_unsigned", real.nodes, tensor, entries, codes))
        tensor = layers[-1].output
    return [*layers, Pool(f"{real.name}_pool", real.nodes, tensor, window, np.zeros(tensor.channels, bool))]


def _scaled(weights: Real, unit: float, bits: int, exact: bool) -> tuple[NDArray[np.int64], int, float]:
    """Integer weights, the shift that makes codes of sums, and the unit of a code; exact: that unit must be the one wanted.

    Weights that lie on a grid of so many bits are taken as they are. Others are rounded to the finest step that suits the unit.
    """
    largest, limit = float(np.abs(weights).max()), _limit(bits)
    unit = unit or max(largest, 1.0)
    if not largest:
        return np.zeros(weights.shape, np.int64), 0, unit
    step = _step(weights, limit)
    if step is not None:
        shift = max(0, math.ceil(math.log2(unit / step) - 1e-9))
        if shift <= MAX_SHIFT and (not exact or math.isclose(step * 2**shift, unit, rel_tol=1e-9)):
            return np.rint(weights / step).astype(np.int64), shift, step * 2**shift
    shift = min(MAX_SHIFT, math.floor(math.log2(limit * unit / largest)))
    if shift < 0:
        shift, unit = 0, unit if exact else largest / limit
    return np.rint(weights * (2**shift / unit)).astype(np.int64), shift, unit


def _step(weights: Real, limit: int) -> float | None:
    """The coarsest step of which all weights are multiples, up to `limit` of it; None if there is none."""
    sizes = np.abs(weights).reshape(-1)
    largest = float(sizes.max())
    counts = np.arange(1, limit + 1)
    # a few weights rule out nearly every step
    for size in sizes[:: -(-sizes.size // FEW_WEIGHTS)]:
        counts = counts[_multiple(size * (counts / largest), counts)]
    left = (int(count) for count in counts)
    return next((largest / count for count in left if np.all(_multiple(sizes * (count / largest), count))), None)


def _multiple(numbers: Real, count: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which numbers of steps, of which the largest weight has `count`, are whole."""
    return np.abs(numbers - np.rint(numbers)) < GRID_TOLERANCE * count


def _reach(function: Chain, magnitude: float, precision: Precision) -> float:
    """Up to where a function is to be tabulated: beyond, it changes by less than half a code up to `magnitude`."""
    points = np.linspace(0, magnitude or 1.0, 1025)
    sides = [np.asarray(function(side[:, None])) for side in (points, -points)]  # of each channel, or of all
    tolerance = (max(side.max() for side in sides) - min(side.min() for side in sides)) / (2 << precision.codes)
    with np.errstate(invalid="ignore"):  # a function that is not finite is refused where it is tabulated
        changing = [np.flatnonzero((np.abs(side - side[-1]) > tolerance).any(axis=1)) for side in sides]
    return float(points[min(1024, 1 + max((int(at[-1]) for at in changing if len(at)), default=0))])


def _tabulated(name: str, shift: int, results: Real, bits: int, precision: Precision) -> tuple[Activation, float]:
    """A function by a table of its results for numbers of so many bits, and the unit of a code."""
    table, codes, unit = _coded(name, results, precision)
    return Activation(shift, bits, True, table, codes.bits, codes.signed), unit


def _coded(name: str, results: Real, precision: Precision) -> tuple[NDArray[np.int64], Range, float]:
    """A function's results as codes, which these are, and their unit."""
    if not np.isfinite(results).all():
        raise CalibrationError(f"{name}: its function is not finite on the range of its sums")
    codes = Range.of_bits(precision.codes, signed=bool(results.min() < 0))
    unit = float(np.abs(results).max()) / codes.high or 1.0
    return np.rint(results / unit).astype(np.int64), codes, unit


def _limit(bits: int) -> int:
    """Largest number of so many bits in two's complement."""
    return (1 << bits - 1) - 1
