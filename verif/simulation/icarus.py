"""Pipelines on Icarus Verilog, where it is installed: a second opinion on the Verilog, with a test bench written in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.programs import running
from sigmabit.golden.types.layout import Layout

from .job import Job, Measured, Progress, SimulationError, Simulator, converted, ends, unpack
from .toolchain import ToolError, run_tool, work_folder


def run(job: Job, codes: NDArray[np.integer], progress: Progress) -> Measured:
    """Convert, compile and simulate frames of codes (N, height, width, channels)."""
    if shutil.which("iverilog") is None:
        raise ToolError("Icarus Verilog is not installed (package iverilog)")
    progress("converting", 0, 0)
    design = converted(job.config)
    with work_folder() as folder:
        sources = design.write(folder)
        beats = job.source.pack(codes)
        digits = "".join(bytes(beat[::-1]).hex() + "\n" for beat in beats)
        (folder / "input.hex").write_text(digits)
        if job.vectors is not None:
            (folder / "epsilon.hex").write_text("".join(bytes(vector[::-1]).hex() + "\n" for vector in job.vectors))
        (folder / "bench.v").write_text(_bench(job, len(codes)))
        progress("compiling", 0, 0)
        compile_ = ["iverilog", "-g2005", "-o", "bench.vvp", "-s", "bench", "bench.v", *(source.name for source in sources)]
        run_tool(compile_, folder / "build.log", folder=folder)
        with running(["vvp", "-n", "bench.vvp"], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
            return _read(job, codes, _lines(process), progress)


ICARUS = Simulator("icarus", run)


def _bench(job: Job, frames: int) -> str:
    """A test bench that prints a line for each transfer: its kind, the cycle, and for data the hexadecimal beat."""
    source, result, stalls = job.source, job.result, job.stalls
    taps = [(label, layout) for label, layout, _ in job.tapped]
    declared = "".join(f"wire [{t.beat_bits - 1}:0] taps_{n}_data;\nwire taps_{n}_valid;\n" for n, t in taps)
    connected = "".join(f",\n    .taps_{n}_data(taps_{n}_data), .taps_{n}_valid(taps_{n}_valid)" for n, _ in taps)
    shown = "".join(f'        if (taps_{n}_valid) $display("{n} %0d %b", cycle, taps_{n}_data);\n' for n, _ in taps)
    beats, results = frames * source.beats, result.beats * job.samples
    drawn, driven, taking, counted = "", "", "", ""
    noise = job.config.noise
    if noise is not None and noise.seeded:
        connected += f",\n    .seed(64'd{job.seed})"
    if noise is not None and noise.offered_bits:
        width, vectors = noise.offered_bits, frames * job.samples
        offering = f"aresetn && drawn < {vectors}"
        connected += f",\n    .s_axis_eps_tdata(epsilon[drawn]), .s_axis_eps_tvalid({offering}), .s_axis_eps_tready(e_ready)"
        drawn = f"reg [{width - 1}:0] epsilon [0:{vectors}];\ninteger drawn;\nwire e_ready;\nreg taking;\n"
        driven = f'    $readmemh("epsilon.hex", epsilon, 0, {vectors - 1}); drawn = 0;\n'
        taking, counted = f"        taking = {offering} && e_ready;\n", "        if (taking) drawn = drawn + 1;\n"
    return f"""\
module bench;
reg aclk, aresetn, tvalid, tlast, tready;
reg [{source.beat_bits - 1}:0] tdata;
wire s_ready, m_valid, m_last;
wire [{result.beat_bits - 1}:0] m_data;
wire [31:0] frames_in, frames_out, malformed, dropped;
{declared}{drawn}reg [{source.beat_bits - 1}:0] beats [0:{beats - 1}];
integer cycle, sent, received, quiet, seed, drain;
reg offering;

{job.config.name} dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(s_ready), .s_axis_tlast(tlast),
    .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(tready), .m_axis_tlast(m_last),
    .counters_frames_in(frames_in), .counters_frames_out(frames_out), .counters_malformed(malformed),
    .counters_dropped(dropped){connected}
);

initial begin
{driven}    $readmemh("input.hex", beats);
    aresetn = 0; tvalid = 0; tready = 0; tlast = 0; tdata = 0; offering = 0;
    sent = 0; received = 0; quiet = 0; seed = {stalls.seed}; drain = {job.drain};
    for (cycle = 0; (received < {frames * results} || drain > 0) && quiet <= {job.quiet}; cycle = cycle + 1) begin
        if (received == {frames * results}) drain = drain - 1;
        aresetn = cycle >= 4;
        if (aresetn && sent < {beats} && (offering || $unsigned($random(seed)) % 256 >= {stalls.idle})) begin
            tvalid = 1; tdata = beats[sent]; tlast = sent % {source.beats} == {source.beats - 1};
        end else begin
            tvalid = 0; tdata = {{{source.beat_bits}{{1'bx}}}}; tlast = 1'bx;
        end
        tready = aresetn && $unsigned($random(seed)) % 256 >= {stalls.backpressure};
        aclk = 0;
        #5;
        quiet = quiet + 1;
        offering = tvalid && !s_ready;
        if (aresetn && tvalid && s_ready) begin
            if (sent % {source.beats} == 0) $display("first_in %0d", cycle);
            sent = sent + 1; quiet = 0;
        end
        if (aresetn && m_valid && tready) begin
            $display("result %0d %b", cycle, m_data);
            received = received + 1; quiet = 0;
            if (m_last !== (received % {result.beats} == 0)) $display("error misplaced tlast at result beat %0d", received - 1);
            if (received % {results} == 0) $display("last_out %0d", cycle);
        end
{shown}{taking}        aclk = 1;
        #5;
{counted}    end
    tvalid = 0; tready = 0; aclk = 0; #5; aclk = 1; #5;
    if (quiet > {job.quiet}) $display("error no transfer for {job.quiet} cycles; %0d of {frames} frames came out",
                                  received / {results});
    $display("counters %0d %0d %0d %0d", frames_in, frames_out, malformed, dropped);
    $finish;
end
endmodule
"""


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a simulation prints, to its end."""
    assert process.stdout is not None
    yield from process.stdout
    if process.wait():
        raise ToolError(f"vvp ended with status {process.returncode}")


def _read(job: Job, codes: NDArray[np.integer], lines: Iterable[str], progress: Progress) -> Measured:
    cycles: dict[str, list[int]] = {"first_in": [], "last_out": []}
    layouts = {"result": (job.result, job.samples), **{label: (layout, times) for label, layout, times in job.tapped}}
    beats: dict[str, list[str]] = {name: [] for name in layouts}
    seen: dict[str, list[int]] = {name: [] for name in layouts}
    counters = (0, 0, 0, 0)
    for line in lines:
        kind, *rest = line.split()
        if kind == "error":
            raise SimulationError(f"{job.config.name}: {' '.join(rest)}")
        if kind in cycles:
            cycles[kind].append(int(rest[0]))
            if kind == "last_out":
                progress("simulating", len(cycles[kind]), len(codes))
        elif kind in beats:
            seen[kind].append(int(rest[0]))
            beats[kind].append(rest[1])
        elif kind == "counters":
            counters = (int(rest[0]), int(rest[1]), int(rest[2]), int(rest[3]))
    arrays = {
        name: unpack(layout, _bytes(name, beats[name], layout), times * len(codes), name)
        for name, (layout, times) in layouts.items()
    }
    results = arrays.pop("result")
    trace = {"input": codes.astype(np.int64), **arrays} if arrays else {}
    frames = len(codes)
    passes = {label: ends(seen[label], frames, times * layout.beats) for label, layout, times in job.tapped}
    return Measured(results, np.array(cycles["first_in"][:frames]), np.array(cycles["last_out"]), trace, counters, passes)


def _bytes(name: str, beats: list[str], layout: Layout) -> NDArray[np.uint8]:
    """Beats as printed, bit by bit, as bytes; what fills a run up may be undefined, and is 0."""
    width, filler = -(-layout.beat_bits // 8), layout.filler * layout.channels * layout.field
    told = [beat[filler:] if number % layout.line == layout.line - 1 else beat for number, beat in enumerate(beats)]
    try:
        raw = b"".join(int(beat, 2).to_bytes(width, "little") for beat in told)
    except ValueError:
        unknown = next(beat for beat in told if not set(beat) <= set("01"))
        raise SimulationError(f"{name}: undefined bits in {unknown}") from None
    return np.frombuffer(raw, np.uint8).reshape(-1, width)
