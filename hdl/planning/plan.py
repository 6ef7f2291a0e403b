"""The folding plan of a network: how much of each layer is computed per cycle, and what follows from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from sigmabit.golden import Network, SigmabitError
from sigmabit.golden.front.untrusted import MAX_JSON_BYTES, content, ordinary, parse_json
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.types.layout import Layout

from ..family import Cost, Family, Part
from ..family.parts import PartError, family_of, part
from ..layers.folding import Folding, Unsuitable
from ..layers.kind import Arrivals, Kind, Soonest
from ..layers.layer import LayerConfig
from ..layers.timing import Times
from ..noise.epsilon import EpsilonConfig
from ..noise.sampler import SamplerConfig
from ..pipeline import egress
from ..pipeline.ingress import IngressConfig
from ..pipeline.top import PipelineConfig
from ..verilog.keywords import identifier
from . import schedule
from .kinds import kind_of, kinds_of

SCHEMA, SIDE_BY_SIDE = 1, 2
"""Versions of plan.json: where positions lie side by side or a folding is unusual, of which earlier programs know nothing, the
second."""

SIZES = "lut", "ff", "bram36", "dsp"
"""Entries of a plan.json that estimate what a plan or a layer costs."""

ENTRIES = (
    *("schema", "network", "output", "part", "clock_mhz", "input_scale", "samples", "positions", "interval_cycles"),
    *("latency_cycles", "fps", *SIZES, "layers"),
)
OF_LAYER = ("name", "folding", "positions", "shape", "interval_cycles", "latency_cycles", *SIZES)
OF_FOLDING = tuple(entry.name for entry in fields(Folding))
"""All entries that a plan.json has, a layer in it, and a layer's folding."""

MOST_SHOWN = 5
"""Entries that are unknown, of all that are."""

MAX_SAMPLES = 1 << 16
"""Most samples of a frame."""

MAX_TRANSFERS = 1 << 21
"""Most transfers of a frame, all its samples together, between two layers: their times take some 2 GB."""

MAX_INTERVAL = 1 << 31
"""Longest interval, in cycles, that a plan may have."""

FAR = 1 << 38
"""Cycles after which all is done that a beat gave cause for. Beats of a frame that are so far apart have times of 64 bits."""


class PlanError(SigmabitError):
    """A plan that does not fit its network, or a target that cannot be met."""


@dataclass(frozen=True)
class LayerPlan:
    """One layer of the network: its folding (None where nothing is folded) and its blocks.

    cycles: for which one frame keeps it busy, all its samples included. passes: for each of the first two frames, the cycles of
    the layer's first and last result, counted from the first transfer of all. times: how often it works for one frame. kind:
    what answers for it.
    """

    kind: Kind[Any]
    folding: Folding | None
    cycles: int
    passes: tuple[tuple[int, int], ...]
    config: LayerConfig
    times: int

    @property
    def layer(self) -> Layer:
        """The golden layer."""
        layer: Layer = self.kind.layer
        return layer

    @property
    def name(self) -> str:
        """The layer's."""
        return self.layer.name

    @property
    def layout(self) -> Layout:
        """How each result lies on the stream."""
        return self.kind.source

    @property
    def operations(self) -> int:
        """Multiply-accumulates for one frame."""
        return self.times * self.layer.operations

    @property
    def done(self) -> int:
        """Cycles from a frame's first transfer to the layer's last result."""
        return self.passes[0][1]

    def to_json(self, family: Family) -> dict[str, Any]:
        """Plain values for plan.json; its size at a family's prices."""
        folding = None if self.folding is None else _written(self.folding)
        return {
            "name": self.name,
            "folding": folding,
            **({"positions": self.kind.places} if self.kind.places > 1 else {}),
            "shape": list(self.layer.output.shape),
            "interval_cycles": self.cycles,
            "latency_cycles": self.done,
            **_rounded(self.config.bill(family)),
        }


@dataclass(frozen=True)
class Plan:
    """A network's pipeline: one frame every `interval` cycles, its last result `latency` cycles after its first transfer.

    positions: of a row that lie side by side at the entrance. samples: results of a frame, for networks that draw samples.
    """

    network: Network
    part: str
    clock_mhz: float
    interval: int
    latency: int
    layers: tuple[LayerPlan, ...]
    pipeline: PipelineConfig
    samples: int = 1
    positions: int = 1

    def __repr__(self) -> str:
        cycles = f"interval {self.interval:,}, latency {self.latency:,} cycles"
        return f"<Plan {self.network.name} on {self.part}: {cycles}, about {self.cost.lut:,.0f} LUT>"

    @property
    def slowest(self) -> tuple[str, int]:
        """The layer that holds a frame's last result up for longest, and for how many cycles."""
        done = np.maximum.accumulate([0, *(layer.done for layer in self.layers)])
        number = int(np.argmax(np.diff(done)))
        return self.layers[number].name, int(np.diff(done)[number])

    @property
    def source(self) -> Layout:
        """How a frame lies on the stream inside the pipeline."""
        return self.network.input.tensor.layout.side_by_side(self.positions)

    @property
    def latents(self) -> int:
        """Samples of the standard normal for each result; 0 for networks that draw none."""
        return 0 if self.network.latent is None else self.network.latent.latents

    @property
    def input_scale(self) -> float | None:
        """What a pixel's step was taken to be; None where the file itself fixes it."""
        form = self.network.input
        return float(form.grid.scale) if form.quantiser is None else None

    @property
    def fps(self) -> float:
        """Frames per second at the assumed clock."""
        return self.clock_mhz * 1e6 / self.interval

    @property
    def device(self) -> Part:
        """What the part holds."""
        return part(self.part)

    @property
    def family(self) -> Family:
        """That of the device."""
        return family_of(self.device)

    @property
    def cost(self) -> Cost:
        """Expected size of the whole pipeline."""
        ends = self.pipeline.ingress.bill(self.family) + self.pipeline.egress.bill(self.family)
        if self.pipeline.noise is not None:
            ends = ends + self.pipeline.noise.bill(self.family)
        return sum((layer.config.bill(self.family) for layer in self.layers), ends)

    @property
    def settling(self) -> int:
        """Frames after which results are certain to come one every `interval` cycles."""
        return 2 * len(self.layers) + 2

    @property
    def quiet(self) -> int:
        """Cycles without a transfer after which a simulation may be given up."""
        noise = self.pipeline.noise
        return 4 * (self.latency + self.interval) + 1000 + (0 if noise is None else noise.seeding_cycles)

    @property
    def _recent(self) -> bool:
        """Is there anything that programs of the first schema know nothing of?"""
        return self.positions > 1 or any(layer.kind.places > 1 or _beyond(layer.folding) for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Plain values for plan.json. The output (left out where the graph has no other), part, clock, input_scale, samples,
        positions, interval and the foldings are read back; the rest follows, and cycles must be those that follow.
        """
        return {
            "schema": SIDE_BY_SIDE if self._recent else SCHEMA,
            "network": self.network.name,
            **({"output": self.network.output.name} if self.network.omitted.outputs else {}),
            "part": self.part,
            "clock_mhz": self.clock_mhz,
            "input_scale": self.input_scale,
            "samples": self.samples,
            **({"positions": self.positions} if self.positions > 1 else {}),
            "interval_cycles": self.interval,
            "latency_cycles": self.latency,
            "fps": self.fps,
            **_rounded(self.cost),
            "layers": [layer.to_json(self.family) for layer in self.layers],
        }

    def variant(self, taps: bool = False, epsilon: bool = False) -> PipelineConfig:
        """The pipeline, with every layer's stream as a port if taps; with a port for samples instead of a sampler if epsilon."""
        noise = self.pipeline.noise
        if epsilon and noise is not None:
            noise = EpsilonConfig(noise.vector_bits, self.samples, self.pipeline.ingress.frames)
        return replace(self.pipeline, taps=taps, noise=noise)


def ends_early(network: Network, sampling: Latent) -> bool:
    """Can the sampling layer's input be complete before the frame is?

    It can where windows leave out the last rows or columns: then what a frame's means are computed from comes before its end.
    """
    position = 0
    for layer in reversed(network.layers[: network.layers.index(sampling)]):
        position = kind_of(layer).needs(position)
    return position + 1 < network.input.tensor.layout.beats


def repetitions(network: Network, samples: int) -> dict[str, int]:
    """How often each layer works for one frame: those behind the sampling layer, and itself, once for each sample."""
    names = [layer.name for layer in network.every]
    sampling = len(names) if network.latent is None else names.index(network.latent.name)
    return {name: samples if number >= sampling else 1 for number, name in enumerate(names)}


def make_plan(
    network: Network,
    foldings: Mapping[str, Folding],
    part: str,
    clock_mhz: float,
    interval: int | None = None,
    samples: int = 1,
    contents: bool = True,
    positions: int = 1,
    wide: Mapping[str, int] | None = None,
) -> Plan:
    """The plan that follows from the layers' foldings; interval is the least possible, or a slower one if given.

    positions: of a row that come side by side at the entrance. wide: that leave a layer side by side, by its name, where it is to
    be more than one and is a choice. contents: False leaves the tables of weights empty, for estimates: everything but the
    Verilog is the same, and found sooner. Raises PlanError where a folding or a choice does not fit its layer, or the interval is
    too short for it.
    """
    check_samples(network, samples)
    _check_transfers(network, samples)
    check_positions(network, positions)
    beats = network.input.tensor.layout.side_by_side(positions).beats
    try:
        kinds = kinds_of(network, positions, wide)
        chosen = {name: kind.folding(foldings.get(name)) for name, kind in kinds.items()}
    except Unsuitable as error:
        raise PlanError(str(error)) from None
    times = repetitions(network, samples)
    busy = [(times[name] * kind.cycles(chosen[name]), name) for name, kind in kinds.items()]
    busiest = max([*busy, (beats, "input")])
    if interval is None:
        interval = busiest[0]
    if interval < busiest[0]:
        raise PlanError(f"an interval of {interval} cycles: {busiest[1]} alone needs {busiest[0]}")
    return _Timing(network, kinds, chosen, part, clock_mhz, interval, samples, contents, positions).plan()


def check_positions(network: Network, positions: int) -> None:
    """PlanError where an image has no such part of a row, nor so many whole rows."""
    height, width, _ = network.input.tensor.shape
    if not 1 <= positions <= height * width or (positions > width and positions % width):
        rows = f", or whole rows, at the most {height}" if height > 1 else ""
        raise PlanError(f"{positions} positions side by side, expected 1 to {width}, a row of {network.name}'s input{rows}")


def check_samples(network: Network, samples: int) -> None:
    """PlanError where the network cannot give so many samples of a frame."""
    if not 1 <= samples <= MAX_SAMPLES:
        raise PlanError(f"{samples} samples of a frame, expected 1 to {MAX_SAMPLES}")
    if samples > 1 and network.latent is None:
        raise PlanError(f"{samples} samples of a frame: {network.name} draws none")


def _check_transfers(network: Network, samples: int) -> None:
    """PlanError where the times of a frame's transfers would not fit into memory."""
    times = repetitions(network, samples)
    each, widest = max((layer.output.layout.beats, layer.name) for layer in network.every if times[layer.name] == samples)
    if samples > 1 and each * samples > MAX_TRANSFERS:
        raise PlanError(
            f"{samples} samples of a frame: {widest} makes {each} transfers of each, and at most {MAX_TRANSFERS // each} samples "
            f"can be planned"
        )


def read_plan(path: Path, network: Network) -> Plan:
    """The plan of a plan.json for this network. Raises PlanError where the file is none, or is for another network."""
    data = _json(path)
    try:
        return _from_json(data, network)
    except (PlanError, PartError) as error:
        raise PlanError(f"{path}: {error}") from None


def planned_scale(path: Path) -> float | None:
    """The step of pixels that a plan.json was made for; None where it says nothing of the kind, or cannot be read."""
    try:
        scale = _entry(_json(path), "input_scale", (int, float))
    except PlanError:
        return None  # read_plan says what is wrong with it
    return float(scale) if scale > 0 and ordinary(scale) else None


def _json(path: Path) -> Any:
    text = content(path, MAX_JSON_BYTES, PlanError)
    try:
        return parse_json(text)
    except ValueError as error:
        raise PlanError(f"{path}: not a plan: {error}") from None


def _from_json(data: Any, network: Network) -> Plan:
    """The inverse of Plan.to_json, trusting nothing."""
    schema = _entry(data, "schema", int)
    if schema not in (SCHEMA, SIDE_BY_SIDE):
        raise PlanError(f"a plan of schema {schema}, this version reads {SCHEMA} and {SIDE_BY_SIDE}")
    part_name, clock_mhz = _entry(data, "part", str), _entry(data, "clock_mhz", (int, float))
    interval, layers = _entry(data, "interval_cycles", int), _entry(data, "layers", list)
    if not (clock_mhz > 0 and ordinary(clock_mhz)):
        raise PlanError("a clock_mhz that is not from 1e-30 to 1e30")
    if not 1 <= interval <= MAX_INTERVAL:
        raise PlanError(f"an interval of {interval} cycles, expected 1 to {MAX_INTERVAL}")
    part(part_name)
    _check_known(data, ENTRIES)
    output, here = _entry({"output": None, **data}, "output", (str, NoneType)), network.output.name
    if output is not None and output != here:
        raise PlanError(
            f"it was made for the output {output[:60]}, here {here} is taken: make one for that, or give --output-name"
        )
    names = [_entry(layer, "name", str) for layer in layers]
    expected = [layer.name for layer in network.every]
    if names != expected:
        raise PlanError(f"a plan for layers {', '.join(names)}; the model has {', '.join(expected)}")
    for entry, layer in zip(layers, network.every, strict=True):
        _check_known(entry, OF_LAYER, f"{layer.name}: a layer of a plan")
        shape = list(layer.output.shape)
        if (other := entry.get("shape", shape)) != shape:  # earlier programs wrote none
            raise PlanError(f"a plan for another network: there {layer.name} gives {json.dumps(other)[:40]}, here {shape}")
    foldings = {}
    wide = {name: _entry(layer, "positions", int) for name, layer in zip(names, layers, strict=True) if "positions" in layer}
    for name, layer in zip(names, layers, strict=True):
        entry = _entry(layer, "folding", (dict, NoneType))
        if entry is not None:
            _check_known(entry, OF_FOLDING, f"{name}: a folding")
            group, slices, lanes = (_entry(entry, key, int) for key in ("group", "slices", "lanes"))
            kinds: dict[str, type | tuple[type, ...]] = {"block": bool, "products": str, "eager": (bool, int)}
            block, products, eager = (_entry({**LATER, **entry}, key, kind) for key, kind in kinds.items())
            try:
                foldings[name] = Folding(group, slices, lanes, block, products, eager)
            except ValueError as error:
                raise PlanError(f"{name}: {error}") from None
    samples, positions = (_entry({key: 1, **data}, key, int) for key in ("samples", "positions"))
    plan = make_plan(network, foldings, part_name, float(clock_mhz), interval, samples, positions=positions, wide=wide)
    scale = _entry({"input_scale": None, **data}, "input_scale", (int, float, NoneType))
    if scale is not None and not (scale > 0 and ordinary(scale)):
        raise PlanError(f"an input_scale of {scale:g}, expected 1e-30 to 1e30")
    if scale is not None and plan.input_scale is not None and not math.isclose(scale, plan.input_scale, rel_tol=1e-6):
        step = f"{plan.input_scale:.9g}"
        raise PlanError(
            f"it was made for pixels in steps of {scale:.9g}, here they are in steps of {step}: make the plan, too, with "
            f"--input-scale {step}"
        )
    _check_follows(data, plan)
    return plan


def _check_known(entry: Mapping[str, Any], known: Sequence[str], where: str = "a plan") -> None:
    """PlanError where an object of a plan.json has an entry that none has."""
    unknown = [json.dumps(key)[:40] for key in entry if key not in known]
    if unknown:
        raise PlanError(f"{where} has no entry {', '.join(unknown[:MOST_SHOWN])}; it may have {', '.join(known)}")


def _check_follows(data: Mapping[str, Any], plan: Plan) -> None:
    """PlanError where cycles in a plan.json are not those of its foldings. Sizes are estimates, which other versions may have
    made otherwise.
    """
    follows: list[tuple[str, Mapping[str, Any], str, int]] = []
    for entry, layer in zip(data["layers"], plan.layers, strict=True):
        if layer.folding is None and entry["folding"] is not None:
            raise PlanError(f"{layer.name}: a folding of what cannot be folded; it is null there")
        follows.append((f"{layer.name}: ", entry, "interval_cycles", layer.cycles))
        follows.append((f"{layer.name}: ", entry, "latency_cycles", layer.done))
    follows.append(("", data, "latency_cycles", plan.latency))
    for where, entry, key, planned in follows:
        said = _entry({key: planned, **entry}, key, int)
        if said != planned:
            raise PlanError(f"{where}{key} is {said}, but what is planned takes {planned}; leave it out, or make the plan again")
    fps = _entry({"fps": plan.fps, **data}, "fps", (int, float))
    if not math.isclose(fps, plan.fps, rel_tol=1e-6):
        raise PlanError(f"fps is {fps:g}, but {plan.interval} cycles at {plan.clock_mhz:g} MHz give {plan.fps:g}; leave it out")


LATER: dict[str, Any] = {"products": "single", "eager": False}
"""What foldings have that earlier programs know nothing of, and the usual values, which are left out of a plan.json."""


def _beyond(folding: Folding | None) -> bool:
    """Is there anything unusual in a folding?"""
    return folding is not None and any(getattr(folding, key) != usual for key, usual in LATER.items())


def _written(folding: Folding) -> dict[str, Any]:
    """A folding's plain values."""
    return {key: value for key, value in asdict(folding).items() if key not in LATER or value != LATER[key]}


def _entry(data: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    """data[key] of a JSON object. Raises PlanError where it is missing or of another kind; true is no number."""
    if not isinstance(data, dict) or key not in data:
        raise PlanError(f"not a plan: {key} is missing")
    value = data[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise PlanError(f"not a plan: {key} is {json.dumps(value)[:40]}")
    return value


def _rounded(cost: Cost) -> dict[str, float]:
    return {"lut": round(cost.lut), "ff": round(cost.ff), "bram36": cost.bram36, "dsp": round(cost.dsp)}


class _Timing:
    """Follows frames at full speed through the layers, sizing each buffer on the way."""

    def __init__(
        self,
        network: Network,
        kinds: Mapping[str, Kind[Any]],
        foldings: Mapping[str, Folding | None],
        part: str,
        clock_mhz: float,
        interval: int,
        samples: int,
        contents: bool,
        positions: int,
    ) -> None:
        self.kinds, self.source = kinds, network.input.tensor.layout.side_by_side(positions)
        self.network, self.foldings, self.part, self.clock_mhz, self.interval = network, foldings, part, clock_mhz, interval
        self.samples, self.contents = samples, contents
        self.repetitions = repetitions(network, samples)
        self.beats = self.source.beats
        self.pace = interval // self.beats
        # each layer settles into its period within two frames of the one before
        self.frames = 2 * len(network.every) + 8
        self.planned: dict[str, LayerPlan] = {}
        self.takes: list[tuple[int, ...]] = []

    def plan(self) -> Plan:
        network = self.network
        entered = schedule.entries(self.frames, self.beats, self.pace, self.interval)
        flow = entered + 1
        status = flow[:, -1]
        sampling = network.latent
        early = sampling is not None and ends_early(network, sampling)
        chain = [self.kinds[layer.name] for layer in network.layers]
        _, flow = self._follow(chain, 0, Arrivals(flow, status, self.interval, self.samples, early))
        layers = tuple(self.planned.values())
        left = schedule.exits(flow.reshape(self.frames, -1), status)
        spans = left[:, -1] - entered[:, 0]
        if spans[-1] != spans[-2]:
            raise PlanError(f"the pipeline does not settle at an interval of {self.interval} cycles")
        # a frame's place is free again two cycles after its last result is taken, itself a cycle before the transfer
        inside = int(np.max(left[:, -1] + 2 - entered[:, 0])) // self.interval + 1
        source = self.source
        noise = None if network.latent is None else SamplerConfig(network.latent.latents)
        gated = noise is not None
        pipeline = PipelineConfig(
            identifier(network.name),
            IngressConfig(self.beats, source.positions * source.channels, source.bits, self.pace, self.interval, inside, gated),
            tuple(layer.config for layer in layers),
            tuple(layer.layout.beat_bits for layer in layers),
            egress.configure(layers[-1].layout, inside, self.samples),
            noise=noise,
            takes=tuple(self.takes) if any(layer.kind.branches for layer in layers) else (),
        )
        return Plan(
            network=network,
            part=self.part,
            clock_mhz=self.clock_mhz,
            interval=self.interval,
            latency=int(spans[0]),
            layers=layers,
            pipeline=pipeline,
            samples=self.samples,
            positions=self.source.positions,
        )

    def _follow(self, chain: Sequence[Kind[Any]], number: int, arrivals: Arrivals) -> tuple[int, Times]:
        """Plans the layers of a chain, those of ways inside it first. number: of what it takes.

        Returns the number of its last layer, and the times of that one's results.
        """
        flow = arrivals.beats
        for kind in chain:
            here = replace(arrivals, beats=flow)
            ends = [self._follow(branch, number, here) for branch in kind.branches]
            soonest = tuple(self._soonest(branch, flow.shape[1]) for branch in kind.branches)
            here = replace(here, ways=tuple(times for _, times in ends), soonest=soonest)
            folding, times = self.foldings[kind.layer.name], self.repetitions[kind.layer.name]
            config = self._sized(kind, here, folding)
            self.takes.append(tuple(end for end, _ in ends) or (number,))
            flow = kind.results(here, folding, config)
            first, second = flow.reshape(self.frames, -1)[:2, [0, -1]].tolist()
            passes = (first[0], first[1]), (second[0], second[1])
            self.planned[kind.layer.name] = LayerPlan(kind, folding, times * kind.cycles(folding), passes, config, times)
            number = len(self.planned)
        return number, flow

    def _soonest(self, branch: Sequence[Kind[Any]], beats: int) -> Soonest:
        """From when on the results of a way can come: of beats so far apart that each finds all work done."""
        return Soonest(*np.divmod(self._alone(branch, FAR * np.arange(beats)[None])[0], FAR))

    def _alone(self, branch: Sequence[Kind[Any]], beats: Times) -> Times:
        """When the results of a way come that is planned, for other beats at the fork."""
        for kind in branch:
            ways = tuple(self._alone(inner, beats) for inner in kind.branches)
            planned = self.planned[kind.layer.name]
            beats = kind.results(Arrivals(beats, beats[:, -1], FAR, ways=ways), planned.folding, planned.config)
        return beats

    def _sized(self, kind: Kind[Any], arrivals: Arrivals, folding: Folding | None) -> LayerConfig:
        """A layer's block."""
        try:
            return kind.sized(arrivals, folding, self.contents)
        except Unsuitable as error:
            raise PlanError(str(error)) from None
