"""The Vivado scripts, run in a Tcl interpreter where Vivado's commands are stand-ins that check every call."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sigmabit.fpga import boards
from sigmabit.fpga.board import write
from sigmabit.fpga.series7.board import Series7Board
from sigmabit.fpga.series7.target import MACRO
from sigmabit.hdl.link.link import System, make_system
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import convert
from sigmabit.scripts.vivado_arguments import vivado_arguments

from ..harness.command_line import DIGITS, Call
from ..harness.random_networks import NetworkCase

ROOT = Path(__file__).parents[2]
STANDINS = Path(__file__).with_name("vivado_standins.tcl")
SCRIPTS = ROOT / "fpga" / "series7" / "vivado"
PART = "xc7vx690tffg1761-2"
TOP = "network_0"

TKINTER = """
import os, sys, tkinter
tcl = tkinter.Tcl()
tcl.createcommand("exit", lambda status="0": os._exit(int(status)))  # _tkinter takes Tcl's own away
tcl.call("set", "argv", tuple(sys.argv[2:]))
tcl.call("source", sys.argv[1])
"""

INTERPRETERS = {}
if tclsh := shutil.which("tclsh"):
    INTERPRETERS["tclsh"] = [tclsh]
if importlib.util.find_spec("_tkinter"):
    INTERPRETERS["tkinter"] = [sys.executable, "-c", TKINTER]

needs_tcl = pytest.mark.skipif(not INTERPRETERS, reason="no Tcl: neither tclsh (package tcl) nor tkinter (package python3-tk)")

REPORTS = ("_utilization.rpt", "_utilization_hierarchical.rpt", "_timing_summary.rpt", "_power.rpt", "_drc.rpt")
STEPS = ["opt_design", "place_design", "phys_opt_design", "route_design"]


def results(*states: str) -> set[str]:
    """Names of what is written of the states."""
    return {f"{state}{ending}" for state in states for ending in (*REPORTS, ".dcp")}


BUILT = results("synth", "routed") | {f"{TOP}.bit"}


@dataclass(frozen=True)
class Outcome:
    """A finished run: exit status, what it said, the recorded calls, the rules that were broken, the folder of results."""

    status: int
    output: str
    errors: str
    calls: list[list[str]]
    violations: list[str]
    out: Path

    def named(self, *commands: str) -> list[list[str]]:
        """The calls of these commands."""
        return [call for call in self.calls if call[0] in commands]

    @property
    def steps(self) -> list[str]:
        """The names of the steps that change the design, and write_bitstream, in order."""
        return [call[0] for call in self.named("synth_design", *STEPS, "write_bitstream")]

    @property
    def files(self) -> set[str]:
        """What lies in the folder of results, besides the constraints and what the next run may start from."""
        return {name for name in self.everything if not name.startswith("reference_") and not name.endswith(".inputs")}

    @property
    def everything(self) -> set[str]:
        """What lies in the folder of results, besides the constraints."""
        return {path.name for path in self.out.iterdir()} - {"constraints.xdc"}

    @property
    def sentence(self) -> str:
        """The one sentence that a failed run ends with."""
        *before, last = self.errors.splitlines()
        assert last.startswith("ERROR: ") and all(line.startswith("WARNING: ") for line in before)
        return last.removeprefix("ERROR: ")


Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pipeline's Verilog, a memory's contents with it."""
    folder = tmp_path_factory.mktemp("vivado") / "verilog"
    convert(Pipeline(NetworkCase(0).plan.pipeline).outline()).write(folder)
    assert (folder / f"{TOP}.f").is_file() and list(folder.glob("*.mem"))
    return folder


@pytest.fixture
def verilog(converted: Path, tmp_path: Path) -> Path:
    """The Verilog, to be changed."""
    return Path(shutil.copytree(converted, tmp_path / "verilog"))


@pytest.fixture
def run(converted: Path, tmp_path: Path) -> Run:
    """A function that runs a script. `changes` replaces arguments, None leaving one out; `extra` are further ones."""

    def call(
        script: str = "bitstream",
        scenario: str = "",
        changes: dict[str, str | None] | None = None,
        extra: tuple[str, ...] = (),
        scripts: Path = SCRIPTS,
        interpreter: str = next(iter(INTERPRETERS), ""),
    ) -> Outcome:
        given: dict[str, str | None] = {"folder": str(converted), "top": TOP, "part": PART, "clock_mhz": "200"}
        given |= {"out": str(tmp_path / "out")} | (changes or {})
        arguments = [f"{name}={value}" for name, value in given.items() if value is not None]
        record = tmp_path / "record"
        standins = [str(STANDINS), str(record), scenario, str(scripts / f"{script}.tcl")]
        command = [*INTERPRETERS[interpreter], *standins, *arguments, *extra]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        lines = [line.split("\t") for line in record.read_text().splitlines()]
        calls = [line for line in lines if line[0] != "violation"]
        violations = [line[1] for line in lines if line[0] == "violation"]
        return Outcome(done.returncode, done.stdout, done.stderr, calls, violations, Path(given["out"] or tmp_path))

    return call


@needs_tcl
class TestFlow:
    @pytest.mark.parametrize("interpreter", INTERPRETERS)
    def test_bitstream(self, run: Run, converted: Path, interpreter: str) -> None:
        outcome = run(interpreter=interpreter)
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        assert [Path(call[1]).name for call in outcome.named("read_verilog")] == (converted / f"{TOP}.f").read_text().split()
        assert {Path(call[1]).name for call in outcome.named("read_mem")} == {path.name for path in converted.glob("*.mem")}
        options = ["-top", TOP, "-part", PART, "-mode", "default", "-verilog_define", MACRO]
        assert outcome.named("synth_design") == [["synth_design", *options]]
        assert outcome.steps == ["synth_design", *STEPS, "write_bitstream"]
        assert outcome.output.startswith("timing is met at 200 MHz: the worst slack is 0.1 ns for setup and 0.1 ns for hold")
        assert outcome.files == BUILT

    def test_out_of_context(self, run: Run) -> None:
        outcome = run("out_of_context")
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        assert outcome.named("synth_design")[0][5:7] == ["-mode", "out_of_context"]
        assert outcome.steps == ["synth_design", *STEPS]
        assert outcome.files == results("synth", "routed")
        assert "HD.CLK_SRC" in (outcome.out / "constraints.xdc").read_text()

    @pytest.mark.parametrize(("clock_mhz", "period", "delay"), [("200", "5.000", "1.000"), ("90", "11.111", "2.222")])
    def test_constraints(self, run: Run, clock_mhz: str, period: str, delay: str) -> None:
        text = (run(changes={"clock_mhz": clock_mhz}).out / "constraints.xdc").read_text()
        assert f"create_clock -name aclk -period {period} [get_ports aclk]\n" in text
        assert f"set_input_delay -clock aclk {delay} " in text and f"set_output_delay -clock aclk {delay} " in text
        assert len(re.findall(rf"^set_max_delay -datapath_only .* {period}$", text, re.MULTILINE)) == 2
        assert "false_path" not in text and "HD.CLK_SRC" not in text

    def test_blanks_in_paths(self, run: Run, verilog: Path, tmp_path: Path) -> None:
        folder = verilog.rename(tmp_path / "two {words")
        outcome = run(changes={"folder": str(folder), "out": str(tmp_path / "the results")})
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)

    def test_a_memory_without_contents(self, run: Run, verilog: Path) -> None:
        next(verilog.glob("*.mem")).unlink()
        outcome = run(changes={"folder": str(verilog)})
        assert (outcome.status, outcome.violations) == (1, [])
        assert outcome.sentence.startswith("synth_design failed: [Synth 8-4445]")

    def test_nothing_stays_of_an_earlier_run(self, run: Run) -> None:
        assert run().files == BUILT
        assert run(scenario="setup -1").files == results("synth", "routed")
        assert run(scenario="fails route_design").files == results("synth", "placed")


def copy_of(scripts: Path, script: str, old: str, new: str) -> None:
    """The scripts, one of them changed in one place."""
    shutil.copytree(SCRIPTS, scripts)
    path = scripts / f"{script}.tcl"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


OPENED = ["open_checkpoint"]
ANEW = ["synth_design", *STEPS]
FROM_FORMER = ["read_checkpoint synth", "synth_design", "opt_design", "read_checkpoint routed", *STEPS[1:]]


def course(outcome: Outcome) -> list[str]:
    """The names of the steps, and of the commands that take something from an earlier run, with the reference's state."""
    calls = outcome.named("open_checkpoint", "read_checkpoint", "synth_design", *STEPS)
    found = [(call[0], re.search(r"reference_(\w+)", call[-1])) for call in calls]
    return [f"{name} {reference[1]}" if reference else name for name, reference in found]


@needs_tcl
class TestIncremental:
    """A second run: the stand-ins see to it that what it ends with is made of what it was given."""

    @pytest.mark.parametrize("script", ["bitstream", "out_of_context"])
    def test_nothing_changed(self, run: Run, script: str) -> None:
        """The routed design is opened, and all that is written of it is written again."""
        files = run(script).files
        outcome = run(script)
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], files)
        assert course(outcome) == OPENED and outcome.named("open_checkpoint") == [["open_checkpoint", "routed.dcp"]]
        assert outcome.named("write_bitstream") == (
            [["write_bitstream", "-force", f"{TOP}.bit"]] if script == "bitstream" else []
        )
        assert outcome.output.startswith("nothing has changed since this design was routed\n")

    def test_on_board(self, run: Run, on_board: Path) -> None:
        changes = {"folder": str(on_board), **ON_BOARD}
        assert run("board", changes=changes).status == 0
        outcome = run("board", changes=changes)
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], OPENED)
        assert {f"{BOARD_TOP}.bit", f"{BOARD_TOP}.mcs"} <= outcome.files

    @pytest.mark.parametrize("kind", [".v", ".mem", ".f", "clock"])
    def test_a_change(self, run: Run, verilog: Path, kind: str) -> None:
        """A byte of the Verilog or of a memory, the files' order, the clock: all steps, from the former design."""
        changes: dict[str, str | None] = {"folder": str(verilog)}
        assert run(changes=changes).status == 0
        if kind == "clock":
            changes["clock_mhz"] = "150"
        else:
            path = sorted(verilog.glob(f"*{kind}"))[0]
            lines = path.read_text().splitlines()
            first = lines[0]
            if kind == ".f":
                lines[:2] = lines[1::-1]
            else:
                lines[0] = first[:-1] + chr(ord(first[-1]) ^ 1)
            assert lines != path.read_text().splitlines()
            path.write_text("\n".join(lines) + "\n")
        outcome = run(changes=changes)
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)
        assert course(outcome) == FROM_FORMER
        reference = outcome.named("read_checkpoint")[0]
        assert reference == ["read_checkpoint", "-auto_incremental", "-incremental", "reference_synth.dcp"]
        assert course(run(changes=changes)) == OPENED

    def test_a_board_of_other_pins(self, run: Run, on_board: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(on_board, tmp_path / "verilog"))
        changes = {"folder": str(folder), **ON_BOARD}
        assert run("board", changes=changes).status == 0
        xdc = folder / f"{BOARD_TOP}.xdc"
        xdc.write_text(xdc.read_text().replace("AU36", "AU35"))
        outcome = run("board", changes=changes)
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], FROM_FORMER)

    def test_other_scripts(self, run: Run, tmp_path: Path) -> None:
        """What the steps are belongs to what a design is made of."""
        assert run().status == 0
        copy_of(tmp_path / "scripts", "flow", "    step opt_design\n", "    step opt_design -directive Explore\n")
        outcome = run(scripts=tmp_path / "scripts")
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], FROM_FORMER)

    @pytest.mark.parametrize("what", ["part", "version", "mode"])
    def test_no_reference(self, run: Run, what: str) -> None:
        """Nothing is taken from a design for another device, of another mode, or by another Vivado."""
        other = "xc7vx485tffg1761-2"
        assert run(scenario="version 2022.2" if what == "version" else "").status == 0
        scenario = f"parts {{{PART} {other}}}" if what == "part" else ""
        script = "out_of_context" if what == "mode" else "bitstream"
        outcome = run(script, scenario, {"part": other} if what == "part" else None)
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], ANEW)
        assert not [name for name in outcome.everything if name.startswith("reference_")]

    def test_afresh(self, run: Run) -> None:
        assert course(run()) == ANEW
        assert course(run(extra=("incremental=1",))) == OPENED
        outcome = run(changes={"clock_mhz": "150"}, extra=("incremental=0",))
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], ANEW)

    @pytest.mark.parametrize(
        "scenario", ["setup -1", "hold -1", "fails route_design", "fails {report_power 2}", "fails get_timing_paths"]
    )
    def test_what_did_not_end_well_is_not_finished(self, run: Run, scenario: str) -> None:
        """Synthesis is not repeated, all else is, and nothing is taken from the design that failed."""
        assert run(scenario=scenario).status == 1
        outcome = run()
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)
        assert course(outcome) == ["open_checkpoint", *STEPS]
        assert outcome.named("open_checkpoint") == [["open_checkpoint", "synth.dcp"]]

    @pytest.mark.parametrize("scenario", ["fails synth_design", "fails read_xdc", "fails opt_design", "setup -1"])
    def test_a_failure_between(self, run: Run, scenario: str) -> None:
        """The reference outlasts a run that failed."""
        assert run().status == 0
        failed = run(scenario=scenario, changes={"clock_mhz": "150"})
        assert failed.status == 1 and f"{TOP}.bit" not in failed.files
        outcome = run(changes={"clock_mhz": "150"})
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)
        synthesised = scenario in ("fails opt_design", "setup -1")
        assert course(outcome) == (["open_checkpoint", *FROM_FORMER[2:]] if synthesised else FROM_FORMER)

    def test_a_failed_bitstream(self, run: Run) -> None:
        """Timing was met: the routed design is kept, and the bitstream written."""
        failed = run(scenario="fails write_bitstream")
        assert failed.status == 1 and f"{TOP}.bit" not in failed.files
        outcome = run()
        assert (outcome.status, outcome.files, course(outcome)) == (0, BUILT, OPENED)

    @pytest.mark.parametrize("state", ["synth", "routed"])
    def test_a_spoilt_checkpoint(self, run: Run, state: str) -> None:
        """The run fails, and the next one does without it."""
        assert run(scenario="setup -1" if state == "synth" else "").status == (1 if state == "synth" else 0)
        checkpoint = run(changes={"top": None}).out / f"{state}.dcp"
        checkpoint.write_text("spoilt")
        failed = run()
        assert failed.status == 1 and failed.sentence.endswith(f"{state}.dcp is removed, the next run does without it")
        assert f"{TOP}.bit" not in failed.files
        outcome = run()
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)
        assert course(outcome) == (ANEW if state == "synth" else ["open_checkpoint", *STEPS])

    def test_a_lost_report(self, run: Run) -> None:
        """What is missing is made again."""
        (run().out / "synth_power.rpt").unlink()
        outcome = run()
        assert (outcome.status, outcome.files) == (0, BUILT) and "synth_design" in course(outcome)

    def test_without_the_option(self, run: Run) -> None:
        """Some versions of Vivado have no write_checkpoint -incremental_synth."""
        outcome = run(scenario="incremental_synth 0")
        assert (outcome.status, outcome.violations, outcome.errors, outcome.files) == (0, [], "", BUILT)
        written = [call[1:-1] for call in outcome.named("write_checkpoint") if call[-1] == "synth.dcp"]
        assert written == [["-force", "-incremental_synth"], ["-force"]]
        assert course(run(scenario="incremental_synth 0", changes={"clock_mhz": "150"})) == FROM_FORMER

    @pytest.mark.parametrize(
        ("old", "new", "violation"),
        [
            ("[content $state.inputs] eq $made_of", "1", "the end with other sources"),
            ("append made_of ", "# append made_of ", "the end with other sources"),
            ("concat [list $script] $paths", "concat [list $script] [lrange $paths 0 0]", "the end with other sources"),
            (
                "    refer routed\n    step place_design\n",
                "    step place_design\n    refer routed\n",
                "not legal in state placed",
            ),
            (
                "    refer synth\n    step synth",
                "    refer routed\n    step synth",
                "of state routed where one of state synth belongs",
            ),
            ("-auto_incremental -incremental}", "-auto_incremental}", "reads a source"),
        ],
    )
    def test_violations(self, run: Run, verilog: Path, tmp_path: Path, old: str, new: str, violation: str) -> None:
        """A script that keeps what it must not, or takes it where that is not legal, is caught."""
        copy_of(tmp_path / "scripts", "flow", old, new)
        changes: dict[str, str | None] = {"folder": str(verilog)}
        assert run(changes=changes, scripts=tmp_path / "scripts").status == 0
        (verilog / f"{TOP}.v").write_text("// changed\n" + (verilog / f"{TOP}.v").read_text())
        outcome = run(changes=changes, scripts=tmp_path / "scripts")
        assert outcome.violations and violation in outcome.violations[0]

    @pytest.mark.parametrize("what", ["part", "mode"])
    def test_another_reference_is_seen(self, run: Run, tmp_path: Path, what: str) -> None:
        copy_of(tmp_path / "scripts", "flow", "[first_line [content $record]] ne [first_line $made_of]", "0")
        assert run(scripts=tmp_path / "scripts").status == 0
        other = "xc7vx485tffg1761-2"
        scenario, changes = (f"parts {{{PART} {other}}}", {"part": other}) if what == "part" else ("", None)
        outcome = run("out_of_context" if what == "mode" else "bitstream", scenario, changes, scripts=tmp_path / "scripts")
        assert outcome.violations[0] == f"the reference has another {what}"


SAIF = """(SAIFILE
  (SAIFVERSION "2.0") (DIRECTION "backward") (TIMESCALE 1 ns) (DURATION 1000)
  (INSTANCE {top}
    (NET (aclk (T0 500) (T1 500) (TX 0) (TC 400)))
    (INSTANCE below (NET (x (T0 10) (T1 990) (TX 0) (TC 2))))))
"""


@needs_tcl
class TestActivity:
    @pytest.fixture
    def saif(self, tmp_path: Path) -> Path:
        path = tmp_path / "the core.saif"
        path.write_text(SAIF.format(top=TOP))
        return path

    @pytest.mark.parametrize("script", ["bitstream", "out_of_context"])
    def test_read(self, run: Run, saif: Path, script: str) -> None:
        """Once, right before the power of the routed design is reported; all other calls are as without it."""
        without = run(script, extra=("incremental=0",))
        outcome = run(script, extra=("incremental=0", f"saif={saif}"))
        assert (outcome.status, outcome.violations) == (0, [])
        read = ["read_saif", "-strip_path", TOP, "-out_file", "routed_activity.rpt", str(saif)]
        assert outcome.calls[outcome.calls.index(read) + 1] == ["report_power", "-file", "routed_power.rpt"]
        assert [call for call in outcome.calls if call != read] == without.calls
        assert outcome.files == without.files | {"routed_activity.rpt"}

    def test_of_a_routed_design(self, run: Run, saif: Path) -> None:
        """Another activity: nothing is built again. None: nothing of it stays."""
        assert run().status == 0
        outcome = run(extra=(f"saif={saif}",))
        assert (outcome.status, outcome.violations, course(outcome)) == (0, [], OPENED)
        assert outcome.named("read_saif") and outcome.files == BUILT | {"routed_activity.rpt"}
        assert run().files == BUILT

    def test_fails(self, run: Run, saif: Path) -> None:
        """No power is reported as if it were the simulation's; all else is written."""
        outcome = run(scenario="fails read_saif", extra=(f"saif={saif}",))
        assert (outcome.status, outcome.files) == (1, results("synth", "routed") - {"routed_power.rpt"})
        assert outcome.sentence == "could not be written: routed_power.rpt"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (None, "there is no file "),
            ("", "names no instance"),
            (SAIF.format(top="testbench"), f"is of testbench, not of {TOP}"),
            (SAIF.format(top='"module" other'), f"is of other, not of {TOP}"),
        ],
    )
    def test_refused(self, run: Run, tmp_path: Path, text: str | None, sentence: str) -> None:
        """Before anything is read, or removed."""
        path = tmp_path / "odd.saif"
        if text is not None:
            path.write_text(text)
        built = run().everything
        outcome = run(extra=(f"saif={path}",))
        assert outcome.status == 2 and sentence in outcome.sentence and str(path) in outcome.sentence
        assert [call[0] for call in outcome.calls] == ["get_parts"] and outcome.everything == built

    @pytest.mark.parametrize(
        ("old", "new", "violation"),
        [
            ("-strip_path $top ", "", "read_saif takes two levels away"),
            ("-strip_path $top ", "-strip_path tb/dut ", "read_saif takes away what is not there"),
            ('"routed_power.rpt"} { read_activity', '"routed_drc.rpt"} { read_activity', "no power of state routed"),
            (
                '"routed_power.rpt"} { read_activity',
                '"synth_power.rpt"} { read_activity',
                "read_saif writes routed_activity.rpt in state synth",
            ),
            ("{ step read_saif", "{ list read_saif", "the end without activity"),
        ],
    )
    def test_violations(self, run: Run, saif: Path, tmp_path: Path, old: str, new: str, violation: str) -> None:
        copy_of(tmp_path / "scripts", "flow", old, new)
        outcome = run(extra=(f"saif={saif}",), scripts=tmp_path / "scripts")
        assert violation in outcome.violations


@pytest.fixture(scope="module")
def on_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small system on a VC709: its Verilog and constraints, and what make is to tell Vivado's script."""
    folder = tmp_path_factory.mktemp("board") / "verilog"
    config = make_system(NetworkCase(0).plan, bytes(16), (0, 0, 0), 8)
    design = convert(System(config).outline())
    design.write(folder)
    write(folder, design.top, design.files, boards.board("vc709"), boards.board("vc709").made_clock(200.0))
    (folder / "vivado.args").write_text(f"part={PART}\nclock_mhz=200.0\ninterface=BPIx16\nmegabytes=128\n")
    return folder


BOARD_TOP = f"{TOP}_system_board"
ON_BOARD = {"top": BOARD_TOP, "interface": "BPIx16", "megabytes": "128"}


@needs_tcl
class TestBoard:
    @pytest.mark.parametrize("interpreter", INTERPRETERS)
    def test_bitstream(self, run: Run, on_board: Path, interpreter: str) -> None:
        """The steps of any design, with the board's constraints; then what its flash takes."""
        outcome = run("board", changes={"folder": str(on_board), **ON_BOARD}, interpreter=interpreter)
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        assert outcome.named("read_xdc") == [["read_xdc", str(on_board / f"{BOARD_TOP}.xdc")]]
        options = ["-top", BOARD_TOP, "-part", PART, "-mode", "default", "-verilog_define", MACRO]
        assert outcome.named("synth_design") == [["synth_design", *options]]
        assert outcome.steps == ["synth_design", *STEPS, "write_bitstream"]
        (memory,) = outcome.named("write_cfgmem")
        assert memory[1:8] == ["-force", "-format", "mcs", "-interface", "BPIx16", "-size", "128"]
        assert outcome.files == results("synth", "routed") | {f"{BOARD_TOP}.bit", f"{BOARD_TOP}.mcs"}
        # no check is lowered to a warning: all ports have their places
        assert not [call for call in outcome.calls if call[:2] == ["set_property", "SEVERITY"]]

    @pytest.mark.parametrize("key", boards.known(Series7Board))
    def test_every_board(self, run: Run, on_board: Path, tmp_path: Path, key: str) -> None:
        """All that a file says reaches Vivado, and what that makes of it suits the flash."""
        board = boards.board(key)
        assert isinstance(board, Series7Board)
        folder = Path(shutil.copytree(on_board, tmp_path / "verilog"))
        files = (folder / f"{TOP}_system.f").read_text().split()
        write(folder, f"{TOP}_system", files, board, board.made_clock(100.0))
        changes: dict[str, str | None] = {"folder": str(folder), "top": BOARD_TOP, "part": board.part}
        changes |= {"interface": board.flash[0], "megabytes": str(board.flash[1])}
        outcome = run("board", f"parts {board.part}", changes)
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        configured = {tuple(call[1:]) for call in outcome.named("set_property") if call[-1] == "design:the"}
        assert configured == {(*setting, "design:the") for setting in board.configuration}

    def test_another_width_of_spi(self, run: Run, on_board: Path) -> None:
        outcome = run("board", changes={"folder": str(on_board), **ON_BOARD, "interface": "SPIx4"})
        assert outcome.violations == ["write_cfgmem has a bitstream of another width of SPI"]

    def test_not_met(self, run: Run, on_board: Path) -> None:
        """Nothing of an earlier run stays, the flash's file included."""
        changes = {"folder": str(on_board), **ON_BOARD}
        assert run("board", changes=changes).status == 0
        outcome = run("board", "setup -0.2", changes)
        assert (outcome.status, outcome.violations, outcome.files) == (1, [], results("synth", "routed"))

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"interface": "JTAG"}, "interface=JTAG is no way to a flash"),
            ({"megabytes": "many"}, "megabytes=many is not a number"),
            ({"megabytes": None}, "megabytes= is missing"),
            ({"top": TOP + "_system"}, f"there is no file list {TOP}_system.f in "),
        ],
    )
    def test_wrong(self, run: Run, on_board: Path, tmp_path: Path, changed: dict[str, str | None], sentence: str) -> None:
        folder = Path(shutil.copytree(on_board, tmp_path / "verilog"))
        (folder / f"{TOP}_system.f").unlink()
        outcome = run("board", changes={"folder": str(folder), **ON_BOARD, **changed})
        assert (outcome.status, outcome.violations, outcome.calls[1:]) == (2, [], [])
        assert outcome.sentence.startswith(sentence)

    def test_without_constraints(self, run: Run, on_board: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(on_board, tmp_path / "verilog"))
        (folder / f"{BOARD_TOP}.xdc").unlink()
        outcome = run("board", changes={"folder": str(folder), **ON_BOARD})
        assert (outcome.status, outcome.violations) == (2, [])
        assert outcome.sentence == f"there is no {BOARD_TOP}.xdc in {folder}"

    @pytest.mark.parametrize(
        ("before", "after", "violation"),
        [
            ("set_property PACKAGE_PIN AU36 [get_ports {tx}]\n", "", "a port has no place"),
            ("set_property IOSTANDARD LVCMOS18 [get_ports {tx}]\n", "", "a port has no standard"),
            ("PACKAGE_PIN AU36", "PACKAGE_PIN AU33", "two ports at one place"),
            ("{reset rx}", "{reset}", "port rx has no input delay"),
            ("metastable", "unstable", "get_cells looks for unstable, which is not in the sources"),
            ("create_clock", "# create_clock", "there is no clock"),
        ],
    )
    def test_violations(self, run: Run, on_board: Path, tmp_path: Path, before: str, after: str, violation: str) -> None:
        """The stand-ins see what is wrong with constraints."""
        folder = Path(shutil.copytree(on_board, tmp_path / "verilog"))
        file = folder / f"{BOARD_TOP}.xdc"
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after))
        outcome = run("board", changes={"folder": str(folder), **ON_BOARD})
        assert outcome.status == 1 and violation in outcome.violations


@needs_tcl
class TestTiming:
    @pytest.mark.parametrize("script", ["bitstream", "out_of_context"])
    @pytest.mark.parametrize(
        ("scenario", "mended"),
        [
            ("setup -0.213", [["phys_opt_design"]]),
            ("hold -0.213", [["phys_opt_design", "-hold_fix"]]),
            ("setup -0.213 hold -0.042", [["phys_opt_design"], ["phys_opt_design", "-hold_fix"]]),
        ],
    )
    def test_not_met(self, run: Run, script: str, scenario: str, mended: list[list[str]]) -> None:
        outcome = run(script, scenario)
        assert (outcome.status, outcome.violations, outcome.files) == (1, [], results("synth", "routed"))
        assert outcome.sentence.startswith("timing is not met at 200 MHz: the worst slack is") and "-0.213 ns" in outcome.errors
        assert outcome.named("phys_opt_design")[1:] == mended

    @pytest.mark.parametrize("scenario", ["setup {-0.1 0.0}", "hold {-0.1 0.02}", "setup {-0.1 0.1 0.05} hold {0.1 -0.1 0.1}"])
    def test_met_in_the_end(self, run: Run, scenario: str) -> None:
        outcome = run(scenario=scenario)
        assert (outcome.status, outcome.violations, outcome.files) == (0, [], BUILT)

    @pytest.mark.parametrize("slack", ["{}", "inf"])
    def test_no_constrained_path(self, run: Run, slack: str) -> None:
        outcome = run(scenario=f"hold {{{slack}}}")
        assert (outcome.status, outcome.violations, outcome.files) == (1, [], results("synth", "routed"))
        assert outcome.sentence == "no path has a hold constraint"


@needs_tcl
class TestFailure:
    @pytest.mark.parametrize(
        ("failing", "states"),
        [
            ("read_verilog", ()),
            ("synth_design", ()),
            ("opt_design", ("synth",)),
            ("place_design", ("synth",)),
            ("phys_opt_design", ("synth", "placed")),
            ("route_design", ("synth", "placed")),
            ("phys_opt_design 2", ("synth", "routed")),
            ("get_timing_paths", ("synth", "routed")),
            ("write_bitstream", ("synth", "routed")),
        ],
    )
    def test_what_can_be_written_is_written(self, run: Run, failing: str, states: tuple[str, ...]) -> None:
        outcome = run(scenario=f"setup {{-0.1 0.1}} fails {{{failing}}}")
        assert (outcome.status, outcome.violations, outcome.files) == (1, [], results(*states))
        assert outcome.sentence.endswith("[Common 17-69] Command failed: as the scenario has it")

    @pytest.mark.parametrize(
        ("failing", "lost"),
        [("report_power", {"synth_power.rpt", "routed_power.rpt"}), ("write_checkpoint 2", {"routed.dcp"})],
    )
    def test_a_result_that_fails(self, run: Run, failing: str, lost: set[str]) -> None:
        outcome = run(scenario=f"fails {{{failing}}}")
        assert (outcome.status, outcome.violations, outcome.files) == (1, [], results("synth", "routed") - lost)
        assert outcome.errors.count(f"WARNING: {failing.split()[0]} failed: ") == len(lost)
        assert set(outcome.sentence.removeprefix("could not be written: ").split(", ")) == lost


@needs_tcl
class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "extra", "expected"),
        [
            *(({name: None}, (), f"{name}= is missing") for name in ("folder", "top", "part", "clock_mhz", "out")),
            ({}, ("speed=3",), "there is no argument speed, only folder, top, part, clock_mhz, out, saif, incremental"),
            ({}, ("fast",), "fast is not of the form name=value"),
            ({}, ("top=net",), "top is given twice"),
            ({"top": "a b"}, (), "top=a b is not the name of a Verilog module"),
            ({"top": "other"}, (), "there is no file list other.f in "),
            ({"part": "xc7vx690t"}, (), "part=xc7vx690t is not a 7-series part with package and speed grade"),
            ({"part": "xc7k70tfbg676-2"}, (), "this Vivado does not have the part xc7k70tfbg676-2"),
            *(({"clock_mhz": mhz}, (), f"clock_mhz={mhz} is not a number") for mhz in ("0.0", "-200", "inf", "2e2", "1001")),
            ({"folder": "absent"}, (), "there is no folder "),
            ({"out": "record"}, (), "there cannot be a folder "),
            ({}, ("incremental=yes",), "incremental=yes is neither 0 nor 1"),
        ],
    )
    def test_wrong(self, run: Run, changes: dict[str, str | None], extra: tuple[str, ...], expected: str) -> None:
        outcome = run(changes=changes, extra=extra)
        assert outcome.status == 2 and outcome.sentence.startswith(expected)
        assert not outcome.named("read_verilog")

    @pytest.mark.parametrize(
        ("listed", "expected"), [("lost.v\n", f"{TOP}.f names lost.v, which is not in "), (" \n", f"{TOP}.f in ")]
    )
    def test_file_list(self, run: Run, verilog: Path, listed: str, expected: str) -> None:
        (verilog / f"{TOP}.f").write_text(listed)
        outcome = run(changes={"folder": str(verilog)})
        assert outcome.status == 2 and outcome.sentence.startswith(expected)


@needs_tcl
class TestStandIns:
    """The stand-ins catch what they are there to catch: a script is changed, and a rule broken."""

    @pytest.mark.parametrize(
        ("script", "old", "new", "scenario", "violation"),
        [
            ("flow", "    step opt_design\n", "", "", "place_design is not legal in state synth"),
            ("flow", "        step phys_opt_design\n", "", "", "route_design before phys_opt_design"),
            ("flow", "        step route_design\n", "", "", "write_checkpoint writes routed.dcp in state placed"),
            ("flow", "    write_results $run synth\n", "", "", "no checkpoint of state synth"),
            ("flow", "    write_results $run $state\n", "", "", "no checkpoint of state routed"),
            ("flow", "        _drc.rpt                      {report_drc -file}\n", "", "", "no drc of state synth"),
            ("flow", "report_power -file", "report_power -output", "", "report_power has no option -output"),
            ("flow", "    if {$failed} {", "    if {0} {", "fails route_design", "write_bitstream is not legal in state placed"),
            ("flow", "if {$setup < 0 || $hold < 0}", "if {$hold < 0}", "setup -1", "setup is not met"),
            ("flow", "    set hold [slack hold]\n", "    set hold 1\n", "hold {-1 1}", "the hold slack was not asked for"),
            ("flow", "read_verilog [list $path]", "read_verilog $path", "", "read_verilog reads"),
            ("flow", "    step read_xdc [list $xdc]\n", "", "", "port aclk has no input delay"),
            ("flow", "{Synth 8-4445} {", "{", "", "with zeros"),
            ("flow", " counters_*}", "}", "", "port counters_frames_in[0] has no output delay"),
            ("flow", "-part [dict get $run part]", "-part xc7", "", "has the value 'xc7' where <part> belongs"),
            ("bitstream", "{NSTD-1 UCIO-1}", "{NSTD-1}", "", "write_bitstream with UCIO-1 an error"),
            ("bitstream", "    flow::judge $run\n", "", "setup -1", "the setup slack was not asked for"),
            ("bitstream", "$run default", "$run out_of_context", "", "write_bitstream out of context"),
            ("out_of_context", "    flow::implement $run\n", "", "", "the end in state synth"),
        ],
    )
    def test_violations(
        self, run: Run, verilog: Path, tmp_path: Path, script: str, old: str, new: str, scenario: str, violation: str
    ) -> None:
        scripts = tmp_path / "scripts"
        copy_of(scripts, script, old, new)
        if violation == "with zeros":
            next(verilog.glob("*.mem")).unlink()
        folder = verilog.rename(tmp_path / "ver ilog")
        outcome = run("bitstream" if script == "flow" else script, scenario, {"folder": str(folder)}, scripts=scripts)
        assert outcome.violations and violation in outcome.violations[0]

    def test_tcl_8_5(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "new.tcl").write_text("lmap x {1 2} {set x}\n")
        assert 'invalid command name "lmap"' in run("new", scripts=tmp_path).errors


Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that runs make in a temporary folder, with only the given folders and make's own shell tools on PATH."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "sh", "mkdir", "echo", "rm", "mv", "cat", "ls", "sleep"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / "Makefile").write_text(
        f"BITSTREAM_NEEDS := converted\ninclude {SCRIPTS / 'vivado.mk'}\nconverted: model\n\t@echo converted\n\t@: > $@\n"
    )
    (tmp_path / "model").touch()

    def call(*arguments: str, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.pathsep.join(map(str, (*path, tools)))}
        command = [str(tools / "make"), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return call


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A folder with a `vivado` that writes down its arguments, makes a bitstream where it is to, and ends with $STATUS."""
    folder = tmp_path / "fake"
    folder.mkdir()
    program = folder / "vivado"
    program.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" > arguments\necho run >> runs\n'
        'for word; do case "$word" in out=*) out="${word#out=}";; *bitstream.tcl) made=some.bit;; esac; done\n'
        '[ "$STATUS" != 0 ] || [ -z "$made" ] || : > "$out/$made"\nexit $STATUS\n'
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(("target", "script"), [("bitstream", "bitstream"), ("out-of-context", "out_of_context")])
class TestMake:
    def test_without_vivado(self, make: Make, target: str, script: str) -> None:
        done = make(target, f"TOP={TOP}")
        assert done.returncode != 0
        assert done.stdout == "" and re.fullmatch(
            r"\S+: \*\*\* vivado is not on PATH, and only Vivado makes bitstreams; "
            r"make would have run: mkdir -p '.*' && vivado .*\.  Stop\.\n",
            done.stderr,
        )
        assert f"{script}.tcl' -tclargs 'folder=build/verilog' 'top={TOP}' 'part={PART}' 'clock_mhz=200'" in done.stderr

    @needs_tcl
    def test_with_vivado(
        self, make: Make, fake: Path, run: Run, converted: Path, tmp_path: Path, target: str, script: str
    ) -> None:
        done = make(target, f"TOP={TOP}", f"VERILOG={converted}", "OUT=my results", "CLOCK_MHZ=150", "STATUS=0", path=(fake,))
        assert (done.returncode, done.stderr) == (0, "")
        out = "my results" if target == "bitstream" else "my results/out_of_context"
        assert done.stdout.splitlines()[0] == "converted" and (tmp_path / out).is_dir()
        arguments = (tmp_path / "arguments").read_text().splitlines()
        split = arguments.index("-tclargs")
        assert arguments[:split] == [
            *("-mode", "batch", "-notrace", "-log", f"{out}/vivado.log", "-journal", f"{out}/vivado.jou"),
            *("-source", f"{SCRIPTS}/{script}.tcl"),
        ]
        nothing = dict.fromkeys(("folder", "top", "part", "clock_mhz", "out"))
        outcome = run(script, changes=nothing, extra=tuple(arguments[split + 1 :]))
        assert (outcome.status, outcome.violations) == (0, [])
        assert "-period 6.666 " in (tmp_path / out / "constraints.xdc").read_text()
        assert outcome.named("synth_design")[0][2:5] == [TOP, "-part", PART]

    def test_a_failure_is_passed_on(self, make: Make, fake: Path, target: str, script: str) -> None:
        done = make(target, f"TOP={TOP}", "STATUS=1", path=(fake,))
        assert done.returncode != 0 and "Error 1" in done.stderr

    def test_no_saif(self, make: Make, fake: Path, target: str, script: str) -> None:
        """Refused before anything is made."""
        done = make(target, f"TOP={TOP}", "STATUS=0", "SAIF=core.saif", path=(fake,))
        assert (done.returncode, done.stdout) == (2, "") and "SAIF=core.saif: there is no such file" in done.stderr


@pytest.mark.parametrize("target", ["bitstream", "out-of-context"])
class TestMakeAgain:
    """Vivado runs again only where something has changed."""

    @pytest.fixture
    def vivado(self, make: Make, fake: Path, verilog: Path, tmp_path: Path, target: str) -> Callable[..., int]:
        """A function that makes the target with the given settings, and says how often Vivado has run since the last call."""

        def call(*settings: str, status: int = 0) -> int:
            given = (f"TOP={TOP}", "VERILOG=verilog", "OUT=my results", f"STATUS={status}")
            done = make(target, *given, *settings, path=(fake,))
            assert (done.returncode == 0) == (status == 0)
            runs = tmp_path / "runs"
            count = runs.read_text().count("run") if runs.exists() else 0
            runs.write_text("")
            assert done.stdout.endswith(" is up to date\n") == (status == 0)
            return count

        return call

    def test_once(self, vivado: Callable[..., int]) -> None:
        """Nothing has changed: Vivado does not run."""
        assert [vivado(), vivado(), vivado()] == [1, 0, 0]

    @pytest.mark.parametrize(
        "setting", ["CLOCK_MHZ=150", "PART=xc7vx485tffg1761-2", "INCREMENTAL=0", "SAIF=core.saif", "TOP=other"]
    )
    def test_other_settings(self, vivado: Callable[..., int], tmp_path: Path, setting: str) -> None:
        (tmp_path / "core.saif").touch()
        assert [vivado(), vivado(setting), vivado(setting), vivado(), vivado()] == [1, 1, 0, 1, 0]

    @pytest.mark.parametrize("change", ["write", "add", "convert", "saif"])
    def test_other_files(self, vivado: Callable[..., int], tmp_path: Path, change: str) -> None:
        """The Verilog, written by hand or anew, with another file; the activity."""
        (tmp_path / "core.saif").touch()
        assert [vivado("SAIF=core.saif"), vivado("SAIF=core.saif")] == [1, 0]
        later = (tmp_path / "my results").stat().st_mtime + 10
        changed = {"write": f"verilog/{TOP}.v", "add": "verilog/more.mem", "convert": "model", "saif": "core.saif"}[change]
        (tmp_path / changed).touch()
        os.utime(tmp_path / changed, (later, later))
        assert vivado("SAIF=core.saif") == 1

    def test_a_file_that_is_gone(self, vivado: Callable[..., int], tmp_path: Path) -> None:
        """Conversion removes what it has no more use for: no error."""
        makefile = tmp_path / "Makefile"
        makefile.write_text(makefile.read_text().replace("@echo converted", "@echo converted; rm -f verilog/old.v"))
        (tmp_path / "verilog" / "old.v").touch()
        assert [vivado(), vivado()] == [1, 0]
        (tmp_path / "verilog" / "old.v").touch()
        (tmp_path / "converted").unlink()
        assert [vivado(), vivado()] == [1, 0]

    def test_a_failure_is_not_finished(self, vivado: Callable[..., int]) -> None:
        """It is run again, and so is what had ended well before."""
        assert [vivado(), vivado("CLOCK_MHZ=250", status=1), vivado("CLOCK_MHZ=250", status=1), vivado(), vivado()] == [
            1,
            1,
            1,
            1,
            0,
        ]

    def test_a_change_that_is_taken_back(self, vivado: Callable[..., int], tmp_path: Path) -> None:
        """By a file with its former date: what had ended well is no more what lies there."""
        assert vivado() == 1
        path = tmp_path / "verilog" / f"{TOP}.v"
        former = path.stat()
        later = (tmp_path / "my results").stat().st_mtime + 10
        os.utime(path, (later, later))
        assert vivado(status=1) == 1
        os.utime(path, (former.st_atime, former.st_mtime))
        (tmp_path / "my results" / "some.bit").touch()
        assert [vivado(), vivado()] == [1, 0]

    def test_a_top_that_conversion_names(self, make: Make, fake: Path, tmp_path: Path, target: str) -> None:
        """The command that is compared has the top's name from the first run on."""
        makefile = tmp_path / "Makefile"
        text = makefile.read_text().replace("@echo converted", "@sleep 0.3; mkdir -p verilog; : > verilog/net.f")
        makefile.write_text("TOP = $(basename $(notdir $(shell ls $(VERILOG)/*.f 2>/dev/null)))\n" + text)
        for _ in range(2):
            assert make("-j4", target, "VERILOG=verilog", "STATUS=0", path=(fake,)).returncode == 0
            assert "top=net" in (tmp_path / "arguments").read_text().splitlines()
        assert (tmp_path / "runs").read_text() == "run\n"

    def test_a_bitstream_that_is_gone(self, vivado: Callable[..., int], tmp_path: Path, target: str) -> None:
        assert vivado() == 1
        for path in tmp_path.glob("my results/*.bit"):
            path.unlink()
        assert vivado() == (1 if target == "bitstream" else 0)


SIGMABIT = r"\.venv/bin/sigmabit"
MODEL = r"models/digits_bcnn\.onnx"


class TestMakeModel:
    """What make says before anything is made."""

    @pytest.mark.parametrize("without", ["", ".venv"])
    @pytest.mark.parametrize("key", ["", *boards.known(Series7Board)])
    def test_what_it_would_run(self, checkout: Checkout, key: str, without: str) -> None:
        """Every command in order, with the values that the converter and the board's file have; also without an environment."""
        done = checkout("bitstream", f"BOARD={key}", "VIVADO=no-vivado", "CLOCK_MHZ=150", "INCREMENTAL=0", without=without)
        assert (done.returncode, done.stdout) == (2, "")
        of = boards.board(key) if key else None
        assert of is None or isinstance(of, Series7Board)
        part, place = (of.part, f"build/digits_bcnn/{key}") if of else (PART, "build/digits_bcnn")
        assert done.stderr.count("\n") == 1
        said, _, run = done.stderr.partition("; make would have run: ")
        assert said.endswith("*** no-vivado is not on PATH, and only Vivado makes bitstreams")
        commands = run.removesuffix(".  Stop.\n").split(" && ")
        if without:
            assert commands.pop(0) == "make setup"
        step = f"board {MODEL} --board {key} --baud 921600" if of else f"convert {MODEL} --part {part}"
        assert re.fullmatch(rf"{SIGMABIT} {step} --clock-mhz 150 -o {place}/verilog", commands.pop(0))
        assert re.fullmatch(rf"{SIGMABIT} package {MODEL} --part {part} --clock-mhz 150 -o {place}/package", commands.pop(0))
        assert commands.pop(0) == f"mkdir -p '{place}/vivado'"
        script, top, mhz = ("board", "digits_bcnn_system_board", "150.0") if of else ("bitstream", "digits_bcnn", "150")
        told = [f"folder={place}/verilog", f"top={top}", f"part={part}", f"clock_mhz={mhz}"]
        told += [f"interface={of.flash[0]}", f"megabytes={of.flash[1]}"] if of else []
        told += [f"out={place}/vivado", "incremental=0"]
        (vivado,) = commands
        assert vivado.startswith("no-vivado -mode batch ") and f"/vivado/{script}.tcl' -tclargs " in vivado
        assert shlex.split(vivado.partition(" -tclargs ")[2]) == told

    def test_out_of_context(self, checkout: Checkout) -> None:
        """Without the package, which is of no use to it."""
        done = checkout("out-of-context", "VIVADO=no-vivado")
        assert re.search(
            rf"would have run: {SIGMABIT} convert \S+ .* && mkdir -p .* && no-vivado .*'top=digits_bcnn'", done.stderr
        )
        assert done.returncode == 2 and " package " not in done.stderr

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            (
                ["BOARD=vc708"],
                f"BOARD=vc708: there is no such board, only {', '.join(boards.known())}, or a file that ends in \\.toml",
            ),
            (["BOARD=no/where.toml"], "BOARD=no/where\\.toml: there is no such file"),
            (["BOARD=my board.toml"], "BOARD=my board\\.toml: make cannot handle names with blanks; the sigmabit command can"),
            (["MODEL=nofile.onnx"], "MODEL=nofile.onnx: there is no such file"),
            (["PLAN=nofile.json"], "PLAN=nofile.json: there is no such file"),
            (["SAIF=nofile.saif"], "SAIF=nofile.saif: there is no such file"),
            (["BOARD=vc709", "BAUD=foo"], "BAUD=foo: expected a number above 0"),
            (["BOARD=vc709", "CLOCK_MHZ=2"], "no clock of 2 MHz can be made of one of 200 MHz"),
            (["CLOCK_MHZ=foo"], "CLOCK_MHZ=foo: expected a number of MHz above 0, 1000 at most, .*"),
            (["CLOCK_MHZ=nan"], "CLOCK_MHZ=nan: expected a number of MHz above 0, 1000 at most, such as 187\\.5"),
            (["CLOCK_MHZ=1e2"], "CLOCK_MHZ=1e2: expected a number of MHz above 0, 1000 at most, .*"),
            (["SAMPLES=0"], "SAMPLES=0: expected a number above 0"),
            (["INPUT_SCALE=small"], "INPUT_SCALE=small: expected a number above 0"),
            (["INCREMENTAL=2"], "INCREMENTAL=2: expected 0 or 1"),
            (["PART=xc7k160t"], "PART=xc7k160t: expected a 7-series part with package and speed grade, .*"),
            (["PART=it's"], "PART=it's: expected a 7-series part with package and speed grade, .*"),
        ],
    )
    @pytest.mark.parametrize("vivado", ["no-vivado", "true"])
    def test_wrong(self, checkout: Checkout, settings: list[str], sentence: str, vivado: str) -> None:
        """What is wrong with a variable is said first, with Vivado or without, and nothing is made."""
        done = checkout("bitstream", f"VIVADO={vivado}", *settings)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(rf"\S+: \*\*\* {sentence}\.  Stop\.\n", done.stderr)

    def test_no_core_on_a_board(self, checkout: Checkout) -> None:
        done = checkout("out-of-context", "VIVADO=true", "BOARD=vc709")
        assert done.returncode == 2 and "BOARD=vc709: out-of-context is of the core alone, without a board" in done.stderr

    def test_arguments(self, checkout: Checkout) -> None:
        """What the board's file says reaches the script; the Verilog and the package are made first."""
        done = checkout("--dry-run", "--always-make", "bitstream", "BOARD=vc709", "VIVADO=true", "BAUD=115200", "CLOCK_MHZ=150")
        assert done.returncode == 0
        made = rf"{SIGMABIT} board {MODEL} --board vc709 --baud 115200 --clock-mhz 150 -o (build/digits_bcnn/vc709)/verilog\n"
        packed = rf"{SIGMABIT} package {MODEL} --part {PART} --clock-mhz 150 -o (build/digits_bcnn/vc709)/package\n"
        assert re.search(rf"{made}(.*\n)*{packed}(.*\n)*true -mode batch", done.stdout)
        assert f"'part={PART}' 'clock_mhz=150.0' 'interface=BPIx16' 'megabytes=128' 'out=" in done.stdout

    def test_a_board_elsewhere(self, checkout: Checkout, tmp_path: Path) -> None:
        """A file outside the package is taken, made again for when it changes, and has a folder that no other board has."""
        file = tmp_path / "vc709.toml"
        file.write_text(boards.files()["arty_a7_100"].read_text())
        done = checkout("--dry-run", "--always-make", "bitstream", f"BOARD={file}", "VIVADO=true", "CLOCK_MHZ=100")
        assert (done.returncode, done.stderr) == (0, "")
        place = r"build/digits_bcnn/vc709\.toml"
        made = rf"{SIGMABIT} board {MODEL} --board {file} --baud 921600 --clock-mhz 100 -o {place}/verilog\n"
        packed = rf"{SIGMABIT} package {MODEL} --part xc7a100tcsg324-1 --clock-mhz 100 -o {place}/package\n"
        assert re.search(rf"{made}(.*\n)*{packed}(.*\n)*true -mode batch", done.stdout)
        assert "'part=xc7a100tcsg324-1' 'clock_mhz=100.0' 'interface=SPIx4' 'megabytes=16' 'out=" in done.stdout
        file.write_text(file.read_text().replace('"E3"', '"e3"'))
        done = checkout("bitstream", f"BOARD={file}", "VIVADO=true", "CLOCK_MHZ=100")
        sentence = f"*** BOARD={file}: clock.pin is 'e3', expected a pin's name, such as AB12.  Stop."
        assert done.returncode == 2 and sentence in done.stderr

    def test_as_the_converter_says(self, call: Call, tmp_path: Path) -> None:
        """What is said ahead is what the commands write, for a name that has to be changed, and a clock that cannot be met."""
        (tmp_path / "2 Bad-names.onnx").symlink_to(DIGITS)
        given = {
            "MODEL": str(tmp_path / "2 Bad-names.onnx"),
            "BOARD": "kc705",
            "LINK": "uart",
            "CLOCK_MHZ": "66.6",
            "BAUD": "9600",
            "PART": PART,
        }
        given |= {"PLAN": "", "SAMPLES": "", "INPUT_SCALE": "", "SAIF": "", "INCREMENTAL": "1"}
        top, *told = (f"{name}={value}" for name, value in vivado_arguments(given).items())
        done = call("board", given["MODEL"], "--board", "kc705", "--clock-mhz", 66.6, "-o", tmp_path / "out", "--json").json
        assert top == f"top={done['top']}"
        assert told == (tmp_path / "out" / "vivado.args").read_text().split()
        done = call("convert", given["MODEL"], "-o", tmp_path / "core", "--json").json
        assert vivado_arguments({**given, "BOARD": ""})["top"] == done["top"]

    def test_package(self, checkout: Checkout) -> None:
        """In a folder beside the Verilog; made again only where something has changed."""

        def dates(*settings: str) -> dict[str, int]:
            done = checkout("package", *settings, built=True)
            assert (done.returncode, done.stderr) == (0, "")
            return {path.name: path.stat().st_mtime_ns for path in (checkout.folder / "build/digits_bcnn").glob("package/*")}

        first = dates()
        assert {"component.xml", "digits_bcnn.core", "digits_bcnn.v"} <= set(first)
        assert f"part: {PART}\n" in (checkout.folder / "build/digits_bcnn/package/digits_bcnn.core").read_text()
        assert dates() == first
        later = dates("PART=xc7k325tffg900-2")
        assert set(later) == set(first) and not set(later.values()) & set(first.values())
        assert dates("PART=xc7k325tffg900-2") == later


class Checkout:
    """make in a folder that holds links to the project's files, and nothing that was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in ROOT.iterdir():
            if path.name not in (".git", "build", ".venv"):
                (folder / path.name).symlink_to(path)

    def __call__(self, *arguments: str, without: str = "", built: bool = False) -> subprocess.CompletedProcess[str]:
        """Run make, in an environment unless it is to be without; see that nothing is made unless it may be."""
        environment = self.folder / ".venv"
        if without:
            environment.unlink(missing_ok=True)
        elif not environment.exists():
            environment.symlink_to(ROOT / ".venv")
        before = sorted(self.folder.iterdir())
        # what an outer make, such as that of `make test`, hands down is not for this one
        outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        done = subprocess.run(
            ["make", "--old-file=.venv/installed", *arguments],
            cwd=self.folder,
            env=outside,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert built or sorted(self.folder.iterdir()) == before
        return done


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The project, as if nothing had been made."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    return Checkout(folder)
