"""sigmabit route: place and route by nextpnr."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga.board import BoardError, is_text
from sigmabit.fpga.boards import board as board_named
from sigmabit.fpga.targets import target_of
from sigmabit.golden import SigmabitError
from sigmabit.hdl.family.parts import family_of
from sigmabit.hdl.family.parts import part as device

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, check_writable, write_folder, write_json
from ..interface.linking import Linking
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal, table
from ..measures import routing
from . import options

PLAN = "plan.json"
ROUTE = "route.json"


@click.command(short_help="Place and route by nextpnr: clock, bitstream.")
@options.model
@click.option("--board", "name", metavar="BOARD", help="Put it on a board, or on that of a file, with its link.")
@options.linking
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="How often to try; for a bitstream, at the most.",
)
@options.planning_at_interval
@options.reading
@options.samples
@options.report_file
@click.option("-o", "--output", type=options.PATH, metavar="DIR", help="Folder for the bitstream, the plan, and what was found.")
@click.option("--work", type=options.PATH, metavar="DIR", help="Keep Verilog, netlists and logs here.")
@options.as_json
def route(
    model: Path,
    name: str | None,
    linking: Linking,
    seeds: int,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    report_file: Path | None,
    output: Path | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """Place and route MODEL, and say what clock it may have. Ends with status 2 where that is slower than the clock wanted."""
    terminal = Terminal(as_json)
    for folder in (output, work):
        if folder:
            check_folder(folder)
    if report_file:
        check_writable(report_file)
    if output and not name:
        raise click.UsageError("-o: a bitstream is for a board; --board says which")
    if name and planning.part:
        raise click.UsageError("--board and --part exclude each other; a board has its part")
    if not (name or planning.part or planning.file):
        raise click.UsageError(f"--board, or --part with {routing.examples()}, says where to")
    if not name and linking != Linking():
        raise click.UsageError("a link is a board's; --board says which")
    on = linking.on(board_named(name)) if name else None
    if on is not None:
        if target_of(family_of(device(on.part))).router is None:
            known = f"`make bitstream BOARD={name}`); route is for {routing.routed_families()}"
            raise BoardError(f"{name}: {on.part} is placed and routed by Vivado ({known}")
        planning = replace(planning, part=on.part)
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, planning, samples)
    part, router = made.part.upper(), routing.router_of(made)
    if not is_text(part, router.parts):
        raise SigmabitError(f"{made.part}: route takes {router.parts[1]}")
    clock = on.made_clock(made.clock_mhz) if on else None
    mhz = float(clock.mhz) if clock else made.clock_mhz
    place = routing.Place(part, mhz, (on, clock, linking.baud) if on and clock else None)
    bitstream = f"{network.name}{router.bitstream_file}"
    with tempfile.TemporaryDirectory() as temporary, terminal.progress() as report:
        kept = work or Path(temporary)
        found = routing.route(made, place, seeds, kept, report, until_met=output is not None)
        result = routing.facts(found, made, place)

        def write(fresh: Path) -> None:
            routing.bitstream(found, place, (fresh / bitstream).resolve())
            write_json(fresh / PLAN, made.to_json())
            write_json(fresh / ROUTE, result)

        if output and found.best.met:
            write_folder(output, write, (), last=(PLAN, ROUTE, bitstream))
    if report_file:
        write_json(report_file, result)
    path = result["path"]
    rates = result["routed_mhz"]
    terminal.emit(
        result,
        table(
            f"{network.name} at {made.interval:,} cycles per frame, placed and routed for {part}",
            ["seed", "routed MHz", "router"],
            [[attempt["seed"], attempt["routed_mhz"], attempt["router"] or "-"] for attempt in result["seeds"]],
        ),
        "",
        f"least {rates['least']:g}, median {rates['median']:g}, best {rates['best']:g} MHz; {mhz:g} MHz were wanted",
        *(f"{name}: {rate:g} MHz" for name, rate in result["other_clocks_mhz"].items()),
        f"{result['fps']:,.0f} frames/s and {result['latency_us']:,.2f} us latency at {result['clock_mhz']:g} MHz",
        f"slowest path: from {path['from']} to {path['to']}, {path['levels']} levels, {path['ns']:g} ns, "
        f"{path['share_of_wires']:.0%} on wires",
        ", ".join(f"{result[key]:,} {title}" for key, title in router.titles.items())
        + f"; {result['fan_out']:,} loads of the net that has most, clocks left out",
        *([router.untimed] if router.untimed else []),
        *([f"{output}/{bitstream}"] if output and found.best.met else []),
    )
    if not found.best.met:
        slow = [f"{name} of {given:g} MHz" for name, (rate, given) in found.best.others.items() if rate < given]
        if slow:
            raise SigmabitError(f"{', '.join(slow)}: missed; --seeds tries more")
        short = f"the clock of {mhz:g} MHz is missed by {mhz - found.best.mhz:.1f} MHz"
        helps = f"--clock-mhz {int(found.best.mhz)} can be met, or --seeds tries more"
        raise SigmabitError(f"{short}, on the path from {path['from']} to {path['to']}; {helps}")
