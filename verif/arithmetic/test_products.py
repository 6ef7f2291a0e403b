"""products: in two chains of rows, a product with an addend and a constant is what it should be, for all codes and weights."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from myhdl import Simulation, delay

from sigmabit.hdl.arithmetic.products import ProductAndAddend, multiply_and_add_in_rows
from sigmabit.hdl.verilog.stream import bit, wire


def found(config: ProductAndAddend, inputs: list[tuple[int, int, int]]) -> list[int]:
    """The block's results for codes, weights and addends, one in every cycle."""
    clk, code, weight = bit(), wire(config.bits), wire(config.weight_bits)
    addend, total = wire(config.addend_bits), wire(config.total_bits)
    seen: list[int] = []

    def play() -> Any:
        for values in [*inputs, *[(0, 0, 0)] * config.latency]:
            for signal, value in zip((code, weight, addend), values, strict=True):
                signal.next = value % (1 << len(signal))
            yield delay(1)
            seen.append(int(total.val.signed()))
            for level in (1, 0):
                clk.next = level
                yield delay(1)

    Simulation(multiply_and_add_in_rows(clk, code, weight, addend, total, config), play()).run(quiet=1)
    return seen[config.latency :]


@pytest.mark.parametrize(
    "config",
    [
        ProductAndAddend(3, 8, 5, 0, 5),
        ProductAndAddend(3, 8, 9, 1 << 9, 6),
        ProductAndAddend(2, 8, 12, 1 << 11, 8),
        ProductAndAddend(3, 4, 2, 1, 3),
        ProductAndAddend(1, 12, 4, 77, 9),
    ],
)
def test_all(config: ProductAndAddend) -> None:
    """Every code times every weight, with the addends at the ends of their range and beside them."""
    half, limit = 1 << (config.weight_bits - 1), 1 << (config.addend_bits - 1)
    inputs = list(product(range(1 << config.bits), range(-half, half), (-limit, 1 - limit, -1, 0, limit - 1)))
    expected = [(code * weight + (addend << config.low_bits) + config.constant) >> config.cut for code, weight, addend in inputs]
    assert found(config, inputs) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 10, 4, 0, 9), "weight_bits=10 are not two halves of digits of two bits"),
        ((8, 16, 4, 0, 8), "cut=8: the chains add up from bit 8 on, of which more than that is left out"),
    ],
)
def test_refused(arguments: tuple[int, int, int, int, int], message: str) -> None:
    """Chains that are not alike, and sums without a bit that is left out."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        ProductAndAddend(*arguments)
