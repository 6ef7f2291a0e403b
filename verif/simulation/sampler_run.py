"""A sampler's Verilog as a compiled model, for millions of samples."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.programs import running
from sigmabit.hdl.noise.sampler import SamplerConfig, sampler
from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, reset, wire

from . import SimulationError
from .toolchain import ToolError, work_folder
from .verilator import BROKE_A_RULE, compiled

HARNESS = Path(__file__).with_name("sampler.cpp")


def sampler_design(config: SamplerConfig) -> Design:
    """A sampler's Verilog."""
    with outline():
        return convert(sampler(bit(), reset(), wire(64), bit(), wire(config.vector_bits), bit(), config))


def build(config: SamplerConfig) -> Path:
    """The compiled model, from the cache if it was built before."""
    design = sampler_design(config)
    name = f"V{design.top}"
    return compiled(design, HARNESS, f'#define MODEL {name}\n#define LANES {config.lanes}\n#include "{name}.h"\n')


def draw(config: SamplerConfig, seed: int, count: int, wait: int = 0) -> tuple[NDArray[np.int16], int]:
    """Vectors (count, lanes) that the Verilog gives, and the cycles that it took to get ready.

    wait: of 256 cycles so many, drawn at random, take nothing.
    """
    program = build(config)
    with work_folder() as folder:
        output = folder / "eps.bin"
        command = [str(program), *map(str, (seed, count, wait, output))]
        # the table is read from the folder of the Verilog
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": program.parent / "verilog"}
        with running(command, **how) as process:
            said, message = process.communicate()
        if process.returncode == BROKE_A_RULE:
            raise SimulationError(f"{config.module}: it does not get ready, or does not stay so")
        if process.returncode or said.startswith("%"):  # Verilator's runtime goes on without the contents of a memory
            raise ToolError(f"{config.module}: {message or said or f'the simulation ended with status {process.returncode}'}")
        return np.fromfile(output, "<i2").reshape(count, config.lanes), int(said)
