"""Verilog of several bodies: of plain operations, and of each family's primitives where its macro is defined."""

from __future__ import annotations

from collections.abc import Callable

from .families import FAMILIES, SERIES7
from .family import Primitives


def with_bodies(text: Callable[[Primitives], str], plain: str) -> str:
    """A body for each family that has primitives, once where several have the same, and the plain one for all others."""
    known = [family.primitives for family in FAMILIES if family.primitives is not None]
    found = [own for number, own in enumerate(known) if own.macro not in {other.macro for other in known[:number]}]
    chosen = "".join(
        f"`{'elsif' if number else 'ifdef'} {primitives.macro}\n{text(primitives).strip()}\n"
        for number, primitives in enumerate(found)
    )
    return f"{chosen}`else\n{plain.strip()}\n`endif\n" if found else f"{plain.strip()}\n"


def in_synthesis(text: Callable[[Primitives], str], plain: str = "") -> str:
    """The family's body wherever SYNTHESIS is defined, as synthesis tools do by themselves, and the plain one elsewhere."""
    if SERIES7.primitives is None:
        return plain and f"{plain}\n"
    otherwise = plain and f"`else\n{plain}\n"
    return f"`ifdef SYNTHESIS\n{text(SERIES7.primitives).strip()}\n{otherwise}`endif\n"
