"""The lint: hdl/ is clean, every rule fires on the trap that it is there for, and none on what to write instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

from .lint_myhdl import BLOCK_RULES, CLASS_RULES, HDL, Finding, lint

FRAME = """
@{kind}
def dut(clk, a, b, q, sink, source, size, config):
    wide = wire(8)
    words = [wire(size * 4) for _ in range(config.depth)]
    table = tuple(range(8))
{body}
    @always_comb
    def work():
{process}
    return work
"""

PROCESSES = [
    ("compound", "q.next = (a + b) >> 1", "total = intbv(0)[9:]\ntotal[:] = a + b\nq.next = total >> 1"),
    ("compound", "q.next = (a << 4) >> 4", "q.next = a[4:]"),
    ("compound", "q.next = (a * b) > 7", "q.next = a > 7"),
    ("compound", "q.next = (a ^ b) > 7", "q.next = (a ^ b) & (a | b)"),
    ("compound", "q.next = concat(a, b) > q", "q.next = concat(a, b)"),
    ("compound", "q.next = a + b + 1", "q.next = a + (size - 1)"),
    ("compound", "q.next = a + 2 * b", "q.next = a + 2 * config.gain"),
    ("compound", "q.next = -(a + b)", "q.next = -a"),
    ("compound", "q.next = a != (b if a else 1)", "q.next = (a == 1) != (b == 2)"),
    ("compound", "more = intbv(0)[9:]\nmore += a * b", "more = intbv(0)[9:]\nmore += a"),
    ("compound", "q.next = words[a + b]", "for i in range(size):\n    q.next[i * size + 1] = a[i]"),
    ("compound", "q.next = table[int(a + 1)]", "q.next = table[int(a)]"),
    ("compound", "if a - b == 3:\n    q.next = 1", "if a == size - 3:\n    q.next = 1"),
    ("division", "q.next = a // 4", "q.next = a >> 2"),
    ("division", "q.next = a % 4", "q.next = a[2:]"),
    ("division", "more = intbv(0)[9:]\nmore //= 2", "q.next = config.depth // 2"),
    ("inversion", "q.next = ~(a ^ b)", "q.next = a ^ b ^ 255"),
    ("inversion", "q.next = ~~a", "q.next = ~a"),
    ("table", "q.next = table[int(a)] + 1", "q.next = table[int(a)]"),
    ("table", "q.next = a and config.rows[int(b)]", "q.next = config.rows[int(b)]"),
    ("table", "q.next = TABLE[a] ^ b", "q.next = wide[a] ^ b"),
    ("table", "q.next = a if table[int(b)] else b", "q.next = a if words[int(b)] else b"),
    ("moving-slice", "for i in range(4):\n    q.next[i] = a[2 * i + 2 : 2 * i]", "for i in range(4):\n    q.next[i] = a[i]"),
    ("moving-slice", "low = b * size\nq.next = a[(low + 4) : low + 1]", "low = b * size\nq.next = a[low + size : low]"),
    ("moving-slice", "q.next = a[wide:]", "q.next = a[size:]"),
    ("reserved", "reg = intbv(0)[9:]\nreg[:] = a\nq.next = reg", "kept = intbv(0)[9:]\nkept[:] = a\nq.next = kept"),
    ("reserved", "for bit in range(8):\n    q.next[bit] = a[bit]", "for i in range(8):\n    q.next[i] = a[i]"),
]
"""Rule, a generator's statements that break it, and what to write instead."""

BODIES = [
    ("slice-list", "parts = [a(4 * i + 4, 4 * i) for i in range(2)]", "parts = [wire(4) for i in range(2)]"),
    ("slice-list", "parts = []\nparts.append(ConcatSignal(a, b))", "parts = [[bit(), bit()], [like(a)]]"),
    ("slice-list", "parts = [a, *[like(a) for _ in range(size)]]", "parts = [*[like(a) for _ in range(size)]]"),
    ("interface-slice", "low = sink.data(4, 0)", "low = config.axis(4, 0)"),
    ("interface-slice", "low = field(sink.data, 0, 4)", "data = like(sink.data)\nlow = field(data, 0, 4)"),
    ("reserved", "reg = wire(4)", "register = wire(4)"),
    ("reserved", "first, before = bit(), bit()", "first, before = bit(), None"),
    ("reserved", "first, end = (bit() for _ in range(2))", "first, last = (bit() for _ in range(2))"),
    ("reserved", "@always(clk.posedge)\ndef reg():\n    q.next = a", "@always(clk.posedge)\ndef hold():\n    q.next = a"),
]
"""Rule, statements of a block's body that break it, and what to write instead. A generator indexes `parts`."""

CLASSES = [
    ("interface-list", "self.lanes = [bit() for _ in range(2)]", "self.even, self.odd = (bit() for _ in range(2))"),
    ("interface-list", "self.lanes, self.valid = (bit(), bit()), bit()", "self.width, self.valid = [4, 5], bit()"),
    ("interface-list", "self.lanes = list(wire(i) for i in sizes)", "self.lanes = list(sizes)"),
    ("slots", "self.valid = bit()\n__slots__ = ('valid',)", "self.width = 4\n__slots__ = ('width',)"),
]

SLOTTED = "@dataclass(slots={slots}, eq=False)\nclass Beat:\n    valid: Signal = field(default_factory=bit)\n"

FIELD = "def field(signal, position, width):\n    return signal(position * width + width, position * width)\n"


def rules(tmp_path: Path, source: str) -> list[str]:
    """The rules that a source breaks."""
    path = tmp_path / "source.py"
    path.write_text(f"TABLE = (1, 2, 3)\n{FIELD}{dedent(source)}")
    return [finding.rule for finding in lint([path])]


def block(body: str = "", process: str = "q.next = a", kind: str = "leaf") -> str:
    """The source of a block."""
    return FRAME.format(kind=kind, body=indent(body, " " * 4), process=indent(process, " " * 8))


class TestLint:
    def test_hdl_is_clean(self) -> None:
        assert lint(sorted(HDL.rglob("*.py"))) == []

    @pytest.mark.parametrize(("rule", "bad", "good"), PROCESSES)
    def test_processes(self, tmp_path: Path, rule: str, bad: str, good: str) -> None:
        assert set(rules(tmp_path, block(process=bad))) == {rule}
        assert rules(tmp_path, block(process=good)) == []
        assert rules(tmp_path, block(process=bad, kind="written")) == []
        assert rules(tmp_path, block(process=bad, kind="block") + 'dut.verilog_code = "assign $q = $a;"\n') == []

    @pytest.mark.parametrize(("rule", "bad", "good"), BODIES)
    def test_bodies(self, tmp_path: Path, rule: str, bad: str, good: str) -> None:
        process = "q.next = parts[0]"
        assert rules(tmp_path, block(bad, process)) == [rule]
        assert rules(tmp_path, block(good, process)) == []

    @pytest.mark.parametrize(("rule", "bad", "good"), CLASSES)
    def test_classes(self, tmp_path: Path, rule: str, bad: str, good: str) -> None:
        def interface(text: str) -> str:
            attributes, *rest = text.splitlines()
            return "\n    ".join(["class Beat:", *rest, "def __init__(self, sizes):", f"    {attributes}"]) + "\n"

        assert rules(tmp_path, interface(bad)) == [rule]
        assert rules(tmp_path, interface(good)) == []

    def test_dataclasses(self, tmp_path: Path) -> None:
        assert rules(tmp_path, SLOTTED.format(slots=True)) == ["slots"]
        assert rules(tmp_path, SLOTTED.format(slots=False)) == []

    def test_ports_and_blocks(self, tmp_path: Path) -> None:
        assert rules(tmp_path, block().replace("clk, a, b", "clk, a, input")) == ["reserved"]
        assert rules(tmp_path, block(kind="block").replace("clk, a, b", "clk, a, table")) == []  # becomes dut0_table
        assert rules(tmp_path, block().replace("def dut", "def xnor")) == ["reserved"]

    def test_every_rule_is_tried(self) -> None:
        tried = {rule for rule, _, _ in (*PROCESSES, *BODIES, *CLASSES)}
        assert tried == {rule.name for rule in (*BLOCK_RULES, *CLASS_RULES)}

    def test_a_helper_slices_in_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "helper.py").write_text(FIELD)
        (tmp_path / "user.py").write_text(block("low = field(sink.data, 0, 4)"))
        assert lint([tmp_path / "user.py"]) == []
        assert [finding.path.name for finding in lint([tmp_path / "helper.py", tmp_path / "user.py"])] == ["user.py"]

    def test_command_line(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.py"
        bad.write_text(block(process="q.next = ~(a ^ b)"))

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "sigmabit.verif.house.lint_myhdl", *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        done = run(str(bad))
        advice = next(rule.advice for rule in BLOCK_RULES if rule.name == "inversion")
        line = bad.read_text().splitlines().index("        q.next = ~(a ^ b)") + 1
        assert (done.returncode, done.stdout) == (1, f"{Finding(bad, line, 'inversion', advice)}\n")
        assert (run().returncode, run().stdout) == (0, "")
