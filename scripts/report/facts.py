"""What a report says of a plan, as plain values: its layers, its speed, its area, and how the planned is measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.linear import Linear
from sigmabit.golden.layers.ways import Ways
from sigmabit.golden.types.range import Range
from sigmabit.hdl.family.parts import part as device
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.weighted import Weighted
from sigmabit.hdl.planning.plan import LayerPlan, Plan

from ..interface.loading import point_of
from ..measures.area import HELD, WORST, Areas, parts_of, planned
from .published import OTHERS, PAPER, PAPER_CLOCK_MHZ, Figure, Published, is_paper_network

MOST_CLASSES = 20
"""Of a table of decisions."""

FIGURES = ("clock_mhz", "cycles", "fps", "tops", "lut", "lut_per_mac", "watts", "latency_us", "accuracy")
"""What designs are compared by."""


def _watts(power: Mapping[str, Any], clock_mhz: float) -> dict[str, Any]:
    """Estimated watts at a clock, to which dynamic power is proportional, with what a reader must know of them."""
    watts, least, most = (power[key] * clock_mhz / power["clock_mhz"] for key in ("watts", "least_watts", "most_watts"))
    return _own(watts, f"dynamic power alone, estimated; {least:.2g} to {most:.2g}")


def layers(plan: Plan, areas: Areas | None) -> list[dict[str, Any]]:
    """Each part of the pipeline, in order; what has no cycles of its own, its ends and its sampler, has None there."""
    planned_of = {layer.name: layer for layer in plan.layers}
    rows = []
    for name, part in parts_of(plan).items():
        row: dict[str, Any] = {"name": name, "kind": _END.get(name, ""), "planned": planned(part.bill(plan.family))}
        row |= dict.fromkeys(OF_LAYERS)
        if name in planned_of:
            row |= _of_layer(planned_of[name], plan.interval)
        row["measured"] = dict(areas[name]) if areas else None
        row["errors"] = errors(row["planned"], row["measured"]) if areas else None
        rows.append(row)
    return rows


OF_LAYERS = ("input", "output", "codes", "folding", "weights", "cycles", "busy", "operations", "operations_per_cycle")
"""What is said of layers alone."""

_END = {"ingress": "entrance", "egress": "exit", "sampler": "Gaussian sampler"}


def _of_layer(of: LayerPlan, interval: int) -> dict[str, Any]:
    layer, folding, where, shape = of.layer, of.folding, None, None
    if isinstance(of.kind, Weighted) and folding is not None:
        shape = _folding(of.kind, folding)
        where = "wires" if of.kind.folds(folding) == 1 else "block RAM" if folding.block else "logic"
    return {
        "kind": _kind(layer),
        "input": _shape(layer.input.layout.shape),
        "output": _shape(layer.output.shape),
        "codes": _codes(layer.output.codes),
        "folding": shape,
        "weights": where,
        "cycles": of.cycles,
        "busy": of.cycles / interval,
        "operations": of.operations,
        "operations_per_cycle": of.operations / of.cycles,
    }


def _kind(layer: Layer) -> str:
    if isinstance(layer, Linear):
        return "dense" if layer.dense else "convolution"
    return {"latent": "sampling", "shuffle": "depth to space"}.get(type(layer).__name__.lower(), type(layer).__name__.lower())


def _folding(kind: Weighted, folding: Folding) -> str:
    counts = ((kind.at_a_time(folding), "input"), (folding.lanes, "output"), (kind.folds(folding), "fold"))
    inputs, outputs, folds = (f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return f"{inputs} \N{MULTIPLICATION SIGN} {outputs}, {folds}"


def _codes(codes: Range) -> str:
    bits = "1 bit" if codes.bits == 1 else f"{codes.bits} bits"
    return f"{bits}, signed" if codes.signed else bits


def _shape(shape: tuple[int, ...]) -> str:
    return "\N{MULTIPLICATION SIGN}".join(map(str, shape))


def graph(network: Network, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The way of a frame, from the entrance to the exit: of each part its place among the rows. Where two ways join, `ways` holds
    those of each, in front of the layer that joins them.
    """
    places = {row["name"]: place for place, row in enumerate(rows)}

    def chain(layers: Sequence[Layer]) -> list[dict[str, Any]]:
        return [
            {"part": places[layer.name], "ways": [chain(way) for way in layer.ways] if isinstance(layer, Ways) else []}
            for layer in layers
        ]

    first, last = ({"part": places[name], "ways": []} for name in ("ingress", "egress"))
    return [first, *chain(network.layers), last]


def points(plans: Iterable[Plan], command: Sequence[str]) -> list[dict[str, Any]]:
    """The plans of a sweep, each with its layers' foldings and the command that makes it. command: all but the interval."""
    found = []
    for plan in plans:
        layers = {layer.name: _of_layer(layer, plan.interval) for layer in plan.layers}
        shown = {name: of["folding"] for name, of in layers.items() if of["folding"]}
        words = shlex.join([*command, "--interval", str(plan.interval)])
        found.append(point_of(plan) | {"layers": shown, "command": words})
    return found


def confusion(truth: NDArray[np.int64], decided: NDArray[np.int64], classes: int) -> list[list[int]] | None:
    """Frames by their class (row) and by what was decided (column); None for more classes than a table shows."""
    if classes > MOST_CLASSES:
        return None
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, decided), 1)
    return counts.tolist()


def errors(expected: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float | None]:
    """How far the planned is off, as a share of the measured, 0.05 for 5 % too much; None where it cannot be said."""

    def error(key: str) -> float | None:
        if found[key]:
            return (expected[key] - found[key]) / found[key]
        return None if expected[key] else 0.0

    return {key: error(key) for key in HELD}


def totals(rows: list[dict[str, Any]], plan: Plan, measured: bool) -> dict[str, Any]:
    """The whole pipeline's area: planned, by Yosys if it was asked, and as shares of the part."""
    expected = {key: sum(row["planned"][key] for row in rows) for key in HELD}
    found = {key: sum(row["measured"][key] for row in rows) for key in HELD} if measured else None
    part = device(plan.part)
    known = found or expected
    return {
        "planned": expected,
        "measured": found,
        "errors": errors(expected, found) if found else None,
        "worst": {key: max(row["measured"][key] for row in rows) for key in WORST} if measured else None,
        "part": {key: getattr(part, key) for key in HELD},
        "share": {key: known[key] / getattr(part, key) for key in HELD},
    }


def rates(plan: Plan, interval: float, latency: int) -> list[dict[str, float]]:
    """Frames per second and what follows, at the plan's assumed clock, and for the network of Li et al. at theirs."""
    clocks = (plan.clock_mhz, *((PAPER_CLOCK_MHZ,) if is_paper_network(plan.network) else ()))
    operations = sum(layer.operations for layer in plan.layers)
    return [
        {
            "clock_mhz": clock,
            "fps": clock * 1e6 / interval,
            "latency_us": latency / clock,
            "tops": 2 * operations * clock * 1e6 / interval / 1e12,
        }
        for clock in dict.fromkeys(clocks)
    ]


def comparison(
    plan: Plan,
    interval: float,
    latency: int,
    area: Mapping[str, Any],
    power: Mapping[str, Any] | None,
    accuracy: float | None,
) -> dict[str, Any] | None:
    """This pipeline beside published ones of the same network, that of Li et al.; None for any other.

    interval, latency, accuracy: this pipeline's, as measured; area: its totals; power: its estimate.
    """
    network = plan.network
    if not is_paper_network(network):
        return None
    peers: Sequence[Published] = (PAPER, *OTHERS)
    keys: Sequence[str] = FIGURES
    clocks = rates(plan, interval, latency)
    measured = area["measured"]
    lut = (measured or area["planned"])["lut"]
    per_mac = lut / (network.operations / interval)
    rows: list[dict[str, Any]] = []
    for rate in clocks:
        figures = {
            "clock_mhz": _own(rate["clock_mhz"], "assumed"),
            "cycles": _own(interval),
            "fps": _own(rate["fps"]),
            "tops": _own(rate["tops"]),
            "lut": _own(lut, "" if measured else "planned, not synthesised"),
            "lut_per_mac": _own(per_mac),
            "watts": None if power is None else _watts(power, rate["clock_mhz"]),
            "latency_us": _own(rate["latency_us"]),
            "accuracy": None if accuracy is None else _own(accuracy, "on the frames of this report"),
        }
        chosen = {key: figures[key] for key in keys}
        rows.append({"design": "Sigmabit", "network": network.name, "part": plan.part, "own": True, "figures": chosen})
    rows += [_published(peer, network, keys) for peer in peers]
    figures_with_source = [figure for row in rows for figure in row["figures"].values() if figure and figure["source"]]
    sources = dict.fromkeys((figure["source"], figure["url"]) for figure in figures_with_source)
    return {"figures": list(keys), "rows": rows, "sources": [{"text": text, "url": url} for text, url in sources]}


def _own(value: float, remark: str = "") -> dict[str, Any]:
    return {"value": value, "remark": remark, "source": "", "url": ""}


def _published(peer: Published, network: Network, keys: Sequence[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for key in keys:
        figure: Figure | None = getattr(peer, key)
        figures[key] = figure and {
            "value": figure.value,
            "remark": figure.remark,
            "source": figure.source.text,
            "url": figure.source.url,
        }
    name = "the same network" if peer.same and is_paper_network(network) else peer.network
    return {"design": peer.design, "network": name, "part": peer.part, "own": False, "figures": figures}
