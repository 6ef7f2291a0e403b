"""sigmabit.toml: what would be the same for every command, said once. An option of the command line wins over it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sigmabit.golden import InputError
from sigmabit.golden.front.untrusted import MAX_JSON_BYTES, content

FILE = Path("sigmabit.toml")

AIMS = ("interval", "fps", "latency", "fastest")
DEVICES = ("part", "board")

KEYS = {
    **dict.fromkeys(("model", "input", "labels", "condition", "calibration", "plan", "output_name", "fastest", *DEVICES), str),
    **dict.fromkeys(("interval", "latency", "samples", "input_bits", "baud"), int),
    **dict.fromkeys(("fps", "clock_mhz", "input_scale", "input_offset"), float),
    "positions": str,
}
"""What may be said, by the names of the options, and its kind. positions is a number, or auto."""

YIELDS = {
    **dict.fromkeys((*AIMS, "sweep"), AIMS),
    **dict.fromkeys(DEVICES, DEVICES),
    "plan": (*AIMS, "part", "clock_mhz", "positions"),
}
"""What an option of the command line makes void of what the file says, besides the same."""


def settings(file: Path = FILE) -> dict[str, Any]:
    """What the file in this folder says; nothing where there is none. Raises InputError for what cannot be said."""
    if not file.exists():
        return {}
    try:
        found = tomllib.loads(content(file, MAX_JSON_BYTES, InputError).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}") from None
    for key, value in found.items():
        if key not in KEYS:
            raise InputError(f"{file}: there is no {key:.40}, only {', '.join(sorted(KEYS))}")
        kinds: tuple[type, ...] = (int, str) if key == "positions" else (int, float) if KEYS[key] is float else (KEYS[key],)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise InputError(f"{file}: {key} is {str(value)[:40]!r}, expected {' or '.join(kind.__name__ for kind in kinds)}")
    if found.keys() >= set(DEVICES):
        raise InputError(f"{file}: part and board are both said; a board has its part")
    return found


def defaults(command: click.Command, arguments: Sequence[str], said: dict[str, Any]) -> dict[str, Any]:
    """Of what the file says, values for the parameters of a command that its arguments leave open."""
    keys = {_key(parameter): parameter for parameter in command.params}
    given = command.make_context(command.name, list(arguments), resilient_parsing=True)  # what is wrong is said later
    told = {key for key, each in keys.items() if given.get_parameter_source(str(each.name)) is ParameterSource.COMMANDLINE}
    void = told.union(*(YIELDS.get(key, ()) for key in told))
    values = {key: value for key, value in said.items() if key not in void}
    if "board" in values and "board" not in keys and "part" in keys:
        from sigmabit.fpga.boards import board

        values["part"] = board(values["board"]).part
    return {str(keys[key].name): value for key, value in values.items() if key in keys}


def _key(parameter: click.Parameter) -> str:
    """What the file calls it: an argument by its name, an option by its flag. power's board is no device."""
    if isinstance(parameter, click.Argument) or parameter.name == "board_name":
        return str(parameter.name)
    return parameter.opts[-1].lstrip("-").replace("-", "_")


def blamed(said: dict[str, Any], message: str) -> str:
    """Which of the values that the file said an error is about, as a clause behind it; empty where it is about none."""
    about = {key: rf"(?<![\w.]){re.escape(str(value))}(?!\w)" for key, value in said.items()}
    found = [f"{key} = {said[key]}" for key, pattern in about.items() if re.search(pattern, message)]
    return f" ({FILE} says {', '.join(found)})" if found else ""
