"""sigmabit doctor: what is there, and what is missing."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="What is there, and what is missing.")
@options.as_json
def doctor(as_json: bool) -> None:
    """Look for all that Sigmabit uses, and say what brings what is missing. Exit status 2 if simulations cannot be built."""
    found = sigmabit.doctor()
    missing = [part.name for part in found if part.needed and part.found is None]
    rows: list[list[object]] = [
        [part.name, part.use, Path(part.found).name if part.found and part.name != "cache" and "/" in part.found else part.found]
        if part.found
        else [part.name, part.use, f"{'MISSING' if part.needed else 'not there'}: {part.remedy}"]
        for part in found
    ]
    told = {part.name: {"use": part.use, "found": part.found, "remedy": part.remedy} for part in found}
    Terminal(as_json).emit({"parts": told, "missing": missing}, table("What Sigmabit uses", ["", "for", "found"], rows, texts=3))
    if missing:
        raise sigmabit.SigmabitError(f"{', '.join(missing)}: missing, and needed")
