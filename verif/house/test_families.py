"""Families of devices: nothing but hdl/family and fpga/ knows one, each fact stands once, and another one could be added."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from sigmabit.fpga.target import Target
from sigmabit.fpga.targets import TARGETS
from sigmabit.hdl.arithmetic.accumulate import AccumulateConfig
from sigmabit.hdl.arithmetic.dot import DotConfig
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.arithmetic.tabulate import TabulateConfig
from sigmabit.hdl.family import FAMILIES, SERIES7, Cost, Family, with_bodies
from sigmabit.hdl.family.rules import MULTIPLIER_FROM
from sigmabit.hdl.family.series7 import Series7
from sigmabit.hdl.family.series7_primitives import Series7Primitives

from .test_wings import ROOT, imported, modules

CELLS = re.compile("CARRY4|LUT6|DSP48|RAMB|SIGMABIT_7SERIES|CCU2C|TRELLIS|DP16KD|MULT18X18|RAM16SDP|BSRAM")
"""Words of the families."""

HOMES = ("hdl/family/", *(f"{of.parent.relative_to(ROOT).as_posix()}/" for of in (ROOT / "fpga").glob("*/target.py")))
"""Where a family is known."""


def code_words(source: str) -> Iterator[str]:
    """The names and the texts of a module; prose, which is comments and texts that stand alone, left out."""
    syntax = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(syntax) if isinstance(node, ast.Expr)}
    for node in ast.walk(syntax):
        if id(node) not in prose:
            yield from (value for _, value in ast.iter_fields(node) if isinstance(value, str))


@pytest.mark.parametrize("room", ["golden", "hdl", "fpga", "host", "verif", "scripts"])
def test_only_a_family_knows_its_cells(room: str) -> None:
    """Elsewhere they are prose, or in tests, which may hold what is said and break what a family wrote."""
    found = {
        f"{path.relative_to(ROOT)}: {word:.60}"
        for path in sorted((ROOT / room).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(HOMES) and not path.name.startswith("test_")
        for word in code_words(path.read_text())
        if CELLS.search(word)
    }
    assert found == set()


def test_words_are_told_from_prose() -> None:
    """Names, texts, and parts of texts count; docstrings and comments do not."""
    assert not [word for word in code_words('"""LUT6."""\nx = 1  # a CARRY4\n"""A DSP48."""') if CELLS.search(word)]
    for code in ("DSP48_FROM = 8", "x = 'a CARRY4'", "x = f'{y} RAMB36'", "from x import LUT6", "def f(LUT6): pass", "f(LUT6=1)"):
        assert [word for word in code_words(code) if CELLS.search(word)], code


def test_of_hdl_fpga_knows_families_alone() -> None:
    """What Yosys and Vivado work on is Verilog."""
    found = {other[:2] for parts, syntax in modules("fpga") for other in imported(parts, syntax) if other[0] == "hdl"}
    assert found == {("hdl", "family")}


# --- what is said to other languages


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.script.stem)
def test_yosys_makes_multipliers_of_the_same_products(target: Target) -> None:
    """The least widths in each script are the house's."""
    widths = dict(re.findall(r"-D DSP_([AB])_MINWIDTH=(\d+)", target.script.read_text()))
    assert widths == dict.fromkeys("AB", str(MULTIPLIER_FROM))


def test_vivado_defines_the_macro() -> None:
    """The one that chooses the bodies of primitives."""
    flow = (ROOT / "fpga" / "series7" / "vivado" / "flow.tcl").read_text()
    assert re.findall(r"set define (SIGMABIT_\w+)", flow) == [Series7.primitives.macro]


# --- another family


class ToyPrimitives(Series7Primitives):
    """Bodies under another macro."""

    macro = "SIGMABIT_TOY"


class Toy(Series7):
    """LUTs of four inputs, no carry chains for three numbers, no multipliers."""

    name = "toy"
    primitives = ToyPrimitives()

    def product(self, first: int, second: int, signed: bool = True) -> Cost:
        return Cost(lut=first * second)

    def table(self, address_bits: int, shared: bool = False) -> Cost:
        return Cost(lut=1 << max(0, address_bits - 4))

    def adder_of_three(self, bits: float, fast: bool = False) -> Cost:
        return Cost(lut=2 * bits)


def test_another_family_prices_the_same_blocks() -> None:
    """A bill takes a family, and asks it for everything."""
    toy: Family = Toy()
    tables, products = TabulateConfig("t", 2, 8, tuple(range(64))), DotConfig(4, 8, True, 8, 2, 18)
    assert tables.bill(SERIES7) == Cost(2 * 8, 2 * 8 * 2)
    assert tables.bill(toy) == Cost(2 * 8 * 4, 2 * 8 * 2)
    assert products.bill(SERIES7).dsp == 8
    assert products.bill(toy).dsp == 0
    assert products.bill(toy).lut == products.bill(SERIES7).lut + 8 * 64
    array = PopcountConfig(9, 1, 4)
    assert array.bill(toy).lut == array.bill(SERIES7).lut + array.lanes * array.count_bits
    accumulator = AccumulateConfig(4, 8, 12, 1, folded=True, scores=False)
    assert accumulator.bill(toy) == accumulator.bill(SERIES7) == Cost(4 * 12, 4 * 13)


def test_another_family_has_bodies_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verilog chooses among them by their macros, and is plain where none is defined."""
    chosen = with_bodies(lambda primitives: f"// {primitives.macro}", "// plain")
    assert chosen == "`ifdef SIGMABIT_7SERIES\n// SIGMABIT_7SERIES\n`else\n// plain\n`endif\n"
    monkeypatch.setitem(with_bodies.__globals__, "FAMILIES", (*FAMILIES, Toy()))
    chosen = with_bodies(lambda primitives: f"// {primitives.macro}", "// plain")
    assert chosen.splitlines()[2:4] == ["`elsif SIGMABIT_TOY", "// SIGMABIT_TOY"]
    monkeypatch.setitem(with_bodies.__globals__, "FAMILIES", ())
    assert with_bodies(lambda primitives: f"// {primitives.macro}", "// plain") == "// plain\n"
