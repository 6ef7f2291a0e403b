"""The report's folder: the page and its plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.hdl.family.parts import family_of, part

from ..drawing import plots
from ..drawing.gallery import draw
from ..interface.files import write_folder
from .page import render
from .published import PAPER
from .study import Study

PAGE = "report.html"

THEMES = (("", plots.LIGHT), ("_dark", plots.DARK))
"""Endings of the names of plots for light and dark pages, and their colours."""


def write(found: Study, network: Network, x: NDArray[Any], folder: Path) -> list[str]:
    """Write the page and the plots into a folder, whole or not at all; the names of the files, that of the page first."""
    names: list[str] = []

    def fill(fresh: Path) -> None:
        pictures = draw_all(found.data, fresh)
        drawn = draw(network, x, found.outputs, fresh)
        if drawn is not None:
            pictures["gallery"] = drawn.rename(fresh / "gallery.png")
        (fresh / PAGE).write_text(render(found.data, pictures, _words(found.data)), encoding="utf-8")
        names.extend(path.name for path in pictures.values())

    write_folder(folder, fill, LEFTOVERS, last=(PAGE,))
    return [PAGE, *names]


PLOTS = ("latency_plot", "sweep_plot", "batches_plot", "area_by_layer")

LEFTOVERS = [f"{name}{ending}.png" for name in (*PLOTS, "gallery") for ending, _ in THEMES]
"""Files of an older report that this one may not have."""


def draw_all(data: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The plots as PNG files, by name."""
    name, words, drawn = data["network"]["name"], _words(data), {}
    for ending, theme in THEMES:
        for plot in PLOTS:
            path = folder / f"{plot}{ending}.png"
            match plot:
                case "latency_plot":
                    passes = data["passes"]
                    plots.passes(path, name, passes["layers"], passes["planned"], passes["measured"], passes["last_out"], theme)
                case "sweep_plot":
                    plots.sweep(path, f"{name} on {data['part']}", data["sweep"]["points"], words, _marks(data), theme)
                case "batches_plot":
                    batches = data["batches"]
                    plots.batches(path, name, batches["sizes"], batches["fps"], batches["seconds"], theme)
                case "area_by_layer" if data["area"]["measured"]:
                    rows = data["layers"]
                    planned, measured = ([row[kind]["lut"] for row in rows] for kind in ("planned", "measured"))
                    plots.errors(path, name, words["lut"], [row["name"] for row in rows], planned, measured, theme)
                case _:
                    continue
            drawn[f"{plot}{ending}"] = path
    return drawn


def _words(data: dict[str, Any]) -> Mapping[str, str]:
    """What the family of the part calls what areas consist of."""
    return family_of(part(data["part"])).resources


def _marks(data: dict[str, Any]) -> list[plots.Mark]:
    """This plan among those of the sweep, what Yosys made of it, and the design of Li et al. where it computes the same."""
    interval, area = data["planned"]["interval_cycles"], data["area"]
    marks = [plots.Mark("this plan", interval, area["planned"]["lut"])]
    if area["measured"]:
        marks.append(plots.Mark("this plan, by Yosys", interval, area["measured"]["lut"]))
    comparison = data["comparison"]
    if comparison and "fps" in comparison["figures"] and PAPER.cycles and PAPER.lut:
        marks.append(plots.Mark(f"{PAPER.design} ({PAPER.lut.remark})", PAPER.cycles.value, PAPER.lut.value))
    return marks
