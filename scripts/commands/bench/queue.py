"""sigmabit bench queue: what a queue of single bits costs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.golden import SigmabitError
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.pipeline.egress import EgressConfig, egress
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, FrameStatus, Stream, bit, reset, wire

from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="queue")
@click.option("--channels", type=click.IntRange(1, 4096), default=64, show_default=True, help="Bits of a beat.")
@click.option("--depth", type=click.IntRange(2, 1024), default=16, show_default=True, help="Beats that it holds.")
@options.as_json
def queue_area(channels: int, depth: int, as_json: bool) -> None:
    """Area of a pipeline's exit as a queue of single bits: what a block with credits would need behind it
    (docs/pipeline/flow.md).
    """
    config = EgressConfig(beats=1, channels=channels, bits=1, signed=False, frames=depth)
    ports = Flow(channels), FrameStatus(), Stream(channels * config.field), bit(), wire(32), wire(32)
    terminal = Terminal(as_json)
    area = _area(terminal, lambda: egress(bit(), reset(), *ports, config))
    data = {"channels": channels, "depth": depth, "lut": area.lut, "ff": area.ff}
    words = SERIES7.resources
    rows: list[list[object]] = [[f"{words['lut']}, distributed memory included", area.lut], [words["ff"], area.ff]]
    terminal.emit(data, table(f"a queue of {depth} beats of {channels} bits by Yosys for xc7", ["", ""], rows))


def _area(terminal: Terminal, elaborate: Callable[[], Any]) -> Area:
    """What Yosys makes of a block."""
    with tempfile.TemporaryDirectory() as name, terminal.progress() as report:
        report("synthesising", 0, 0)
        with outline():
            block = elaborate()
        design = convert(block)
        try:
            return synthesise(design.write(Path(name) / "verilog"), design.top, Path(name)).area
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
