"""bench products, bench steps: what they measure, and what a plan takes."""

from __future__ import annotations

from ..harness.command_line import Call


def test_products(call: Call) -> None:
    """Of ternary constants counts of bits take less than sums of products, and are taken."""
    shape = "--inputs", 27, "--lanes", 2, "--weight-bits", 2, "--bits", 2, "--folds", 1
    (unit,) = call("bench", "products", *shape, "--json").json["units"]
    ways = {way["way"]: way for way in unit["ways"]}
    assert ways["planes"]["taken"] and not ways["single"]["taken"]
    assert ways["planes"]["lut"] < ways["single"]["lut"]


def test_steps(call: Call) -> None:
    """Half a LUT for each bit of a sum and threshold that changes, as planned."""
    changing, constant = call("bench", "steps", "--sum-bits", 8, "--bits", 2, "--json").json["steps"]
    assert changing["planned"] == 8 / 2 * 3 * 4
    assert 0.4 < changing["lut_per_bit"] < 0.6
    assert constant["comparators"] < changing["comparators"] / 2
