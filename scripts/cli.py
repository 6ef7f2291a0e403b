"""The `sigmabit` command."""

from __future__ import annotations

import sys

import click

from sigmabit.golden import SigmabitError

from .commands.compare import compare
from .commands.convert import convert
from .commands.data import data
from .commands.inspect import inspect
from .commands.plan import plan
from .commands.run import run
from .commands.synth import synth
from .commands.train import train
from .commands.verify import verify

BAD_INPUT = 2
"""Exit status after an error that the user can mend; 1 is a comparison that failed."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sigmabit")
def sigmabit() -> None:
    """Binary convolutional networks as streaming FPGA pipelines, proven bit for bit."""


for command in (inspect, plan, convert, run, compare, verify, synth, data, train):
    sigmabit.add_command(command)


def main() -> None:
    """Run the command line; what a user can mend becomes one sentence on standard error and status 2."""
    try:
        sigmabit.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        sys.exit(_fail(error.format_message()))
    except SigmabitError as error:
        sys.exit(_fail(str(error)))


def _fail(message: str) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return BAD_INPUT


if __name__ == "__main__":
    main()
