"""What is claimed of every stream: rules S1 to S4."""

from __future__ import annotations

from pathlib import Path

from .formal import Claims

RULES = Path(__file__).parents[1] / "verilog" / "stream_claims.sv"


def stream(module: str, prefix: str, bits: int, promised: bool = False, last: bool = True) -> Claims:
    """A stream at a module's ports, which begin with a prefix. promised: others send it. last: it has a tlast."""
    names = ("tdata", "tvalid", "tready", *(("tlast",) if last else ()))
    joins = {name: f"{prefix}_{name}" for name in names}
    return Claims(RULES, module, {"BITS": bits, "PROMISED": int(promised)}, joins, f"{prefix}_rules")
