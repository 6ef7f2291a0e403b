"""A mutant that changes nothing: a proof that a sample with it and without it are the same, from the first reset on.

Both run side by side from the same start, registers at 0, with the same inputs, whatever they are. Their outputs are compared
in every cycle after one with reset asserted (from the start where there is no reset); what belongs to a stream's beat, only
where there is a beat, and as long as inputs are what the suite assumes of them. abc proves that no difference is ever seen: by
signals that correspond, by all states that can be reached, or by induction (`scorr`, `reach`, `pdr`).

Where a state machine does not look at a register, the two may hold different things in it, and no signals correspond until it
does. Hence guesses: that a register is the same in both whenever some others, of a few bits, hold given values. All of them that
hold together prove each other (`scorr`), and with them that no difference is seen.

Large memories that are written are left out: what goes to the ports to write is compared like outputs, and what is read is any
word, the same one in both where the addresses are the same. As long as all writes are the same, so are the memories. Small ones
are registers.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice, product
from pathlib import Path
from typing import Any

import pyosys

from sigmabit.fpga.synthesis import run_yosys
from sigmabit.hdl.verilog.convert import Port

from ..harness.bench import CLOCK_NAMES, RESET_LEVELS
from ..harness.suite import MUTANT, Sample

ABC = Path(pyosys.__file__).parent / "yosys-abc"

VALIDS = ("_tvalid", "_valid")
BACK = ("_tready", "_ready")
"""What an output of a stream's that is not of its beat is called."""

MAKING = (
    *("hierarchy -check -top both", "proc", "flatten", "opt", "memory -nomap", "memory_map", "opt"),
    *("setundef -zero -undriven", "setundef -init -zero", "techmap", "opt", "dffunmap", "aigmap", "setundef -zero", "opt_clean"),
)
"""Yosys' passes that make gates and registers of the two."""

FIRST = """module \\$pmux (A, B, S, Y);
parameter WIDTH = 1, S_WIDTH = 1;
wire [1023:0] _TECHMAP_DO_ = "proc; clean";
input [WIDTH-1:0] A;
input [WIDTH*S_WIDTH-1:0] B;
input [S_WIDTH-1:0] S;
output reg [WIDTH-1:0] Y;
integer i;
always @* begin
    Y = A;
    for (i = S_WIDTH - 1; i >= 0; i = i - 1) if (S[i]) Y = B[WIDTH*i +: WIDTH];
end
endmodule
"""
"""Of several choices, Yosys' cell gives one word or another, gates both at once, and a simulator the first. So do proofs."""

FRAMES, SIMULATED_S = 300, 2
"""Cycles drawn first, and the seconds for them: most of what is different is soon seen to be."""


SMALL = 256
"""Bits of memories that are taken for registers."""

FEW_BITS = 4
"""Of a register whose values guesses are made for."""

GUESSES = 8_000
"""At the most."""

PROOFS = {"dc2; reach": "proved unreachable", "pdr": "Property proved"}
"""What proves, and what it says then: few states, however far apart, or many, but a short reason."""


@dataclass(frozen=True)
class Cut:
    """A memory's port that has become ports of its module's."""

    name: str
    reads: bool
    address: int
    data: int
    enables: int = 0

    @property
    def ports(self) -> list[Port]:
        """address, and for one that writes enable and data, all outputs; what is read is an input."""
        ports = [
            Port(f"{self.name}_address", True, self.address, True),
            Port(f"{self.name}_data", not self.reads, self.data, True),
        ]
        return ports if self.reads else [*ports, Port(f"{self.name}_enable", True, self.enables, True)]

    @property
    def differs(self) -> list[str]:
        """Expressions on outputs sigmabit_a_... and sigmabit_b_... that are true where two memories would become different."""
        address, data, enable = (f"{self.name}_{each}" for each in ("address", "data", "enable"))
        if self.reads:
            return []
        return [
            f"(sigmabit_a_{enable} != sigmabit_b_{enable})",
            f"((|sigmabit_a_{enable}) && (sigmabit_a_{address} != sigmabit_b_{address}))",
            f"(|((sigmabit_a_{data} ^ sigmabit_b_{data}) & sigmabit_a_{enable}))",
        ]


def without_memories(netlist: dict[str, Any]) -> list[Cut]:
    """Cut the large memories that are written out of Yosys' JSON of one flat module."""
    (module,) = netlist["modules"].values()
    cells = module["cells"]
    used = looked_at(module)
    written = {_memory(cell) for cell in cells.values() if cell["type"].startswith("$memwr")}
    written -= {name for name, memory in module.get("memories", {}).items() if memory["size"] * memory["width"] <= SMALL}
    cuts: list[Cut] = []
    for name, cell in [*cells.items()]:
        kind = cell["type"]
        if not kind.startswith(("$memrd", "$memwr", "$meminit")) or _memory(cell) not in written:
            continue
        del cells[name]
        if kind.startswith("$meminit"):
            continue
        pins = cell["connections"]
        if "wr" in kind:
            for bit in range(len(pins["DATA"])):
                if (_memory(cell), bit) not in used:  # whatever is written there, nobody reads it
                    pins["DATA"][bit] = pins["EN"][bit] = "0"
        cut = Cut(
            f"sigmabit_memory_{len(cuts)}",
            "rd" in kind,
            len(pins["ADDR"]),
            len(pins["DATA"]),
            0 if "rd" in kind else len(pins["EN"]),
        )
        for port, pin in zip(cut.ports, ("ADDR", "DATA", "EN"), strict=False):
            module["ports"][port.name] = {"direction": "output" if port.output else "input", "bits": pins[pin]}
        cuts.append(cut)
    for name in [*module.get("memories", {})]:
        if name in written:
            del module["memories"][name]
    return cuts


BY_BIT = re.compile(r"\$(?:not|and|or|xor|xnor|mux|pmux|[as]?dffs?r?e?)")
"""Cells of which each bit depends on one bit of each word that goes in, and on all of what is no word."""

WORDS = {"A", "B", "D"}


def looked_at(module: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Of the memories of Yosys' JSON of a flat module, bits of which something that is read goes on to an output."""
    drivers: dict[int | str, tuple[Mapping[str, Any], int]] = {}
    writers: dict[str, list[Mapping[str, Any]]] = {}
    for cell in module["cells"].values():
        if cell["type"].startswith("$memwr"):
            writers.setdefault(_memory(cell), []).append(cell)
        for port, direction in cell["port_directions"].items():
            if direction == "output":
                drivers.update({net: (cell, place) for place, net in enumerate(cell["connections"][port])})
    waiting = [net for port in module["ports"].values() if port["direction"] == "output" for net in port["bits"]]
    seen, used = set(waiting), set[tuple[str, int]]()
    while waiting:
        found = drivers.get(waiting.pop())
        if found is None:
            continue
        cell, place = found
        needed = [*_needed(cell, place)]
        if cell["type"].startswith("$memrd") and (_memory(cell), place) not in used:
            used.add((_memory(cell), place))
            for writer in writers.get(_memory(cell), []):
                pins = writer["connections"]
                needed += [pins["DATA"][place], pins["EN"][place], *pins["ADDR"], *pins["CLK"]]
        waiting += {*needed} - seen
        seen.update(needed)
    return used


def _needed(cell: Mapping[str, Any], place: int) -> Iterator[int | str]:
    """Nets on which a bit of a cell's output depends."""
    width = next(len(cell["connections"][port]) for port, way in cell["port_directions"].items() if way == "output")
    for port, way in cell["port_directions"].items():
        if way == "input":
            nets = cell["connections"][port]
            parted = port in WORDS and BY_BIT.fullmatch(cell["type"]) and len(nets) % width == 0
            yield from nets[place::width] if parted else nets


def with_registers(netlist: dict[str, Any]) -> list[Port]:
    """Make outputs of what registers of Yosys' JSON of one flat module hold."""
    (module,) = netlist["modules"].values()
    held = [cell["connections"]["Q"] for cell in module["cells"].values() if re.fullmatch(r"\$[as]?dffs?r?e?", cell["type"])]
    registers = [Port(f"sigmabit_register_{number}", True, len(bits), True) for number, bits in enumerate(held)]
    for port, bits in zip(registers, held, strict=True):
        module["ports"][port.name] = {"direction": "output", "bits": bits}
    return registers


def _memory(cell: Mapping[str, Any]) -> str:
    return str(cell["parameters"]["MEMID"]).removeprefix("\\")


def compared(ports: Sequence[Port]) -> Iterator[str]:
    """For each output, an expression on `sigmabit_a_NAME` and `sigmabit_b_NAME` that is true where it differs."""
    valids = {
        port.name.removesuffix(end): port.name for port in ports if port.output for end in VALIDS if port.name.endswith(end)
    }
    for port in ports:
        if port.output:
            stream = port.name.rpartition("_")[0]
            differs = f"(sigmabit_a_{port.name} != sigmabit_b_{port.name})"
            of_beat = stream in valids and not port.name.endswith((*VALIDS, *BACK))
            yield f"(sigmabit_a_{valids[stream]} && {differs})" if of_beat else differs


def conditions(registers: Sequence[Port]) -> list[str]:
    """Always; one register of a few bits has a value; two have, those of the most bits first. As many as there may be guesses."""
    few = sorted((port for port in registers if port.bits <= FEW_BITS), key=lambda port: -port.bits)
    values = [[f"(sigmabit_a_{port.name} == {value})" for value in range(1 << port.bits)] for port in few]
    pairs = (f"({one} && {other})" for some, others in combinations(values, 2) for one, other in product(some, others))
    return [*islice(chain(["1'b1"], chain.from_iterable(values), pairs), GUESSES // len(registers))]


def clock(ports: Sequence[Port]) -> str | None:
    """A module's."""
    return next((port.name for port in ports if port.name in CLOCK_NAMES), None)


def begun(ports: Sequence[Port]) -> str:
    """Verilog of a signal `begun`: has the module been reset, if it can be?"""
    reset = next((f"({port.name} == {RESET_LEVELS[port.name]})" for port in ports if port.name in RESET_LEVELS), None)
    if clock(ports) is None or reset is None:
        return "wire begun = 1;\n"
    return f"reg begun = 0;\nalways @(posedge {clock(ports)}) if {reset} begun <= 1;\n"


def held(ports: Sequence[Port]) -> str:
    """Verilog of a signal `kept`: have inputs been allowed, up to now?"""
    if clock(ports) is None:
        return "wire kept = allowed;\n"
    return f"reg broken = 0;\nwire kept = allowed && !broken;\nalways @(posedge {clock(ports)}) broken <= !kept;\n"


def miter(top: str, sample: Sample, cuts: Sequence[Cut], mutant: int, registers: Sequence[Port] = ()) -> str:
    """Two of module `top`, one with a mutant, and whether they differ; and which guesses about these registers are wrong.

    Both only as long as inputs have been what the sample assumes of them.
    """
    ports = sample.ports
    inputs = [port for port in ports if not port.output]
    outputs = [port for port in ports if port.output]
    free = [f"input wire {port.range}{port.name}" for port in inputs]
    for cut in cuts:
        if cut.reads:
            free += [f"input wire [{cut.data - 1}:0] {cut.name}_data{other}" for other in ("", "_other")]
    when = conditions(registers) if registers else []
    free += ["output wire differ", *(f"output wire [{len(when) - 1}:0] wrong_{port.name}" for port in registers)]
    text = f"module both ({', '.join(free)});\n"
    inner = [*(port for cut in cuts for port in cut.ports), *registers]
    for name, chosen in (("sigmabit_a", 0), ("sigmabit_b", mutant)):
        text += "".join(f"wire {port.range}{name}_{port.name};\n" for port in [*outputs, *inner])
        joined = [f".{port.name}({port.name})" for port in inputs]
        joined += [f".{port.name}({name}_{port.name})" for port in [*outputs, *inner]]
        text += f"{top} {name} ({', '.join([*joined, f'.{MUTANT}({chosen})'])});\n"
    for cut in cuts:
        if cut.reads:
            same = f"sigmabit_a_{cut.name}_address == sigmabit_b_{cut.name}_address"
            text += f"assign sigmabit_a_{cut.name}_data = {cut.name}_data;\n"
            text += f"assign sigmabit_b_{cut.name}_data = ({same}) ? {cut.name}_data : {cut.name}_data_other;\n"
    text += begun(ports) + sample.assumed + held(ports)
    outside, inside = " || ".join(compared(ports)) or "1'b0", " || ".join(each for cut in cuts for each in cut.differs) or "1'b0"
    if registers:
        text += f"wire [{len(when) - 1}:0] when = {{{', '.join(when)}}};\n"
    for port in registers:
        wrong = f"begun && kept && sigmabit_a_{port.name} != sigmabit_b_{port.name}"
        text += f"assign wrong_{port.name} = {{{len(when)}{{{wrong}}}}} & when;\n"
    return text + f"assign differ = kept && (begun && ({outside}) || ({inside}));\nendmodule\n"


def in_order(netlist: Mapping[str, Any], folder: Path) -> None:
    """Write cut.json: Yosys' JSON with choices that give the first, as in a simulator."""
    (folder / "cut.json").write_text(json.dumps(netlist))
    (folder / "first.v").write_text(FIRST)
    run_yosys(["read_json cut.json", "techmap -map first.v", "write_json cut.json"], "first", folder, folder / "yosys")


def proven(folder: Path, sample: Sample, mutants: Sequence[int], limit_s: float) -> Iterator[bool]:
    """For each mutant: is the sample, whose mutants are in `folder`'s mutated.json, the same with it? False without a proof.

    limit_s: of a processor, for each step of a proof.
    """
    netlist = json.loads((folder / "mutated.json").read_text())
    (top,) = netlist["modules"]
    cuts, registers = without_memories(netlist), with_registers(netlist)
    in_order(netlist, folder)

    def make(name: str, mutants: Sequence[int], registers: Sequence[Port]) -> None:
        lines = ["read_json cut.json", "design -save cut"]
        for mutant in mutants:
            (folder / f"{name}_{mutant}.v").write_text(miter(top, sample, cuts, mutant, registers))
            lines += ["design -load cut", f"read_verilog {name}_{mutant}.v", *MAKING, f"write_aiger -symbols {name}_{mutant}.aig"]
        run_yosys(lines, "equivalence", folder, folder / "yosys")

    make("both", mutants, [])
    verdicts = {mutant: _same_signals(folder, mutant, limit_s) for mutant in mutants}
    undecided = [mutant for mutant, verdict in verdicts.items() if verdict is None]
    if undecided and registers:
        make("guessed", undecided, registers)
    for mutant, verdict in verdicts.items():
        if verdict is not None:
            yield verdict
        else:
            yield (bool(registers) and _same_by_guesses(folder, mutant, limit_s)) or _same_states(folder, mutant, limit_s)


def _same_signals(folder: Path, mutant: int, limit_s: float) -> bool | None:
    """By signals that correspond. False where a difference is found, or nothing in time; None where neither is known."""
    swept = _swept(folder, f"both_{mutant}", "scorr; dc2; scorr -F 2", limit_s)
    if swept is None:
        return False
    if _never(swept):
        return True
    said = abc(folder, f"read_aiger {swept.name}; sim3 -F {FRAMES} -T {SIMULATED_S}", 2 * SIMULATED_S)
    return False if "asserted" in said else None


def _same_by_guesses(folder: Path, mutant: int, limit_s: float) -> bool:
    """By guesses, and by signals that correspond."""
    assert b"\no0 differ\n" in (folder / f"guessed_{mutant}.aig").read_bytes()
    swept = _swept(folder, f"guessed_{mutant}", "scorr", limit_s)
    return swept is not None and _never(swept)


def _same_states(folder: Path, mutant: int, limit_s: float) -> bool:
    """By what can be reached, or by induction."""
    return any(
        said in abc(folder, f"read_aiger swept_both_{mutant}.aig; {proof}", limit_s)
        for proof, said in PROOFS.items()  # abc's own limits are of time, others' work included
    )


def _swept(folder: Path, name: str, commands: str, limit_s: float) -> Path | None:
    """An AIGER file after abc's commands; None where they do not come to an end."""
    swept = folder / f"swept_{name}.aig"
    swept.unlink(missing_ok=True)
    abc(folder, f"read_aiger {name}.aig; {commands}; write_aiger {swept.name}", limit_s)
    return swept if swept.exists() else None


def constant_outputs(aiger: Path) -> list[bool]:
    """Of each output of a binary AIGER file, is it the constant 0?"""
    lines = aiger.read_bytes().split(b"\n")
    latches, outputs = map(int, lines[0].split()[3:5])
    return [line == b"0" for line in lines[1 + latches : 1 + latches + outputs]]


def _never(aiger: Path) -> bool:
    """Is the first output the constant 0?"""
    return constant_outputs(aiger)[0]


def abc(folder: Path, commands: str, limit_s: float) -> str:
    """What abc says, in so many seconds of a processor."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 2))

    return subprocess.run(
        [ABC, "-c", commands], cwd=folder, capture_output=True, text=True, check=False, preexec_fn=limited
    ).stdout
