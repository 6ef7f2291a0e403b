"""Products of a factor too wide for a MULT18X18D, which a register takes: each half gets one, and is added up behind it.

Yosys adds the parts of such a product in front of its register: a multiplier, a wire and a carry chain with none between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sigmabit.hdl.family.ecp5 import MULTIPLIER_BITS

from .rewriting import Cell, identifier, modules

MOST_BITS = 2 * (MULTIPLIER_BITS - 1)
"""Of a factor whose halves both find a multiplier."""


def wide_products(design: Any) -> None:
    """Rewrite them, in a design of word-level cells."""
    for module, cells in modules(design):
        for product, register, wide, other in registered(cells):
            _split(module, module.cell(identifier(product)), module.cell(identifier(register)), wide, other)


def registered(cells: dict[str, Cell]) -> Iterator[tuple[str, str, str, str]]:
    """Products of Yosys' JSON with one factor that is too wide, the register that alone takes each, and the pins of the wide
    factor and of the other.
    """
    loads: Counter[Any] = Counter()
    takers: dict[tuple[Any, ...], str] = {}
    for name, cell in cells.items():
        for pin, nets in cell["connections"].items():
            if cell["port_directions"].get(pin) == "input":
                loads.update(net for net in nets if not isinstance(net, str))
        if cell["type"] == "$dff":
            takers[tuple(cell["connections"]["D"])] = name
    for name, cell in cells.items():
        if cell["type"] != "$mul":
            continue
        wide, other = sorted("AB", key=lambda pin: -len(cell["connections"][pin]))
        result = cell["connections"]["Y"]
        fits = (
            MULTIPLIER_BITS < len(cell["connections"][wide]) <= MOST_BITS and len(cell["connections"][other]) <= MULTIPLIER_BITS
        )
        whole = tuple(net for net in result if loads[net])
        if fits and whole == tuple(result[: len(whole)]) and whole in takers and all(loads[net] == 1 for net in whole):
            yield name, takers[whole], wide, other


def _split(module: Any, product: Any, register: Any, wide: str, other: str) -> None:
    """low * other and high * other, a register for each, and what they come to behind these."""
    from pyosys import libyosys

    factor, by = product.getPort(identifier(f"\\{wide}")), product.getPort(identifier(f"\\{other}"))
    clock, result = register.getPort(identifier("\\CLK")), register.getPort(identifier("\\Q"))
    rising, signed = (
        register.getParam(identifier("\\CLK_POLARITY")).as_bool(),
        product.getParam(identifier("\\A_SIGNED")).as_bool(),
    )
    place = product.name.str()
    module.remove(product)
    module.remove(register)
    half = factor.size() // 2
    low, high = factor.extract(0, half), factor.extract(half, factor.size() - half)
    if signed:
        low.append(libyosys.SigSpec(libyosys.State.S0, 1))
    held = []
    for part, bits in (("low", low), ("high", high)):
        made, kept = (module.addWire(identifier(f"{place}_{part}{end}"), bits.size() + by.size()) for end in ("", "_q"))
        made, kept = libyosys.SigSpec(made), libyosys.SigSpec(kept)
        module.addMul(identifier(f"{place}_{part}_product"), bits, by, made, signed)
        module.addDff(identifier(f"{place}_{part}_register"), clock, made, kept, rising)
        held.append(kept)
    least = min(half, result.size())
    module.connect(result.extract(0, least), held[0].extract(0, least))
    if result.size() > half:
        above = held[0].extract(half, held[0].size() - half)
        module.addAdd(identifier(f"{place}_sum"), above, held[1], result.extract(half, result.size() - half), signed)
