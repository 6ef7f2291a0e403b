"""What is claimed of every stream: rules S1 to S4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from .formal import Claims

RULES = Path(__file__).parents[1] / "verilog" / "stream_claims.sv"


PIPELINE = {"clk": "aclk", "rst": "(reset_register_rst || !aresetn)"}
"""What a clock and a reset are called at a whole pipeline's ports; its reset is a register behind them."""


def stream(
    module: str,
    prefix: str,
    bits: int,
    promised: bool = False,
    last: bool = True,
    others: Mapping[str, str] = MappingProxyType({}),
) -> Claims:
    """A stream at a module's ports, which begin with a prefix. promised: others send it. last: it has a tlast.

    others: what else the rules see: clock and reset, of other names, or a reader in reset.
    """
    names = ("tdata", "tvalid", "tready", *(("tlast",) if last else ()))
    joins = {**others, **{name: f"{prefix}_{name}" for name in names}}
    return Claims(RULES, module, {"BITS": bits, "PROMISED": int(promised)}, joins, f"{prefix}_rules")
