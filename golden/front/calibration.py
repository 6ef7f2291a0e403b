"""What quantisation must know besides the model: widths, and the ranges that data gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ..network.real import RealNetwork
from ..types.coding import MOST_BITS, MOST_OFFSET, SAME, Coding, Line
from ..types.errors import CalibrationError
from ..types.grid import MAX_DENOMINATOR, Grid
from ..types.range import Range
from .external import gather
from .onnx_file import load
from .quantise import NONE, Extent, Extents, Precision, calibrate
from .untrusted import LARGEST, ordinary, parse_json

KEY = "sigmabit.calibration"
"""Entry of a model file's metadata that holds its calibration, as JSON."""


@dataclass(frozen=True)
class Calibration:
    """Widths in bits, and by the name of each layer the range of its sums on the calibration's data. own: widths of single
    layers, instead of those of all.

    input_scale: the step of that data, where the model's file does not fix it; or coding: which codes its numbers become. output:
    the one of several of the graph's outputs that the layers lead to. beside: what those codes stand for in a condition.
    """

    precision: Precision
    ranges: Extents
    input_scale: float | None = None
    output: str | None = None
    coding: Coding | None = None
    own: Mapping[str, Precision] = field(default_factory=dict)
    beside: Line = SAME

    @property
    def input(self) -> Coding | None:
        """The codes of the data, where the model's file does not fix them."""
        found = self.coding or (None if self.input_scale is None else Coding.pixels(self.input_scale))
        return found and replace(found, beside=self.beside)

    def to_json(self) -> str:
        """As a model file holds it."""
        ranges = {name: [found.low, found.high] for name, found in self.ranges.items()}
        held: dict[str, Any] = {"precision": asdict(self.precision), "input_scale": self.input_scale, "ranges": ranges}
        if self.output is not None:
            held["output"] = self.output
        if self.coding is not None:
            held["coding"] = {**asdict(self.coding.codes), **asdict(self.coding.grid)}
        if self.beside != SAME:
            held["condition"] = asdict(self.beside)
        if self.own:
            held["own"] = {name: asdict(widths) for name, widths in self.own.items()}
        return json.dumps(held)

    @staticmethod
    def from_json(text: str) -> Calibration:
        """The inverse, trusting nothing. Raises CalibrationError."""
        try:
            data = parse_json(text)
            precision = _precision(data["precision"])
            ranges = {name: _range(*pair) for name, pair in data["ranges"].items()}
            scale = None if data["input_scale"] is None else _step(data["input_scale"])
            output = data.get("output")
            if not isinstance(output, str | None):
                raise TypeError(f"{output!r} is no output")
            coding = _coding(**data["coding"]) if "coding" in data else None
            beside = _beside(**data["condition"]) if "condition" in data else SAME
            own = {name: _precision(widths) for name, widths in data.get("own", {}).items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CalibrationError(
                f"the calibration in the model's metadata is damaged ({type(error).__name__}: {error})"
            ) from None
        return Calibration(precision, ranges, scale, output, coding, own, beside)


def _precision(widths: Any) -> Precision:
    return Precision(**{name: _whole(value) for name, value in widths.items()})


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r:.40} is no whole number")
    return value


def _range(low: Any, high: Any) -> Extent:
    if not (_number(low) and _number(high) and low <= high):
        raise ValueError(f"a range from {low!r:.40} to {high!r:.40}")
    return Extent(float(low), float(high))


def _step(value: Any) -> float:
    if not (_number(value) and value > 0):
        raise ValueError(f"an input_scale of {value!r:.40}")
    return float(value)


def _coding(low: Any, high: Any, gain: Any, offset: Any, scale: Any) -> Coding:
    codes, grid = Range(_whole(low), _whole(high)), Grid(_whole(gain), _whole(offset), _step(scale))
    if codes.bits > MOST_BITS or max(gain, abs(offset)) > MOST_OFFSET * MAX_DENOMINATOR:
        raise ValueError(f"codes of {codes.bits} bits on a grid of {gain} and {offset}")
    return Coding(codes, grid)


def _beside(gain: Any, offset: Any) -> Line:
    if not (_number(gain) and _number(offset)):
        raise ValueError(f"a condition of gain {gain!r:.40} and offset {offset!r:.40}")
    return Line(float(gain), float(offset))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and ordinary(value)


def calibrated(
    network: RealNetwork, x: NDArray[np.generic], precision: Precision, own: Mapping[str, Precision] = NONE
) -> Calibration:
    """The calibration of a network by the frames x (N, *input.shape); widths as for `quantise`.

    Raises CalibrationError for numbers of no ordinary size.
    """
    form = network.input
    ranges = {
        name: Extent(_flushed(name, found.low), _flushed(name, found.high)) for name, found in calibrate(network, x).items()
    }
    scale = float(form.grid.scale) if form.quantiser is None else None
    output = network.output_name if network.omitted.outputs else None
    beside = SAME if form.condition is None else form.condition.beside
    coding = form.coding and replace(form.coding, beside=SAME)
    return Calibration(precision, ranges, scale, output, coding, own, beside)


def _flushed(name: str, number: float) -> float:
    """The number, or 0 where it is next to nothing."""
    if abs(number) > LARGEST:
        raise CalibrationError(f"{name}: the calibration's data lead to numbers up to {number:g}")
    return number if ordinary(number) else 0.0


def embed(model: Path, calibration: Calibration, output: Path) -> None:
    """Write a copy of a model file with the calibration in its metadata, and with all its tensors. Raises ModelFileError."""
    proto = load(model)
    gather(proto, model)
    kept = [entry for entry in proto.metadata_props if entry.key != KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend([*kept, onnx.StringStringEntryProto(key=KEY, value=calibration.to_json())])
    output.write_bytes(proto.SerializeToString(deterministic=True))
