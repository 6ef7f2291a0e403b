"""Whole pipelines on Verilator, driven by a compiled harness: thousands of frames at full speed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layout import Layout
from sigmabit.hdl.convert import Design
from sigmabit.hdl.top import PipelineConfig

from .toolchain import ToolError, run_tool, verilator_environment

HARNESS = Path(__file__).with_name("harness.cpp")


@dataclass(frozen=True)
class Stalls:
    """How often, of 256 cycles, the input has nothing to give and the output is not ready; drawn from seed."""

    idle: int = 0
    backpressure: int = 0
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Measured:
    """What a simulation gave: codes or scores (N, height, width, channels), and cycles counted from reset.

    first_in, last_out: (N,) cycle of each frame's first input transfer and last output transfer. trace: each tapped layer's
    result. counters: frames_in, frames_out, malformed, dropped.
    """

    results: NDArray[np.int64]
    first_in: NDArray[np.int64]
    last_out: NDArray[np.int64]
    trace: dict[str, NDArray[np.int64]]
    counters: tuple[int, int, int, int]

    @property
    def latency(self) -> int:
        """Cycles from the first frame's first input transfer to its last output transfer."""
        return int(self.last_out[0] - self.first_in[0])

    def interval(self, settle: int) -> float | None:
        """Average distance of results after the first `settle` frames; None for fewer than 10 distances."""
        last = self.last_out[settle:]
        return None if len(last) < 11 else float(last[-1] - last[0]) / (len(last) - 1)


class CompiledModel:
    """A pipeline's Verilog, compiled with the harness."""

    def __init__(
        self,
        design: Design,
        config: PipelineConfig,
        layouts: tuple[Layout, ...],
        folder: Path,
        waves: bool = False,
        optimise: bool = True,
        threads: int = 1,
    ) -> None:
        """Build in `folder`. layouts: of the input and of each layer's result. optimise: for long runs; compiles longer."""
        self.config, self.layouts, self.folder, self.waves = config, layouts, folder, waves
        environment = verilator_environment()
        folder.mkdir(parents=True, exist_ok=True)
        sources = design.write(folder / "verilog")
        objects = folder / "objects"
        stream = layouts[0].on_axi(), layouts[-1].on_axi()
        taps = [
            f"TAP({layer.label},{-(-layout.beat_bits // 8)})"
            for layer, layout in zip(config.layers, layouts[1:], strict=True)
            if config.taps
        ]
        header = folder / "harness.h"
        header.write_text(
            f'#include "V{config.name}.h"\n#define SIM_TOP V{config.name}\n'
            f"#define SIM_S_BYTES {stream[0].beat_bits // 8}\n#define SIM_M_BYTES {stream[1].beat_bits // 8}\n"
            f"#define SIM_TAPS {' '.join(taps)}\n"
        )
        command = [
            "perl",
            str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator"),
            *("--cc", "--exe", "--build", "-j", "2", "--top-module", config.name, "--Mdir", str(objects)),
            *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", "20000"),
            *(["--trace-fst"] if waves else []),
            *("-CFLAGS", f"-I{folder}"),
            *("-MAKEFLAGS", f"OPT_FAST={'-O2' if optimise else '-O0'}"),
            *map(str, sources),
            str(HARNESS),
        ]
        run_tool(command, folder / "build.log", environment)
        self.program = objects / f"V{config.name}"

    def run(
        self,
        codes: NDArray[np.integer],
        quiet: int,
        stalls: Stalls = Stalls(),  # noqa: B008 - frozen
        waves: Path | None = None,
        progress: Callable[[int], None] = lambda frames: None,
    ) -> Measured:
        """Simulate frames of codes (N, height, width, channels).

        quiet: cycles without a transfer after which the pipeline counts as stuck. progress(frames) is called as results come.
        Raises ToolError on a protocol error or when it is stuck.
        """
        source, result = self.layouts[0].on_axi(), self.layouts[-1].on_axi()
        beats = self.folder / "input.bin"
        source.pack(codes).tofile(beats)
        arguments = [beats, self.folder, len(codes), source.beats, result.beats]
        arguments += [stalls.idle, stalls.backpressure, stalls.seed, quiet]
        command = [str(self.program), *map(str, arguments), *([str(waves)] if waves else [])]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder / "verilog"
        )
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if line.startswith("frames "):
                progress(int(line.split()[1]))
        message = process.stderr.read().strip()
        if process.wait():
            raise ToolError(f"simulation of {self.config.name} failed: {message or f'status {process.returncode}'}")
        times = np.fromfile(self.folder / "times.bin", np.uint64).reshape(-1, 2).astype(np.int64)
        trace = {"input": codes.astype(np.int64)} if self.config.taps else {}
        if self.config.taps:
            for layer, layout in zip(self.config.layers, self.layouts[1:], strict=True):
                trace[layer.label] = self._read(layer.label, layout)[: len(codes)]
        frames_in, frames_out, malformed, dropped = np.fromfile(self.folder / "counters.bin", np.uint32).tolist()
        return Measured(
            self._read("result", result), times[:, 0], times[:, 1], trace, (frames_in, frames_out, malformed, dropped)
        )

    def _read(self, name: str, layout: Layout) -> NDArray[np.int64]:
        width = -(-layout.beat_bits // 8)
        return layout.unpack(np.fromfile(self.folder / f"{name}.bin", np.uint8).reshape(-1, width))
