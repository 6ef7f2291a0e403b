"""The page: findings as HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .charts import Sweep, Timing, marks

TITLES = {
    "clock_mhz": "MHz",
    "cycles": "cycles per frame",
    "fps": "frames/s",
    "tops": "TOPS",
    "lut": "LUT",
    "lut_per_mac": "LUT per MAC and cycle",
    "watts": "W",
    "latency_us": "latency in µs",
    "accuracy": "accuracy",
}
"""What the figures of a comparison are called."""

OFF = 0.1
"""Share of what was measured by which an estimate may be off before it stands out."""

NOTHING = "\N{EN DASH}"


def render(data: Mapping[str, Any], pictures: Mapping[str, Path], resources: Mapping[str, str]) -> str:
    """The page. pictures: PNG files by name; that of <name>_dark, if there is one, is for dark pages. resources: what the
    family of the part calls what an area consists of.

    Names come from files that nobody vouches for: whatever is not the template's own is escaped.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "signed": signed, "figure": figure, "short": short}
    binding = data["advice"]["resource"]
    comparison = data["comparison"]
    sources = comparison["sources"] if comparison else []
    return environment.get_template("page.html").render(
        d={"accuracy": None, "reconstruction_error": None, "power": None, "confusion": None, "routed": None} | dict(data),
        images={"gallery": None} | {name: _image(name, pictures) for name in pictures if not name.endswith("_dark")},
        numbers={source["text"]: place for place, source in enumerate(sources, 1)},
        resources=[(key, title) for key, title in resources.items() if _used(data["area"], key)],
        titles=TITLES,
        words=resources,
        off=OFF,
        timing=Timing.of(data["passes"]),
        sweeps={key: Sweep.of(data["sweep"]["points"], key, marks(data, key)) for key in dict.fromkeys(("lut", binding))},
    )


def _used(area: Mapping[str, Any], key: str) -> bool:
    """Does the pipeline have any of a resource, as planned or as measured?"""
    return any(sizes[key] for sizes in (area["planned"], area["measured"]) if sizes)


def number(value: float | None, digits: int | None = None) -> str:
    """A number for people: with thousands, and so many digits behind the point, or the first four that count."""
    if value is None:
        return NOTHING
    if digits is not None:
        return f"{value:,.{digits}f}"
    text = f"{value:,.{_digits(value)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _digits(value: float) -> int:
    """Digits behind the point with which four count."""
    return max(0, 3 - int(f"{value:e}".partition("e")[2]))


def short(value: float) -> str:
    """A round number for an axis: 2k for 2,000."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def percent(value: float, digits: int = 1) -> str:
    """A share; all and nothing have no digits behind the point."""
    return f"{100 * value:.{0 if value in (0, 1) else digits}f} %"


def signed(value: float) -> str:
    """An error in percent, with its sign; that of zero has none."""
    text = f"{100 * value:+.1f} %".replace("-", "\N{MINUS SIGN}")
    return "0 %" if text[1:] == "0.0 %" else text


def figure(value: float, key: str) -> str:
    """A figure of a comparison."""
    if key == "accuracy":
        return percent(value)
    if key in ("tops", "lut_per_mac", "latency_us"):
        return number(value)
    return number(value, 0 if value >= 100 else None)


def _image(name: str, pictures: Mapping[str, Path]) -> dict[str, Any]:
    from PIL import Image

    light = pictures[name].read_bytes()
    with Image.open(io.BytesIO(light)) as image:
        width, height = image.size
    dark = pictures.get(f"{name}_dark")
    return {"light": _inlined(light), "dark": dark and _inlined(dark.read_bytes()), "width": width, "height": height}


def _inlined(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
