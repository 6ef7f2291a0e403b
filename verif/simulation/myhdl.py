"""Pipelines in MyHDL's own simulator: slow, and the same blocks that are converted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from myhdl import Simulation, delay
from numpy.typing import NDArray

from sigmabit.golden.types.layout import Layout
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.module import forget_elaborations
from sigmabit.hdl.verilog.quick import quick_elaboration

from .job import Job, Measured, Progress, SimulationError, Simulator, unpack

RESET_CYCLES = 4


def run(job: Job, codes: NDArray[np.integer], progress: Progress) -> Measured:
    """Simulate frames of codes (N, height, width, channels)."""
    bench = _Bench(job, codes, progress)
    with quick_elaboration():
        instance = bench.pipeline.instance()
    Simulation(instance, bench.drive()).run(quiet=1)
    forget_elaborations()
    if bench.error:
        raise SimulationError(f"{job.config.name}: {bench.error}")
    return bench.measured()


MYHDL = Simulator("myhdl", run)


class _Bench:
    """Plays frames into a pipeline and records what comes out."""

    def __init__(self, job: Job, codes: NDArray[np.integer], progress: Progress) -> None:
        self.job, self.codes, self.progress = job, codes, progress
        self.pipeline = Pipeline(job.config)
        self.beats = [int.from_bytes(beat.tobytes(), "little") for beat in job.source.pack(codes)]
        self.random = np.random.default_rng(job.stalls.seed)
        self.first_in: list[int] = []
        self.last_out: list[int] = []
        self.results: list[int] = []
        self.taps: dict[str, list[int]] = {layer.label: [] for layer in job.config.layers} if job.config.taps else {}
        self.vectors = [int.from_bytes(vector.tobytes(), "little") for vector in job.vectors] if job.vectors is not None else []
        self.counters = (0, 0, 0, 0)
        self.error = ""

    def drive(self) -> Iterator[Any]:
        """The clock, the reset and both streams."""
        job, p = self.job, self.pipeline
        per_frame, per_result = job.source.beats, job.result.beats * job.samples
        sent, drawn, offering, last_transfer, cycle = 0, 0, False, 0, 0
        if p.seed is not None:
            p.seed.next = job.seed
        drain = job.drain
        while (len(self.results) < len(self.codes) * per_result or drain > 0) and not self.error:
            drain -= len(self.results) == len(self.codes) * per_result
            running = cycle >= RESET_CYCLES
            p.aresetn.next = running
            if running and sent < len(self.beats) and (offering or self.random.integers(256) >= job.stalls.idle):
                p.s_axis.tvalid.next = True
                p.s_axis.tdata.next = self.beats[sent]
                p.s_axis.tlast.next = sent % per_frame == per_frame - 1
            else:
                p.s_axis.tvalid.next = False
            if p.s_axis_eps is not None:
                p.s_axis_eps.tvalid.next = running and drawn < len(self.vectors)
                p.s_axis_eps.tdata.next = self.vectors[min(drawn, len(self.vectors) - 1)]
            p.m_axis.tready.next = running and self.random.integers(256) >= job.stalls.backpressure
            p.aclk.next = False
            yield delay(5)
            if running:
                offering = bool(p.s_axis.tvalid and not p.s_axis.tready)
                if p.s_axis.tvalid and p.s_axis.tready:
                    if sent % per_frame == 0:
                        self.first_in.append(cycle)
                    sent, last_transfer = sent + 1, cycle
                if p.s_axis_eps is not None and p.s_axis_eps.tvalid and p.s_axis_eps.tready:
                    drawn += 1
                if p.m_axis.tvalid and p.m_axis.tready:
                    self.results.append(int(p.m_axis.tdata))
                    last_transfer = cycle
                    ends = len(self.results) % per_result == 0
                    if bool(p.m_axis.tlast) != (len(self.results) % job.result.beats == 0):
                        self.error = f"tlast is misplaced at result beat {len(self.results) - 1}"
                    if ends:
                        self.last_out.append(cycle)
                        self.progress("simulating", len(self.last_out), len(self.codes))
                for label, seen in self.taps.items():
                    if getattr(p.taps, f"{label}_valid"):
                        seen.append(int(getattr(p.taps, f"{label}_data")))
                if cycle - last_transfer > job.quiet:
                    self.error = f"no transfer for {job.quiet} cycles; {len(self.last_out)} of {len(self.codes)} frames came out"
            p.aclk.next = True
            yield delay(5)
            cycle += 1
        p.s_axis.tvalid.next = False
        for level in (False, True, False):
            p.aclk.next = level
            yield delay(5)
        c = p.counters  # read now: when the simulation ends, MyHDL puts all signals back
        self.counters = (int(c.frames_in), int(c.frames_out), int(c.malformed), int(c.dropped))

    def measured(self) -> Measured:
        """What was recorded, as arrays."""
        job = self.job
        trace = {"input": self.codes.astype(np.int64)} if self.taps else {}
        for label, layout, times in job.tapped:
            trace[label] = unpack(layout, _bytes(self.taps[label], layout), times * len(self.codes), label)
        return Measured(
            unpack(job.result, _bytes(self.results, job.result), job.samples * len(self.codes), "result"),
            np.array(self.first_in[: len(self.codes)]),
            np.array(self.last_out),
            trace,
            self.counters,
        )


def _bytes(beats: list[int], layout: Layout) -> NDArray[np.uint8]:
    width = -(-layout.beat_bits // 8)
    return np.frombuffer(b"".join(beat.to_bytes(width, "little") for beat in beats), np.uint8).reshape(-1, width)
