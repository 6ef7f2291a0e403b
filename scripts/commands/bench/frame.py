"""sigmabit bench frame: one frame through several networks, on a processor and in pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sigmabit.golden import Network
from sigmabit.hdl.planning.plan import Plan

from ...drawing import plots
from ...interface.choices import Planning, Reading
from ...interface.files import check_writable, write_whole
from ...interface.loading import family_for, load_network, make_plan
from ...interface.terminal import Terminal, table
from ...measures import latency as measure
from ...report.published import SPEEDUPS
from .. import options

Times = dict[str, measure.Timed]
"""What a frame takes on the processor, by what ran there."""


@click.command(name="frame", short_help="One frame through MODELs, on a processor and in pipelines.")
@click.argument("models", type=options.MODEL, nargs=-1, required=True, metavar="MODEL...")
@options.planning_by_device
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw the times, and how many times as fast.")
@options.as_json
def frame(models: tuple[Path, ...], planning: Planning, picture: Path | None, as_json: bool) -> None:
    """Time for a batch of one through each MODEL: onnxruntime and PyTorch in one thread, and planned cycles at an assumed clock.

    Frames are drawn. Pipelines are planned for the least latency that the part has room for, which takes up to a minute each;
    simulations meet the planned cycles exactly. PyTorch, if it is installed, runs untrained networks of the shipped shapes.
    """
    terminal = Terminal(as_json)
    if picture:
        check_writable(picture)
    networks = [load_network(model, Reading(), terminal) for model in models]
    wanted = Planning(part=planning.part, fastest="latency", clock_mhz=planning.clock_mhz or family_for(planning).usual_mhz)
    plans: list[Plan] = []
    times: list[Times] = []
    with terminal.progress() as report:
        for number, network in enumerate(networks):
            report(f"planning {network.name}", number, len(networks))
            plans.append(make_plan(network, wanted))
        crowd = measure.Crowd()
        for number, (model, network) in enumerate(zip(models, networks, strict=True)):
            report(f"measuring {network.name}", number, len(networks))
            times.append(_times(model, network))
        others = crowd.others
    names = sorted({name for each in times for name in each})
    if not measure.torch_installed():
        terminal.remark("PyTorch is not installed (the training extra): onnxruntime alone is measured")
    doubts = measure.warning({name: [each[name] for each in times if name in each] for name in names}, others)
    if doubts:
        terminal.remark(doubts)
    entries = [_entry(*each) for each in zip(networks, plans, times, strict=True)]
    authors = {what: figure.value for what, figure in SPEEDUPS.items()}
    processor, clock_mhz = measure.processor(), plans[0].clock_mhz
    title = f"one frame: {processor}, one thread, and pipelines at an assumed {clock_mhz:g} MHz"
    if picture:
        labels, pipelines = [network.name for network in networks], [entry["pipeline_s"] for entry in entries]
        seconds = {name: [entry["processor_s"].get(name) for entry in entries] for name in names}
        write_whole(picture, lambda fresh: plots.frames(fresh, title, labels, pipelines, seconds, authors))
    result = {"processor": processor, "threads": 1, "others": others, "part": plans[0].part, "clock_mhz": clock_mhz}
    columns = ["network", "cycles", "pipeline, us", *(f"{name}, us" for name in names), *(f"times {name}" for name in names)]
    said = "; ".join(f"{what}: {value:g} times" for what, value in authors.items())
    shown = table(title, columns, [_row(entry, names) for entry in entries])
    terminal.emit({**result, "networks": entries, "authors": authors}, shown, "", f"as their authors report of theirs, {said}")


def _times(model: Path, network: Network) -> Times:
    runs = {"onnxruntime": measure.onnxruntime_run(model, 1), "PyTorch": measure.torch_if_there(model.stem)}
    x = measure.drawn(network)
    return {name: measure.timed(run, x, (1,))[0] for name, run in runs.items() if run is not None}


def _entry(network: Network, plan: Plan, times: Times) -> dict[str, Any]:
    """What is said of a network."""
    pipeline = measure.pipeline_seconds(plan, (1,))[0]
    return {
        "network": network.name,
        "latency_cycles": plan.latency,
        "interval_cycles": plan.interval,
        "positions": plan.positions,
        "pipeline_s": pipeline,
        "processor_s": {name: time.median for name, time in times.items()},
        "quartiles": {name: [time.low, time.high] for name, time in times.items()},
        "times_as_fast": {name: time.median / pipeline for name, time in times.items()},
    }


def _row(entry: dict[str, Any], names: list[str]) -> list[object]:
    seconds, ratios = entry["processor_s"], entry["times_as_fast"]
    cells = [f"{seconds[name] * 1e6:,.1f}" if name in seconds else "" for name in names]
    cells += [f"{ratios[name]:,.1f}" if name in ratios else "" for name in names]
    return [entry["network"], f"{entry['latency_cycles']:,}", f"{entry['pipeline_s'] * 1e6:,.2f}", *cells]
