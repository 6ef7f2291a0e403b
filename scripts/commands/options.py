"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from sigmabit.fpga.boards import known
from sigmabit.fpga.ethernet.link import IP, MAC
from sigmabit.hdl.family import FAMILIES
from sigmabit.verif.simulation import SIMULATORS

from ..data.shipped import held_out, model_file, shipped
from ..interface.choices import Planning, Reading, Sampling, Source, Working
from ..interface.linking import BAUD, LINKS, Linking


class _Path(click.Path):
    """A path; an empty one, of a variable that was not set perhaps, is not this folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty, expected a path", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)


class _Part(click.ParamType):
    """The name of a part."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("it is empty, expected a device such as xc7vx690t", param, ctx)
        return str(value)


class _Number(click.ParamType):
    """A number of ordinary size; click's own FloatRange lets nan and inf pass."""

    name = "number"

    def __init__(self, least: str) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number.", param, ctx)
        if not float(self.least) <= number <= 1e30:
            self.fail(f"{value} is not from {self.least} to 1e30.", param, ctx)
        return number


POSITIVE, FINITE = _Number("1e-30"), _Number("-1e30")


class _Model(_Path):
    """The file of a model, or the name of a shipped one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return model_file(super().convert(value, param, ctx))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name) for name in shipped() if name.startswith(incomplete)]
        return [*super().shell_complete(ctx, param, incomplete), *names]  # bash forgets names that stand before files


def among(names: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What a shell offers for one of some names."""
    return lambda ctx, param, incomplete: [name for name in names if name.startswith(incomplete)]


MODEL = _Model(path_type=Path)
model = click.argument("model", type=MODEL)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
boards = among(known())
BOARD = f"One of {', '.join(known())}, or a file that ends in .toml."
"""Help."""

simulator = click.option(
    "--on", type=click.Choice(list(SIMULATORS)), default=next(iter(SIMULATORS)), show_default=True, help="The simulator."
)


def _frames(ctx: click.Context, param: click.Parameter, value: Path | None) -> Source | None:
    """A shipped model of digits needs no file."""
    if value is not None or ctx.resilient_parsing:
        return value
    found = held_out(ctx.params["model"]) if "model" in ctx.params else None
    if found is None:
        raise click.MissingParameter(ctx=ctx, param=param)
    ctx.meta[HELD_OUT] = found[1]
    return found[0]


def _classes(ctx: click.Context, _: click.Parameter, value: Path | None) -> Source | None:
    """Those of the frames that were taken."""
    classes: Source | None = ctx.meta.get(HELD_OUT)
    return classes if value is None else value


HELD_OUT = "sigmabit.held_out"
"""Where a context keeps the classes of frames that no option has named."""

data = click.option(
    "--input",
    "data",
    type=PATH,
    callback=_frames,
    metavar="X.npy",
    help="Frames, as the graph's input takes them (default, of a shipped model of digits: those held out).",
)
labels = click.option("--labels", type=PATH, callback=_classes, metavar="Y.npy", help="One class per frame, for the accuracy.")
report_file = click.option("--report", "report_file", type=PATH, metavar="FILE", help="Write the result here too, as JSON.")
samples = click.option("--samples", type=int, metavar="K", help="Samples of each frame, for a model that draws them.")
SEED = click.IntRange(0, 2**64 - 1)
seed = click.option("--seed", type=SEED, metavar="N", help="Seed of the model's sampler (default: 0).")
port = click.option("--port", metavar="PORT", help="The board's serial port.")
udp = click.option("--udp", metavar="HOST[:PORT]", help="The board's address, in place of a serial port.")
baud = click.option("--baud", type=click.IntRange(1), metavar="N", help=f"Its rate (default: {BAUD}).")
patience = click.option(
    "--patience",
    type=POSITIVE,
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds of silence, beyond what the line needs, after which to give up.",
)
epsilon = click.option(
    "--epsilon", type=PATH, metavar="EPS.npy", help="Standard normal samples to use instead, (N, latents) or (N, K, latents)."
)

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _together(name: str, kind: type, *options: Decorator) -> Decorator:
    """Options whose values a command takes as one argument `name` of a kind: a dataclass with a field for each of them."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def taking(**values: Any) -> None:
            own = {field.name: values.pop(field.name) for field in fields(kind) if field.name in values}
            command(**values, **{name: kind(**own)})

        decorated: Callable[..., None] = taking
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


_scale_and_output = (
    click.option(
        "--input-scale",
        type=POSITIVE,
        metavar="S",
        help="Step of the input's codes, for models without a Quant node at the input.",
    ),
    click.option(
        "--input-bits",
        type=click.IntRange(2, 16),
        metavar="N",
        help="Their width (default: 8, or as frames of whole numbers need).",
    ),
    click.option("--input-offset", type=FINITE, metavar="O", help="The number that the first of them stands for (default: 0)."),
    click.option(
        "--output-name",
        metavar="NAME",
        help="Which of the graph's outputs is taken (default: the one calibrated for, or the first).",
    ),
)
_condition = click.option(
    "--condition", type=PATH, metavar="C.npy", help="What the condition takes beside each frame: (N, numbers), or labels (N,)."
)
reading_uncalibrated = _together("reading", Reading, *_scale_and_output, _condition)
_calibration = click.option(
    "--calibration", type=PATH, metavar="X.npy", help="Frames that say what range a real-valued model's numbers have."
)
_strict = click.option(
    "--strict-input", is_flag=True, help="Refuse numbers beyond what the input's codes stand for, which are saturated without it."
)
reading = _together("reading", Reading, *_scale_and_output, _calibration, _condition)
reading_frames = _together("reading", Reading, *_scale_and_output, _calibration, _condition, _strict)

_file = click.option(
    "--plan", "file", type=PATH, metavar="FILE", help="A plan.json; without it the fastest plan for the part is made."
)
_interval = click.option(
    "--interval", type=click.IntRange(min=1), metavar="CYCLES", help="Largest interval between frames, instead of the fastest."
)
_fps = click.option("--fps", type=POSITIVE, metavar="N", help="Least frames per second at --clock-mhz.")
_latency = click.option(
    "--latency",
    type=click.IntRange(min=1),
    metavar="CYCLES",
    help="Largest latency: from a frame's first transfer to its last result.",
)
_fastest = click.option(
    "--fastest",
    type=click.Choice(["interval", "latency"]),
    help="Which of the two is to be the shortest that the part has room for.",
)


class Positions(click.ParamType):
    """A number of positions, or auto, which is 0."""

    name = "positions"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number that an option says."""
        if value == "auto":
            return 0
        try:
            return int(click.IntRange(min=1).convert(value, param, ctx))
        except click.BadParameter:
            raise click.BadParameter(f"{value!r} is neither a number from 1 on nor auto", ctx, param) from None


_positions = click.option(
    "--positions",
    type=Positions(),
    metavar="N|auto",
    help="Positions in a beat, of a row or whole rows, or as many as serve best (default: 1; auto with --latency or --fastest).",
)

_multipliers = click.option(
    "--multipliers", type=click.IntRange(min=0), metavar="N", help="Multipliers it may use (default: the part's)."
)
_block_ram = click.option(
    "--block-ram", type=click.FloatRange(min=0), metavar="N", help="Block RAM of 36 Kb it may use (default: the part's)."
)


def _part_option(of_plan: str) -> Decorator:
    return click.option("--part", type=_Part(), metavar="PART", help=f"Device (default: {of_plan}xc7vx690t).")


_usual = ", ".join(f"{family.usual_mhz:g} for {family.name}" for family in FAMILIES)


def _clock_option(of_plan: str) -> Decorator:
    usual = f"Assumed clock in MHz (default: {of_plan}{_usual})."
    return click.option("--clock-mhz", type=POSITIVE, metavar="F", help=usual)


_part, _clock = _part_option("the plan's, or "), _clock_option("the plan's, or ")
_part_anew, _clock_anew = _part_option(""), _clock_option("")

_planning = partial(_together, "planning", Planning)
_aim = (_interval, _fps, _latency, _fastest, _positions, _multipliers, _block_ram)
planning = _planning(_file, *_aim, _part, _clock)
planning_for_board = _planning(_file, *_aim, _clock)
planning_by_device = _planning(_part_anew, _clock_anew)
planning_anew = _planning(_part_anew, *_aim, _clock_anew)

linking = _together(
    "linking",
    Linking,
    click.option("--link", type=click.Choice(LINKS), default=LINKS[0], show_default=True, help="The way to the host."),
    click.option("--baud", type=click.IntRange(1), metavar="N", help=f"Rate of the serial line (default: {BAUD})."),
    click.option("--ip", metavar="ADDRESS", help=f"The board's IPv4 address on Ethernet (default: {IP})."),
    click.option("--mac", metavar="ADDRESS", help=f"Its MAC address (default: {MAC})."),
)

sampling = _together("sampling", Sampling, samples, seed)
sampling_or_given = _together("sampling", Sampling, samples, seed, epsilon)

working = _together(
    "working",
    Working,
    click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Do pieces of it in N processes of this machine."),
    click.option("--cluster", metavar="tcp://HOST:PORT", help="Do pieces of it on the workers of a dask scheduler."),
)
