"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

PATH = click.Path(path_type=Path)

model = click.argument("model", type=PATH)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
input_scale = click.option(
    "--input-scale",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Step of the input's 8-bit codes, for models without a Quant node at the input.",
)
plan = click.option("--plan", type=PATH, metavar="FILE", help="A plan.json; without it the fastest plan for the part is made.")
part = click.option("--part", metavar="PART", help="Device, such as xc7vx690t (the default).")
clock = click.option("--clock-mhz", type=click.FloatRange(min=0, min_open=True), metavar="F", help="Assumed clock (default 200).")
data = click.option("--input", "data", type=PATH, required=True, metavar="X.npy", help="Frames, as the graph's input takes them.")
labels = click.option("--labels", type=PATH, metavar="Y.npy", help="One class per frame, for the accuracy.")
