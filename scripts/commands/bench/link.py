"""sigmabit bench link: what a board adds to a network."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga import boards
from sigmabit.fpga.board import top_name, write
from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.fpga.targets import target_of
from sigmabit.golden import SigmabitError

from ...interface.choices import Planning, Reading
from ...interface.linking import Linking, system_on
from ...interface.loading import load_network, make_plan
from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="link")
@options.model
@click.option("--board", "name", required=True, metavar="BOARD", help=options.BOARD)
@options.linking
@options.planning_for_board
@options.reading
@options.as_json
def link(model: Path, name: str, linking: Linking, planning: Planning, reading: Reading, as_json: bool) -> None:
    """Area by Yosys of all that is on a board but MODEL's network: link, LiteEth with its PHY, clock, reset, lamps."""
    terminal = Terminal(as_json)
    of = linking.on(boards.board(name))
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, replace(planning, part=of.part), None)
    clock = of.made_clock(made.clock_mhz)
    with tempfile.TemporaryDirectory() as work, terminal.progress() as report:
        folder = Path(work) / "verilog"
        design, _ = system_on(of, made, clock, linking.baud, lambda module: report(f"converting {module}", 0, 0))
        design.write(folder)
        files = write(folder, design.top, design.files, of, clock)
        report("synthesising", 0, 0)
        sources, boxes = [folder / file for file in files], [made.pipeline.name]
        try:
            area = synthesise(sources, top_name(design.top), Path(work), boxes, target_of(made.family)).area
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    data = {"board": of.key, "part": of.part, "link": linking.link, "lut": area.lut, "ff": area.ff, "bram36": area.bram36}
    rows: list[list[object]] = [
        ["LUTs, distributed memory included", area.lut],
        ["registers", area.ff],
        ["block RAM, of 36 kbit", area.bram36],
    ]
    title = f"what {of.name} adds to {network.name}, behind {linking.link}, by Yosys for {made.family.name}"
    terminal.emit(data, table(title, ["", ""], rows))
