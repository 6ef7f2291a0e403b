"""Faults drawn in a block whose suite has a hole, and which has logic that does nothing: one is told from the other."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from myhdl import always_comb, always_seq

from sigmabit.fpga.synthesis import run_yosys
from sigmabit.golden import SigmabitError
from sigmabit.hdl.verilog.convert import Port
from sigmabit.hdl.verilog.module import leaf
from sigmabit.hdl.verilog.stream import bit, reset, wire
from sigmabit.verif.closure.mutants import named

from ..harness.bench import Dut
from ..harness.operands import paced
from ..harness.suite import BlockSuite, Sample, SideBySide
from . import equivalence
from .mutants import Mutant, Trial, drawn


@dataclass(frozen=True)
class Name:
    """A configuration that is but a name."""

    module: str


@leaf
def holey(clk, rst, a, b, looked_at, unseen, config):
    """looked_at is a where a or b is, which is a; unseen is a or b; both a cycle later."""
    either = wire(2)

    @always_comb
    def join():
        either.next = a | b

    @always_seq(clk.posedge, reset=rst)
    def keep():
        looked_at.next = a & either
        unseen.next = either

    return join, keep


class HoleySuite(BlockSuite):
    """Looks at one of two outputs."""

    samples: ClassVar[Sequence[Name]] = (Name("holey"),)

    def configs(self) -> st.SearchStrategy[Name]:
        return st.sampled_from(self.samples)

    def stimuli(self, config: Name) -> st.SearchStrategy[list[tuple[int, int]]]:
        return st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=8, max_size=20)

    def expected(self, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return [0, *(a for a, _ in stimulus)][:-1]

    def golden(self, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return self.expected(config, stimulus)

    def elaborate(self, config: Name) -> Any:
        return holey(bit(), reset(), wire(2), wire(2), wire(2), wire(2), config)

    def play(self, dut: Dut, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        dut.reset({"a": 3, "b": 3})
        return [dut.step({"a": a, "b": b})["looked_at"] for a, b in stimulus]


class Counting:
    """How often all that costs time is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = self.proofs = 0
        run, proven = SideBySide.run, equivalence.proven

        def counted_run(*args: Any, **more: Any) -> None:
            self.runs += 1
            run(*args, **more)

        def counted_proof(folder: Path, sample: Sample, mutants: list[int], limit_s: float) -> Iterator[bool]:
            self.proofs += len(mutants)
            return proven(folder, sample, mutants, limit_s)

        monkeypatch.setattr(SideBySide, "run", counted_run)
        monkeypatch.setattr(equivalence, "proven", counted_proof)


def test_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is left is in the output at which the suite does not look; what b does to the other one is nothing.

    Nothing is done twice; after an interruption, only what is missing.
    """
    counting = Counting(monkeypatch)
    trial = Trial(HoleySuite, count=COUNT, kept=tmp_path)
    account = trial.account()
    assert len(account.drawn) == len(account.killed) + len(account.equivalent) + len(account.left) > 20
    assert account.killed and account.equivalent and account.left
    assert account.killed.isdisjoint(account.equivalent)
    assert (counting.runs, counting.proofs) == (1, len(account.drawn) - len(account.killed))

    assert Trial(HoleySuite, count=COUNT, kept=tmp_path).account() == account
    assert (counting.runs, counting.proofs) == (1, len(account.drawn) - len(account.killed))

    verdicts = trial.folder / "verdicts.jsonl"
    lines = verdicts.read_text().splitlines(keepends=True)
    verdicts.write_text("".join(lines[:-4]))
    assert Trial(HoleySuite, count=COUNT, kept=tmp_path, workers=2).account() == account
    assert sorted(map(_verdict, verdicts.read_text().splitlines())) == sorted(map(_verdict, lines))
    proofs = counting.proofs
    shutil.rmtree(trial.folder)  # as where the suite is another: what is proven does not depend on it
    assert trial.account() == account and counting.proofs == proofs
    assert all(_but_for_unseen(trial, account.left, tmp_path / "again"))


def _but_for_unseen(trial: Trial, mutants: list[Mutant], folder: Path) -> Iterator[bool]:
    """For each mutant: is the block the same where `unseen` is no output?"""
    (sample,) = trial.plain.samples
    _, again = drawn(0, sample, folder / "sample_0", trial.count, trial.seed)
    assert set(mutants) <= set(again)
    netlist = folder / "sample_0" / "mutated.json"
    plain = json.loads(netlist.read_text())
    del plain["modules"]["mutated_0"]["ports"]["unseen"]
    netlist.write_text(json.dumps(plain))
    seen = replace(sample, ports=tuple(port for port in sample.ports if port.name != "unseen"))
    return equivalence.proven(folder / "sample_0", seen, [mutant.number for mutant in mutants], 5.0)


def _verdict(line: str) -> str:
    return line.partition(', "seconds"')[0]


def test_a_suite_that_fails_is_no_judge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a mutant: it would kill all of them."""
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit):
        Trial(Failing, count=2, kept=tmp_path).account()
    assert "sample 0 fails without a mutant" in caplog.text


class Failing(HoleySuite):
    """Expects what is not."""

    samples = HoleySuite.samples

    def expected(self, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return [b for _, b in stimulus]


@leaf
def wires(a, looked_at, config):
    """looked_at = a."""

    @always_comb
    def pass_on():
        looked_at.next = a

    return pass_on


class MixedSuite(HoleySuite):
    """One sample has nothing that could be made faulty."""

    samples = (Name("wires"), Name("holey"))

    def expected(self, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return [a for a, _ in stimulus] if config.module == "wires" else super().expected(config, stimulus)

    def elaborate(self, config: Name) -> Any:
        return wires(wire(2), wire(2), config) if config.module == "wires" else super().elaborate(config)

    def play(self, dut: Dut, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        if config.module == "wires":
            return [dut.step({"a": a})["looked_at"] for a, _ in stimulus]
        return super().play(dut, config, stimulus)


def test_wires_alone(tmp_path: Path) -> None:
    """A sample without a mutant stands beside others that have some."""
    account = Trial(MixedSuite, count=4, kept=tmp_path).account()
    assert {mutant.sample for mutant in account.drawn} == {1}
    assert account.killed


@leaf
def choosing(a, looked_at, unseen, config):
    """looked_at = a; unseen is one of many words."""

    @always_comb
    def choose():
        looked_at.next = a
        unseen.next = 0
        if a == 1:
            unseen.next = 6
        elif a == 2:
            unseen.next = 3
        elif a == 3:
            unseen.next = 5

    return choose


class ChoosingSuite(HoleySuite):
    """Looks at no choice."""

    samples = (Name("choosing"),)

    def expected(self, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return [a for a, _ in stimulus]

    def elaborate(self, config: Name) -> Any:
        return choosing(wire(2), wire(2), wire(3), config)

    def play(self, dut: Dut, config: Name, stimulus: list[tuple[int, int]]) -> list[int]:
        return [dut.step({"a": a})["looked_at"] for a, _ in stimulus]


def test_no_mutant_is_killed_but_by_the_suite(tmp_path: Path) -> None:
    """Not by the simulator either, where one of several choices is to be made and two are."""
    account = Trial(ChoosingSuite, count=30, kept=tmp_path).account()
    assert account.drawn and not account.killed


COUNT = 25
"""Mutants of the block: of each kind some."""

MEMORY = """module memory(clk, rst, write, place, word, address, source_valid, source_data, sum);
input wire clk, rst, write;
input wire [3:0] place, address;
input wire [1:0] word;
output reg source_valid, sum;
output reg [1:0] source_data;
reg [1:0] words [0:15];
always @(posedge clk) if (write) words[place] <= word;
always @(posedge clk) source_data <= source_valid ? 0 : words[address];
always @(posedge clk) if (rst) begin source_valid <= 0; sum <= 0; end
    else begin source_valid <= write; sum <= sum ^ (write & !write); end
endmodule
"""


def ports() -> Iterator[Port]:
    """Those of the memory."""
    for name, bits in {"clk": 1, "rst": 1, "write": 1, "place": 4, "word": 2, "address": 4}.items():
        yield Port(name, False, bits, bits > 1)
    yield from (Port("source_valid", True, 1, False), Port("source_data", True, 2, True), Port("sum", True, 1, False))


def test_proofs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a memory, taken for a large one: what is written decides what is read, whatever is read where there is no beat; a sum of
    nothing stays 0.
    """
    monkeypatch.setattr(equivalence, "SMALL", 0)
    sample = Sample("sample_0", "memory", tuple(ports()), {"memory.v": MEMORY})
    _, mutants = drawn(0, sample, tmp_path / "sample_0", 400, 1)
    chosen = mutants[::4]
    same = equivalence.proven(tmp_path / "sample_0", sample, [each.number for each in chosen], 5.0)
    found = dict(zip(chosen, same, strict=True))
    assert {True, False} == set(found.values())
    assert not any(proven for mutant, proven in found.items() if "$memwr" in mutant.change and "-port DATA" in mutant.change)


PARTS = """module mutated_0(clk, write, place, word, address, sigmabit_mutant, out);
input wire clk, write;
input wire [3:0] place, address;
input wire [2:0] word;
input wire [15:0] sigmabit_mutant;
output reg out;
reg [2:0] words [0:15], read, held;
wire [2:0] given = sigmabit_mutant == 1 ? word ^ 4 : sigmabit_mutant == 2 ? word ^ 2 : sigmabit_mutant == 3 ? word ^ 1 : word;
always @(posedge clk) begin
    if (write) words[place] <= given;
    read <= words[address];
    held <= read;
    out <= held[0];
end
endmodule
"""
"""Bits 1 and 2 of its words go on to registers, and no further."""


def test_words_of_which_parts_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is written into the others changes nothing."""
    monkeypatch.setattr(equivalence, "SMALL", 0)
    (tmp_path / "parts.v").write_text(PARTS)
    run_yosys(["read_verilog parts.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    widths = {"clk": 1, "write": 1, "place": 4, "word": 3, "address": 4, "out": 1}
    ports = tuple(Port(name, name == "out", bits, bits > 1) for name, bits in widths.items())
    assert list(equivalence.proven(tmp_path, Sample("sample_0", "parts", ports, {}), [1, 2, 3], 5.0)) == [True, True, False]


TWO = """module mutated_0(clk, rst, write, place, word, sigmabit_mutant, out);
input wire clk, rst, write, place;
input wire [2:0] word;
input wire [15:0] sigmabit_mutant;
output wire [2:0] out;
reg [2:0] words [0:1];
wire [2:0] given = sigmabit_mutant == 1 && place ? ~word : sigmabit_mutant == 2 && !place ? ~word : word;
always @(posedge clk) if (write) words[place] <= given;
reg [2:0] read;
always @(posedge clk) read <= words[0];
assign out = read;
endmodule
"""
"""Of two words one is read."""


def test_a_small_memory_is_registers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is written is looked at when it is read, or never."""
    (tmp_path / "two.v").write_text(TWO)
    run_yosys(["read_verilog two.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    widths = {"clk": 1, "rst": 1, "write": 1, "place": 1, "word": 3, "out": 3}
    ports = tuple(Port(name, name == "out", bits, bits > 1) for name, bits in widths.items())
    sample = Sample("sample_0", "two", ports, {})
    assert list(equivalence.proven(tmp_path, sample, [1, 2], 5.0)) == [True, False]
    monkeypatch.setattr(equivalence, "SMALL", 0)
    assert list(equivalence.proven(tmp_path, sample, [1], 5.0)) == [False]


HASTE = """module mutated_0(clk, rst, sink_valid, sigmabit_mutant, busy);
input wire clk, rst, sink_valid;
input wire [15:0] sigmabit_mutant;
output wire busy;
reg [1:0] left;
assign busy = left != 0;
always @(posedge clk) begin
    if (rst) left <= 0;
    else if (sink_valid && left < 2) left <= sigmabit_mutant == 1 && left != 0 ? 3 : sigmabit_mutant == 2 ? 1 : 2;
    else if (left != 0) left <= left - 1;
end
endmodule
"""
"""Mutant 1 is another where something comes before it is done, mutant 2 wherever something comes."""


def test_inputs_that_keep_to_what_is_assumed(tmp_path: Path) -> None:
    """What only others show is none of a block's."""
    (tmp_path / "haste.v").write_text(HASTE)
    run_yosys(["read_verilog haste.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    ports = tuple(Port(name, name == "busy", 1, False) for name in ("clk", "rst", "sink_valid", "busy"))
    sample = Sample("sample_0", "haste", ports, {})
    assert list(equivalence.proven(tmp_path, sample, [1, 2], 5.0)) == [False, False]
    assert list(equivalence.proven(tmp_path, replace(sample, assumed=paced(2, 6)), [1, 2], 5.0)) == [True, False]


COUNTER = """module mutated_0(clk, rst, sigmabit_mutant, done);
input wire clk, rst;
input wire [15:0] sigmabit_mutant;
output wire done;
reg [8:0] left;
wire [8:0] seen = left[2] ? left : sigmabit_mutant == 1 ? left ^ 256 : sigmabit_mutant == 2 ? left ^ 1 : left;
assign done = seen == 0;
always @(posedge clk) left <= (rst | done) ? 510 : seen - 1;
endmodule
"""
"""Mutant 1 goes through other numbers, but as many."""


def test_proof_by_states(tmp_path: Path) -> None:
    """Of what no short reason shows."""
    (tmp_path / "counter.v").write_text(COUNTER)
    run_yosys(["read_verilog counter.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    ports = tuple(Port(name, name == "done", 1, False) for name in ("clk", "rst", "done"))
    assert list(equivalence.proven(tmp_path, Sample("sample_0", "counter", ports, {}), [1, 2], 5.0)) == [True, False]


STATES = """module mutated_0(clk, rst, start, given, sigmabit_mutant, done_valid, done_data);
input wire clk, rst, start;
input wire [15:0] given, sigmabit_mutant;
output wire done_valid;
output wire [15:0] done_data;
reg [1:0] state;
reg [15:0] run, sum;
reg none, moved;
assign done_valid = state == 3;
assign done_data = sum;
always @(posedge clk) begin
    none <= run == 0;
    moved <= 0;
    if (rst) state <= 0;
    else case (state)
        0: begin
            state <= start;
            run <= sigmabit_mutant == 1 ? given : run;
        end
        1: begin run <= given; sum <= 0; moved <= 1; state <= 2; end
        2: if (!moved) begin
            if (none) state <= 3;
            else begin
                run <= (sigmabit_mutant == 2 ? run + 1 : run - 1);
                sum <= sum + run;
                moved <= 1;
            end
        end
        3: state <= 0;
    endcase
end
endmodule
"""
"""What `run` holds in state 0 is not looked at, which mutant 1 changes; mutant 2 counts the other way."""


def test_proof_by_guesses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What corresponds does so in some states only. Without other proofs, which take longer the more states there are."""
    monkeypatch.setattr(equivalence, "PROOFS", {})
    monkeypatch.setattr(equivalence, "_same_signals", lambda *of: None)
    (tmp_path / "states.v").write_text(STATES)
    run_yosys(["read_verilog states.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    wide, narrow = ("given", "done_data"), ("clk", "rst", "start", "done_valid")
    ports = tuple(Port(name, name.startswith("done"), 16 if name in wide else 1, name in wide) for name in (*narrow, *wide))
    sample = Sample("sample_0", "states", ports, {})
    assert list(equivalence.proven(tmp_path, sample, [1, 2], 3.0)) == [True, False]
    monkeypatch.setattr(equivalence, "conditions", lambda registers: ["1'b1"])
    assert list(equivalence.proven(tmp_path, sample, [1], 3.0)) == [False]


CHOICES = """module mutated_0(given, sigmabit_mutant, word);
input wire [1:0] given;
input wire [15:0] sigmabit_mutant;
output reg [2:0] word;
always @* begin
    word = 0;
    (* parallel_case *) case (1'b1)
        given == 1 || (sigmabit_mutant == 1 && given == 2): word = 6;
        given == 2 || (sigmabit_mutant == 2 && given == 1): word = 3;
    endcase
end
endmodule
"""
"""Each mutant makes two choices of one, and one of them the first that there is."""


def test_of_several_choices_the_first_is_made(tmp_path: Path) -> None:
    """As a simulator does with what Yosys writes, last case first."""
    (tmp_path / "choices.v").write_text(CHOICES)
    run_yosys(["read_verilog choices.v", "proc", "opt_clean", "write_json mutated.json"], "mutate", tmp_path, tmp_path / "yosys")
    ports = Port("given", False, 2, True), Port("word", True, 3, True)
    assert list(equivalence.proven(tmp_path, Sample("sample_0", "choices", ports, {}), [1, 2], 5.0)) == [True, False]


def test_unknown_blocks() -> None:
    """Blocks have names."""
    with pytest.raises(SigmabitError, match=r"no suite tries pond in Verilog; there are .*pool"):
        list(named(["pond"]))
    assert [each.__name__ for each in named(["pool"])] == [each.__name__ for each in named(["layers.pool"])] == ["MaximumSuite"]
