"""Execute the tutorials, and hold their pages to what comes out: `python docs/tutorial/execute.py [--write] [NAME...]`.

A tutorial is a notebook in jupytext's percent format, NAME.py. Its page, NAME.md, has each cell's text and code, and what it
printed, gave and drew; --write makes it anew. Of cells that are tagged `varies`, numbers may differ from machine to machine.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jupytext

HERE = Path(__file__).parent
NAMES = ("first_network", "autoencoder")

VARIES = "<!-- numbers vary -->\n"
"""Stands above what a cell printed whose numbers are not the same everywhere."""

os.environ.setdefault("MPLBACKEND", "agg")


def executed(name: str, pictures: Path) -> Iterator[str]:
    """The page's parts, cell by cell; pictures go to a folder."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = name
    values: dict[str, Any] = {"__name__": name}
    number = 0
    for cell in jupytext.read(HERE / f"{name}.py").cells:
        if cell.cell_type == "markdown":
            yield f"{cell.source}\n"
            continue
        yield f"```py\n{cell.source}\n```\n"
        printed, given = run(cell.source, f"{name}.py, cell {number + 1}", values)
        number += 1
        picture = isinstance(given, plt.Figure)
        text = printed + ("" if given is None or picture else f"{given!r}\n")
        if text:
            yield (VARIES if "varies" in cell.metadata.get("tags", ()) else "") + f"```text\n{text}```\n"
        if picture:
            file = pictures / f"{name}_{number}.svg"
            given.savefig(file, bbox_inches="tight", metadata={"Date": None, "Creator": None})
            plt.close(given)
            yield f"![what the cell draws]({file.name})\n"


def run(source: str, where: str, values: dict[str, Any]) -> tuple[str, object]:
    """What a cell prints, and the value of its last line, if that is an expression."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None  # type: ignore[attr-defined]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(ast.Module(body, []), where, "exec"), values)
        given = eval(compile(last, where, "eval"), values) if last is not None else None
    return out.getvalue(), given


def alike(page: str) -> str:
    """A page without what may differ: numbers of cells that vary."""
    block = rf"^{VARIES}```text\n.*?^```$"
    return re.sub(block, lambda found: re.sub(r"\d[\d,.]*", "#", found[0]), page, flags=re.MULTILINE | re.DOTALL)


def main(arguments: Sequence[str]) -> None:
    """Execute what is named, or both."""
    import tempfile

    write = "--write" in arguments
    for name in [each for each in arguments if not each.startswith("--")] or NAMES:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            page = "\n".join(executed(name, HERE if write else Path(folder)))
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
        if write:
            (HERE / f"{name}.md").write_text(page)
        elif alike(page) != alike((HERE / f"{name}.md").read_text()):
            found = Path(f"{name}.md")
            found.write_text(page)
            sys.exit(f"{name}: its page is not what came out, which is in {found}; --write makes it anew")


if __name__ == "__main__":
    main(sys.argv[1:])
