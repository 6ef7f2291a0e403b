"""What Yosys makes of each part of a pipeline, measured here or read from what `sigmabit synth --report` wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.fpga.synthesis import areas as by_module
from sigmabit.golden import InputError, SigmabitError
from sigmabit.hdl.convert import convert
from sigmabit.hdl.cost import Cost
from sigmabit.hdl.plan import Plan
from sigmabit.hdl.popcount import PopcountConfig
from sigmabit.hdl.top import Pipeline

from .terminal import Report

HELD = ("lut", "ff", "bram36", "dsp")
"""What a device holds, and a plan expects."""

RESOURCES = (*HELD, "carry4")
"""What an area consists of."""

WORST = ("levels", "fan_out")
"""What is as bad as in the worst part: logic levels between registers, and loads of a net that is no clock."""

PLANNED = ("lut", "bram36", "dsp")
"""What synth's report has of the plan, under planned_*."""


Areas = Mapping[str, Mapping[str, float]]
"""Measured areas by part of a pipeline: RESOURCES and WORST."""


class Part(Protocol):
    """The configuration of a part of a pipeline."""

    @property
    def module(self) -> str:
        """Its Verilog module."""
        ...

    @property
    def cost(self) -> Cost:
        """Its expected size."""
        ...


def parts_of(plan: Plan) -> dict[str, Part]:
    """What a pipeline consists of, by name: the entrance, its layers, the exit, and what gives samples."""
    pipeline = plan.pipeline
    parts: dict[str, Part] = {"ingress": pipeline.ingress}
    parts |= {layer.name: layer.config for layer in plan.layers}
    parts["egress"] = pipeline.egress
    if pipeline.noise is not None:
        parts["sampler"] = pipeline.noise
    return parts


def planned(cost: Cost) -> dict[str, float]:
    """An expected size as plain values."""
    return {"lut": round(cost.lut), "ff": round(cost.ff), "bram36": cost.bram36, "dsp": round(cost.dsp)}


def synthesised(plan: Plan, work: Path, report: Report) -> Areas:
    """The area of each part by Yosys for xc7. work: a folder for sources, scripts and logs."""
    modules = {name: part.module for name, part in parts_of(plan).items()}
    report("converting", 0, 0)
    design = convert(Pipeline(plan.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
    design.write(work / "verilog")
    sources = {module: [work / "verilog" / name for name in design.files_of(module)] for module in modules.values()}
    # arrays stand between registers and know no constants, so that each size of them is synthesised once
    kinds = ((name, module.config) for name, module in design.modules.items())
    arrays = {name for name, config in kinds if isinstance(config, PopcountConfig) and not config.constant}
    done: list[str] = []

    def count(name: str) -> None:
        done.append(name)
        report("synthesising", len(done), len(sources) + len(arrays))

    report("synthesising", 0, len(sources) + len(arrays))
    try:
        found = by_module(sources, work / "yosys", count, boxes=arrays)
    except SynthesisError as error:
        raise SigmabitError(str(error)) from None
    keys = (*RESOURCES, *WORST)
    return {name: {key: getattr(found[module], key) for key in keys} for name, module in modules.items()}


def read_areas(path: Path, plan: Plan) -> Areas:
    """The same from a file of `sigmabit synth --report`. Raises InputError where it is none, or was made for another plan."""
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON, expected what `sigmabit synth --report` writes") from None
    try:
        return _checked(data, plan)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _checked(data: Any, plan: Plan) -> Areas:
    if not isinstance(data, dict) or not isinstance(data.get("layers"), list):
        raise InputError("not what `sigmabit synth --report` writes: layers are missing")
    made_for: dict[str, str | int] = {"network": plan.network, "interval_cycles": plan.interval}
    for key, own in made_for.items():
        if data.get(key) != own:
            raise InputError(f"made for {key} {str(data.get(key))[:60]}, this plan has {own}")
    entries = {entry.get("name"): entry for entry in data["layers"] if isinstance(entry, dict)}
    parts = parts_of(plan)
    if list(entries) != list(parts):
        raise InputError(f"made for parts {', '.join(map(str, entries))[:200]}; this plan has {', '.join(parts)}")
    found = {}
    for name, part in parts.items():
        expected = planned(part.cost)
        for key in PLANNED:
            value = _number(entries[name], f"planned_{key}", name)
            if value != expected[key]:
                raise InputError(f"made for another plan: {name} was planned with {value:,g} {key}, here with {expected[key]:,g}")
        found[name] = {key: _number(entries[name], key, name) for key in (*RESOURCES, *WORST)}
    return found


def _number(entry: Mapping[str, Any], key: str, name: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
        raise InputError(f"{name} has no number for {key}")
    return value
