"""A pipeline alone on a device: more ports than pins are reached through shift registers."""

from __future__ import annotations

import re

CLOCK = "clk_in"
"""The pin of the clock."""

PINS = CLOCK, "aresetn", "first", "last"
"""All pins."""


def core_name(pipeline: str) -> str:
    """The name of the module around a pipeline."""
    return f"{pipeline}_core"


def between_registers(pipeline: str, text: str) -> str:
    """A module of four pins around a pipeline: inputs come from a row of registers that is shifted, outputs go to another.

    text: the pipeline's module. All of its paths are then between registers, and none of its outputs goes nowhere.
    """
    ports = re.findall(r"^ *(input|output) wire (?:\[(\d+):0\] )?(\w+),?$", text, re.MULTILINE)
    sizes = {name: (direction, int(top or 0) + 1) for direction, top, name in ports if name not in ("aclk", "aresetn")}
    pins, ends = [f".aclk({CLOCK}), .aresetn(aresetn)"], {"input": 0, "output": 0}
    for name, (direction, size) in sizes.items():
        low = ends[direction]
        ends[direction] += size
        pins.append(f".{name}({'inputs' if direction == 'input' else 'given'}[{low + size - 1}:{low}])")
    taken, given = ends["input"], ends["output"]
    joined = ",\n    ".join(pins)
    return f"""\
module {core_name(pipeline)} (
    input wire {CLOCK},
    input wire aresetn,
    input wire first,
    output wire last
);

reg [{taken - 1}:0] inputs;
reg [{given - 1}:0] outputs;
wire [{given - 1}:0] given;

always @(posedge {CLOCK}) begin
    inputs <= {{inputs[{taken - 2}:0], first}};
    outputs <= {{outputs[{given - 2}:0], 1'b0}} ^ given;
end

assign last = outputs[{given - 1}];

{pipeline} pipeline_instance (
    {joined}
);

endmodule
"""
