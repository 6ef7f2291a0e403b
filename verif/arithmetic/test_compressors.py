"""Compressors and other modules with primitives of the 7 series: what they compute, and that both bodies are the same."""

from __future__ import annotations

import subprocess
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sigmabit.fpga.equivalence import prove_bodies_equal
from sigmabit.fpga.series7.target import MACRO, SERIES7
from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.hdl.arithmetic.compressors import choose, counter, full_adder, match, match_adder, sum_one, sum_three, sum_two
from sigmabit.hdl.arithmetic.delay import DelayConfig
from sigmabit.hdl.arithmetic.delay import delay as delay_block
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.arithmetic.rom import RomConfig, RomStyle, rom
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..harness import needs
from ..harness.bench import MyHdlDut

COMPRESSORS = [(full_adder, 3, 2), (counter, 6, 3)]


@pytest.mark.parametrize(("block", "inputs", "outputs"), COMPRESSORS)
def test_counts(block: Any, inputs: int, outputs: int) -> None:
    """All combinations of bits side by side: outputs are their number, in binary."""
    rows = list(product((0, 1), repeat=inputs))
    results = combined(block, [sum(row[i] << n for n, row in enumerate(rows)) for i in range(inputs)], len(rows), outputs)
    for n, row in enumerate(rows):
        assert sum((result >> n & 1) << weight for weight, result in enumerate(results)) == sum(row)


def test_matches() -> None:
    """Products are differences of plane and weight."""
    rows = list(product((0, 1), repeat=5))
    columns = [sum(row[i] << n for n, row in enumerate(rows)) for i in range(5)]
    ones, twos = combined(match_adder, columns, len(rows), 2)
    (differing,) = combined(match, columns[:2], len(rows), 1)
    (chosen,) = combined(partial(choose, lanes=4), columns[:3], len(rows), 1)
    for n, (xa, wa, xb, wb, c) in enumerate(rows):
        assert (ones >> n & 1) + 2 * (twos >> n & 1) == (xa ^ wa) + (xb ^ wb) + c
        assert differing >> n & 1 == xa ^ wa
        assert chosen >> n & 1 == (xa ^ wa) & xb


def combined(block: Any, inputs: list[int], width: int, outputs: int) -> list[int]:
    """What a block without a clock makes of vectors."""
    sources, results = [wire(width) for _ in inputs], [wire(width) for _ in range(outputs)]
    dut = MyHdlDut(lambda: block(*sources, *results))
    try:
        for source, value in zip(sources, inputs, strict=True):
            source.next = value
        dut.settle({})
        return [int(result) for result in results]
    finally:
        dut.close()


@pytest.mark.parametrize(("block", "rows"), [(sum_one, 1), (sum_two, 2), (sum_three, 3)])
def test_sums(block: Any, rows: int) -> None:
    """Planes in, numbers out, in the next cycle; modulo the width."""
    lanes, bits = 5, 4
    numbers = [[(3 * row + 7 * lane) % 16 for lane in range(lanes)] for row in range(rows)]
    totals = wire(lanes * bits)
    planes = [
        sum((number >> k & 1) << (k * lanes + lane) for lane, number in enumerate(row) for k in range(bits)) for row in numbers
    ]
    sources = [wire(lanes * bits) for _ in range(rows)]
    dut = MyHdlDut(lambda: block(bit(), *sources, totals, lanes))
    try:
        for source, value in zip(sources, planes, strict=True):
            source.next = value
        dut.step({})
        dut.settle({})
        found = [int(totals) >> (lane * bits) & 15 for lane in range(lanes)]
    finally:
        dut.close()
    assert found == [sum(row[lane] for row in numbers) % 16 for lane in range(lanes)]


def popcount_module(config: PopcountConfig) -> Any:
    """An array with its ports."""
    ports = wire(config.inputs * config.bits), wire(config.weights), wire(config.lanes * config.count_bits)
    return popcount(bit(), *ports, config)


def rom_module(words: tuple[int, ...], width: int) -> Any:
    """A table in logic."""
    config = RomConfig("test", "table", width, words, RomStyle.LOGIC)
    return rom(bit(), wire(config.address_bits), wire(width), config)


def delay_module(config: DelayConfig) -> Any:
    """Copies of a bit."""
    return delay_block(bit(), reset() if config.reset else None, bit(), wire(config.copies), config)


def written(block: Any, folder: Path) -> tuple[Path, str]:
    """The Verilog of a module without modules inside."""
    design = convert(block)
    (source,) = design.write(folder)
    return source, design.top


# Lanes stand side by side without a connection, so that what holds for two holds for any number of them.
SIZES = [
    PopcountConfig(1, 1, 1),
    PopcountConfig(2, 1, 3),
    PopcountConfig(3, 1, 2, constant=True),
    PopcountConfig(9, 8, 2),
    PopcountConfig(9, 8, 1, constant=True),
    PopcountConfig(27, 8, 2),
    PopcountConfig(192, 1, 2),
    PopcountConfig(288, 1, 1),
    PopcountConfig(9, 2, 3, ternary=True),
    PopcountConfig(9, 2, 3, masked=True),
]
LARGE = [PopcountConfig(384, 1, 2), PopcountConfig(512, 1, 1, constant=True), PopcountConfig(768, 1, 1)]


@pytest.mark.parametrize(
    "config", [*SIZES, *(pytest.param(config, marks=pytest.mark.long) for config in LARGE)], ids=lambda config: config.module
)
def test_popcount_bodies(tmp_path: Path, config: PopcountConfig) -> None:
    """An array's two bodies."""
    with outline():
        block = popcount_module(config)
    source, top = written(block, tmp_path)
    assert prove_bodies_equal(source, top, tmp_path / "yosys") >= config.count_bits * config.lanes


FEW_WORDS = tuple(int.from_bytes(bytes((37 * i * i + 11 * n) % 256 for i in range(13)), "little") >> 4 for n in range(3))


@pytest.mark.parametrize(
    "words", [(0, 1), FEW_WORDS[:2], FEW_WORDS, tuple(3**i % 2**100 for i in range(40))], ids=lambda words: len(words)
)
def test_table_bodies(tmp_path: Path, words: tuple[int, ...]) -> None:
    """A table's two bodies."""
    with outline():
        block = rom_module(words, 100)
    source, top = written(block, tmp_path)
    assert prove_bodies_equal(source, top, tmp_path / "yosys") >= 100


@pytest.mark.parametrize("config", [DelayConfig(1, 1, True, 3), DelayConfig(1, 3, False, 2)], ids=lambda config: config.module)
def test_copies_bodies(tmp_path: Path, config: DelayConfig) -> None:
    """A delay's two bodies."""
    with outline():
        block = delay_module(config)
    source, top = written(block, tmp_path)
    assert prove_bodies_equal(source, top, tmp_path / "yosys") >= config.copies


@pytest.mark.parametrize("primitive", ["LUT6_2 #(.INIT(64'h", "LUT6 #(.INIT(64'h"])
def test_a_wrong_primitive_is_found(tmp_path: Path, primitive: str) -> None:
    """One bit of one table turned: no proof."""
    with outline():
        block = popcount_module(PopcountConfig(27, 1, 2))
    source, top = written(block, tmp_path)
    text = source.read_text()
    place = text.index(primitive) + len(primitive) + 15
    source.write_text(f"{text[:place]}{int(text[place], 16) ^ 1:x}{text[place + 1 :]}")
    with pytest.raises(SynthesisError, match="unproven"):
        prove_bodies_equal(source, top, tmp_path / "yosys")


@pytest.mark.parametrize(
    "config", [PopcountConfig(65, 1, 2), PopcountConfig(9, 8, 1, constant=True)], ids=lambda config: config.module
)
def test_primitives_are_verilog_2005(tmp_path: Path, config: PopcountConfig) -> None:
    """Icarus reads the body of primitives, with their models, as the Verilog of 2005, which is stricter than Yosys is."""
    needs.icarus()
    with outline():
        block = popcount_module(config)
    source, top = written(block, tmp_path)
    command = ["iverilog", "-g2005", f"-D{MACRO}", "-t", "null", "-s", top, str(source), str(SERIES7.models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
