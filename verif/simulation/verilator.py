"""Pipelines on Verilator, driven by a compiled harness: thousands of frames at full speed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.programs import running
from sigmabit.hdl.verilog.convert import Design

from .job import Job, Measured, Progress, SimulationError, Simulator, converted, unpack
from .kept import kept
from .toolchain import ToolError, cache_folder, missing_wave_headers, run_tool, verilator_environment, work_folder, write_plain

HARNESS = Path(__file__).with_name("harness.cpp")

SPLIT = 20_000
"""Statements per C++ file that Verilator aims at; smaller files compile in less time and memory."""


BROKE_A_RULE, GAVE_UP = 3, 4
"""Exit statuses of a harness that say something of the design; others are of the machine that it runs on."""


def run(job: Job, codes: NDArray[np.integer], progress: Progress) -> Measured:
    """Convert, build unless that has been done before, and simulate."""
    progress("converting", 0, 0)
    design = converted(job.config)
    progress("building", 0, 0)
    program = build(job, design)
    return execute(job, program, codes, progress)


VERILATOR = Simulator("verilator", run, records=True)


def build(job: Job, design: Design) -> Path:
    """The compiled model of a design, from the cache if it was built before."""
    plain = missing_wave_headers() if job.waves else []
    return compiled(design, HARNESS, header(job), recording(job), job.optimise, plain)


def recording(job: Job) -> list[str]:
    """Verilator's options for what is recorded. By itself it leaves out signals of many thousands of bits."""
    widest = ["--trace-max-width", "1000000"]
    return ["--trace-saif", *widest] if job.toggles else ["--trace-fst", *widest] if job.waves else []


def compiled(
    design: Design, harness: Path, header: str, more: Sequence[str] = (), optimise: int = 2, plain: Sequence[str] = ()
) -> Path:
    """A design's compiled model with a harness, to which `header` says what it must know; from the cache if it was built before.

    plain: headers for which there are ours, which compress nothing.

    The model's memories read their contents from the folder verilog beside it.
    """
    options = [
        *("--cc", "--exe", "--build", "--top-module", design.top),
        *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", str(SPLIT)),
        *more,
        *("-MAKEFLAGS", f"OPT_FAST=-O{optimise}"),
        *("-MAKEFLAGS", "OPT_GLOBAL=-O3"),  # the runtime reads the memories' files: wide words in half the time
    ]
    key = hashlib.sha256()
    for part in (platform.machine(), version("verilator"), *options, *plain, header, harness.read_text(), *design.texts.values()):
        key.update(part.encode() + b"\0")
    folder = cache_folder() / "pipelines" / f"{design.top}-{key.hexdigest()[:16]}"

    def make(fresh: Path) -> None:
        environment = verilator_environment()
        design.write(fresh / "verilog")
        shutil.copyfile(harness, fresh / "harness.cpp")
        (fresh / "harness.h").write_text(header)
        folders = ["-CFLAGS", "-I.."]
        if plain:
            macro = write_plain(plain, fresh / "plain")
            folders = ["-CFLAGS", f"-I.. -I../plain {macro}", "-LDFLAGS", "-L../plain"]
        verilator = str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator")
        # no name has the cache's path in it, of which makefiles could make nothing if there is a blank in it
        command = ["perl", verilator, *options, "-j", str(os.cpu_count() or 1), "--Mdir", "objects", *folders]
        command += [*(f"verilog/{name}" for name in design.files), "harness.cpp"]
        run_tool(command, folder.with_name(f"{folder.name}.log"), environment, fresh)
        shutil.move(fresh / "objects" / f"V{design.top}", fresh / "model")
        shutil.rmtree(fresh / "objects")

    return kept(folder, make) / "model"


def execute(job: Job, program: Path, codes: NDArray[np.integer], progress: Progress) -> Measured:
    """Simulate frames of codes (N, height, width, channels) on a compiled model."""
    source, result, stalls = job.source, job.result, job.stalls
    with work_folder() as folder:
        source.pack(codes).tofile(folder / "input.bin")
        if job.vectors is not None:
            job.vectors.tofile(folder / "epsilon.bin")
        numbers = [len(codes), source.beats, result.beats, job.samples, stalls.idle, stalls.backpressure, stalls.seed]
        numbers += [job.quiet, job.drain, job.seed]
        command = [str(program), str(folder / "input.bin"), str(folder), *map(str, numbers)]
        if job.waves:
            command.append(str(job.waves.resolve()))
        if job.toggles:
            command += [str(job.toggles.path.resolve()), str(job.toggles.skipped), str(job.toggles.period_ps)]
        warnings = []
        # memories read their contents from the folder of the Verilog
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": program.parent / "verilog"}
        with running(command, **how) as process:
            assert process.stdout is not None and process.stderr is not None
            for line in process.stdout:
                if line.startswith("frames "):
                    progress("simulating", int(line.split()[1]), len(codes))
                elif line.startswith("%"):  # of Verilator's runtime, which goes on without the contents of a memory
                    warnings.append(line)
            message = process.stderr.read().strip()
        if process.returncode in (BROKE_A_RULE, GAVE_UP) and not warnings:
            raise SimulationError(f"{job.config.name}: {message}")
        if process.returncode or warnings:
            said = " ".join(warnings) or message or f"the simulation ended with status {process.returncode}"
            raise ToolError(f"{job.config.name}: {said}")

        def beats(stem: str, bits: int) -> NDArray[np.uint8]:
            return np.fromfile(folder / f"{stem}.bin", np.uint8).reshape(-1, -(-bits // 8))

        def cycles(stem: str) -> NDArray[np.int64]:
            return np.fromfile(folder / f"{stem}.bin", np.uint64).reshape(-1, 2).astype(np.int64)

        trace = {"input": codes.astype(np.int64)} if job.config.taps else {}
        for label, layout, times in job.tapped:
            trace[label] = unpack(layout, beats(label, layout.beat_bits), times * len(codes), label)
        passes = {label: cycles(f"{label}.times") for label, _, _ in job.tapped}
        ends = cycles("times")
        frames_in, frames_out, malformed, dropped = np.fromfile(folder / "counters.bin", np.uint32).tolist()
        results = unpack(result, beats("result", result.beat_bits), job.samples * len(codes), "result")
        return Measured(results, ends[:, 0], ends[:, 1], trace, (frames_in, frames_out, malformed, dropped), passes)


def header(job: Job) -> str:
    """What the harness must know of the model at compile time."""
    taps = " ".join(f"TAP({label},{-(-layout.beat_bits // 8)},{times * layout.beats})" for label, layout, times in job.tapped)
    recorded = "#define SIM_ACTIVITY 1\n" if job.toggles else ""
    noise, said = job.config.noise, ""
    if noise is not None and noise.seeded:
        said += "#define SIM_SEED 1\n"
    if noise is not None and noise.offered_bits:
        said += f"#define SIM_E_BYTES {noise.offered_bits // 8}\n"
    return (
        f'#include "V{job.config.name}.h"\n#define SIM_TOP V{job.config.name}\n'
        f"#define SIM_S_BYTES {job.source.beat_bits // 8}\n#define SIM_M_BYTES {job.result.beat_bits // 8}\n"
        f"#define SIM_TAPS {taps}\n{said}{recorded}"
    )
