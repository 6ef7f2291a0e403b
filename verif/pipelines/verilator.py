"""Pipelines on Verilator, driven by a compiled harness: thousands of frames at full speed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.convert import Design
from sigmabit.hdl.epsilon import EpsilonConfig
from sigmabit.hdl.sampler import SamplerConfig

from ..toolchain import cache_folder, check_wave_headers, run_tool, verilator_environment
from .common import Job, Measured, Progress, SimulationError, converted, unpack

HARNESS = Path(__file__).with_name("harness.cpp")

SPLIT = 20_000
"""Statements per C++ file that Verilator aims at; smaller files compile in less time and memory."""


def run(job: Job, codes: NDArray[np.integer], progress: Progress, optimise: bool) -> Measured:
    """Convert, build unless that has been done before, and simulate."""
    progress("converting", 0, 0)
    design = converted(job.config)
    progress("building", 0, 0)
    program = build(job, design, optimise)
    return execute(job, program, codes, progress)


def build(job: Job, design: Design, optimise: bool = True) -> Path:
    """The compiled model of a design, from the cache if it was built before."""
    if job.waves:
        check_wave_headers()
    return compiled(design, HARNESS, header(job), recording(job), optimise)


def recording(job: Job) -> list[str]:
    """Verilator's options for what is recorded. By itself it leaves out signals of many thousands of bits."""
    widest = ["--trace-max-width", "1000000"]
    return ["--trace-saif", *widest] if job.toggles else ["--trace-fst", *widest] if job.waves else []


def compiled(design: Design, harness: Path, header: str, more: Sequence[str] = (), optimise: bool = True) -> Path:
    """A design's compiled model with a harness, to which `header` says what it must know; from the cache if it was built before.

    The model's memories read their contents from the folder verilog beside it.
    """
    options = [
        *("--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), "--top-module", design.top),
        *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", str(SPLIT)),
        *more,
        *("-MAKEFLAGS", f"OPT_FAST={'-O2' if optimise else '-O0'}"),
    ]
    key = hashlib.sha256()
    for part in (*options, header, harness.read_text(), *design.texts.values()):
        key.update(part.encode())
    kept = cache_folder() / "pipelines" / f"{design.top}-{key.hexdigest()[:16]}"
    if (kept / "model").is_file():
        return kept / "model"

    environment = verilator_environment()
    kept.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{kept.name}.", dir=kept.parent))
    try:
        sources = design.write(folder / "verilog")
        (folder / "harness.h").write_text(header)
        verilator = str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator")
        command = ["perl", verilator, *options, "--Mdir", str(folder / "objects"), "-CFLAGS", f"-I{folder}"]
        run_tool([*command, *map(str, sources), str(harness)], kept.with_suffix(".log"), environment)
        shutil.move(folder / "objects" / f"V{design.top}", folder / "model")
        shutil.rmtree(folder / "objects")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        folder.rename(kept)
    except OSError:  # another process built the same at the same time
        shutil.rmtree(folder)
    return kept / "model"


def execute(job: Job, program: Path, codes: NDArray[np.integer], progress: Progress) -> Measured:
    """Simulate frames of codes (N, height, width, channels) on a compiled model."""
    source, result, stalls = job.source, job.result, job.stalls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source.pack(codes).tofile(folder / "input.bin")
        if job.vectors is not None:
            job.vectors.tofile(folder / "epsilon.bin")
        numbers = [len(codes), source.beats, result.beats, job.samples, stalls.idle, stalls.backpressure, stalls.seed]
        numbers += [job.quiet, job.drain, job.seed]
        command = [str(program), str(folder / "input.bin"), name, *map(str, numbers)]
        if job.waves:
            command.append(str(job.waves.resolve()))
        if job.toggles:
            command += [str(job.toggles.path.resolve()), str(job.toggles.skipped), str(job.toggles.period_ps)]
        # memories read their contents from the folder of the Verilog
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=program.parent / "verilog"
        )
        assert process.stdout is not None and process.stderr is not None
        try:
            for line in process.stdout:
                if line.startswith("frames "):
                    progress("simulating", int(line.split()[1]), len(codes))
            message = process.stderr.read().strip()
        except BaseException:
            process.kill()
            raise
        if process.wait():
            raise SimulationError(f"{job.config.name}: {message or f'the simulation ended with status {process.returncode}'}")

        def beats(stem: str, bits: int) -> NDArray[np.uint8]:
            return np.fromfile(folder / f"{stem}.bin", np.uint8).reshape(-1, -(-bits // 8))

        trace = {"input": codes.astype(np.int64)} if job.config.taps else {}
        for label, layout, times in job.tapped:
            trace[label] = unpack(layout, beats(label, layout.beat_bits), times * len(codes), label)
        cycles = np.fromfile(folder / "times.bin", np.uint64).reshape(-1, 2).astype(np.int64)
        frames_in, frames_out, malformed, dropped = np.fromfile(folder / "counters.bin", np.uint32).tolist()
        results = unpack(result, beats("result", result.beat_bits), job.samples * len(codes), "result")
        return Measured(results, cycles[:, 0], cycles[:, 1], trace, (frames_in, frames_out, malformed, dropped))


def header(job: Job) -> str:
    """What the harness must know of the model at compile time."""
    taps = " ".join(f"TAP({label},{-(-layout.beat_bits // 8)})" for label, layout, _ in job.tapped)
    recorded = "#define SIM_ACTIVITY 1\n" if job.toggles else ""
    noise = ""
    if isinstance(job.config.noise, SamplerConfig):
        noise = "#define SIM_SEED 1\n"
    elif isinstance(job.config.noise, EpsilonConfig):
        noise = f"#define SIM_E_BYTES {job.config.noise.vector_bits // 8}\n"
    return (
        f'#include "V{job.config.name}.h"\n#define SIM_TOP V{job.config.name}\n'
        f"#define SIM_S_BYTES {job.source.beat_bits // 8}\n#define SIM_M_BYTES {job.result.beat_bits // 8}\n"
        f"#define SIM_TAPS {taps}\n{noise}{recorded}"
    )
