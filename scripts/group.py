"""The `sigmabit` command: its group, with every command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from .interface.settings import blamed, defaults, settings

WAY_OF_A_MODEL = ("inspect", "calibrate", "plan", "convert", "run", "compare", "verify", "synth", "route", "power", "report")
ON_A_BOARD = ("serve-sim", "send", "status", "board", "package")
COMMANDS = (*WAY_OF_A_MODEL, "data", "train", "random", "anomaly", "sampler", "bench", *ON_A_BOARD, "doctor")
"""Their modules in commands/ have the same names, and are imported when they are needed: each needs a second or two."""


class PipeClosed(Exception):
    """Nobody reads any more what the command prints."""


class Sigmabit(click.Group):
    """The group. Click would end with status 1 where a pipe is closed, which says that hardware is wrong."""

    def list_commands(self, ctx: click.Context | None) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f".commands.{name}", __package__), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """With what sigmabit.toml says for whatever the arguments leave open."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            if near := get_close_matches(args[0], COMMANDS):
                ctx.fail(f"No such command '{args[0]}'. Did you mean {' or '.join(map(repr, near))}?")
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None and not isinstance(command, click.Group) and (said := settings()):
            ctx.default_map = {name: defaults(command, rest, said)}
        return name, command, rest

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        with _closed_pipe():
            return super().make_context(*arguments, **named)

    def invoke(self, context: click.Context) -> Any:
        try:
            with _closed_pipe():
                return super().invoke(context)
        except (click.UsageError, ValueError) as error:  # ours are ValueErrors, whose module takes its time
            said = {} if context.default_map is None else context.default_map.get(context.invoked_subcommand or "", {})
            message = error.format_message() if isinstance(error, click.UsageError) else str(error)
            clause = blamed(said, message)
            if isinstance(error, click.UsageError) and clause:
                raise click.UsageError(f"{message}{clause}", error.ctx) from None
            if clause:
                error.args = (f"{message}{clause}",)
            raise


@contextmanager
def _closed_pipe() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise PipeClosed from None


@click.group(cls=Sigmabit, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="sigmabit")
@click.option("-q", "--quiet", "says", flag_value="quiet", help="No remarks and no progress; results and errors stay.")
@click.option("-v", "--verbose", "says", flag_value="verbose", help="Progress where there is no terminal, too, line by line.")
@click.pass_context
def sigmabit(context: click.Context, says: str | None) -> None:
    """Binary CNNs and stochastic VAEs as streaming FPGA pipelines, proven bit for bit."""
    context.meta["sigmabit.says"] = says or ""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def load(arguments: Sequence[str]) -> None:
    """Import the command that arguments name; all of them where their list is to be shown."""
    named = next((word for word in arguments if not word.startswith("-")), None)
    shown = not arguments or bool({"-h", "--help"}.intersection(arguments[:1]))
    for name in COMMANDS if shown else (named,) if named in COMMANDS else ():
        sigmabit.get_command(None, name)
