"""Plots of plans: area against interval, time and throughput against batch size. PNG, in colours for light or dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vPX*"

DOTS_PER_INCH = 160


@dataclass(frozen=True)
class Theme:
    """Colours of paper and ink, and of the lines in the order in which they are drawn."""

    paper: str
    ink: str
    faint: str
    lines: tuple[str, ...]


LIGHT = Theme("#ffffff", "#1d2430", "#8b94a3", ("#1f6feb", "#c2410c", "#15803d", "#7c3aed"))
DARK = Theme("#151a21", "#e6e9ee", "#7d8795", ("#6ea8fe", "#fb923c", "#4ade80", "#c4b5fd"))


def sweep(
    path: Path,
    title: str,
    points: Sequence[Mapping[str, float]],
    words: Mapping[str, str],
    theme: Theme = LIGHT,
    sooner: Sequence[Mapping[str, float]] = (),
) -> None:
    """LUTs against the interval, with block RAM below; points have interval_cycles, lut and bram36.

    words: what the family calls its resources. sooner: points of another front, drawn against their latency_cycles.
    """
    intervals = [point["interval_cycles"] for point in points]
    with _figure(path, theme, (7.2, 5.2), rows=(2.4, 1)) as (figure, axes):
        above, below = axes
        blue = theme.lines[0]
        above.plot(intervals, [point["lut"] for point in points], color=blue, marker="o", markersize=3.5, label="planned")
        if sooner:
            latencies, luts = ([point[key] for point in sooner] for key in ("latency_cycles", "lut"))
            above.plot(latencies, luts, color=theme.lines[-1], marker="s", markersize=3.5, label="planned, against the latency")
        above.set(ylabel=words["lut"], title=title)
        _logarithmic(above, "x", (1, 2, 5))
        _logarithmic(above, "y", (1, 2, 5))
        if sooner:
            _legend(above, theme)
        below.plot(intervals, [point["bram36"] for point in points], color=blue, marker="o", markersize=3.5)
        below.set(xlabel="cycles between frames" + (", or of latency" if sooner else ""), ylabel=words["bram36"])
        below.set_ylim(bottom=0)
        figure.align_ylabels()


def batches(
    path: Path,
    title: str,
    sizes: Sequence[int],
    fps: Mapping[str, Sequence[float]],
    seconds: Mapping[str, Sequence[float]],
    theme: Theme = LIGHT,
) -> None:
    """Frames per second when batches follow one another, and the time that one takes, against its size; a line for each name."""
    with _figure(path, theme, (5.2, 6.4), rows=(1, 1)) as (_, axes):
        above, below = axes
        for number, name in enumerate(fps):
            style: dict[str, Any] = {
                "color": theme.lines[number % len(theme.lines)],
                "marker": MARKERS[number % len(MARKERS)],
                "markersize": 4.5,
            }
            above.plot(sizes, fps[name], label=name, **style)
            below.plot(sizes, np.array(seconds[name]) * 1e3, **style)
        above.set(ylabel="frames per second, batch after batch", title=title)
        below.set(xlabel="frames in a batch", ylabel="milliseconds for one batch")
        for each in axes:
            _logarithmic(each, "x", (1,))
            _logarithmic(each, "y", (1,), plain=each is below)
            each.set_xticks(sizes, [str(size) for size in sizes])
        _legend(above, theme)


def frames(
    path: Path,
    title: str,
    networks: Sequence[str],
    pipelines: Sequence[float],
    processors: Mapping[str, Sequence[float | None]],
    published: Mapping[str, float],
    theme: Theme = LIGHT,
) -> None:
    """Seconds for one frame, a row for each network; beside them how many times as fast its pipeline is, and what others publish.

    processors: by the name of what ran on one, seconds or None for each network. published: ratios by what they are of.
    """
    heights = (len(networks), len(networks) + len(published))
    colours = dict(zip(processors, theme.lines[1:], strict=False))
    with _figure(path, theme, (9.0, 1.8 + 0.4 * sum(heights)), heights, shared=False) as (_, (above, below)):
        _bars(above, 0, 1 + len(processors), [each * 1e6 for each in pipelines], color=theme.lines[0], label="pipeline")
        for number, (name, seconds) in enumerate(processors.items()):
            times = [None if each is None else each * 1e6 for each in seconds]
            ratios = [None if each is None else each / own for each, own in zip(seconds, pipelines, strict=True)]
            _bars(above, 1 + number, 1 + len(processors), times, color=colours[name], label=name)
            bars = _bars(below, number, len(processors), ratios, color=colours[name])
            below.bar_label(bars, fmt="%.3g", padding=3, color=theme.ink)
        bars = below.barh(range(*heights), list(published.values()), 0.5, color=theme.faint)
        below.bar_label(bars, fmt="%.3g", padding=3, color=theme.ink)
        for axes, labels in ((above, list(networks)), (below, [*networks, *(f"{what} *" for what in published)])):
            axes.set_yticks(range(len(labels)), labels)
            axes.invert_yaxis()
            _logarithmic(axes, "x", (1,), plain=True)
        below.set_xlim(left=1)
        above.set(xlabel="microseconds for one frame", title=title)
        below.set(xlabel="times as fast as that (* as its authors report of their own pipeline)")
        _legend(above, theme)


def _bars(axes: Axes, number: int, count: int, lengths: Sequence[float | None], **style: Any) -> Any:
    """Bar `number` of `count` in each row that has a length."""
    height = 0.8 / count
    rows = [row for row, length in enumerate(lengths) if length is not None]
    places = [row + (number - (count - 1) / 2) * height for row in rows]
    return axes.barh(places, [length for length in lengths if length is not None], height, **style)


@contextmanager
def _figure(
    path: Path, theme: Theme, size: tuple[float, float], rows: tuple[float, ...] = (1,), shared: bool = True
) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """A figure of axes one below the other, of these heights, which is written when all is drawn.

    shared: they have one axis of x.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours: Any = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor"), theme.ink)
    colours |= dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), theme.paper)
    colours |= {
        "axes.edgecolor": theme.faint,
        "grid.color": theme.faint,
        "grid.alpha": 0.25,
        "axes.grid": True,
        "axes.titlesize": "medium",
    }
    colours |= {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9.5, "text.parse_math": False}
    with mpl.rc_context(colours):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(rows), sharex=shared, squeeze=False, height_ratios=rows)[:, 0]
        yield figure, tuple(axes)
        figure.savefig(path, format="png", dpi=DOTS_PER_INCH)


def _logarithmic(axes: Axes, name: str, steps: Sequence[float], plain: bool = False) -> None:
    """Make the axis x or y logarithmic, with a tick at `steps` of each decade; 10 k for 10,000 unless plain."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

    axes.set(**{f"{name}scale": "log"})
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}") if plain else EngFormatter(sep="\N{THIN SPACE}"))


def _legend(axes: Axes, theme: Theme) -> None:
    axes.legend(frameon=True, framealpha=0.85, edgecolor=theme.faint, fontsize="small")
