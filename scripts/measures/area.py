"""What Yosys makes of each part of a pipeline, measured here or read from what `sigmabit synth --report` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.fpga.synthesis import areas as by_module
from sigmabit.fpga.targets import target_of
from sigmabit.fpga.workers import Workers
from sigmabit.golden import InputError, SigmabitError
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.family import Cost, Family
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import convert

from ..interface.terminal import Report
from .report_files import Entries, number, reread

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

    def bill(self, family: Family) -> Cost:
        """Its expected size, at a family's prices."""
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


def synthesised(plan: Plan, work: Path, report: Report, workers: Workers | None = None) -> Areas:
    """The area of each part by Yosys, in the cells of the plan's family. work: a folder for sources, scripts and logs.

    workers: two parts at a time without them.
    """
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
        found = by_module(sources, work / "yosys", count, workers, boxes=arrays, target=target_of(plan.family))
    except SynthesisError as error:
        raise SigmabitError(str(error)) from None
    keys = (*RESOURCES, *WORST)
    return {name: {key: getattr(found[module], key) for key in keys} for name, module in modules.items()}


def read_areas(path: Path, plan: Plan) -> Areas:
    """The same from a file of `sigmabit synth --report`. Raises InputError where it is none, or was made for another plan."""
    parts = parts_of(plan)

    def check(_: object, entries: Entries) -> Areas:
        for name, part in parts.items():
            expected = planned(part.bill(plan.family))
            for key in PLANNED:
                value = number(entries[name], f"planned_{key}", name)
                if value != expected[key]:
                    own = f"{expected[key]:,g}"
                    raise InputError(f"made for another plan: {name} was planned with {value:,g} {key}, here with {own}")
        return {name: {key: number(entries[name], key, name) for key in (*RESOURCES, *WORST)} for name in parts}

    return reread(path, "synth", plan, list(parts), ["network", "interval_cycles"], check)
