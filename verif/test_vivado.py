"""The Vivado scripts, run in a Tcl interpreter where Vivado's commands are stand-ins that check every call."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sigmabit.hdl.stream import Counters, Stream

STANDINS = Path(__file__).with_name("vivado_standins.tcl")
SCRIPTS = Path(__file__).parents[1] / "fpga" / "vivado"
PART = "xc7vx690tffg1761-2"

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

needs_tcl = pytest.mark.skipif(not INTERPRETERS, reason="neither tclsh nor tkinter is installed")
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

REPORTS = ("_utilization.rpt", "_utilization_hierarchical.rpt", "_timing_summary.rpt", "_power.rpt", "_drc.rpt")
STEPS = ["opt_design", "place_design", "phys_opt_design", "route_design"]


def results(*states: str) -> set[str]:
    """Names of what is written of the states."""
    return {f"{state}{ending}" for state in states for ending in (*REPORTS, ".dcp")}


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


def ports() -> Iterator[tuple[str, str, int]]:
    """Direction, name and bits of each port of a pipeline."""
    yield from [("input", "aclk", 1), ("input", "aresetn", 1)]
    for prefix, source in (("s_axis", True), ("m_axis", False)):
        for name, signal in vars(Stream(16)).items():
            yield "input" if source != (name == "tready") else "output", f"{prefix}_{name}", len(signal)
    for name, signal in vars(Counters()).items():
        yield "output", f"counters_{name}", len(signal)


def write_verilog(folder: Path, memory: bool = False) -> Path:
    """A folder as `sigmabit convert` leaves it, with the ports of a pipeline and next to nothing inside."""
    folder.mkdir(parents=True)
    header = ",\n".join(f"    {way} wire {f'[{bits - 1}:0] ' if bits > 1 else ''}{name}" for way, name, bits in ports())
    body = '\ninitial $readmemh("leaf.mem", entries);' if memory else ""
    (folder / "leaf.v").write_text(f"module leaf (\n    input wire clk\n);{body}\nendmodule\n")
    (folder / "net.v").write_text(f"module net (\n{header}\n);\n\nleaf leaf_instance (\n    .clk(aclk)\n);\n\nendmodule\n")
    (folder / "net.f").write_text("leaf.v\nnet.v\n")
    if memory:
        (folder / "leaf.mem").write_text("0\n1\n")
    return folder


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs a script. `changes` replaces arguments, None leaving one out; `extra` are further ones."""

    def call(
        script: str = "bitstream",
        scenario: str = "",
        changes: dict[str, str | None] | None = None,
        extra: tuple[str, ...] = (),
        scripts: Path = SCRIPTS,
        interpreter: str = next(iter(INTERPRETERS), ""),
    ) -> Outcome:
        folder = tmp_path / "verilog"
        if not folder.exists():
            write_verilog(folder)
        given: dict[str, str | None] = {
            "folder": str(folder),
            "top": "net",
            "part": PART,
            "clock_mhz": "200",
            "out": str(tmp_path / "out"),
        }
        given |= changes or {}
        arguments = [f"{name}={value}" for name, value in given.items() if value is not None]
        record = tmp_path / "record"
        command = [
            *INTERPRETERS[interpreter],
            str(STANDINS),
            str(record),
            scenario,
            str(scripts / f"{script}.tcl"),
            *arguments,
            *extra,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        lines = [line.split("\t") for line in record.read_text().splitlines()]
        return Outcome(
            done.returncode,
            done.stdout,
            done.stderr,
            [line for line in lines if line[0] != "violation"],
            [line[1] for line in lines if line[0] == "violation"],
            Path(given["out"] or tmp_path),
        )

    return call


def sentence(outcome: Outcome) -> str:
    """The one sentence that a failed run ends with."""
    *before, last = outcome.errors.splitlines()
    assert last.startswith("ERROR: ") and all(line.startswith("WARNING: ") for line in before)
    return last.removeprefix("ERROR: ")


@needs_tcl
class TestFlow:
    @pytest.mark.parametrize("interpreter", INTERPRETERS)
    def test_bitstream(self, run: Run, interpreter: str) -> None:
        outcome = run(interpreter=interpreter)
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        assert [Path(call[1]).name for call in outcome.named("read_verilog")] == ["leaf.v", "net.v"]
        assert outcome.named("synth_design") == [["synth_design", "-top", "net", "-part", PART, "-mode", "default"]]
        assert outcome.steps == ["synth_design", *STEPS, "write_bitstream"]
        assert outcome.output.startswith("timing is met at 200 MHz: the worst slack is 0.1 ns for setup and 0.1 ns for hold")
        assert outcome.files == results("synth", "routed") | {"net.bit"}

    def test_out_of_context(self, run: Run) -> None:
        outcome = run("out_of_context")
        assert (outcome.status, outcome.errors, outcome.violations) == (0, "", [])
        assert outcome.named("synth_design")[0][-2:] == ["-mode", "out_of_context"]
        assert outcome.steps == ["synth_design", *STEPS]
        assert outcome.files == results("synth", "routed")
        assert "HD.CLK_SRC" in (outcome.out / "constraints.xdc").read_text()
        assert not outcome.named("get_drc_checks")

    @pytest.mark.parametrize(
        ("clock_mhz", "period", "delay"), [("200", "5.000", "1.000"), ("90", "11.111", "2.222"), ("187.5", "5.333", "1.067")]
    )
    def test_constraints(self, run: Run, clock_mhz: str, period: str, delay: str) -> None:
        outcome = run(changes={"clock_mhz": clock_mhz})
        text = (outcome.out / "constraints.xdc").read_text()
        assert f"create_clock -name aclk -period {period} [get_ports aclk]\n" in text
        assert f"set_input_delay -clock aclk {delay} " in text and f"set_output_delay -clock aclk {delay} " in text
        assert len(re.findall(rf"^set_max_delay -datapath_only .* {period}$", text, re.MULTILINE)) == 2
        assert "false_path" not in text and "HD.CLK_SRC" not in text

    def test_memories_are_read(self, run: Run, tmp_path: Path) -> None:
        write_verilog(tmp_path / "verilog", memory=True)
        outcome = run()
        assert (outcome.status, outcome.violations) == (0, [])
        assert [Path(call[1]).name for call in outcome.named("read_mem")] == ["leaf.mem"]

    def test_memory_without_contents(self, run: Run, tmp_path: Path) -> None:
        (write_verilog(tmp_path / "verilog", memory=True) / "leaf.mem").unlink()
        outcome = run()
        assert (outcome.status, outcome.violations) == (1, [])
        assert sentence(outcome).startswith("synth_design failed: [Synth 8-4445]")

    def test_blanks_in_paths(self, run: Run, tmp_path: Path) -> None:
        folder = write_verilog(tmp_path / "a folder {of" / "two names", memory=True)
        outcome = run(changes={"folder": str(folder), "out": str(tmp_path / "the results")})
        assert (outcome.status, outcome.violations) == (0, [])
        assert outcome.files == results("synth", "routed") | {"net.bit"}


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
        assert (outcome.status, outcome.violations) == (1, [])
        assert sentence(outcome).startswith("timing is not met at 200 MHz: the worst slack is") and "-0.213 ns" in outcome.errors
        assert outcome.named("phys_opt_design")[1:] == mended
        assert outcome.files == results("synth", "routed")

    @pytest.mark.parametrize("scenario", ["setup {-0.1 0.0}", "hold {-0.1 0.02}", "setup {-0.1 0.1 0.05} hold {0.1 -0.1 0.1}"])
    def test_met_after_optimisation(self, run: Run, scenario: str) -> None:
        outcome = run(scenario=scenario)
        assert (outcome.status, outcome.violations) == (0, [])
        assert outcome.files == results("synth", "routed") | {"net.bit"}

    @pytest.mark.parametrize("slack", ["{}", "inf"])
    def test_no_constrained_path(self, run: Run, slack: str) -> None:
        outcome = run(scenario=f"hold {{{slack}}}")
        assert (outcome.status, outcome.violations) == (1, [])
        assert sentence(outcome) == "no path has a hold constraint"
        assert outcome.files == results("synth", "routed")

    def test_nothing_stays_of_an_earlier_run(self, run: Run) -> None:
        assert run().files == results("synth", "routed") | {"net.bit"}
        assert run(scenario="setup -1").files == results("synth", "routed")
        assert run(scenario="fails route_design").files == results("synth", "placed")


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
        assert (outcome.status, outcome.violations) == (1, [])
        assert sentence(outcome).endswith("[Common 17-69] Command failed: as the scenario has it")
        assert outcome.files == results(*states)

    @pytest.mark.parametrize(
        ("failing", "lost"),
        [
            ("report_power", {"synth_power.rpt", "routed_power.rpt"}),
            ("write_checkpoint 2", {"routed.dcp"}),
            ("report_utilization 3", {"routed_utilization.rpt"}),
        ],
    )
    def test_a_result_that_fails(self, run: Run, failing: str, lost: set[str]) -> None:
        outcome = run(scenario=f"fails {{{failing}}}")
        assert (outcome.status, outcome.violations) == (1, [])
        assert outcome.errors.count(f"WARNING: {failing.split()[0]} failed: ") == len(lost)
        assert set(sentence(outcome).removeprefix("could not be written: ").split(", ")) == lost
        assert outcome.files == results("synth", "routed") - lost


@needs_tcl
class TestArguments:
    @pytest.mark.parametrize("script", ["bitstream", "out_of_context"])
    @pytest.mark.parametrize("name", ["folder", "top", "part", "clock_mhz", "out"])
    def test_missing(self, run: Run, script: str, name: str) -> None:
        outcome = run(script, changes={name: None})
        assert (outcome.status, sentence(outcome)) == (2, f"{name}= is missing")
        assert not outcome.named("read_verilog")

    @pytest.mark.parametrize(
        ("changes", "extra", "expected"),
        [
            ({}, ("speed=3",), "there is no argument speed, only folder, top, part, clock_mhz, out"),
            ({}, ("fast",), "fast is not of the form name=value"),
            ({"top": ""}, (), "top= is not of the form name=value"),
            ({}, ("top=net",), "top is given twice"),
            ({"top": "a b"}, (), "top=a b is not the name of a Verilog module"),
            ({"part": "xcvu9p-flga2104-2-i"}, (), "part=xcvu9p-flga2104-2-i is not a 7-series part"),
            ({"part": "xc7vx690t"}, (), "part=xc7vx690t is not a 7-series part with package and speed grade"),
            ({"part": "xc7k70tfbg676-2"}, (), "this Vivado does not have the part xc7k70tfbg676-2"),
            ({"clock_mhz": "fast"}, (), "clock_mhz=fast is not a number"),
            ({"clock_mhz": "0.0"}, (), "clock_mhz=0.0 is not a number"),
            ({"clock_mhz": "-200"}, (), "clock_mhz=-200 is not a number"),
            ({"clock_mhz": "inf"}, (), "clock_mhz=inf is not a number"),
            ({"clock_mhz": "2e2"}, (), "clock_mhz=2e2 is not a number"),
            ({"clock_mhz": "200000000"}, (), "clock_mhz=200000000 is not a number"),
            ({"folder": "absent"}, (), "there is no folder "),
            ({"top": "other"}, (), "there is no file list other.f in "),
            ({"out": "record"}, (), "there cannot be a folder "),
        ],
    )
    def test_wrong(self, run: Run, changes: dict[str, str | None], extra: tuple[str, ...], expected: str) -> None:
        outcome = run(changes=changes, extra=extra)
        assert outcome.status == 2
        assert sentence(outcome).startswith(expected)
        assert not outcome.named("read_verilog")

    @pytest.mark.parametrize(
        ("listed", "expected"), [("leaf.v\nlost.v\n", "net.f names lost.v, which is not in "), ("\n \n", "net.f in ")]
    )
    def test_file_list(self, run: Run, tmp_path: Path, listed: str, expected: str) -> None:
        (write_verilog(tmp_path / "verilog") / "net.f").write_text(listed)
        outcome = run()
        assert outcome.status == 2 and sentence(outcome).startswith(expected)

    def test_blank_lines_of_a_list(self, run: Run, tmp_path: Path) -> None:
        (write_verilog(tmp_path / "verilog") / "net.f").write_text("\nleaf.v  \r\n\nnet.v")
        assert run().status == 0


MUTATIONS = [
    ("flow", "    step opt_design\n", "", "", "place_design is not legal in state synth"),
    ("flow", "step opt_design\n    step place_design", "step place_design\n    step opt_design", "", "place_design is not legal"),
    ("flow", "        step phys_opt_design\n", "", "", "route_design before phys_opt_design"),
    ("flow", "        step route_design\n", "", "", "write_checkpoint writes routed.dcp in state placed"),
    ("flow", "    write_results synth\n", "", "", "no checkpoint of state synth"),
    ("flow", "    write_results $state\n", "", "", "no checkpoint of state routed"),
    ("flow", "    write_results $state\n", "    write_results synth\n", "", "write_checkpoint writes synth.dcp in state routed"),
    ("flow", "        .dcp                          {write_checkpoint -force}\n", "", "", "no checkpoint of state synth"),
    ("flow", "        _utilization.rpt              {report_utilization -file}\n", "", "", "no utilization of state synth"),
    ("flow", "-hierarchical -hierarchical_depth 8 ", "", "", "no hierarchical of state synth"),
    ("flow", "        _timing_summary.rpt           {report_timing_summary -max_paths 10 -file}\n", "", "", "no timing of state"),
    ("flow", "        _power.rpt                    {report_power -file}\n", "", "", "no power of state synth"),
    ("flow", "        _drc.rpt                      {report_drc -file}\n", "", "", "no drc of state synth"),
    ("flow", "report_power -file", "report_power -output", "", "report_power has no option -output"),
    ("flow", "-max_paths 10", "-max_paths ten", "", "has the value 'ten' where <count> belongs"),
    ("flow", "    if {$failed} {", "    if {0} {", "fails route_design", "write_bitstream is not legal in state placed"),
    ("flow", "if {$setup < 0 || $hold < 0}", "if {$hold < 0}", "setup -1", "setup is not met"),
    ("flow", "if {$setup < 0 || $hold < 0}", "if {$setup < 0}", "hold -1", "hold is not met"),
    ("flow", "    set hold [slack hold]\n", "    set hold 1\n", "hold {-1 1}", "the hold slack was not asked for"),
    ("flow", "step read_verilog [list $path]", "step read_verilog $path", "", "read_verilog reads"),
    ("flow", "step read_verilog [list $path]", "step read_verilog [list $path.v]", "", "read_verilog reads"),
    ("flow", "    step read_xdc [constraints $run $mode]\n", "", "", "port aclk has no input delay"),
    ("flow", "counters_*}", "tally_*}", "", "no port is called tally_*"),
    ("flow", " counters_*}", "}", "", "port counters_frames_in[0] has no output delay"),
    ("flow", "m_axis_tready}", "}", "", "port m_axis_tready has no input delay"),
    ("flow", "{s_axis_tready m_axis_tdata*", "{m_axis_tready m_axis_tdata*", "", "m_axis_tready is not an output"),
    ("flow", "-datapath_only -from \\[get_ports", "-hold -from \\[get_ports", "", "set_max_delay has no option -hold"),
    ("flow", "-period $period", "-period fast", "", "create_clock has the value 'fast' where <time> belongs"),
    ("flow", "-part [dict get $run part]", "-part xc7", "", "synth_design has the value 'xc7' where <part> belongs"),
    ("flow", "-mode $mode", "-mode core", "", "synth_design has the value 'core' where <mode> belongs"),
    ("bitstream", "{NSTD-1 UCIO-1}", "{NSTD-1}", "", "write_bitstream with UCIO-1 an error"),
    ("bitstream", "    flow::judge $run\n", "", "setup -1", "the setup slack was not asked for"),
    ("bitstream", "    flow::judge $run\n", "    catch { flow::judge $run }\n", "setup -1", "setup is not met"),
    ("bitstream", "    flow::step write_bitstream -force [flow::bitstream_file $run]\n", "", "", "the end without a bitstream"),
    ("bitstream", "$run default", "$run out_of_context", "", "write_bitstream out of context"),
    (
        "bitstream",
        "    flow::implement\n",
        "    flow::implement\n    flow::step opt_design\n",
        "",
        "opt_design is not legal in state routed",
    ),
    ("out_of_context", "$run out_of_context", "$run default", "", "the end without a bitstream"),
    ("out_of_context", "    flow::judge $run\n", "", "setup -1", "the setup slack was not asked for"),
    ("out_of_context", "    flow::implement\n", "", "", "the end in state synth"),
]


@needs_tcl
class TestStandins:
    """The stand-ins catch what they are there to catch."""

    @pytest.mark.parametrize(
        ("script", "old", "new", "scenario", "violation"), MUTATIONS, ids=[mutation[-1] for mutation in MUTATIONS]
    )
    def test_mutation(self, run: Run, tmp_path: Path, script: str, old: str, new: str, scenario: str, violation: str) -> None:
        scripts = shutil.copytree(SCRIPTS, tmp_path / "scripts")
        path = scripts / f"{script}.tcl"
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
        write_verilog(tmp_path / "ver ilog")
        outcome = run(
            "bitstream" if script == "flow" else script, scenario, {"folder": str(tmp_path / "ver ilog")}, scripts=scripts
        )
        assert outcome.violations and violation in outcome.violations[0]

    def test_memory_of_zeros(self, run: Run, tmp_path: Path) -> None:
        scripts = shutil.copytree(SCRIPTS, tmp_path / "scripts")
        path = scripts / "flow.tcl"
        path.write_text(path.read_text().replace("{Synth 8-4445} ", "").replace("step read_mem", "list"))
        write_verilog(tmp_path / "verilog", memory=True)
        assert run(scripts=scripts).violations == ["synth_design fills the memory of leaf.mem with zeros"]

    def test_tcl_8_5(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "new.tcl").write_text("lmap x {1 2} {set x}\n")
        assert 'invalid command name "lmap"' in run("new", scripts=tmp_path).errors


@needs_make
class TestMake:
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        """A function that runs make in a temporary folder, with only the given folders and make's own shell tools on PATH."""
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in ("make", "sh", "mkdir", "cat", "echo"):
            found = shutil.which(tool)
            assert found
            (tools / tool).symlink_to(found)
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
        """A folder with a `vivado` that writes down its arguments, and fails if $FAIL says so."""
        folder = tmp_path / "fake"
        folder.mkdir()
        program = folder / "vivado"
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\nexit $(cat fail 2>/dev/null || echo 0)\n')
        program.chmod(0o755)
        return folder

    @pytest.mark.parametrize(("target", "script"), [("bitstream", "bitstream"), ("out-of-context", "out_of_context")])
    def test_without_vivado(
        self, make: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, target: str, script: str
    ) -> None:
        done = make(target, "TOP=net")
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1
        assert "vivado is not on PATH, so this was not run: vivado -mode batch " in done.stderr
        assert f"/{script}.tcl' -tclargs 'folder=build/verilog' 'top=net'" in done.stderr
        assert not (tmp_path / "build").exists()

    @pytest.mark.parametrize(("target", "script"), [("bitstream", "bitstream"), ("out-of-context", "out_of_context")])
    def test_with_vivado(
        self, make: Callable[..., subprocess.CompletedProcess[str]], fake: Path, tmp_path: Path, target: str, script: str
    ) -> None:
        done = make(target, "TOP=net", "VERILOG=my verilog", "OUT=my results", "CLOCK_MHZ=150", path=(fake,))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0] == "converted"
        assert (tmp_path / "my results").is_dir()
        options = {
            "-mode": "batch",
            "-log": "my results/vivado.log",
            "-journal": "my results/vivado.jou",
            "-source": f"{SCRIPTS}/{script}.tcl",
        }
        arguments = (tmp_path / "arguments").read_text().splitlines()
        given, passed = arguments[: arguments.index("-tclargs")], arguments[arguments.index("-tclargs") + 1 :]
        given.remove("-notrace")
        assert dict(zip(given[::2], given[1::2], strict=True)) == options
        assert passed == ["folder=my verilog", "top=net", f"part={PART}", "clock_mhz=150", "out=my results"]

    @needs_tcl
    def test_the_scripts_take_what_make_passes(
        self, make: Callable[..., subprocess.CompletedProcess[str]], fake: Path, tmp_path: Path, run: Run
    ) -> None:
        make("bitstream", "TOP=net", "VERILOG=verilog", path=(fake,))
        passed = (tmp_path / "arguments").read_text().splitlines()[-5:]
        nothing: dict[str, str | None] = dict.fromkeys(["folder", "top", "part", "clock_mhz"])
        outcome = run(changes={**nothing, "out": None}, extra=tuple(passed))
        assert outcome.status == 0

    def test_a_failure_is_passed_on(
        self, make: Callable[..., subprocess.CompletedProcess[str]], fake: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "fail").write_text("2")
        assert make("bitstream", "TOP=net", path=(fake,)).returncode != 0

    def test_every_target_has_help(self) -> None:
        text = (SCRIPTS / "vivado.mk").read_text()
        targets = re.findall(r"^([\w-]+):(?!=)", text, re.MULTILINE)
        assert targets == ["bitstream", "out-of-context"]
        assert re.findall(r"^([\w-]+):.* ## \S.*$", text, re.MULTILINE) == targets
