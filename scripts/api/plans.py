"""From networks to plans, and to Verilog."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from sigmabit.golden import InputError, Network
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design
from sigmabit.hdl.verilog.convert import convert as _convert

from ..interface.choices import Planning
from ..interface.loading import make_plan, sweep_of


def plan(
    network: Network,
    *,
    file: Path | None = None,
    part: str | None = None,
    interval: int | None = None,
    fps: float | None = None,
    latency: int | None = None,
    fastest: Literal["interval", "latency"] | None = None,
    positions: int | None = None,
    multipliers: int | None = None,
    block_ram: float | None = None,
    clock_mhz: float | None = None,
    samples: int | None = None,
) -> Plan:
    """How much of each layer is computed per cycle: the smallest pipeline that meets a target, or else the fastest that the part
    has room for.

    Args:
        network: what is planned.
        file: a plan.json to take, as Plan.to_json gives it; then no target may be asked for.
        part: the device; xc7vx690t without it.
        interval: most cycles from one frame to the next.
        fps: least frames per second at the clock, instead of an interval.
        latency: most cycles from a frame's first transfer to its last result.
        fastest: which of the two is to be the shortest there is room for.
        positions: of a row that lie side by side in a beat; 0 for as many as serve best; 1 without it, or 0 with a latency or
            with fastest.
        multipliers: of the part's that may be used at the most; all without it.
        block_ram: likewise, of 36 Kb.
        clock_mhz: the clock that is assumed; without it the family's usual one.
        samples: results of each frame, for a network that draws samples.

    Raises:
        InputError: a clock or a rate that is no number above 0, or fewer multipliers or block RAM than none.
        PlanError: no plan meets the target on this part, by which layer and by how much; or the file's is for another network.
    """
    for name, value in (("fps", fps), ("clock_mhz", clock_mhz)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{name}={value}, expected a number above 0")
    for name, most in (("multipliers", multipliers), ("block_ram", block_ram)):
        if most is not None and not most >= 0:
            raise InputError(f"{name}={most}, expected a number from 0 on")
    if fastest not in (None, "interval", "latency"):
        raise InputError(f"fastest={fastest!r}, expected 'interval' or 'latency'")
    source = Path(file) if file is not None else None
    aim = Planning(source, part, interval, fps, latency, fastest, positions, multipliers, block_ram, clock_mhz)
    return make_plan(network, aim, samples)


def sweep(
    network: Network,
    *,
    part: str | None = None,
    clock_mhz: float | None = None,
    positions: int | None = None,
    samples: int | None = None,
    latencies: bool = False,
) -> dict[str, Any]:
    """The front of interval against area, as plain values: `points`, a plan each, the fastest first.

    Args:
        network: what is planned.
        part: the device; xc7vx690t without it.
        clock_mhz: the clock that is assumed.
        positions: of a row side by side; 1 without it.
        samples: results of each frame.
        latencies: with `latency_points`, the front of latency against area, the plan of the least latency first.

    Raises:
        PlanError: nothing fits the part.
    """
    return sweep_of(network, Planning(part=part, clock_mhz=clock_mhz, positions=positions), samples, latencies)


def convert(plan: Plan, *, progress: Callable[[str], None] = lambda name: None) -> Design:
    """A plan's pipeline as Verilog: one module for each distinct configuration, leaves first; Design.write writes them.

    Args:
        plan: what is converted.
        progress: is told the name of each module as it is done.

    Raises:
        ConversionError: a block is not what Verilog can say; the message names it.
    """
    return _convert(Pipeline(plan.pipeline).outline(), progress)
