"""The `sigmabit` command."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from sigmabit.fpga.board import BoardError
from sigmabit.golden import SigmabitError
from sigmabit.verif.pipelines import SimulationError

from .commands.anomaly import anomaly
from .commands.bench import bench
from .commands.board import board
from .commands.calibrate import calibrate
from .commands.compare import compare
from .commands.convert import convert
from .commands.data import data
from .commands.inspect import inspect
from .commands.package import package
from .commands.plan import plan
from .commands.power import power
from .commands.random import random
from .commands.report import report
from .commands.run import run
from .commands.sampler import sampler
from .commands.send import send
from .commands.serve_sim import serve_sim
from .commands.status import status
from .commands.synth import synth
from .commands.train import train
from .commands.verify import verify
from .terminal import printable

BAD_INPUT = 2
"""Exit status after an error that the user can mend."""

FAILED = 1
"""Exit status after a comparison or a simulation that shows the hardware to be wrong."""

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="sigmabit")
@click.pass_context
def sigmabit(context: click.Context) -> None:
    """Binary CNNs and stochastic VAEs as streaming FPGA pipelines, proven bit for bit."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


way_of_a_model = (inspect, calibrate, plan, convert, run, compare, verify, synth, power, report)
on_a_board = (serve_sim, send, status, board, package)
for command in (*way_of_a_model, data, train, random, anomaly, sampler, bench, *on_a_board):
    sigmabit.add_command(command)


def main() -> None:
    """Run the command line; what a user can mend becomes one sentence on standard error and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of nodes and files may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        sigmabit.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(_fail("interrupted", INTERRUPTED))
    except click.ClickException as error:
        sys.exit(_fail(error.format_message()))
    except SimulationError as error:
        sys.exit(_fail(str(error), FAILED))
    except (SigmabitError, BoardError) as error:
        sys.exit(_fail(str(error)))
    except MemoryError:
        sys.exit(_fail("not enough memory for this"))
    except OSError as error:
        sys.exit(_fail(f"{error.filename or 'a file'}: {error.strerror or error}"))


def _fail(message: str, status: int = BAD_INPUT) -> int:
    click.echo(f"error: {printable(' '.join(message.split()))}", err=True)
    return status


if __name__ == "__main__":
    main()
