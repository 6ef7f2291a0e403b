"""The Gaussian sampler by itself: its exact distribution, tests of its samples, its Verilog against golden, its cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.fpga.workers import Report, Workers
from sigmabit.golden import InputError, SigmabitError
from sigmabit.golden.noise.distribution import CODES, LARGEST, distribution
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.noise.sampler import samples as golden_samples
from sigmabit.hdl.noise.sampler import SamplerConfig
from sigmabit.verif.simulation.job import Progress
from sigmabit.verif.simulation.sampler_run import draw, sampler_design

from .execution import silent

if TYPE_CHECKING:
    from sigmabit.verif.simulation.statistics import Tally

SEEDS = (0, 1, 2**63, 2**64 - 1, 0xDECAF, 20240229, 3**40, 5**27)
"""What the tests of samples begin from."""

SIGMAS = (4, 5, 6, 7, 8)
"""Up to where relative errors are given."""

MOST_LANES = 256


@dataclass(frozen=True, eq=False)
class SamplerDistribution:
    """The distribution of a sample, enumerated. codes: every sample, in steps of 2**-11. words: how many of 2**64 words give it.

    about: how far it is from the normal distribution rounded to the same codes, as plain values.
    """

    codes: NDArray[np.int64]
    words: tuple[int, ...]
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return self.about


def sampler_distribution() -> SamplerDistribution:
    """How far the sampler's distribution is from the normal rounded to the same codes: enumerated, not estimated."""
    found = distribution()
    moments = {order: found.moment(order) for order in range(1, 9)}
    about = {
        "fraction_bits": FRACTION,
        "largest_sigmas": LARGEST / 2**FRACTION,
        "total_variation": found.total_variation,
        "relative_error": {str(sigmas): found.relative_error(sigmas) for sigmas in SIGMAS},
        "relative_error_of_ends": found.relative_error(np.inf),
        "moments": {str(order): f"{top}/{bottom}" for order, (top, bottom) in moments.items()},
        "horizon_samples": found.horizon(),
    }
    return SamplerDistribution(CODES, tuple(found.words), about)


def sampler_stats(
    *,
    samples: int = 10**9,
    seeds: int = 4,
    significance: float = 0.01,
    jobs: int = 2,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Draw samples from golden and test them: shape, moments, independence in time and between lanes.

    Args:
        samples: of all seeds together.
        seeds: how many seeds they are drawn from, 1 to 8.
        significance: of all tests together, by Holm's method.
        jobs: processes, where there are no workers.
        workers: draw from a seed each.
        progress: is told how many seeds are done.

    Returns:
        `passed`, and each of the `checks`, the most suspect first, with its statistic, its probability, and that of all tests
        together.
    """
    from sigmabit.verif.simulation.statistics import checks, holm  # SciPy takes its time

    if not 1 <= seeds <= len(SEEDS) or samples < seeds or jobs < 1:
        raise InputError(f"samples={samples}, seeds={seeds}, jobs={jobs}: expected samples, 1 to {len(SEEDS)} seeds, a process")
    began = time.perf_counter()
    tallies = _tallies(SEEDS[:seeds], samples // seeds, jobs, workers, progress)
    judged = holm([check for found in tallies for check in checks(found)])
    return {
        "samples": sum(int(found.counts.sum()) for found in tallies),
        "seeds": list(SEEDS[:seeds]),
        "tests": len(judged),
        "significance": significance,
        "passed": judged[0][1] > significance,
        "seconds": time.perf_counter() - began,
        "checks": [
            {
                "seed": check.seed,
                "name": check.name,
                "statistic": check.statistic,
                "probability": check.probability,
                "adjusted": adjusted,
            }
            for check, adjusted in judged
        ],
    }


def _tallies(seeds: Sequence[int], samples: int, jobs: int, workers: Workers | None, progress: Progress) -> list[Tally]:
    """What is kept of so many samples of each seed."""
    done: set[int] = set()  # a piece whose worker has died is done again

    def told(number: int, what: str, reached: int, total: int) -> None:
        done.add(number)
        progress("seeds", len(done), len(seeds))

    progress("seeds", 0, len(seeds))
    work = partial(_tally, samples)
    if workers is not None:
        return list(workers.map(work, seeds, told))
    with ProcessPoolExecutor(jobs) as pool:
        running = [pool.submit(work, seed) for seed in seeds]
        for number, _ in enumerate(as_completed(running)):
            told(number, "", 1, 1)
    return [task.result() for task in running]


def _tally(samples: int, seed: int, report: Report = silent) -> Tally:
    from sigmabit.verif.simulation.statistics import tally

    found = tally(seed, samples)
    report("seeds", 1, 1)
    return found


def sampler_compare(*, lanes: int = 4, seed: int = 0, samples: int = 2**22, progress: Progress = silent) -> dict[str, Any]:
    """The sampler's Verilog on Verilator against golden, sample for sample.

    Args:
        lanes: samples per cycle, 1 to 256.
        seed: 0 to 2**64 - 1.
        samples: of all lanes together.
        progress: is told what is going on.

    Returns:
        `mismatches`, the position of the `first_mismatch` (cycle, lane), and `ready_cycles`, from reset to the first sample.
    """
    config, count = _config(lanes), -(-samples // lanes)
    if not 0 <= seed < 2**64 or samples < 1:
        raise InputError(f"seed={seed}, samples={samples}: expected a seed from 0 to 2**64 - 1, and samples")
    progress("simulating", 0, 0)
    found, cycles = draw(config, seed, count)
    differing = np.argwhere(found != golden_samples(seed, lanes, count))
    return {
        "module": config.module,
        "lanes": lanes,
        "seed": seed,
        "samples": found.size,
        "mismatches": len(differing),
        "first_mismatch": differing[0].tolist() if len(differing) else None,
        "ready_cycles": cycles,
    }


def sampler_cost(*, lanes: int = 4, progress: Progress = silent) -> dict[str, Any]:
    """Area of a sampler by Yosys for the 7 series, seeding and queue included.

    Args:
        lanes: samples per cycle, 1 to 256.
        progress: is told what is going on.

    Returns:
        Cells and logic levels of the whole `sampler`, of one `generator`, and of one word to a sample (`gaussian`).
    """
    config = _config(lanes)
    with tempfile.TemporaryDirectory() as name:
        progress("synthesising", 0, 0)
        sources = sampler_design(config).write(Path(name) / "verilog")
        tops = {"sampler": config.module, "generator": config.uniforms[-1].module, "gaussian": config.gaussian.module}
        try:
            areas = {part: synthesise(sources, top, Path(name)).area for part, top in tops.items()}
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    parts = {
        part: {"lut": area.lut, "ff": area.ff, "bram36": area.bram36, "dsp": area.dsp, "levels": area.levels}
        for part, area in areas.items()
    }
    about = {"module": config.module, "lanes": lanes, "ready_cycles": config.seeding_cycles}
    return about | {"lut_per_lane": areas["sampler"].lut / lanes} | parts


def _config(lanes: int) -> SamplerConfig:
    if not 1 <= lanes <= MOST_LANES:
        raise InputError(f"lanes={lanes}, expected from 1 to {MOST_LANES}")
    return SamplerConfig(lanes)
