"""What a user may choose of a model, of its plan and of its noise; each is what some options of the command line say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sigmabit.golden import Coding, InputError, Precision
from sigmabit.golden.front.quantise import LIMITS as BITS
from sigmabit.golden.types.coding import USUAL_BITS
from sigmabit.hdl.family import Room
from sigmabit.hdl.planning.plan import MAX_SAMPLES

__all__ = ["BITS", "DEFAULT_BITS", "MAX_SAMPLES", "Planning", "Reading", "Sampling", "Source", "Working"]

DEFAULT_BITS = asdict(Precision())
"""Of a calibration's numbers, where nothing is said; BITS has the limits."""

Source = Path | NDArray[Any]
"""A .npy file, or the array itself."""


@dataclass(frozen=True, eq=False)
class Reading:
    """How a model file is read. input_scale: step of the input's codes, which are pixels unless one of the next two is given.

    input_bits: their width. input_offset: what the first of them stands for. output_name: which of the graph's outputs is taken.
    calibration: frames to calibrate a real-valued model with. None leaves each to the file. strict_input: a number
    beyond the input's codes is refused. condition: what a further input takes beside the frames.
    """

    input_scale: float | None = None
    output_name: str | None = None
    calibration: Source | None = None
    input_bits: int | None = None
    input_offset: float | None = None
    strict_input: bool = False
    condition: Source | None = None

    @property
    def of_model(self) -> dict[str, Any]:
        """What says how a file is read that is read without frames."""
        return {name: value for name, value in vars(self).items() if name != "strict_input"}

    @property
    def of_uncalibrated(self) -> dict[str, Any]:
        """The same of one that is about to be calibrated."""
        return {name: value for name, value in self.of_model.items() if name != "calibration"}

    @property
    def coding(self) -> Coding | None:
        """The input's codes, if options say which they are. Raises InputError for what they cannot be."""
        if self.input_scale is None:
            if self.input_offset is not None:
                raise InputError("--input-offset: codes have a step as well, give --input-scale")
            return None
        if self.input_bits is None and self.input_offset is None:
            return Coding.pixels(self.input_scale)
        return Coding.stated(self.input_bits or USUAL_BITS, self.input_scale, self.input_offset or 0.0)


@dataclass(frozen=True)
class Planning:
    """Which plan is taken: that of a file; or one for a part, with a largest interval in cycles, or a least rate in frames per
    second at the clock, and a largest latency in cycles, or else the fastest.

    fastest: "interval" or "latency", whichever is to be the shortest there is room for. positions: of a row side by side, 0 for
    as many as serve best; None is 1, and 0 where a latency, or what is to be fastest, is said. multipliers, block_ram: of the
    part's that it may use at the most, the latter of 36 Kb.
    """

    file: Path | None = None
    part: str | None = None
    interval: int | None = None
    fps: float | None = None
    latency: int | None = None
    fastest: str | None = None
    positions: int | None = None
    multipliers: int | None = None
    block_ram: float | None = None
    clock_mhz: float | None = None

    @property
    def room(self) -> Room:
        """What of a part it may use."""
        return Room(self.block_ram, self.multipliers)


@dataclass(frozen=True, eq=False)
class Sampling:
    """Samples of each frame, and where they come from: the model's sampler with a seed, or given ones, (N, K, latents)."""

    samples: int | None = None
    seed: int | None = None
    epsilon: Source | None = None


@dataclass(frozen=True)
class Working:
    """Who does many independent pieces of work: so many processes of this machine, or the workers of the scheduler at an address.

    None leaves it to this process. Raises InputError for both.
    """

    workers: int | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.cluster is not None:
            raise InputError(f"--workers {self.workers} and --cluster {self.cluster} exclude each other; a cluster has its own")
