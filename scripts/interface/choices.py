"""What a user may choose of a model, of its plan and of its noise; each is what some options of the command line say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """How a model file is read. input_scale: step of the pixels' codes. output_name: which of the graph's outputs is taken.

    calibration: a file of frames to calibrate a real-valued model with. None leaves each to the file.
    """

    input_scale: float | None = None
    output_name: str | None = None
    calibration: Path | None = None


@dataclass(frozen=True)
class Planning:
    """Which plan is taken: that of a file; or one for a part, with a largest interval in cycles, or a least rate in frames per
    second at the clock, and a largest latency in cycles, or else the fastest.

    fastest: "interval" or "latency", whichever is to be the shortest there is room for. positions: of a row side by side, 0 for
    as many as serve best; None is 1, and 0 where a latency, or what is to be fastest, is said.
    """

    file: Path | None = None
    part: str | None = None
    interval: int | None = None
    fps: float | None = None
    latency: int | None = None
    fastest: str | None = None
    positions: int | None = None
    clock_mhz: float | None = None


@dataclass(frozen=True)
class Sampling:
    """Samples of each frame, and where they come from: the model's sampler with a seed, or a file of standard normal ones."""

    samples: int | None = None
    seed: int | None = None
    epsilon: Path | None = None
