"""sigmabit bench popcount: what an XNOR-popcount array costs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.golden import SigmabitError
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.family import SERIES7

from ...interface.files import check_writable, write_whole
from ...interface.terminal import Terminal, table
from ...measures import popcounts
from .. import options


@click.command(name="popcount")
@click.option("--inputs", type=click.IntRange(1, 8192), default=512, show_default=True, help="Operand elements per cycle.")
@click.option("--bits", type=click.IntRange(1, 16), default=1, show_default=True, help="Bits of an element.")
@click.option("--lanes", type=click.IntRange(1, 256), default=16, show_default=True, help="Sums taken of the same operand.")
@click.option("--constant", is_flag=True, help="Weights that never change.")
@click.option("--sweep", is_flag=True, help="Arrays of 64 to 1,536 inputs of one bit, weights that change and that do not.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw the sweep beside published figures.")
@options.as_json
def popcount_cost(inputs: int, bits: int, lanes: int, constant: bool, sweep: bool, picture: Path | None, as_json: bool) -> None:
    """Area per input and lane of an XNOR-popcount array, pipeline registers included, by Yosys for xc7."""
    terminal = Terminal(as_json)
    if picture:
        if not sweep:
            raise click.UsageError("--plot needs --sweep")
        check_writable(picture)
    if not sweep:
        config = PopcountConfig(inputs, bits, lanes, constant)
        area = _popcounts(terminal, [config])[0]
        terminal.emit(_per_lane(config, area), table(f"{config.module} by Yosys for xc7", ["", ""], _rows(config, area)))
        return
    configs = [PopcountConfig(n, 1, lanes, fixed) for n in popcounts.SWEPT for fixed in (False, True)]
    found = [_per_lane(*pair) for pair in zip(configs, _popcounts(terminal, configs), strict=True)]
    changing, constants = found[::2], found[1::2]
    if picture:
        drawn = [[each["lut_per_lane"] for each in kind] for kind in (changing, constants)]
        write_whole(picture, lambda fresh: popcounts.plot(fresh, popcounts.SWEPT, drawn[0], drawn[1], lanes))
    rows: list[list[object]] = [
        [n, f"{a['lut_per_lane']:.3f}", a["levels"], f"{b['lut_per_lane']:.3f}", b["levels"]]
        for n, a, b in zip(popcounts.SWEPT, changing, constants, strict=True)
    ]
    columns = ["inputs", "LUT6 per lane", "levels", "constant weights", "levels"]
    terminal.emit({"arrays": found}, table(f"XNOR-popcount arrays of {lanes} lanes by Yosys for xc7", columns, rows))


def _popcounts(terminal: Terminal, configs: list[PopcountConfig]) -> list[Area]:
    """The areas of arrays, each by itself."""
    areas: list[Area] = []
    with terminal.progress() as report:
        for config in configs:
            report("synthesising", len(areas), len(configs))
            with tempfile.TemporaryDirectory() as name:
                try:
                    areas.append(popcounts.popcount_area(config, Path(name)))
                except SynthesisError as error:
                    raise SigmabitError(str(error)) from None
    return areas


def _per_lane(config: PopcountConfig, area: Area) -> dict[str, Any]:
    total = config.inputs * config.bits * config.lanes
    return {
        "inputs": config.inputs,
        "bits": config.bits,
        "constant": config.constant,
        "lut": area.lut,
        "ff": area.ff,
        "levels": area.levels,
        "fan_out": area.fan_out,
        "lanes": total,
        "lut_per_lane": area.lut / total,
    }


def _rows(config: PopcountConfig, area: Area) -> list[list[object]]:
    total = config.inputs * config.bits * config.lanes
    return [
        ["XNOR-popcount lanes", total],
        ["LUT6, shift registers included", area.lut],
        ["LUT6 per lane", f"{area.lut / total:.3f}"],
        ["LUT6 per lane, planned", f"{config.bill(SERIES7).lut / total:.3f}"],
        ["registers per lane", f"{area.ff / total:.3f}"],
        ["logic levels between registers", area.levels],
    ]
