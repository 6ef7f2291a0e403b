"""The report's folder: the page and its plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sigmabit.hdl.family.parts import family_of, part
from sigmabit.hdl.planning.plan import Plan

from ..drawing import plots
from ..drawing.gallery import draw
from ..interface.files import write_folder, write_json
from .page import render
from .study import Study

PAGE = "report.html"

PLAN = "plan.json"

THEMES = (("", plots.LIGHT), ("_dark", plots.DARK))
"""Endings of the names of plots for light and dark pages, and their colours."""


def write(found: Study, plan: Plan, x: NDArray[Any], folder: Path) -> list[str]:
    """Write the page, plan.json and the plots into a folder, whole or not at all; the files' names, the page's first."""
    names: list[str] = []

    def fill(fresh: Path) -> None:
        pictures = draw_all(found.data, fresh)
        drawn = draw(plan.network, x, found.outputs, fresh)
        if drawn is not None:
            pictures["gallery"] = drawn.rename(fresh / "gallery.png")
        (fresh / PAGE).write_text(render(found.data, pictures, _words(found.data)), encoding="utf-8")
        write_json(fresh / PLAN, plan.to_json())
        names.append(PLAN)
        names.extend(path.name for path in pictures.values())

    write_folder(folder, fill, LEFTOVERS, last=(PAGE,))
    return [PAGE, *names]


PLOTS = ("batches_plot",)

FORMERLY = ("latency_plot", "sweep_plot", "area_by_layer")
"""Plots that reports of earlier versions had beside them."""

LEFTOVERS = [f"{name}{ending}.png" for name in (*PLOTS, *FORMERLY, "gallery") for ending, _ in THEMES]
"""Files of an older report that this one may not have."""


def draw_all(data: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The plots as PNG files, by name."""
    name, batches, drawn = data["network"]["name"], data["batches"], {}
    for ending, theme in THEMES:
        drawn[f"batches_plot{ending}"] = path = folder / f"batches_plot{ending}.png"
        plots.batches(path, name, batches["sizes"], batches["fps"], batches["seconds"], theme)
    return drawn


def _words(data: dict[str, Any]) -> Mapping[str, str]:
    """What the family of the part calls what areas consist of."""
    return family_of(part(data["part"])).resources
