"""What people see: on terminals of 80 columns, in pipes, after Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import re
import signal
import struct
import subprocess
import termios
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType

from sigmabit.golden import import_model
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.api.inspection import inspect
from sigmabit.scripts.commands import inspect as inspect_command
from sigmabit.scripts.commands import plan as plan_command
from sigmabit.scripts.data.datasets import digits
from sigmabit.scripts.interface.terminal import table

from ..harness.command_line import COMMAND, DIGITS, MODELS, Call, Refused, Tiny, command, listing, outside

pytestmark = pytest.mark.usefixtures("own_folder")


def on_terminal(*arguments: object, interrupt_at: bytes | None = None, out: int | None = None) -> tuple[int, str]:
    """Exit status, and what a terminal of 80 columns shows; standard output goes to `out` if it is given.

    interrupt_at: what has to be seen for Ctrl-C to be pressed.
    """
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        stdin=inside,
        stdout=inside if out is None else out,
        stderr=inside,
        env=outside() | {"TERM": "xterm"},
    )
    os.close(inside)
    seen = b""
    with suppress(OSError):  # what reading gives when the other side is closed
        while chunk := os.read(terminal, 65536):
            seen += chunk
            if interrupt_at is not None and interrupt_at in seen:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
    os.close(terminal)
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")


def columns(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header starts so, with their lines' alignment checked: numbers end where their header ends."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(header))
    names = list(re.finditer(r"\S+(?: \S+)*", lines[start]))
    body = lines[start + 2 :]
    cells = []
    for line in body[: next((i for i, line in enumerate(body) if line.startswith("total")), len(body)) + 1]:
        found = list(re.finditer(r"\S+(?: \S+)*", line))
        cells.append([cell[0] for cell in found])
        for cell in found:
            if re.fullmatch(r"[\d,.]+", cell[0]):
                assert any(cell.end() == name.end() for name in names), line
    return [row for row in cells if row]


WIDTHS = (40, 45, 52, 60, 72, 80, 100, 132)


def front(made: Plan, steps: int) -> dict[str, Any]:
    """What a sweep says of plans, without the time that it takes to make them."""
    point = made.to_json()
    points = [{**point, "interval_cycles": point["interval_cycles"] * step, "lut": point["lut"] / step} for step in (1, steps)]
    said = {"network": made.network.name, "part": made.part, "clock_mhz": made.clock_mhz, "positions": made.positions}
    return {**said, "points": points, "latency_points": points}


def printed(parts: Iterable[RenderableType], width: int) -> str:
    """What a terminal of so many columns shows."""
    console = Console(width=width, highlight=False, markup=False, emoji=False, color_system=None)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def word(draw: random.Random) -> str:
    """One to three words, now and then a very long one."""
    return " ".join("n" * draw.choice((1, 3, 7, 12, 12, 90 if draw.random() < 0.1 else 5)) for _ in range(draw.randint(1, 3)))


def number(draw: random.Random) -> float | int | None:
    """Of any size that a table has."""
    return draw.choice((draw.randint(0, 99), draw.randint(0, 10**9), draw.random() * 10**6, 0.5, None))


class TestTerminal:
    def test_interrupt(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", digits().test_images[:40])
        files = ("--output", tmp_path / "y.npy", "--trace", tmp_path / "t.npz")
        with (tmp_path / "out").open("w") as out:
            before = listing(tmp_path)
            simulation = ("run", DIGITS, "--input", tmp_path / "x.npy", "--on", "myhdl", *files)
            status, shown = on_terminal(*simulation, interrupt_at=b"simulating", out=out.fileno())
        assert status == 130
        assert shown.rstrip().endswith("error: interrupted")
        assert "Traceback" not in shown
        assert listing(tmp_path) == before

    def test_progress_disturbs_no_pipe(self, data: Path, tiny: Path, tmp_path: Path) -> None:
        with (tmp_path / "out").open("w") as out:
            status, shown = on_terminal("compare", tiny, "--input", data / "x.npy", "--on", "myhdl", "--json", out=out.fileno())
        assert status == 0
        assert json.loads((tmp_path / "out").read_text())["mismatches"] == 0
        assert "mismatches" not in shown

    def test_progress_of_random(self, tmp_path: Path) -> None:
        status, shown = on_terminal("random", "mnist_bcnn", "-o", tmp_path / "m.onnx")
        assert status == 0
        assert "balancing layers" in shown

    @pytest.mark.parametrize("model", ["digits_bcnn", "mnist_bcnn"])
    def test_tables_suit_a_terminal(self, model: str) -> None:
        file = MODELS / f"{model}.onnx"
        network = import_model(file)
        for arguments, header in [
            (("inspect", file), "layer    input"),
            (("plan", file, "--interval", "2000"), "layer    folding"),
        ]:
            status, shown = on_terminal(*arguments)
            assert status == 0
            assert all(len(line) <= 80 for line in shown.splitlines() if not line.startswith("note:"))
            rows = columns(shown, header)
            assert [row[0] for row in rows] == [*(layer.name for layer in network.layers), "total"]
            if arguments[0] == "inspect":
                assert rows[-1][-1] == f"{network.operations:,}"
                for node in (node for layer in network.layers for node in layer.nodes):
                    assert re.search(rf"(^|\s){re.escape(node)}(,|$)", shown, re.MULTILINE), node

    @pytest.mark.parametrize("model", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
    def test_numbers_never_break(self, model: Path) -> None:
        """Nor do names of layers, nor is any line too long: what a pipe gets of a table is there, cell for cell."""
        network = import_model(model)
        made = Planner(network, "xc7vx690t", 200.0, 1).plan(1 << 20)
        inspected = inspect_command.tables(network.name, inspect(model).layers)
        swept = plan_command.sweep_tables(front(made, 40))
        numbers = re.compile(r"(?<![\w.,/])[\d,.]*\d(?![\w.,/])")
        for parts in (plan_command.tables(made), swept, inspected[:1]):
            whole = Counter(numbers.findall(printed(parts, 10_000)))
            for width in WIDTHS:
                shown = printed(parts, width)
                assert max(map(len, shown.splitlines())) <= width
                assert whole <= Counter(numbers.findall(shown))
                if parts is not swept:
                    assert {layer.name for layer in network.layers} <= set(re.findall(r"^\w+", shown, re.MULTILINE))

    @pytest.mark.parametrize("width", WIDTHS)
    def test_any_table_fits(self, width: int) -> None:
        """Drawn tables: columns of numbers and words, names longer than any terminal, with and without totals."""
        draw = random.Random(width)
        for _ in range(150):
            count, texts = draw.randint(1, 12), draw.randint(0, 3)
            cells = [
                [word(draw) if place < texts and draw.random() < 0.9 else number(draw) for place in range(count)]
                for _ in range(draw.randint(2, 5))
            ]
            columns = [word(draw) for _ in range(count)] if draw.random() < 0.7 else [""] * count
            total, rows = (cells[0], cells[1:]) if draw.random() < 0.5 else ((), cells)
            shown = printed([table("a table", columns, rows, texts, total)], width)
            assert max(map(len, shown.splitlines())) <= width
            lines = {tuple(line.split()) for line in shown.splitlines()}
            found = Counter(part for line in lines for part in line)
            for row in (rows[0], total):
                for cell in row:
                    if not isinstance(cell, str) and cell is not None:
                        assert found[f"{cell:,.10g}" if isinstance(cell, float) else f"{cell:,}"], (cell, shown)

    def test_a_narrow_terminal(self) -> None:
        """What the command itself makes of 60 columns: 1,536 is on one line."""
        shown = command("plan", DIGITS, "--interval", 2000, COLUMNS="60").out
        headers = [line.split() for line in shown.splitlines() if line.startswith("layer ")]
        assert headers == [["layer", "folding", "weights", "interval", "latency", "LUT"], ["layer", "FF", "RAMB36"]]

    def test_pipes_get_whole_lines(self) -> None:
        result = command("inspect", DIGITS)
        assert "conv1    /1/Conv, /2/BatchNormalization, /3/act_quant/export_handler/BipolarQuant\n" in result.out
        assert "\x1b" not in result.out
        assert not re.search(r"[ \t]+$", result.out, re.MULTILINE)
        assert columns(command("plan", DIGITS).out, "layer    folding")[-1][0] == "total"

    def test_names_are_printed_as_they_are(self, call: Call, refused: Refused) -> None:
        name = "[red]a[/b] :smile: {}%s"
        Path("[red]a[").mkdir()
        model = Tiny(between=(("Neg", name),), quantised=False).save(Path(f"{name}.onnx"))
        result = call("inspect", model)
        assert result.status == 0
        assert result.out.count(name) >= 1
        assert f"note: {name}.onnx:" in result.err
        refused(["inspect", "[/b].onnx"], "[/b].onnx")

    def test_names_do_nothing_to_a_terminal(self, call: Call) -> None:
        """Escape sequences and line breaks of node and file names are shown, not obeyed: in tables, notes, and errors."""
        name, shown = "\x1b[2J\x07a\nb\u202e", r"\x1b[2J\x07a\nb\u202e"
        model = Tiny(between=(("Neg", name),), quantised=False).save(Path(f"{name}.onnx"))
        result = call("inspect", model)
        assert result.status == 0
        assert shown in result.out
        assert f"note: {shown}.onnx:" in result.err
        refused = call("inspect", Tiny(between=(("Mod", name),)).save(Path("m.onnx")))
        assert rf"{shown} (Mod)" in refused.out
        planned = call("plan", "m.onnx")
        assert r"\x1b[2J\x07a b\u202e (Mod)" in planned.err
        for text in (result.out, result.err, refused.out, refused.err, planned.err):
            assert all(character.isprintable() or character == "\n" for character in text)

    def test_output_without_unicode(self, tmp_path: Path) -> None:
        model = Tiny().save(tmp_path / "modèle.onnx")
        result = command("inspect", model, PYTHONIOENCODING="ascii")
        assert result.status == 0
        assert result.out.isascii()
        assert "mod\\xe8le" in result.out

    def test_a_reader_that_leaves(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([COMMAND, "inspect", DIGITS], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert done.returncode != 0
        assert done.stderr == ""
