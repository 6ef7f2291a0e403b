"""A sampler's Verilog as a compiled model, for millions of samples."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.convert import Design, convert
from sigmabit.hdl.module import outline
from sigmabit.hdl.sampler import SamplerConfig, sampler
from sigmabit.hdl.stream import bit, reset, wire

from .toolchain import ToolError, cache_folder, run_tool, verilator_environment

HARNESS = Path(__file__).with_name("sampler.cpp")


def sampler_design(config: SamplerConfig) -> Design:
    """A sampler's Verilog."""
    with outline():
        return convert(sampler(bit(), reset(), wire(64), bit(), wire(config.vector_bits), bit(), config))


def build(config: SamplerConfig) -> Path:
    """The compiled model, from the cache if it was built before."""
    design = sampler_design(config)
    name = design.top
    options = ["--cc", "--exe", "--build", "-O3", "--top-module", name, "-MAKEFLAGS", "OPT_FAST=-O2"]
    key = hashlib.sha256("".join((*options, HARNESS.read_text(), *design.texts.values())).encode()).hexdigest()
    kept = cache_folder() / "samplers" / f"{name}-{key[:16]}"
    if (kept / "model").is_file():
        return kept / "model"
    environment = verilator_environment()
    kept.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{kept.name}.", dir=kept.parent))
    try:
        sources = design.write(folder / "verilog")
        header = folder / "harness.h"
        header.write_text(f'#define MODEL V{name}\n#define LANES {config.lanes}\n#define HEADER "V{name}.h"\n')
        verilator = str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator")
        command = ["perl", verilator, *options, "--Mdir", str(folder / "objects"), "-CFLAGS", f"-include {header}"]
        run_tool([*command, *map(str, sources), str(HARNESS)], kept.with_suffix(".log"), environment)
        shutil.move(folder / "objects" / f"V{name}", folder / "model")
        shutil.rmtree(folder / "objects")
        if not (kept / "model").is_file():  # unless another process built the same at the same time
            folder.rename(kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return kept / "model"


def draw(config: SamplerConfig, seed: int, count: int, wait: int = 0) -> tuple[NDArray[np.int16], int]:
    """Vectors (count, lanes) that the Verilog gives, and the cycles that it took to get ready.

    wait: of 256 cycles so many, drawn at random, take nothing.
    """
    program = build(config)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "eps.bin"
        command = [str(program), *map(str, (seed, count, wait, output))]
        # the table is read from the folder of the Verilog
        done = subprocess.run(command, capture_output=True, text=True, cwd=program.parent / "verilog", check=False)
        if done.returncode:
            raise ToolError(f"{config.module}: the simulation ended with status {done.returncode}")
        return np.fromfile(output, "<i2").reshape(count, config.lanes), int(done.stdout)
