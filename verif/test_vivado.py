"""The Vivado scripts, run in a Tcl interpreter where Vivado's commands are stand-ins that check every call."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sigmabit.fpga import board as boards
from sigmabit.fpga.synthesis import PRIMITIVES
from sigmabit.hdl.convert import convert
from sigmabit.hdl.link import System, make_system
from sigmabit.hdl.top import Pipeline

from .random_networks import NetworkCase

ROOT = Path(__file__).parents[1]
STANDINS = Path(__file__).with_name("vivado_standins.tcl")
SCRIPTS = ROOT / "fpga" / "vivado"
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
        options = ["-top", TOP, "-part", PART, "-mode", "default", "-verilog_define", PRIMITIVES]
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


@pytest.fixture(scope="module")
def on_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small system on a VC709: its Verilog and constraints, and what make is to tell Vivado's script."""
    folder = tmp_path_factory.mktemp("board") / "verilog"
    config = make_system(NetworkCase(0).plan, bytes(16), (0, 0, 0), 8)
    design = convert(System(config).outline())
    design.write(folder)
    boards.write(folder, design.top, design.files, boards.board("vc709"), boards.mmcm(200.0, 200.0))
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
        options = ["-top", BOARD_TOP, "-part", PART, "-mode", "default", "-verilog_define", PRIMITIVES]
        assert outcome.named("synth_design") == [["synth_design", *options]]
        assert outcome.steps == ["synth_design", *STEPS, "write_bitstream"]
        (memory,) = outcome.named("write_cfgmem")
        assert memory[1:8] == ["-force", "-format", "mcs", "-interface", "BPIx16", "-size", "128"]
        assert outcome.files == results("synth", "routed") | {f"{BOARD_TOP}.bit", f"{BOARD_TOP}.mcs"}
        # no check is lowered to a warning: all ports have their places
        assert not [call for call in outcome.calls if call[:2] == ["set_property", "SEVERITY"]]

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
            ({}, ("speed=3",), "there is no argument speed, only folder, top, part, clock_mhz, out"),
            ({}, ("fast",), "fast is not of the form name=value"),
            ({}, ("top=net",), "top is given twice"),
            ({"top": "a b"}, (), "top=a b is not the name of a Verilog module"),
            ({"top": "other"}, (), "there is no file list other.f in "),
            ({"part": "xc7vx690t"}, (), "part=xc7vx690t is not a 7-series part with package and speed grade"),
            ({"part": "xc7k70tfbg676-2"}, (), "this Vivado does not have the part xc7k70tfbg676-2"),
            *(({"clock_mhz": mhz}, (), f"clock_mhz={mhz} is not a number") for mhz in ("0.0", "-200", "inf", "2e2", "1001")),
            ({"folder": "absent"}, (), "there is no folder "),
            ({"out": "record"}, (), "there cannot be a folder "),
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
            ("flow", "    write_results synth\n", "", "", "no checkpoint of state synth"),
            ("flow", "    write_results $state\n", "", "", "no checkpoint of state routed"),
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
            ("out_of_context", "    flow::implement\n", "", "", "the end in state synth"),
        ],
    )
    def test_violations(
        self, run: Run, verilog: Path, tmp_path: Path, script: str, old: str, new: str, scenario: str, violation: str
    ) -> None:
        scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "scripts"))
        path = scripts / f"{script}.tcl"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        if violation == "with zeros":
            next(verilog.glob("*.mem")).unlink()
        folder = verilog.rename(tmp_path / "ver ilog")
        outcome = run("bitstream" if script == "flow" else script, scenario, {"folder": str(folder)}, scripts=scripts)
        assert outcome.violations and violation in outcome.violations[0]

    def test_tcl_8_5(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "new.tcl").write_text("lmap x {1 2} {set x}\n")
        assert 'invalid command name "lmap"' in run("new", scripts=tmp_path).errors


Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(("target", "script"), [("bitstream", "bitstream"), ("out-of-context", "out_of_context")])
class TestMake:
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        """A function that runs make in a temporary folder, with only the given folders and make's own shell tools on PATH."""
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in ("make", "sh", "mkdir", "echo", "cat"):
            (tools / tool).symlink_to(str(shutil.which(tool)))
        (tmp_path / "Makefile").write_text(
            f"BITSTREAM_NEEDS := converted\ninclude {SCRIPTS / 'vivado.mk'}\nconverted:\n\t@echo converted\n"
        )

        def call(*arguments: str, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
            environment = {"PATH": os.pathsep.join(map(str, (*path, tools)))}
            command = [str(tools / "make"), *arguments]
            return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

        return call

    @pytest.fixture
    def fake(self, tmp_path: Path) -> Path:
        """A folder with a `vivado` that writes down its arguments and ends with $STATUS."""
        folder = tmp_path / "fake"
        folder.mkdir()
        program = folder / "vivado"
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\nexit $STATUS\n')
        program.chmod(0o755)
        return folder

    def test_without_vivado(self, make: Make, target: str, script: str) -> None:
        done = make(target, f"TOP={TOP}")
        assert done.returncode != 0
        assert done.stdout == "" and re.fullmatch(
            r"\S+: \*\*\* vivado is not on PATH, and only Vivado makes bitstreams; it would have run: vivado .*\.  Stop\.\n",
            done.stderr,
        )
        assert f"{script}.tcl' -tclargs 'folder=build/verilog' 'top={TOP}' 'part={PART}' 'clock_mhz=200'" in done.stderr

    @needs_tcl
    def test_with_vivado(
        self, make: Make, fake: Path, run: Run, converted: Path, tmp_path: Path, target: str, script: str
    ) -> None:
        done = make(target, f"TOP={TOP}", f"VERILOG={converted}", "OUT=my results", "CLOCK_MHZ=150", "STATUS=0", path=(fake,))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0] == "converted" and (tmp_path / "my results").is_dir()
        arguments = (tmp_path / "arguments").read_text().splitlines()
        split = arguments.index("-tclargs")
        assert arguments[:split] == [
            *("-mode", "batch", "-notrace", "-log", "my results/vivado.log", "-journal", "my results/vivado.jou"),
            *("-source", f"{SCRIPTS}/{script}.tcl"),
        ]
        nothing = dict.fromkeys(("folder", "top", "part", "clock_mhz", "out"))
        outcome = run(script, changes=nothing, extra=tuple(arguments[split + 1 :]))
        assert (outcome.status, outcome.violations) == (0, [])
        assert "-period 6.666 " in (tmp_path / "my results" / "constraints.xdc").read_text()
        assert outcome.named("synth_design")[0][2:5] == [TOP, "-part", PART]

    def test_a_failure_is_passed_on(self, make: Make, fake: Path, target: str, script: str) -> None:
        done = make(target, f"TOP={TOP}", "STATUS=1", path=(fake,))
        assert done.returncode != 0 and "Error 1" in done.stderr


class TestMakeBoard:
    def test_what_it_would_run(self) -> None:
        """Without Vivado, before anything is made; without such a board."""
        done = self._make("bitstream", "BOARD=kc705", "VIVADO=no-vivado")
        assert done.returncode != 0 and done.stdout == ""
        assert re.search(
            r"no-vivado is not on PATH, .* it would have run: no-vivado .*/board\.tcl' .*/kc705/verilog/", done.stderr
        )
        done = self._make("bitstream", "BOARD=kc706", "VIVADO=true")
        assert done.returncode == 2 and "BOARD=kc706: there is no such board, only kc705 vc707 vc709\n" in done.stderr

    def test_arguments(self, on_board: Path) -> None:
        """What the board's folder says reaches the script; the Verilog is made first."""
        done = self._make("--dry-run", "--always-make", "bitstream", "BOARD=vc709", "VIVADO=true", "BAUD=115200", "CLOCK_MHZ=150")
        assert done.returncode == 0
        assert re.search(
            r"sigmabit board \S+ --board vc709 --baud 115200 --clock-mhz 150 +-o build/\w+/vc709/verilog\n", done.stdout
        )
        assert "$(cat 'build/digits_bcnn/vc709/verilog/vivado.args')" in done.stdout

    @staticmethod
    def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
        # what an outer make, such as that of `make test`, hands down is not for this one
        environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        command = ["make", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
