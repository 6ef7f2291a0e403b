"""What `sigmabit route --report` found of a plan: the clocks that it may have, read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sigmabit.golden import InputError, SigmabitError
from sigmabit.hdl.family.parts import part as device
from sigmabit.hdl.planning.plan import Plan

from .report_files import number, reread_whole

KEYS = ["network", "interval_cycles", "latency_cycles", "part", "routed_mhz", "seeds", "path", "lut", "ff", "ram", "multipliers"]


def read_route(path: Path, plan: Plan) -> dict[str, Any]:
    """Clocks in MHz (least, median, best of so many seeds), frames per second and latency in us at the median, the slowest path,
    and cells. Raises InputError where the file is none, or was made for another plan or device.
    """

    def check(data: dict[str, Any]) -> dict[str, Any]:
        if data["latency_cycles"] != plan.latency:
            raise InputError(f"made for another plan: latency_cycles {str(data['latency_cycles'])[:60]}, here {plan.latency:,}")
        name = str(data["part"])[:60]
        try:
            same = device(name).name == device(plan.part).name
        except SigmabitError as error:
            raise InputError(str(error)) from None
        if not same:
            raise InputError(f"made for {name}, this plan is for {plan.part}")
        rates, way, seeds = data["routed_mhz"], data["path"], data["seeds"]
        if not (isinstance(rates, dict) and isinstance(way, dict) and isinstance(seeds, list) and seeds):
            raise InputError("routed_mhz, path or seeds are not what `sigmabit route --report` writes")
        mhz = {key: number(rates, key, "routed_mhz") for key in ("least", "median", "best")}
        if not mhz["median"]:
            raise InputError("routed_mhz has a median of 0")
        return {
            "part": name,
            "board": None if data.get("board") is None else str(data["board"])[:60],
            "mhz": mhz,
            "seeds": len(seeds),
            "fps": mhz["median"] * 1e6 / plan.interval,
            "latency_us": plan.latency / mhz["median"],
            "cells": {key: number(data, key, name) for key in ("lut", "ff", "ram", "multipliers")},
            "path": {key: str(way.get(key))[:200] for key in ("from", "to")}
            | {key: number(way, key, "path") for key in ("levels", "ns", "share_of_wires")},
        }

    return reread_whole(path, "route", plan, KEYS, check)
