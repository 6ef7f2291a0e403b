"""The fewest bits of each tensor for which a network's output stays near its float graph's.

Roundings add up as squares, nearly, and each bit of a tensor quarters its own. So each tensor is first looked at by itself, all
others being as fine as can be: how few bits it may have, and what they cost. From these costs widths are reckoned that keep
within the share, then measured, and mended until no tensor can do with one bit less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ..network.network import Network
from ..network.real import Real, RealLatent, RealNetwork
from ..noise import gaussian
from ..types.coding import MOST_BITS, Coding
from ..types.errors import CalibrationError
from ..types.scalar import Chain, Choice
from .calibration import Calibration, calibrated
from .quantise import AT_A_TIME, CALIBRATION_SEED, LIMITS, Precision, Stated, is_relu, quantise, with_following

WORK = 1 << 31
"""Multiply-accumulates that one look at a network may take, unless that left fewer frames than FEW."""

FEW, MANY = 16, 1024
"""Frames that a search looks at; the end is held against all."""

LEAST_INPUT = 2
"""Bits of an input's codes."""

READ = 3
"""Networks of other input codes that are kept."""

Reader = Callable[[Coding | None], RealNetwork]
"""The real-valued network of a file, for such codes of its input."""

Report = Callable[[str, int, int], None]
"""Says what is going on, and how far it is."""


@dataclass(frozen=True, order=True)
class Tensor:
    """Numbers that have one width. part: a field of Precision; `layer` is None for the input's codes."""

    layer: str | None
    part: str

    @property
    def limits(self) -> tuple[int, int]:
        """Fewest and most bits."""
        return (LEAST_INPUT, MOST_BITS) if self.layer is None else LIMITS[self.part]


Widths = Mapping[Tensor, int]


@dataclass(frozen=True)
class Found:
    """A calibration; the error that it costs, as a share of the output's standard deviation on all frames; bits of each tensor,
    in the order of the layers, and those among them that were looked for.
    """

    calibration: Calibration
    share: float
    widths: Widths
    free: frozenset[Tensor]


def tensors(network: RealNetwork) -> list[Tensor]:
    """Those of a network whose widths a calibration has, in order, without the input's."""
    found = []
    for layer, following in with_following(network):
        if isinstance(layer, RealLatent):
            found.append(Tensor(layer.name, "latents"))
            continue
        found.append(Tensor(layer.name, "weights"))
        stated = None if isinstance(following, RealLatent) else Stated.of(layer)
        if stated is not None:  # sums and results have the widths that the graph says
            found += [] if stated.step is not None else [Tensor(layer.name, "table")]
            found += [] if stated.unit is not None else [Tensor(layer.name, "codes")]
            continue
        tabulated = bool(layer.function.steps) and not is_relu(layer.function)
        if tabulated:
            found.append(Tensor(layer.name, "table"))
        if isinstance(following, RealLatent):
            found.append(Tensor(layer.name, "latents"))
        elif following is not None or tabulated or network.latent is not None or layer.pool is not None:
            found.append(Tensor(layer.name, "codes"))
    return found


def fewest(
    read: Reader,
    coding: Coding | None,
    free_input: bool,
    x: NDArray[np.generic],
    share: float,
    stated: Mapping[str, int],
    report: Report,
) -> Found:
    """The fewest bits for which the root mean square error of the output on the frames x stays below a share of its standard
    deviation, samples being the same. coding: the input's codes; free_input: their width is looked for, too. stated: widths that
    all layers have, by fields of Precision.

    Raises CalibrationError where the share cannot be reached, or the output is the same for all frames.
    """
    return _Search(read, coding, free_input, x, share, stated, report).run()


class _Search:
    """One search; see `fewest`."""

    def __init__(
        self,
        read: Reader,
        coding: Coding | None,
        free_input: bool,
        x: NDArray[np.generic],
        share: float,
        stated: Mapping[str, int],
        report: Report,
    ) -> None:
        self.coding, self.x, self.share, self.stated, self.report = coding, x, share, stated, report
        self.form = read(coding).input
        self.network = lru_cache(READ)(lambda bits: read(coding if bits is None else self.form.fitting(x, bits)))
        self.calibration = lru_cache(READ)(lambda bits: calibrated(self.network(bits), x, Precision()))
        self.looks = 0
        start = self.network(MOST_BITS if free_input else None)
        self.tensors = tensors(start)
        self.free = [tensor for tensor in self.tensors if tensor.part not in stated]
        if free_input:
            self.free.insert(0, Tensor(None, "codes"))
        operations = sum(layer.operations for layer in start.layers)
        count = min(len(x), max(FEW, min(MANY, WORK // max(operations, 1))))
        self.some = np.unique(np.linspace(0, len(x) - 1, count).astype(np.int64))
        self.known: dict[tuple[int, ...], float] = {}

    @cached_property
    def exact(self) -> RealNetwork:
        """The float graph, which reads the frames as nearly as 16 bits hold them."""
        rounded = self.coding is not None and not self.form.held(self.coding, self.x)
        return self.network(MOST_BITS if rounded else None)

    @cached_property
    def samples(self) -> NDArray[np.int64]:
        """(N, 1, latents) codes of the standard normal, for all frames."""
        drawn = np.random.default_rng(CALIBRATION_SEED).standard_normal((len(self.x), 1, self.exact.latents))
        codes: NDArray[np.int64] = np.rint(drawn * 2**gaussian.FRACTION).astype(np.int64)
        return codes

    @cached_property
    def expected(self) -> Real:
        """(N, size) the float graph's outputs."""
        epsilon = self.samples[:, 0] * 2.0**-gaussian.FRACTION
        network = self.exact
        step = max(1, AT_A_TIME // max(int(np.prod(layer.shape)) for layer in network.layers))
        parts = []
        for start in range(0, len(self.x), step):
            part = slice(start, start + step)
            *_, result = network.evaluate(self.x[part], epsilon[part]).values()
            parts.append(np.asarray(self.host(result.reshape(len(result), -1)[:, network.output_order]), np.float64))
        found: Real = np.concatenate(parts).reshape(len(self.x), -1)
        return found

    @cached_property
    def host(self) -> Chain:
        """What the host makes of the results; where it chooses one of them, they are looked at themselves."""
        host = self.exact.host
        return Chain() if any(isinstance(step, Choice) for step in host.steps) else host

    @cached_property
    def deviation(self) -> float:
        """The output's."""
        return float(self.expected.std())

    def quantised(self, widths: Widths) -> Network:
        """The network of such widths."""
        bits = widths.get(Tensor(None, "codes"))
        precision, own = self.precisions(widths)
        return quantise(self.network(bits), self.calibration(bits).ranges, precision, own)

    def precisions(self, widths: Widths) -> tuple[Precision, dict[str, Precision]]:
        """Of all layers, and of those that have tensors whose widths are looked for."""
        every = replace(Precision(), **self.stated)
        own: dict[str, dict[str, int]] = {}
        for tensor, bits in widths.items():
            if tensor.layer is not None:
                own.setdefault(tensor.layer, {})[tensor.part] = bits
        return every, {name: replace(every, **parts) for name, parts in own.items()}

    def error(self, widths: Widths, frames: NDArray[np.int64] | None = None) -> float:
        """Of a network of such widths, as a share; infinite for one that there is not. frames: which, or those of the search."""
        key = tuple(widths[tensor] for tensor in self.free)
        if frames is None and key in self.known:
            return self.known[key]
        places = self.some if frames is None else frames
        self.looks += 1
        self.report(f"widths of {len(self.free)} tensors, {sum(key)} bits", self.looks, 0)
        try:
            network = self.quantised(widths)
        except CalibrationError:
            return math.inf
        network = replace(network, output=replace(network.output, chain=self.host, shape=(-1,)))
        given = self.samples[places] if network.latent is not None else None
        difference = network.run(self.x[places], given).reshape(len(places), -1) - self.expected[places]
        found = float(np.sqrt(np.mean(difference**2))) / self.deviation
        if frames is None:
            self.known[key] = found
        return found

    def run(self) -> Found:
        """The widths, by the steps that this file's head describes."""
        if not np.isfinite(self.deviation) or self.deviation <= 0:
            raise CalibrationError(
                f"{self.exact.name}: the output is the same for all frames, so that no error is a share of its deviation"
            )
        finest = {tensor: tensor.limits[1] for tensor in self.free}
        floor = self.error(finest)
        if floor > self.share:
            raise self.beyond(floor)
        costs = {tensor: self.costs(finest, tensor, floor) for tensor in self.free}
        widths = {tensor: cost.bits for tensor, cost in costs.items()}
        self.raise_until(lambda: floor**2 + sum(costs[t].of(b) for t, b in widths.items()) <= self.share**2, widths, costs)
        self.raise_until(lambda: self.error(widths) <= self.share, widths, costs)
        self.lower(widths)
        everything = np.arange(len(self.x))
        self.raise_until(lambda: self.error(widths, everything) <= self.share, widths, costs)
        return self.result(widths, everything)

    def beyond(self, found: float) -> CalibrationError:
        """What is said of an error that stays above the share."""
        stated = "".join(f", {part} of {bits}" for part, bits in self.stated.items())
        return CalibrationError(
            f"{self.exact.name}: the output's error is {found:.2%} of its standard deviation with the most bits that tensors can "
            f"have{stated}, and cannot stay below {self.share:.2%}"
        )

    def costs(self, finest: Widths, tensor: Tensor, floor: float) -> _Cost:
        """The fewest bits that a tensor may have by itself, and what they add to the error's square."""
        low, high = tensor.limits
        while low < high:
            middle = (low + high) // 2
            if self.error({**finest, tensor: middle}) <= self.share:
                high = middle
            else:
                low = middle + 1
        return _Cost(high, tensor.limits[1], max(0.0, self.error({**finest, tensor: high}) ** 2 - floor**2))

    def raise_until(self, reached: Callable[[], bool], widths: dict[Tensor, int], costs: Mapping[Tensor, _Cost]) -> None:
        """Give one bit more to the tensor whose rounding costs most, until something is reached, or none can have more."""
        while not reached():
            room = [tensor for tensor, bits in widths.items() if bits < costs[tensor].most]
            if not room:
                return
            widths[max(room, key=lambda tensor: costs[tensor].of(widths[tensor]))] += 1

    def lower(self, widths: dict[Tensor, int]) -> None:
        """Take bits away, one at a time, until no tensor can do with one less."""
        done = False
        while not done:
            done = True
            for tensor in self.free:
                if widths[tensor] > tensor.limits[0] and self.error({**widths, tensor: widths[tensor] - 1}) <= self.share:
                    widths[tensor] -= 1
                    done = False

    def result(self, widths: Widths, everything: NDArray[np.int64]) -> Found:
        """What was found, measured on all frames."""
        bits = widths.get(Tensor(None, "codes"))
        precision, own = self.precisions(widths)
        calibration = replace(self.calibration(bits), precision=precision, own=own)
        every = {t: widths.get(t, getattr(precision, t.part)) for t in self.tensors}
        found = self.error(widths, everything)
        if found > self.share:
            raise self.beyond(found)
        return Found(calibration, found, every, frozenset(self.free))


@dataclass(frozen=True)
class _Cost:
    """bits: the fewest; most: of them; square: what the fewest add to the error's square, a quarter of it with each bit more."""

    bits: int
    most: int
    square: float

    def of(self, bits: int) -> float:
        """What so many add."""
        return self.square / 4.0 ** (bits - self.bits)
