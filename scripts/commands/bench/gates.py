"""sigmabit bench gates: a pipeline's netlist, simulated."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.fpga.targets import target_of
from sigmabit.golden import InputError, SigmabitError
from sigmabit.verif.simulation import Noise
from sigmabit.verif.simulation.gates import simulate_netlist

from ...interface.choices import Planning, Reading
from ...interface.loading import family_for, load_with_data, make_plan
from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="gates")
@options.model
@options.data
@options.planning
@options.reading_frames
@options.as_json
def gates(
    model: Path,
    data: Path,
    planning: Planning,
    reading: Reading,
    as_json: bool,
) -> None:
    """MODEL's whole pipeline as Yosys maps it to LUTs, carry chains and registers, simulated: results and toggles.

    For networks of some ten thousand LUTs. Without --plan those for the 7 series, of whose block RAM and multipliers there are no
    models, are planned without them. Exit status 1 if a result differs from golden's.
    """
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, reading, terminal)
    if planning.file is None and target_of(family_for(planning)).unmodelled:
        planning = replace(planning, multipliers=0, block_ram=0.0)
    made = make_plan(network, planning)
    if len(codes) <= made.settling:
        raise InputError(f"{data}: {len(codes)} frames do not fill the pipeline; it takes more than {made.settling}")
    noise = Noise()
    expected = network.results(codes, noise.for_network(network, len(codes), made.samples))
    with tempfile.TemporaryDirectory() as work, terminal.progress() as report:
        try:
            found = simulate_netlist(made, codes, Path(work), noise, report)
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    mismatches = int(np.any(found.measured.results != expected, axis=(1, 2, 3)).sum())
    result = {
        "frames": len(codes),
        "mismatches": mismatches,
        "latency_cycles": found.measured.latency,
        "planned_latency_cycles": made.latency,
        "lut": found.area.lut,
        "ff": found.area.ff,
        "lut_rate": found.lut_rate,
        "register_rate": found.register_rate,
    }
    rows: list[list[object]] = [
        ["results unlike golden's", f"{mismatches} of {len(codes)}"],
        ["latency in cycles, planned and of the netlist", f"{made.latency} and {found.measured.latency}"],
        ["toggles in a cycle of outputs of LUTs, for each LUT", f"{found.lut_rate:.3f}"],
        ["toggles in a cycle of a register", f"{found.register_rate:.3f}"],
        ["ratio", f"{found.lut_rate / found.register_rate:.2f}"],
    ]
    title = f"netlist of {network.name}: {found.area.lut:,} {made.family.resources['lut']}, {found.area.ff:,} registers"
    terminal.emit(result, table(title, ["", ""], rows))
    sys.exit(1 if mismatches else 0)
