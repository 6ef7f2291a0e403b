"""What one command wrote of a plan as JSON and another takes: read again, and held to be of the same plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sigmabit.golden import InputError
from sigmabit.golden.front.untrusted import MAX_JSON_BYTES, content, parse_json
from sigmabit.hdl.planning.plan import Plan

Entries = Mapping[str, Mapping[str, Any]]
"""The parts of a pipeline, by name."""

T = TypeVar("T")


def reread(
    path: Path, command: str, plan: Plan, parts: list[str], keys: list[str], check: Callable[[dict[str, Any], Entries], T]
) -> T:
    """What `sigmabit COMMAND --report` wrote, as `check` gives it of the whole and of its layers.

    parts: the names that the layers must have, in order. keys: what there must be besides the layers; network and
    interval_cycles are the plan's. Raises InputError, also what `check` raises, with the file's name.
    """

    def of_layers(data: dict[str, Any]) -> T:
        if not isinstance(data["layers"], list):
            raise InputError(f"not {_expected(command)}: layers are missing")
        entries = {str(entry.get("name")): entry for entry in data["layers"] if isinstance(entry, dict)}
        if list(entries) != parts:
            raise InputError(f"made for parts {', '.join(entries)[:200]}; this plan has {', '.join(parts)}")
        return check(data, entries)

    return reread_whole(path, command, plan, ["layers", *keys], of_layers)


def reread_whole(path: Path, command: str, plan: Plan, keys: list[str], check: Callable[[dict[str, Any]], T]) -> T:
    """The same of what need not have layers."""
    text = content(path, MAX_JSON_BYTES, InputError)
    try:
        data = parse_json(text)
    except ValueError as error:
        raise InputError(f"{path}: {error}, expected {_expected(command)}") from None
    try:
        missing = [key for key in keys if key not in data] if isinstance(data, dict) else keys
        if missing:
            raise InputError(f"not {_expected(command)}: {missing[0]} {'are' if missing[0].endswith('s') else 'is'} missing")
        for key, own in (("network", plan.network.name), ("interval_cycles", plan.interval)):
            if data[key] != own:
                raise InputError(f"made for {key} {str(data[key])[:60]}, this plan has {own}")
        return check(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _expected(command: str) -> str:
    return f"what `sigmabit {command} --report` writes"


def number(entry: Mapping[str, Any], key: str, name: str) -> float:
    """A size that `name` has. Raises InputError if it has none, or what no such file has."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e12:
        raise InputError(f"{name} has no number for {key}")
    return value
