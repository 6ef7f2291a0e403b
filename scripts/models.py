"""From command-line options to networks, plans and data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sigmabit.golden import InputError, Network, import_model, recognise_scale
from sigmabit.hdl.plan import Plan, PlanError, read_plan
from sigmabit.hdl.planner import Planner

from .files import read_array
from .terminal import Terminal

DEFAULT_PART = "xc7vx690t"
DEFAULT_CLOCK_MHZ = 200.0


def load_network(model: Path, input_scale: float | None, terminal: Terminal) -> Network:
    """The network of a model file; says so if the step of its input had to be assumed."""
    network = import_model(model, input_scale)
    if network.input.assumed:
        terminal.remark(
            f"{model}: no Quant node fixes the input's grid, pixels / 255 are assumed; state another with --input-scale"
        )
    return network


def load_with_data(model: Path, data: Path, input_scale: float | None) -> tuple[Network, NDArray[Any]]:
    """The network and its input frames; the step of pixel data is recognised where the file does not fix it."""
    x = read_array(data)
    network = import_model(model, input_scale)
    network.input.check(x)
    if network.input.assumed:
        scale = recognise_scale(x)
        if scale is None:
            raise InputError(
                f"{data}: neither integers from 0 to 255 nor multiples of 1/255 from 0 to 1, and {model} has no Quant node "
                f"at its input; state the step of its pixels with --input-scale"
            )
        network = import_model(model, scale)
    return network, x


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
        return read_plan(plan, network)
    clock = clock_mhz or DEFAULT_CLOCK_MHZ
    planner = Planner(network, part or DEFAULT_PART, clock)
    if interval is not None and fps is not None:
        raise PlanError("both an interval and a frame rate are given; one target is enough")
    if fps is not None:
        interval = int(clock * 1e6 / fps)
        if interval < 1:
            raise PlanError(f"{fps:g} frames per second at {clock:g} MHz leave less than one cycle per frame")
    return planner.fastest() if interval is None else planner.plan(interval)
