"""From command-line options to networks, plans and data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, Network, import_model, recognise_scale
from sigmabit.hdl.parts import part as device
from sigmabit.hdl.plan import Plan, PlanError, planned_scale, read_plan
from sigmabit.hdl.planner import Planner

from .files import read_array
from .terminal import Terminal

DEFAULT_PART = "xc7vx690t"
DEFAULT_CLOCK_MHZ = 200.0


def load_network(model: Path, input_scale: float | None, terminal: Terminal, plan: Path | None = None) -> Network:
    """The network of a model file, for pixels in the steps given, or else in those of the plan; says so if they are assumed."""
    if input_scale is None and plan is not None:
        input_scale = planned_scale(plan)
    network = import_model(model, input_scale)
    if network.input.assumed:
        terminal.remark(
            f"{model}: no Quant node fixes the input's grid, pixels / 255 are assumed; state another with --input-scale"
        )
    return network


def load_with_data(model: Path, data: Path, input_scale: float | None) -> tuple[Network, NDArray[Any], NDArray[np.int64]]:
    """The network, its input frames, and their codes; the step of pixels is recognised where the file does not fix it."""
    x = read_array(data)
    network = import_model(model, input_scale)
    try:
        network.input.check(x)
        if network.input.assumed:
            # where no step suits, the likelier one says which value lies off its grid
            network = import_model(model, recognise_scale(x) or (1.0 if x.max() > 1 else 1 / 255))
        return network, x, network.input.encode(x)
    except InputError as error:
        raise InputError(f"{data}: {error}") from None


def make_plan(
    network: Network,
    plan: Path | None,
    part: str | None = None,
    interval: int | None = None,
    fps: float | None = None,
    clock_mhz: float | None = None,
) -> Plan:
    """The plan of a file; or one for a part, as small as an interval or frame rate allows, or else as fast as the part allows."""
    if plan is not None:
        made = read_plan(plan, network)
        if part is not None:
            device(part)
        return replace(made, part=part or made.part, clock_mhz=clock_mhz or made.clock_mhz)
    clock = clock_mhz or DEFAULT_CLOCK_MHZ
    planner = Planner(network, part or DEFAULT_PART, clock)
    if interval is not None and fps is not None:
        raise PlanError("both an interval and a frame rate are given; one target is enough")
    if fps is not None:
        cycles = clock * 1e6 / fps
        # a rate that a plan has printed, rounded, must lead back to that plan
        interval = int(min(cycles * (1 + 1e-12), 1e18))
        if interval < 1:
            raise PlanError(f"{fps:g} frames per second at {clock:g} MHz leave less than one cycle per frame")
    return planner.fastest() if interval is None else planner.plan(interval)
