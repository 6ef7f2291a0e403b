"""What shells offer: commands, options, and the names that there are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import click
import pytest

from sigmabit.scripts.commands import options
from sigmabit.scripts.group import sigmabit

from ..harness import needs
from ..harness.command_line import COMMAND

BASH = """
compopt() { :; }
eval "$(_SIGMABIT_COMPLETE=bash_source sigmabit)"
while read -ra COMP_WORDS; do
    COMPREPLY=() COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _sigmabit_completion sigmabit
    echo "${COMPREPLY[*]}"
done
"""

ZSH = """
compdef() { :; }
_path_files() { :; }
compadd() { print -r -- $completions; }
_describe() { print -r -- ${${(P)3}%%:*}; }
eval "$(_SIGMABIT_COMPLETE=zsh_source sigmabit)"
while read -r line; do
    words=(${=line}) CURRENT=${#${=line}}
    _sigmabit_completion
done
"""
"""What zsh's own functions are told, said."""

OFFERED = {
    "sigmabit serv": "serve-sim",
    "sigmabit plan digits_b": "digits_bcnn",
    "sigmabit plan x --fastest l": "latency",
    "sigmabit board x --board ul": "ulx3s",
    "sigmabit train trigger_": "trigger_vae trigger_57",
}


def environment() -> dict[str, str]:
    """Where the command is found."""
    return os.environ | {"PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}


def offered(shell: list[str]) -> dict[str, str]:
    """What a shell's script says for each line."""
    lines = "".join(f"{words}\n" for words in OFFERED)
    done = subprocess.run(shell, input=lines, env=environment(), capture_output=True, text=True, check=True)
    return dict(zip(OFFERED, map(str.strip, done.stdout.splitlines()), strict=True))


def test_bash() -> None:
    """Names that stand beside files, too."""
    assert offered(["bash", "-c", BASH]) == OFFERED


def test_zsh() -> None:
    """The same."""
    needs.zsh()
    assert offered(["zsh", "-f", "-c", ZSH]) == OFFERED


def commands(group: click.Group) -> Iterator[click.Command]:
    """Each that does something."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from commands(command)
            elif command is not None:
                yield command


@pytest.mark.parametrize("command", [*commands(sigmabit)], ids=lambda command: command.name)
def test_models_by_name(command: click.Command) -> None:
    """Wherever a model is asked for, the name of a shipped one will do, and is offered."""
    models = [each for each in command.params if each.name in ("model", "models") and isinstance(each, click.Argument)]
    assert all(each.type is options.MODEL for each in models)
