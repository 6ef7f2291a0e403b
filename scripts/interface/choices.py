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
    second at the clock, or else the fastest.
    """

    file: Path | None = None
    part: str | None = None
    interval: int | None = None
    fps: float | None = None
    clock_mhz: float | None = None


@dataclass(frozen=True)
class Sampling:
    """Samples of each frame, and where they come from: the model's sampler with a seed, or a file of standard normal ones."""

    samples: int | None = None
    seed: int | None = None
    epsilon: Path | None = None
