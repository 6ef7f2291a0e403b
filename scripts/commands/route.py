"""sigmabit route: place and route by nextpnr."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Working
from ..interface.files import check_folder, check_writable, write_folder, write_json
from ..interface.linking import Linking, of_clock
from ..interface.terminal import Terminal, table
from . import options

PLAN = "plan.json"
ROUTE = "route.json"


@click.command(short_help="Place and route by nextpnr: clock, bitstream.")
@options.model
@click.option(
    "--board",
    "name",
    metavar="BOARD",
    shell_complete=options.boards,
    help="Put it on a board, or on that of a file, with its link.",
)
@options.linking
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="How often to try; for a bitstream, at the most.",
)
@options.planning
@options.reading
@options.samples
@options.report_file
@click.option("-o", "--output", type=options.PATH, metavar="DIR", help="Folder for the bitstream, the plan, and what was found.")
@click.option("--work", type=options.PATH, metavar="DIR", help="Keep Verilog, netlists and logs here.")
@options.working
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
    working: Working,
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
        raise click.UsageError(f"--board, or --part with {sigmabit.ROUTED}, says where to")
    if not name and linking != Linking():
        raise click.UsageError("a link is a board's; --board says which")
    on = linking.on(sigmabit.board(name)) if name else None
    if on is not None:
        planning = replace(planning, part=on.part)
        if clock := of_clock(on, planning.clock_mhz):
            terminal.remark(clock)
    if planning.part:
        sigmabit.check_route(planning.part, board=on)
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    on_workers = sigmabit.workers(working.workers, cluster=working.cluster)
    with tempfile.TemporaryDirectory() as temporary, terminal.progress() as report, on_workers as workers:
        found = sigmabit.route(
            made,
            work or Path(temporary),
            board=on,
            baud=linking.baud,
            seeds=seeds,
            until_met=output is not None,
            workers=workers,
            progress=report,
        )
        result, bitstream = found.to_json(), found.bitstream_name

        def write(fresh: Path) -> None:
            found.write_bitstream((fresh / bitstream).resolve())
            write_json(fresh / PLAN, made.to_json())
            write_json(fresh / ROUTE, result)

        if output and found.met:
            write_folder(output, write, (), last=(PLAN, ROUTE, bitstream))
    if report_file:
        write_json(report_file, result)
    path = result["path"]
    rates = result["routed_mhz"]
    terminal.emit(
        result,
        table(
            f"{network.name} at {made.interval:,} cycles per frame, placed and routed for {result['part']}",
            ["seed", "routed MHz", "router"],
            [[attempt["seed"], attempt["routed_mhz"], attempt["router"] or "-"] for attempt in result["seeds"]],
        ),
        "",
        f"least {rates['least']:g}, median {rates['median']:g}, best {rates['best']:g} MHz; {found.wanted_mhz:g} MHz were wanted",
        *(f"{name}: {rate:g} MHz" for name, rate in result["other_clocks_mhz"].items()),
        f"{result['fps']:,.0f} frames/s and {result['latency_us']:,.2f} us latency at {result['clock_mhz']:g} MHz",
        f"slowest path: from {path['from']} to {path['to']}, {path['levels']} levels, {path['ns']:g} ns, "
        f"{path['share_of_wires']:.0%} on wires",
        ", ".join(f"{result[key]:,} {title}" for key, title in found.titles.items())
        + f"; {result['fan_out']:,} loads of the net that has most, clocks left out",
        *([found.untimed] if found.untimed else []),
        *([f"{output}/{bitstream}"] if output and found.met else []),
    )
    if not found.met:
        if found.too_slow:
            raise sigmabit.SigmabitError(f"{', '.join(found.too_slow)}: missed; --seeds tries more")
        short = f"the clock of {found.wanted_mhz:g} MHz is missed by {found.wanted_mhz - found.mhz:.1f} MHz"
        helps = f"--clock-mhz {int(found.mhz)} can be met, or --seeds tries more"
        raise sigmabit.SigmabitError(f"{short}, on the path from {path['from']} to {path['to']}; {helps}")
