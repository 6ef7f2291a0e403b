"""sigmabit bench steps: what the thresholds behind an accumulator cost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.golden import SigmabitError
from sigmabit.hdl.family import SERIES7

from ...interface.terminal import Terminal, table
from ...measures import steps as measured
from ...measures.steps import LANES, MOST_LUT, MOST_OFF, Comparing
from .. import options


@click.command(name="steps")
@click.option("--sum-bits", type=click.IntRange(4, 32), multiple=True, help="Of a sum; may be given several times.")
@click.option("--bits", type=click.IntRange(1, 6), multiple=True, help="Of a code; may be given several times.")
@click.option(
    "--groups", type=click.IntRange(1, 512), multiple=True, help="Of outputs, in turn; 1: constants. May be given several times."
)
@options.as_json
def steps_cost(sum_bits: tuple[int, ...], bits: tuple[int, ...], groups: tuple[int, ...], as_json: bool) -> None:
    """LUT6 of the comparators behind an accumulator, by Yosys for xc7, and for each bit of a sum and threshold; and of a search.

    A threshold that changes is planned with half a LUT for each bit of a sum; it is an error if one takes more than 0.6, or if a
    search takes a tenth more or less than is planned.
    """
    terminal = Terminal(as_json)
    cases = [
        Comparing(wide, few, taking_turns)
        for taking_turns in groups or measured.GROUPS
        for few in bits or measured.BITS
        for wide in sum_bits or measured.SUM_BITS
    ]
    found = _found(terminal, cases)
    rows: list[list[object]] = [
        [
            case.groups, case.bits, case.sum_bits, case.thresholds, each["lut"],
            round(each["comparators"]), round(each["planned"]), f"{each['lut_per_bit']:.3f}", each["levels"],
            each["search"]["lut"], round(each["search"]["planned"]), each["search"]["bram36"],
        ]
        for case, each in zip(cases, found, strict=True)
    ]  # fmt: skip
    columns = [
        "groups",
        "bits",
        "sum bits",
        "of a sum",
        SERIES7.resources["lut"],
        "comparing",
        "planned",
        "per bit",
        "levels",
        "searched",
        "planned",
        SERIES7.resources["bram36"],
    ]
    terminal.emit({"steps": found}, table(f"thresholds of {LANES} sums by Yosys for xc7", columns, rows))
    off = [each for each in found if abs(each["search"]["planned"] - each["search"]["lut"]) > MOST_OFF * each["search"]["lut"]]
    if off:
        of = f"{off[0]['bits']} bits of sums of {off[0]['sum_bits']}"
        raise SigmabitError(f"a search for {of} takes {off[0]['search']['lut']} LUTs, planned {off[0]['search']['planned']:.0f}")
    costly = [each for each in found if not each["constant"] and each["lut_per_bit"] > MOST_LUT]
    if costly:
        raise SigmabitError(f"a comparator takes {costly[0]['lut_per_bit']:.3f} LUTs for each bit, more than {MOST_LUT}")


def _found(terminal: Terminal, cases: list[Comparing]) -> list[dict[str, Any]]:
    results = []
    with terminal.progress() as report:
        for done, case in enumerate(cases):
            report("synthesising", done, len(cases))
            with tempfile.TemporaryDirectory() as name:
                try:
                    area = measured.reach_area(case, Path(name))
                    found = measured.search_area(case, Path(name) / "search")
                except SynthesisError as error:
                    raise SigmabitError(str(error)) from None
            comparators = case.comparators(area)
            results.append(
                {
                    "constant": case.constant,
                    "groups": case.groups,
                    "bits": case.bits,
                    "sum_bits": case.sum_bits,
                    "thresholds": case.thresholds,
                    "lut": area.lut,
                    "comparators": comparators,
                    "planned": case.planned,
                    "lut_per_bit": comparators / (LANES * case.thresholds * case.sum_bits),
                    "ff": area.ff,
                    "levels": area.levels,
                    "search": {
                        "lut": found.lut,
                        "planned": case.searched.bill(SERIES7).lut,
                        "bram36": found.bram36,
                        "ff": found.ff,
                        "levels": found.levels,
                    },
                }
            )
    return results
