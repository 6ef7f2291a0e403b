"""Bits that never rise, or never fall: proofs that no stimulus can reach what a suite did not.

A sample is made flat, and its registers begin at 0, as in equivalence.py. What each bit held a cycle before is kept beside it;
abc proves of as many as it can that they never change that way from the first reset on, whatever comes (`scorr`). Of what has no
clock it proves that a bit is always 0, or always 1. Memories that are written give any word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmabit.fpga.synthesis import run_yosys
from sigmabit.hdl.verilog.convert import Port

from ..harness.suite import Sample
from .equivalence import MAKING, abc, begun, clock, constant_outputs, in_order, without_memories

SWEEPS = {True: "scorr; dc2; scorr -F 2", False: "ifraig; dc2"}
"""abc's commands for what has registers, and for what has none."""

LIMIT_S = 60.0
"""Of a processor, for one sample."""

SEEN = "sigmabit_seen"


@dataclass(frozen=True)
class Transition:
    """A bit of a signal that rises or falls. place: where the signal is declared, FILE:LINE."""

    place: str
    signal: str
    bit: int
    rises: bool

    @property
    def file(self) -> str:
        """Of Verilog."""
        return self.place.partition(":")[0]


def never(sample: Sample, transitions: Collection[Transition], folder: Path) -> set[Transition]:
    """Those that never come in any instance that the sample has. folder: for what Yosys and abc need, a new one."""
    folder.mkdir()
    for name, text in sample.texts.items():
        (folder / name).write_text(text)
    sources = " ".join(name for name in sample.texts if name.endswith(".v"))
    making = [f"read_verilog -nosynthesis {sources}", f"hierarchy -check -top {sample.top}", "proc", "flatten"]
    run_yosys([*making, "write_json flat.json"], "flat", folder, folder / "yosys")
    netlist = json.loads((folder / "flat.json").read_text())
    (module,) = netlist["modules"].values()
    nets = {each: found for each in transitions if (found := list(_nets(module, each)))}
    moving = sorted({net for found in nets.values() for net in found if isinstance(net, int)})
    still = _still(netlist, sample, moving, folder) if moving else set()
    return {each for each, found in nets.items() if all(isinstance(net, str) or (net, each.rises) in still for net in found)}


def _nets(module: Mapping[str, Any], transition: Transition) -> Iterator[int | str]:
    """What Yosys calls the bit, in each instance; "0" and "1" are constants."""
    _, _, line = transition.place.partition(":")
    declared = {}
    for name, net in module["netnames"].items():
        own = net["attributes"].get("hdlname", name).split(" ")[-1]
        places = [place.partition(":") for place in net["attributes"].get("src", "").split("|")]
        lines = {where.partition(".")[0] for found, _, where in places if Path(found).name == transition.file}
        if own == transition.signal and lines and transition.bit < len(net["bits"]):
            declared[name] = line in lines, net["bits"][transition.bit]
    exact = any(here for here, _ in declared.values())  # a file of several modules may have several of that name
    yield from (bit for here, bit in declared.values() if here or not exact)


def _still(netlist: dict[str, Any], sample: Sample, moving: list[int], folder: Path) -> set[tuple[int, bool]]:
    """Nets, and whether it is rising that they never do."""
    (top,) = netlist["modules"]
    cuts = without_memories(netlist)
    netlist["modules"][top]["ports"][SEEN] = {"direction": "output", "bits": moving}
    in_order(netlist, folder)
    clocked = clock(sample.ports) is not None
    inputs = [port for port in sample.ports if not port.output]
    inputs += [Port(f"{cut.name}_data", output=False, bits=cut.data, vector=True) for cut in cuts if cut.reads]
    ports = [f"input wire {port.range}{port.name}" for port in inputs]
    ports += [f"output wire [{len(moving) - 1}:0] {name}" for name in ("rises", "falls")]
    text = f"module both ({', '.join(ports)});\nwire [{len(moving) - 1}:0] {SEEN};\n"
    text += f"{top} flat ({', '.join(f'.{name}({name})' for name in [*(port.name for port in inputs), SEEN])});\n"
    if clocked:
        text += f"{begun(sample.ports)}reg known = 0;\nreg [{len(moving) - 1}:0] was = 0;\n"
        text += f"always @(posedge {clock(sample.ports)}) begin known <= begun; was <= {SEEN}; end\n"
        text += f"assign rises = {{{len(moving)}{{known}}}} & ~was & {SEEN};\n"
        text += f"assign falls = {{{len(moving)}{{known}}}} & was & ~{SEEN};\n"
    else:
        text += f"assign rises = {SEEN};\nassign falls = ~{SEEN};\n"
    (folder / "both.v").write_text(text + "endmodule\n")
    making = ["read_json cut.json", "read_verilog both.v", *MAKING, "write_aiger -symbols both.aig"]
    run_yosys(making, "both", folder, folder / "yosys")
    abc(folder, f"read_aiger both.aig; {SWEEPS[clocked]}; write_aiger swept.aig", LIMIT_S)
    swept = folder / "swept.aig"
    constant = constant_outputs(swept if swept.exists() else folder / "both.aig")
    named = re.findall(rb"^o(\d+) (rises|falls)(?:\[(\d+)\])?$", (folder / "both.aig").read_bytes(), re.MULTILINE)
    found = {(moving[int(bit or 0)], what == b"rises") for number, what, bit in named if constant[int(number)]}
    return found if clocked else {(net, way) for net, _ in found for way in (False, True)}
