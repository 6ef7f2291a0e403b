"""Claims about blocks, proven by induction over all inputs and all time; or a history that breaks one.

Claims are a module of SystemVerilog that only looks: its ports are named like the signals of the block that it looks at, its
registers included. It is set into the block's generated Verilog as `bind` would do it, Yosys makes one circuit of both, and abc
looks for an invariant: a set of clauses that holds at first, that no step leaves, and in which no assertion fails. abc checks the
set when it has found it. Nothing is bounded: not the time, not the number of frames, not where a reset comes.

What the block's surroundings promise, a claims module assumes. Registers without a reset begin with any value; the first cycle is
one of reset, and any later one may be.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyosys

from sigmabit.fpga import programs
from sigmabit.fpga.synthesis import run_yosys
from sigmabit.hdl.verilog.convert import Design, Port

ABC = Path(pyosys.__file__).with_name("yosys-abc")

SECONDS = 120
"""A proof of an assertion that takes longer is given up."""

DEPTH = 60
"""Cycles within which a fault must show."""

INDUCTION = "echo {mark}{number}; read_aiger {file}; cone -O {number}; strash; scleanup; scorr; print_stats; pdr -T {seconds}"
"""What abc does for one assertion, with what that depends on alone: registers that are proven equal become one, then it looks for
clauses.
"""

MARK = "assertion "

CLAUSES = re.compile(r"^Verification of invariant with (\d+) clauses was successful\..*\nProperty proved\.", re.MULTILINE)
MERGED = re.compile(r" lat = +0  and = +0  lev = +0\n(?:.*\n)?All outputs solved")
"""Nothing is left of the assertion's circuit once registers are merged."""

BROKEN = re.compile(r"^Output 0 of miter .* was asserted in frame (\d+)\.", re.MULTILINE)
ROW = re.compile(r"^ +\d+ \\(\S+) +(?:-?\d+|--) +([0-9a-f]+|--) +[01x]+ *$", re.MULTILINE)

LEMMA = "lemma_"
"""How the names of assertions begin that are proven first, all in one, and may then be assumed in the proofs of others."""

STEPS = 3
"""Cycles in a row for which lemmas hold, and from which it follows that they hold in the next."""

READY = "_tready"


class Unproven(AssertionError):
    """An assertion fails, and the message has a history in which it does; or no proof was found in time."""


@dataclass(frozen=True)
class Claims:
    """file: the module's, of the same name. module: of the design, that it looks at. parameters: its. joins: what its ports see
    that are not named like a signal. name: of its instance, the module's own where there is but one. together: all its assertions
    are proven as lemmas are.
    """

    file: Path
    module: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    together: bool = False

    @property
    def instance(self) -> str:
        """The name of the instance."""
        return self.name or self.file.stem

    @property
    def statement(self) -> str:
        """The instance, as the last words of the module that it looks at."""
        given = ", ".join(f".{name}({int(value)})" for name, value in self.parameters.items())
        joined = "".join(f".{port}({signal}), " for port, signal in self.joins.items())
        return f"{self.file.stem} {f'#({given}) ' if given else ''}{self.instance} ({joined}.*);\n"

    @property
    def assertions(self) -> set[str]:
        """Their names; none of a stream that others promise."""
        return set() if self.parameters.get("PROMISED") else set(re.findall(r"(\w+): assert", self.file.read_text()))


@dataclass(frozen=True)
class Fault:
    """A change of a sample's text, in which `old` stands once, that breaks an assertion. sample: its number."""

    breaks: str
    old: str
    new: str
    sample: int = 0


@dataclass(frozen=True)
class Proof:
    """What was proven: the assertions, and the clauses of the invariants that abc has found."""

    assertions: tuple[str, ...]
    clauses: int


@dataclass(frozen=True)
class Problem:
    """A design, by its files, with claims about its modules. name: of its files in a folder for the work. ports: the top's.

    registered: inputs of a block that come from a neighbour's registers, and may be in the way to a tready.
    """

    name: str
    top: str
    texts: Mapping[str, str]
    ports: tuple[Port, ...]
    claims: tuple[Claims, ...]
    registered: tuple[str, ...] = ()

    @staticmethod
    def of(design: Design, *claims: Claims, registered: tuple[str, ...] = ()) -> Problem:
        """Claims about modules of a design."""
        return Problem(design.top, design.top, design.texts, design.modules[design.top].ports, claims, registered)

    def faulty(self, fault: Fault) -> Problem:
        """The same with a fault in one of the modules."""
        files = [file for file, text in self.texts.items() if fault.old in text]
        if len(files) != 1 or self.texts[files[0]].count(fault.old) != 1:
            raise ValueError(f"{fault.old!r} does not stand once in {self.name}, but in {files}")
        changed = self.texts[files[0]].replace(fault.old, fault.new)
        return replace(self, name=f"{self.name}_{fault.breaks}", texts={**self.texts, files[0]: changed})

    def prove(self, work: Path, seconds: int = SECONDS) -> Proof:
        """The proof of all assertions. Unproven where one fails, none is found in so many seconds, or a path is forbidden."""
        together = {name for claims in self.claims for name in claims.assertions if claims.together or name.startswith(LEMMA)}
        chosen = [f"c:*{LEMMA}*", *(f"c:{claims.instance}.*" for claims in self.claims if claims.together)]
        found = Proof((), 0)
        if together:
            self._together(work, [f"delete t:$assert {' %d '.join(chosen)} %d"])
            found = Proof(tuple(sorted(together)), 0)
        if together != {name for claims in self.claims for name in claims.assertions}:
            each = self._each(work, seconds, [f"chformal -assert2assume {name}" for name in chosen] if together else [])
            found = Proof(found.assertions + each.assertions, each.clauses)
        return found

    def _together(self, work: Path, chosen: Sequence[str]) -> None:
        """One proof of all assertions that some commands leave, each of which may need the others: no step leaves them, or no few
        steps do. Unproven where there is none.
        """
        asked = f"sat -tempinduct -prove-asserts -set-assumes -seq 1 -maxsteps {STEPS} -show-public"
        said = self._yosys(work, [*self._reading(chosen), *self._looking(), "opt -full", asked])
        if _paths(said):
            raise Unproven(f"{self.name}: {'; '.join(_paths(said))}")
        if "Induction step proven: SUCCESS!" not in said:
            what = "one fails" if "model found for base case" in said else f"they do not follow from {STEPS} cycles of all"
            raise Unproven(f"{self.name}: of the lemmas {what}\n{_moving(said[said.rfind('Time Signal Name') :])}")

    def _each(self, work: Path, seconds: int, chosen: Sequence[str]) -> Proof:
        """A proof of each assertion that some commands leave."""
        names = self._circuit(work, chosen)
        folded = f"{self.name}_folded.aig"
        each = [INDUCTION.format(mark=MARK, number=number, file=folded, seconds=seconds) for number in range(len(names))]
        said = self._abc(work, "; ".join((f"fold; strash; write_aiger {folded}", *each)), seconds * len(names))
        parts = zip(names, said.split(f"\n{MARK}")[1:], strict=True)
        return Proof(names, sum(self._clauses(name, part, seconds, work) for name, part in parts))

    def _clauses(self, name: str, said: str, seconds: int, work: Path) -> int:
        """Of the invariant that abc says it has found. Unproven where it has not."""
        found, broken = CLAUSES.search(said), BROKEN.search(said)
        if broken:
            cycles = int(broken[1]) + 1
            raise Unproven(f"{self.name}: {name} fails in cycle {cycles}\n{self.history(name, cycles, work)}")
        if found is None and not MERGED.search(said):
            raise Unproven(f"{self.name}: no proof of {name} in {seconds} s\n{said[-2000:]}")
        return int(found[1]) if found else 0

    def breaks(self, assertion: str, work: Path, depth: int = DEPTH) -> int:
        """The cycle, from 1 on, in which an assertion first fails; 0 where it holds for `depth` cycles."""
        self._circuit(work, _only(assertion))
        broken = BROKEN.search(self._abc(work, f"fold; strash; orpos; bmc3 -F {depth} -T {SECONDS}", SECONDS))
        return int(broken[1]) + 1 if broken else 0

    def history(self, assertion: str, cycles: int, work: Path) -> str:
        """A shortest history in which an assertion fails: values cycle by cycle, signals that never change left out."""
        asked = f"sat -tempinduct-baseonly -initsteps {cycles} -maxsteps {cycles} -prove-asserts -set-assumes -show-public"
        log = self._yosys(work, [*self._reading(_only(assertion)), asked])
        return _moving(log)

    def paths(self, work: Path) -> list[str]:
        """Paths without a register that rules S3 and S4 forbid, each as "rule: from -> to"."""
        return _paths(self._yosys(work, [*self._reading(), *self._looking()]))

    def _looking(self) -> Iterator[str]:
        """The commands that list where such paths begin."""
        known = "".join(f"i:{name} %d " for name in ("clk", "aclk", *self.registered))
        for rule, source, target in self.forbidden():
            yield f"log {MARK}{rule}: {source} -> {target}"
            yield f"select -list o:{target} %ci*:-$ff,$anyinit i:{source} %i {known}"
            yield f"log {MARK}end"

    def forbidden(self) -> Iterator[tuple[str, str, str]]:
        """For each stream at the top's ports: the rule, an input that a path must not begin at, and an output."""
        names = {port.name for port in self.ports}
        for port in self.ports:
            stream = port.name.removesuffix(READY)
            if stream == port.name:
                continue
            if port.output:
                yield "S4", "*", port.name
            else:
                told = (f"{stream}_{part}" for part in ("tvalid", "tdata", "tlast"))
                yield from (("S3", port.name, name) for name in told if name in names)

    def _circuit(self, work: Path, chosen: Sequence[str]) -> tuple[str, ...]:
        """Write a circuit of gates and registers that has an output for each assertion; their names, in that order.

        Unproven where there is a path that a rule forbids.
        """
        gates = ["opt -full", "techmap", "opt -fast", "aigmap", "formalff -anyinit2ff -fine", "opt_clean", "delete -output"]
        stem = work.resolve() / self.name
        writing = f"write_aiger -I -zinit -ywmap {stem}.json {stem}.aig"
        paths = _paths(self._yosys(work, [*self._reading(chosen), *self._looking(), *gates, writing]))
        if paths:
            raise Unproven(f"{self.name}: {'; '.join(paths)}")
        names = json.loads(stem.with_suffix(".json").read_text())["asserts"]
        return tuple(path[-1].rpartition(".")[2].removeprefix("\\") for path in names)

    def _yosys(self, work: Path, commands: list[str]) -> str:
        """What Yosys says."""
        return run_yosys(commands, self.name, self._folder(work), work).read_text()

    def _reading(self, chosen: Sequence[str] = ()) -> list[str]:
        """The commands that make one module of all. chosen: those that leave some of the assertions."""
        files = [*(file for file in self.texts if file.endswith(".v")), *sorted({claims.file.name for claims in self.claims})]
        return [
            *(f"read_verilog -formal -sv {file}" for file in files),
            f"prep -flatten -top {self.top}",
            "chformal -lower",
            *chosen,
            "memory_map -formal",
            "formalff -clk2ff -ff2anyinit",
            "setundef -anyseq",
            "setundef -undriven -anyseq",
        ]

    def _folder(self, work: Path) -> Path:
        """The design's files, claims and all."""
        folder = work / f"{self.name}_verilog"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, text in self.texts.items():
            statements = "".join(claims.statement for claims in self.claims if f"{claims.module}.v" == file)
            (folder / file).write_text(text.replace("\nendmodule\n", f"\n{statements}endmodule\n") if statements else text)
        for claims in self.claims:
            (folder / claims.file.name).write_text(claims.file.read_text())
        return folder

    def _abc(self, work: Path, commands: str, seconds: int) -> str:
        """What abc says. seconds: that it was told to take at most."""
        log = work / f"{self.name}_abc.log"
        command = [str(ABC), "-c", f"read_aiger {self.name}.aig; {commands}"]
        with log.open("w") as output, programs.running(command, cwd=work, stdout=output, stderr=subprocess.STDOUT) as process:
            process.wait(seconds + 60)
        return log.read_text()


def _only(assertion: str) -> list[str]:
    """The commands that leave one assertion."""
    return [f"delete t:$assert c:*{assertion} %d"]


def _paths(log: str) -> list[str]:
    """The forbidden paths that a log lists."""
    parts = re.findall(rf"^{MARK}(S.+)\n((?:.*\n)*?){MARK}end$", log, re.MULTILINE)
    return [name for name, listed in parts if re.search(r"^[^-\s]\S*/\S+$", listed, re.MULTILINE)]


def _moving(table: str) -> str:
    """Of the values in a table of sat's, cycle by cycle, those of signals that change."""
    found: dict[str, list[str]] = {}
    for name, value in ROW.findall(table):
        found.setdefault(name, []).append(value)
    moving = {name: values for name, values in found.items() if len(set(values)) > 1 and not name.endswith("_EN")}
    width = max(map(len, moving), default=0)
    return "\n".join(f"{name:{width}} {' '.join(f'{value:>2}' for value in values)}" for name, values in moving.items())
