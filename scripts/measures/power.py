"""A pipeline's power as plain values: estimated from what a simulation counts, or read from what `sigmabit power` wrote."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.series7.power import Power, power
from sigmabit.golden import InputError
from sigmabit.golden.network.identity import identity
from sigmabit.hdl.planning.plan import Plan
from sigmabit.verif.simulation import Noise
from sigmabit.verif.simulation.activity import Activity, Switching, switching

from ..interface.terminal import Report
from .area import HELD, Areas, parts_of, planned
from .report_files import Entries, number, reread

WATTS = ("clock_w", "logic_w", "memory_w", "watts")
"""What an estimate consists of; the last is the sum."""


def measured(plan: Plan, codes: NDArray[np.int64], noise: Noise, report: Report) -> Activity:
    """Simulate frames of codes, and count toggles."""
    with tempfile.TemporaryDirectory() as folder:
        return switching(plan, codes, Path(folder) / "core.saif", noise, progress=report)[0]


def estimate(activity: Activity, plan: Plan, areas: Areas | None) -> dict[str, Any]:
    """Dynamic power, part by part, at the plan's clock. areas: by Yosys; None for the planned ones."""
    layers: list[dict[str, Any]] = []
    total = Power(0.0, 0.0, 0.0)
    for name, part in parts_of(plan).items():
        area = {key: dict(areas[name])[key] for key in HELD} if areas else planned(part.bill(plan.family))
        does = activity.parts[name]
        found = power(area, does.rate, plan.clock_mhz)
        total += found
        layers.append({"name": name, **area, "registers": does.registers, "rate": does.rate, **_watts(found)})
    return {
        "network": plan.network.name,
        "pipeline": digest(plan),
        "part": plan.part,
        "clock_mhz": plan.clock_mhz,
        "interval_cycles": plan.interval,
        "synthesised": areas is not None,
        "cycles": activity.cycles,
        **_watts(total),
        "least_watts": total.least,
        "most_watts": total.most,
        "layers": layers,
    }


def _watts(of: Power) -> dict[str, float]:
    return dict(zip(WATTS, (of.clock, of.logic, of.memory, of.total), strict=True))


def digest(plan: Plan) -> str:
    """What tells a plan, and its network, from others."""
    return hashlib.sha256(identity(plan.network) + json.dumps(plan.to_json(), sort_keys=True).encode()).hexdigest()[:32]


def read_activity(path: Path, plan: Plan) -> Activity:
    """The activity that `sigmabit power --report` wrote. Raises InputError where it is none, or another network's or plan's."""

    def check(data: dict[str, Any], entries: Entries) -> Activity:
        if data["pipeline"] != digest(plan):
            raise InputError("made for another network or another plan")
        parts = {
            name: Switching(int(number(entry, "registers", name)), number(entry, "registers", name) * number(entry, "rate", name))
            for name, entry in entries.items()
        }
        return Activity(int(number(data, "cycles", "the pipeline")), parts)

    return reread(path, "power", plan, list(parts_of(plan)), ["network", "interval_cycles", "pipeline"], check)
