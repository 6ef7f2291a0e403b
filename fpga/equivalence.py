"""Modules that have a body of primitives and one of plain operations: Yosys proves the two equal."""

from __future__ import annotations

from pathlib import Path

from .series7.target import MACRO, SERIES7
from .synthesis import run_yosys


def prove_bodies_equal(source: Path, top: str, work: Path) -> int:
    """Prove both bodies of the module in `source` equal, register by register; returns how many points were compared.

    Registers and nets of the same name are taken to be equal a cycle ago, and proven equal now; where the bodies have registers
    of different names, by induction over a few cycles. Raises SynthesisError where no proof is found.
    """
    lines = []
    for body, define in (("plain", ""), ("primitives", f"-D{MACRO} ")):
        lines += [
            f"read_verilog {define}{source.name}",
            *([f"read_verilog {SERIES7.models}"] if define else []),
            f"rename {top} {body}",
            f"hierarchy -top {body}",
            "proc -norom",
            "flatten",
            "opt_clean",
            f"design -stash {body}",
        ]
    lines += [
        "design -copy-from plain -as plain plain",
        "design -copy-from primitives -as primitives primitives",
        "equiv_make plain primitives both",
        "hierarchy -top both",
        "equiv_simple",
        "equiv_induct -seq 4",
        "equiv_status -assert",
    ]
    log = run_yosys(lines, f"{top}_bodies", source.resolve().parent, work)
    found = [
        line.split()[1] for line in log.read_text().splitlines() if line.startswith("Found ") and "$equiv cells in both" in line
    ]
    return int(found[-1])
