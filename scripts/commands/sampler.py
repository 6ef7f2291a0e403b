"""sigmabit sampler: the Gaussian sampler's distribution, tests of its samples, its Verilog against golden, its cost."""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
import numpy as np

from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.golden import SigmabitError
from sigmabit.golden.noise.distribution import CODES, LARGEST, distribution
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.noise.sampler import samples as golden_samples
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.noise.sampler import SamplerConfig
from sigmabit.verif.simulation.sampler_run import draw, sampler_design

from ..interface.files import check_writable, write_whole
from ..interface.terminal import Terminal, table
from . import options

SEEDS = (0, 1, 2**63, 2**64 - 1, 0xDECAF, 20240229, 3**40, 5**27)
"""What the tests of samples begin from."""

SIGMAS = (4, 5, 6, 7, 8)
"""Up to where relative errors are shown."""

NORMAL_MOMENTS = {2: 1, 4: 3, 6: 15, 8: 105}
"""Of the continuous normal distribution; the odd ones are 0."""

lanes_option = click.option("--lanes", type=click.IntRange(1, 256), default=4, show_default=True, help="Samples per cycle.")


@click.group(short_help="The Gaussian sampler: distribution, tests, cost.", no_args_is_help=False)
def sampler() -> None:
    """The Gaussian sampler by itself: its exact distribution, tests of its samples, its Verilog against golden, its cost."""


@sampler.command(name="distribution")
@click.option(
    "-o", "--output", type=options.PATH, metavar="FILE.csv", help="Write each sample, and how many of 2**64 words give it."
)
@options.as_json
def exact_distribution(output: Path | None, as_json: bool) -> None:
    """How far the sampler's distribution is from the normal rounded to the same codes: enumerated, not estimated."""
    terminal = Terminal(as_json)
    if output:
        check_writable(output)
    found = distribution()
    if output:
        text = "".join(f"{code},{count}\n" for code, count in zip(CODES.tolist(), found.words, strict=True))
        write_whole(output, lambda fresh: fresh.write_text(text))
    moments = {order: found.moment(order) for order in range(1, 9)}
    horizon = found.horizon()
    data = {
        "fraction_bits": FRACTION,
        "largest_sigmas": LARGEST / 2**FRACTION,
        "total_variation": found.total_variation,
        "relative_error": {str(sigmas): found.relative_error(sigmas) for sigmas in SIGMAS},
        "relative_error_of_ends": found.relative_error(np.inf),
        "moments": {str(order): f"{top}/{bottom}" for order, (top, bottom) in moments.items()},
        "horizon_samples": horizon,
    }
    rows: list[list[object]] = [
        ["largest sample, standard deviations", LARGEST / 2**FRACTION],
        ["total variation distance", f"{found.total_variation:.3g}"],
    ]
    rows += [[f"largest relative error below {sigmas} sigma", f"{found.relative_error(sigmas):.3g}"] for sigmas in SIGMAS]
    rows.append(["relative error of the two largest samples", f"{found.relative_error(np.inf):.3g}"])
    for order, normal in NORMAL_MOMENTS.items():
        top, bottom = moments[order]
        rows.append([f"moment {order}, less {normal}", f"{top / bottom - normal:.3g}"])
    rows.append(["odd moments", "not 0" if any(moments[order][0] for order in (1, 3, 5, 7)) else 0])
    rows.append(["detection horizon, samples", f"{horizon:.3g}"])
    terminal.emit(data, table("the exact distribution, against the normal rounded to multiples of 2**-11", ["", ""], rows))


@sampler.command()
@click.option(
    "--samples", type=click.IntRange(min=1), default=10**9, show_default=True, help="Samples drawn, of all seeds together."
)
@click.option("--seeds", type=click.IntRange(1, len(SEEDS)), default=4, show_default=True, help="Seeds that they are drawn from.")
@click.option(
    "--significance", type=options.POSITIVE, default=0.01, show_default=True, help="Of all tests together, by Holm's method."
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@options.as_json
def stats(samples: int, seeds: int, significance: float, jobs: int, as_json: bool) -> None:
    """Draw samples from golden and test them: shape, moments, independence in time and between lanes.

    Exit status 1 if they fail.
    """
    from sigmabit.verif.simulation.statistics import checks, holm, tally  # SciPy takes its time

    terminal = Terminal(as_json)
    began = time.perf_counter()
    with terminal.progress() as report, ProcessPoolExecutor(jobs) as pool:
        report("seeds", 0, seeds)
        running = [pool.submit(tally, seed, samples // seeds) for seed in SEEDS[:seeds]]
        for number, _ in enumerate(as_completed(running)):
            report("seeds", number + 1, seeds)
    tallies = [task.result() for task in running]
    judged = holm([check for found in tallies for check in checks(found)])
    drawn = sum(int(found.counts.sum()) for found in tallies)
    passed = judged[0][1] > significance
    data = {
        "samples": drawn,
        "seeds": list(SEEDS[:seeds]),
        "tests": len(judged),
        "significance": significance,
        "passed": passed,
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
    suspects: list[list[object]] = [
        [check.name, check.seed, f"{check.statistic:.4g}", f"{check.probability:.3g}", f"{adjusted:.3g}"]
        for check, adjusted in judged[:8]
    ]
    terminal.emit(
        data,
        table(
            f"the most suspect of {len(judged)} tests of {drawn:,} samples of {seeds} seeds",
            ["test", "seed", "statistic", "probability", "of all tests"],
            suspects,
        ),
        f"{'passed' if passed else 'failed'} at a significance of {significance:g} for all tests together",
    )
    if not passed:
        sys.exit(1)


@sampler.command()
@lanes_option
@options.seed
@click.option("--samples", type=click.IntRange(min=1), default=2**22, show_default=True, help="Samples, of all lanes together.")
@options.as_json
def compare(lanes: int, seed: int | None, samples: int, as_json: bool) -> None:
    """The Verilog on Verilator against golden, sample for sample. Exit status 1 if they differ."""
    terminal = Terminal(as_json)
    config, count = SamplerConfig(lanes), -(-samples // lanes)
    with terminal.progress() as report:
        report("simulating", 0, 0)
        found, cycles = draw(config, seed or 0, count)
        differing = np.argwhere(found != golden_samples(seed or 0, lanes, count))
    data = {
        "lanes": lanes,
        "seed": seed or 0,
        "samples": found.size,
        "mismatches": len(differing),
        "first_mismatch": differing[0].tolist() if len(differing) else None,
        "ready_cycles": cycles,
    }
    rows: list[list[object]] = [["samples", found.size], ["mismatches", len(differing)], ["cycles from reset to ready", cycles]]
    terminal.emit(data, table(f"{config.module}, seed {seed or 0}: Verilog against golden", ["", ""], rows))
    if len(differing):
        sys.exit(1)


@sampler.command()
@lanes_option
@options.as_json
def cost(lanes: int, as_json: bool) -> None:
    """Area of a sampler by Yosys for xc7, seeding and queue included."""
    terminal = Terminal(as_json)
    config = SamplerConfig(lanes)
    with tempfile.TemporaryDirectory() as name, terminal.progress() as report:
        report("synthesising", 0, 0)
        design = sampler_design(config)
        sources = design.write(Path(name) / "verilog")
        tops = {"sampler": config.module, "generator": config.uniforms[-1].module, "gaussian": config.gaussian.module}
        try:
            areas = {part: synthesise(sources, top, Path(name)).area for part, top in tops.items()}
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    whole = areas["sampler"]
    data = {
        "lanes": lanes,
        "ready_cycles": config.seeding_cycles,
        "lut_per_lane": whole.lut / lanes,
        **{
            part: {"lut": area.lut, "ff": area.ff, "bram36": area.bram36, "dsp": area.dsp, "levels": area.levels}
            for part, area in areas.items()
        },
    }
    shared = whole.lut - lanes * (areas["generator"].lut + areas["gaussian"].lut)
    rows: list[list[object]] = [
        ["one generator", areas["generator"].lut, areas["generator"].ff, 0.0, 0],
        ["one word to a sample", areas["gaussian"].lut, areas["gaussian"].ff, areas["gaussian"].bram36, areas["gaussian"].dsp],
        ["seeding, orders, queue", shared, None, 0.0, 0],
        [f"all of it, {lanes} lanes", whole.lut, whole.ff, whole.bram36, whole.dsp],
        ["per lane", whole.lut / lanes, whole.ff / lanes, whole.bram36 / lanes, whole.dsp / lanes],
    ]
    words = SERIES7.resources
    terminal.emit(
        data,
        table(f"{config.module} by Yosys for xc7", ["", words["lut"], "FF", words["bram36"], words["dsp"]], rows),
        f"{whole.levels} logic levels; ready {config.seeding_cycles:,} cycles after reset",
    )
