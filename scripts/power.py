"""A pipeline's power as plain values: estimated from what a simulation counts, or read from what `sigmabit power` wrote."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.power import LEAST, MOST, Power, power
from sigmabit.golden import Network
from sigmabit.hdl.plan import Plan
from sigmabit.verif.activity import Activity, switching
from sigmabit.verif.pipelines import Noise

from .area import Areas, parts_of, planned
from .reread import Entries, number, reread
from .terminal import Report

WATTS = ("clock_w", "logic_w", "memory_w", "watts")
"""What an estimate consists of; the last is the sum."""


def measured(
    network: Network, plan: Plan, codes: NDArray[np.int64], noise: Noise, areas: Areas | None, report: Report
) -> dict[str, Any]:
    """Simulate frames of codes, count toggles, and estimate power; without areas from Yosys, with the planned ones."""
    with tempfile.TemporaryDirectory() as folder:
        activity, _ = switching(network, plan, codes, Path(folder) / "core.saif", noise, progress=report)
    return estimate(activity, plan, areas)


def estimate(activity: Activity, plan: Plan, areas: Areas | None) -> dict[str, Any]:
    """Dynamic power, part by part, at the plan's clock. areas: by Yosys; None for the planned ones."""
    layers: list[dict[str, Any]] = []
    total = Power(0.0, 0.0, 0.0)
    for name, part in parts_of(plan).items():
        area = dict(areas[name]) if areas else planned(part.cost)
        does = activity.parts[name]
        found = power(area, does.rate, plan.clock_mhz)
        total += found
        layers.append({"name": name, "registers": does.registers, "rate": does.rate, **_watts(found)})
    return {
        "network": plan.network,
        "part": plan.part,
        "clock_mhz": plan.clock_mhz,
        "interval_cycles": plan.interval,
        "synthesised": areas is not None,
        "cycles": activity.cycles,
        **_watts(total),
        "least_watts": LEAST * total.total,
        "most_watts": MOST * total.total,
        "layers": layers,
    }


def _watts(of: Power) -> dict[str, float]:
    return dict(zip(WATTS, (of.clock, of.logic, of.memory, of.total), strict=True))


def read_power(path: Path, plan: Plan) -> dict[str, Any]:
    """What `sigmabit power --report` wrote. Raises InputError where it is none, or was made for another plan."""

    def check(data: dict[str, Any], entries: Entries) -> dict[str, Any]:
        for key in ("cycles", *WATTS, "least_watts", "most_watts"):
            number(data, key, "the pipeline")
        for name, entry in entries.items():
            for key in ("registers", "rate", *WATTS):
                number(entry, key, name)
        return {**data, "synthesised": bool(data.get("synthesised"))}

    return reread(path, "power", plan, list(parts_of(plan)), ["network", "part", "clock_mhz", "interval_cycles"], check)
