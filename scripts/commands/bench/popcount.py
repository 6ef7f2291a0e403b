"""sigmabit bench popcount: what an XNOR-popcount array costs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.series7.target import SERIES7
from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.fpga.target import Target
from sigmabit.fpga.targets import target_of
from sigmabit.golden import SigmabitError
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.family import Family
from sigmabit.hdl.family.parts import family_of
from sigmabit.hdl.family.parts import part as part_named

from ...interface.files import check_writable, write_whole
from ...interface.terminal import Terminal, table
from ...measures import popcounts
from .. import options


@click.command(name="popcount")
@click.option("--inputs", type=click.IntRange(1, 8192), default=512, show_default=True, help="Operand elements per cycle.")
@click.option("--bits", type=click.IntRange(1, 16), default=1, show_default=True, help="Bits of an element.")
@click.option("--lanes", type=click.IntRange(1, 256), default=16, show_default=True, help="Sums taken of the same operand.")
@click.option("--part", metavar="PART", default="xc7vx690t", show_default=True, help="Device whose cells the array is made of.")
@click.option("--constant", is_flag=True, help="Weights that never change.")
@click.option("--sweep", is_flag=True, help="Arrays of 64 to 1,536 inputs of one bit, weights that change and that do not.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw the sweep beside published figures.")
@options.as_json
def popcount_cost(
    inputs: int, bits: int, lanes: int, part: str, constant: bool, sweep: bool, picture: Path | None, as_json: bool
) -> None:
    """Area per input and lane of an XNOR-popcount array, pipeline registers included, by Yosys."""
    terminal = Terminal(as_json)
    target = target_of(family_of(part_named(part)))
    if picture:
        if not sweep:
            raise click.UsageError("--plot needs --sweep")
        if target is not SERIES7:
            raise click.UsageError(f"--plot is for the 7 series: what is published counts its LUTs, not those of {part}")
        check_writable(picture)
    if not sweep:
        config = PopcountConfig(inputs, bits, lanes, constant)
        area = _popcounts(terminal, [config], target)[0]
        rows = _rows(config, area, target.family)
        terminal.emit(_per_lane(config, area, target.family), table(f"{config.module} by Yosys for {part}", ["", ""], rows))
        return
    configs = [PopcountConfig(n, 1, lanes, fixed) for n in popcounts.SWEPT for fixed in (False, True)]
    found = [_per_lane(*pair, target.family) for pair in zip(configs, _popcounts(terminal, configs, target), strict=True)]
    changing, constants = found[::2], found[1::2]
    if picture:
        drawn = [[each["lut_per_lane"] for each in kind] for kind in (changing, constants)]
        write_whole(picture, lambda fresh: popcounts.plot(fresh, popcounts.SWEPT, drawn[0], drawn[1], lanes))
    sizes: list[list[object]] = [
        [n, f"{a['lut_per_lane']:.3f}", a["levels"], f"{b['lut_per_lane']:.3f}", b["levels"]]
        for n, a, b in zip(popcounts.SWEPT, changing, constants, strict=True)
    ]
    columns = ["inputs", f"{target.family.resources['lut']} per lane", "levels", "constant weights", "levels"]
    terminal.emit({"arrays": found}, table(f"XNOR-popcount arrays of {lanes} lanes by Yosys for {part}", columns, sizes))


def _popcounts(terminal: Terminal, configs: list[PopcountConfig], target: Target) -> list[Area]:
    """The areas of arrays, each by itself."""
    areas: list[Area] = []
    with terminal.progress() as report:
        for config in configs:
            report("synthesising", len(areas), len(configs))
            with tempfile.TemporaryDirectory() as name:
                try:
                    areas.append(popcounts.popcount_area(config, Path(name), target))
                except SynthesisError as error:
                    raise SigmabitError(str(error)) from None
    return areas


def _per_lane(config: PopcountConfig, area: Area, family: Family) -> dict[str, Any]:
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
        "planned_lut_per_lane": config.bill(family).lut / total,
    }


def _rows(config: PopcountConfig, area: Area, family: Family) -> list[list[object]]:
    total, lut = config.inputs * config.bits * config.lanes, family.resources["lut"]
    return [
        ["XNOR-popcount lanes", total],
        [f"{lut}, shift registers included", area.lut],
        [f"{lut} per lane", f"{area.lut / total:.3f}"],
        [f"{lut} per lane, planned", f"{config.bill(family).lut / total:.3f}"],
        ["registers per lane", f"{area.ff / total:.3f}"],
        ["logic levels between registers", area.levels],
    ]
