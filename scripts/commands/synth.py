"""sigmabit synth: area by Yosys, layer by layer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.synthesis import SynthesisError, areas
from sigmabit.golden import SigmabitError
from sigmabit.hdl.convert import convert as to_verilog
from sigmabit.hdl.parts import part as device
from sigmabit.hdl.top import Pipeline

from ..files import check_folder, check_writable, write_json
from ..models import load_network, make_plan
from ..terminal import Terminal, table
from . import options

KEYS = ("lut", "ff", "bram36", "dsp", "carry4", "planned_lut", "planned_bram36", "planned_dsp")
"""What is summed up over the layers."""

WORST = ("levels", "fan_out")
"""What is as bad as in the worst of them."""


@click.command(short_help="Area and logic depth by Yosys.")
@options.model
@options.plan
@options.part
@options.clock
@options.input_scale
@options.calibration
@options.samples
@click.option("--report", "report_file", type=options.PATH, metavar="FILE", help="Write the result here too, as JSON.")
@click.option("--work", type=options.PATH, metavar="DIR", help="Keep scripts, logs and netlists here.")
@options.as_json
def synth(
    model: Path,
    plan: Path | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    calibration: Path | None,
    samples: int | None,
    report_file: Path | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """LUT, FF, RAMB36, DSP48 and logic levels of MODEL's pipeline, every layer synthesised by itself for xc7."""
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    if work:
        check_folder(work)
    network = load_network(model, input_scale, terminal, plan, calibration)
    made = make_plan(network, plan, part, clock_mhz=clock_mhz, samples=samples)
    pipeline = made.pipeline
    parts: list[tuple[str, Any]] = [("ingress", pipeline.ingress)]
    parts += [(layer.name, layer.config) for layer in made.layers]
    parts += [("egress", pipeline.egress)]
    if pipeline.noise is not None:
        parts.append(("sampler", pipeline.noise))
    modules = {name: config.module for name, config in parts}
    expected = {name: config.cost for name, config in parts}
    with tempfile.TemporaryDirectory() as temporary, terminal.progress() as report:
        folder = work or Path(temporary)
        design = to_verilog(Pipeline(made.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
        design.write(folder / "verilog")
        sources = {top: [folder / "verilog" / name for name in design.files_of(top)] for top in modules.values()}
        done: list[str] = []

        def count(name: str) -> None:
            done.append(name)
            report("synthesising", len(done), len(modules))

        report("synthesising", 0, len(modules))
        try:
            found = areas(sources, folder / "yosys", count)
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    layers: list[dict[str, Any]] = [
        {
            "name": name,
            "lut": area.lut,
            "ff": area.ff,
            "bram36": area.bram36,
            "dsp": area.dsp,
            "carry4": area.carry4,
            "levels": area.levels,
            "fan_out": area.fan_out,
            "planned_lut": round(expected[name].lut),
            "planned_bram36": expected[name].bram36,
            "planned_dsp": round(expected[name].dsp),
        }
        for name, area in ((name, found[module]) for name, module in modules.items())
    ]
    total = {key: sum(layer[key] for layer in layers) for key in KEYS}
    total |= {key: max(layer[key] for layer in layers) for key in WORST}
    result = {"network": network.name, "part": made.part, "interval_cycles": made.interval, **total, "layers": layers}
    if report_file:
        write_json(report_file, result)
    titles = {
        "lut": "LUT",
        "planned_lut": "planned",
        "ff": "FF",
        "bram36": "RAMB36",
        "planned_bram36": "planned",
        "dsp": "DSP48",
        "planned_dsp": "planned",
        "levels": "levels",
        "fan_out": "loads",
    }
    if not total["dsp"] and not total["planned_dsp"]:  # a table without these columns suits a terminal
        titles = {key: title for key, title in titles.items() if "dsp" not in key}
    columns, keys = ["layer", *titles.values()], list(titles)
    rows = [[layer["name"], *(layer[key] for key in keys)] for layer in layers]
    title = f"{network.name} at {made.interval:,} cycles per frame, by Yosys for xc7"
    resources = device(made.part)
    share = f"{total['lut'] / resources.lut:.1%} of the LUTs and {total['bram36'] / resources.bram36:.1%} of the block RAM"
    terminal.emit(
        result,
        table(title, columns, rows, total=["total", *(total[key] for key in keys)]),
        "",
        f"{share} of {resources.name}; one LUT per LUT cell, so Vivado, which packs two small ones in a site, may need fewer",
        f"loads: of the net that has most, clocks left out; {total['carry4']:,} CARRY4 in {resources.lut // 4:,} slices",
    )
