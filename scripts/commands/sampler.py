"""sigmabit sampler: the Gaussian sampler's distribution, tests of its samples, its Verilog against golden, its cost."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Working
from ..interface.files import check_writable, write_whole
from ..interface.terminal import Terminal, table
from . import options

MOST_SEEDS = 8

FORMS = {"statistic": ".4g", "probability": ".3g", "adjusted": ".3g"}

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
    found = sigmabit.sampler_distribution()
    if output:
        text = "".join(f"{code},{count}\n" for code, count in zip(found.codes.tolist(), found.words, strict=True))
        write_whole(output, lambda fresh: fresh.write_text(text))
    data = found.to_json()
    moments = {int(order): Fraction(moment) for order, moment in data["moments"].items()}
    rows: list[list[object]] = [
        ["largest sample, standard deviations", data["largest_sigmas"]],
        ["total variation distance", f"{data['total_variation']:.3g}"],
    ]
    rows += [[f"largest relative error below {sigmas} sigma", f"{error:.3g}"] for sigmas, error in data["relative_error"].items()]
    rows.append(["relative error of the two largest samples", f"{data['relative_error_of_ends']:.3g}"])
    for order, normal in NORMAL_MOMENTS.items():
        rows.append([f"moment {order}, less {normal}", f"{float(moments[order]) - normal:.3g}"])
    rows.append(["odd moments", "not 0" if any(moments[order] for order in (1, 3, 5, 7)) else 0])
    rows.append(["detection horizon, samples", f"{data['horizon_samples']:.3g}"])
    terminal.emit(data, table("the exact distribution, against the normal rounded to multiples of 2**-11", ["", ""], rows))


@sampler.command()
@click.option(
    "--samples", type=click.IntRange(min=1), default=10**9, show_default=True, help="Samples drawn, of all seeds together."
)
@click.option("--seeds", type=click.IntRange(1, MOST_SEEDS), default=4, show_default=True, help="Seeds that they are drawn from.")
@click.option(
    "--significance", type=options.POSITIVE, default=0.01, show_default=True, help="Of all tests together, by Holm's method."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes, where the next two are not given."
)
@options.working
@options.as_json
def stats(samples: int, seeds: int, significance: float, jobs: int, working: Working, as_json: bool) -> None:
    """Draw samples from golden and test them: shape, moments, independence in time and between lanes.

    Exit status 1 if they fail.
    """
    terminal = Terminal(as_json)
    with terminal.progress() as report, sigmabit.workers(working.workers, cluster=working.cluster) as workers:
        data = sigmabit.sampler_stats(
            samples=samples,
            seeds=seeds,
            significance=significance,
            jobs=jobs,
            workers=workers,
            progress=report,
        )
    passed = data["passed"]
    suspects: list[list[object]] = [
        [check["name"], check["seed"], *(f"{check[key]:{form}}" for key, form in FORMS.items())] for check in data["checks"][:8]
    ]
    terminal.emit(
        data,
        table(
            f"the most suspect of {data['tests']} tests of {data['samples']:,} samples of {seeds} seeds",
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
    with terminal.progress() as report:
        data = sigmabit.sampler_compare(lanes=lanes, seed=seed or 0, samples=samples, progress=report)
    rows: list[list[object]] = [
        ["samples", data["samples"]],
        ["mismatches", data["mismatches"]],
        ["cycles from reset to ready", data["ready_cycles"]],
    ]
    terminal.emit(data, table(f"{data['module']}, seed {seed or 0}: Verilog against golden", ["", ""], rows))
    if data["mismatches"]:
        sys.exit(1)


@sampler.command()
@lanes_option
@options.as_json
def cost(lanes: int, as_json: bool) -> None:
    """Area of a sampler by Yosys for xc7, seeding and queue included."""
    terminal = Terminal(as_json)
    with terminal.progress() as report:
        data = sigmabit.sampler_cost(lanes=lanes, progress=report)
    whole, generator, gaussian = data["sampler"], data["generator"], data["gaussian"]
    shared = whole["lut"] - lanes * (generator["lut"] + gaussian["lut"])
    held = ("lut", "ff", "bram36", "dsp")
    words = sigmabit.family_of(sigmabit.part("xc7a100t")).resources
    rows: list[list[object]] = [
        ["one generator", generator["lut"], generator["ff"], 0.0, 0],
        ["one word to a sample", *(gaussian[key] for key in held)],
        ["seeding, orders, queue", shared, None, 0.0, 0],
        [f"all of it, {lanes} lanes", *(whole[key] for key in held)],
        ["per lane", *(whole[key] / lanes for key in held)],
    ]
    terminal.emit(
        data,
        table(f"{data['module']} by Yosys for xc7", ["", words["lut"], "FF", words["bram36"], words["dsp"]], rows),
        f"{whole['levels']} logic levels; ready {data['ready_cycles']:,} cycles after reset",
    )
