"""The `sigmabit` command: its group, with every command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .commands.anomaly import anomaly
from .commands.bench import bench
from .commands.board import board
from .commands.calibrate import calibrate
from .commands.compare import compare
from .commands.convert import convert
from .commands.data import data
from .commands.doctor import doctor
from .commands.inspect import inspect
from .commands.package import package
from .commands.plan import plan
from .commands.power import power
from .commands.random import random
from .commands.report import report
from .commands.route import route
from .commands.run import run
from .commands.sampler import sampler
from .commands.send import send
from .commands.serve_sim import serve_sim
from .commands.status import status
from .commands.synth import synth
from .commands.train import train
from .commands.verify import verify


class PipeClosed(Exception):
    """Nobody reads any more what the command prints."""


class Sigmabit(click.Group):
    """The group. Click would end with status 1 where a pipe is closed, which says that hardware is wrong."""

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        with _closed_pipe():
            return super().make_context(*arguments, **named)

    def invoke(self, context: click.Context) -> Any:
        with _closed_pipe():
            return super().invoke(context)


@contextmanager
def _closed_pipe() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise PipeClosed from None


@click.group(cls=Sigmabit, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="sigmabit")
@click.pass_context
def sigmabit(context: click.Context) -> None:
    """Binary CNNs and stochastic VAEs as streaming FPGA pipelines, proven bit for bit."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


way_of_a_model = (inspect, calibrate, plan, convert, run, compare, verify, synth, route, power, report)
on_a_board = (serve_sim, send, status, board, package)
for command in (*way_of_a_model, data, train, random, anomaly, sampler, bench, *on_a_board, doctor):
    sigmabit.add_command(command)
