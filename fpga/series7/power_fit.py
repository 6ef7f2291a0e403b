"""What published power reports say of the energies in power.py: what each event took, and how well the model meets the reports.

power_reports.csv holds the reports, a line each: where it was read, the device, the clock, watts and counts by kind of resource.
They are of routed 7-series designs with one clock; in all but two, activity is Vivado's assumption (inputs toggle in 12.5 % of
cycles).
"""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

from .power import BRAM_PJ, CLOCK_PJ, DSP_PJ, LOGIC_PJ, SIGNAL_PJ

REPORTS = Path(__file__).with_name("power_reports.csv")

KINDS = {
    "clock": ("clocks_w", "ff"),
    "logic": ("logic_w", "lut"),
    "signal": ("signals_w", "nets"),
    "bram": ("bram_w", "ramb36"),
    "dsp": ("dsps_w", "dsps"),
}
"""Watts of a kind of resource, and its count."""

RESOLUTION = 0.005
"""Watts of logic below which a report, in which all watts have three digits behind the point, says too little of activity."""

Row = dict[str, float]


def reports() -> dict[str, Row]:
    """The reports by where they were read; what one does not give is 0."""
    with REPORTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {"mhz", *(key for pair in KINDS.values() for key in pair)}
    return {row["source"]: {key: float(row[key] or 0) for key in numbers} for row in rows}


def energies(kind: str) -> list[float]:
    """pJ of one resource in one cycle, in each report that gives them, in rising order. Logic and signals: at its activity."""
    watts, count = KINDS[kind]
    rows = [row for row in reports().values() if row[watts] >= 0.001 and row[count]]
    if kind in ("logic", "signal"):
        rows = [row for row in rows if row["logic_w"] >= RESOLUTION]
    return sorted(row[watts] / (row[count] * row["mhz"] * 1e6) * 1e12 for row in rows)


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The lower quartile, the median, the upper quartile."""
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def model_against_reports() -> list[float]:
    """The model's watts as multiples of each report's, in rising order; of reports that have enough watts of logic to tell.

    Reports do not state toggles: each one's are reckoned from its watts of logic, which the model therefore meets exactly. What
    is compared is the rest.
    """
    found = []
    for row in reports().values():
        if row["logic_w"] < RESOLUTION:
            continue
        cycle = row["mhz"] * 1e6 * 1e-12
        rate = row["logic_w"] / (row["lut"] * cycle * LOGIC_PJ)
        toggling = rate * (LOGIC_PJ * row["lut"] + SIGNAL_PJ * row["nets"])
        memory = BRAM_PJ * row["ramb36"] + (DSP_PJ * row["dsps"] if row["dsps_w"] else 0)
        found.append(cycle * (CLOCK_PJ * row["ff"] + toggling + memory) / sum(row[watts] for watts, _ in KINDS.values()))
    return sorted(found)
