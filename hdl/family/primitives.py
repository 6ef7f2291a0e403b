"""Verilog of two bodies: plain operations, and primitives of Xilinx' 7 series (UG953) where the macro is defined."""

from __future__ import annotations

PRIMITIVES = "SIGMABIT_7SERIES"
"""The macro that chooses the bodies of primitives."""


def two_bodies(primitives: str, plain: str) -> str:
    """Text of which the macro chooses one part."""
    return f"\n`ifdef {PRIMITIVES}\n{primitives.strip()}\n`else\n{plain.strip()}\n`endif\n"


def kept_registers(name: str, top: int | str, source: str, target: str, clk: str = "clk", reset: str = "1'b0") -> str:
    """Registers 0 to `top` of a name as primitives, target = source, which no tool merges where they hold the same."""
    return (
        f'(* keep = "true" *) FDRE #(.INIT(1\'b0)) {name} [{top}:0] (\n'
        f"    .C({clk}), .CE(1'b1), .R({reset}), .D({source}), .Q({target}));\n"
    )
