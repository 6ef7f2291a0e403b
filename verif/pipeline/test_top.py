"""top: whole pipelines on AXI4-Streams, whatever comes: pauses, back-pressure, malformed frames, reset in mid-frame."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.pipeline.ingress import admit
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import convert

from ..harness.bench import Dut
from ..harness.layer_suite import overfilled
from ..harness.random_networks import NetworkCase, naive_network
from ..harness.stream import Beat, Stalls, StreamBench, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


def elaborate(script: Sequence[str], folder: Path) -> str:
    """What Yosys says of a script, run in a folder."""
    program = "import sys; from pyosys import libyosys; libyosys.run_pass('script check.ys', libyosys.Design())"
    (folder / "check.ys").write_text("\n".join(script) + "\n")
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]
    return run.stdout + run.stderr


@dataclass(frozen=True)
class Sent:
    """A frame as it is sent: `seed` draws its codes; cut or lengthened to `beats`, None for a whole one."""

    seed: int
    beats: int | None


@dataclass(frozen=True)
class Traffic:
    """Frames, the pauses on both sides, and how many cycles of the same traffic came before a reset, 0 for none."""

    frames: tuple[Sent, ...]
    patterns: Stalls
    interrupted: int


@dataclass(frozen=True)
class Answers:
    """What came back, and the status counters."""

    results: list[list[list[int]]]
    frames_in: int
    frames_out: int
    malformed: int
    dropped: int


class TopSuite(BlockSuite):
    """Networks of a few small layers, each with a folding of its own."""

    examples = 6
    costly = 4
    samples = (*(NetworkCase(seed) for seed in (0, 1, 33)), *(NetworkCase(seed, 4) for seed in (2, 5, 12)))

    def configs(self) -> st.SearchStrategy[NetworkCase]:
        return st.builds(NetworkCase, st.integers(0, 10**6), st.sampled_from([1, 1, 2, 3, 6]))

    def stimuli(self, config: NetworkCase) -> st.SearchStrategy[Traffic]:
        beats = config.plan.source.beats
        lengths = st.one_of(st.none(), st.none(), st.none(), st.integers(1, 2 * beats))
        frames = st.lists(st.builds(Sent, st.integers(0, 99), lengths), min_size=1, max_size=6).map(tuple)
        return st.builds(Traffic, frames, stalls(), st.one_of(st.just(0), st.integers(1, 3 * config.plan.interval)))

    def codes(self, config: NetworkCase, frame: Sent) -> NDArray[np.int64]:
        """One frame (height, width, channels)."""
        tensor = config.network.input.tensor
        return np.random.default_rng(frame.seed).integers(tensor.low, tensor.high + 1, tensor.shape)

    def beats(self, config: NetworkCase, frame: Sent) -> list[Beat]:
        """What is sent of a frame, all bits set that nobody may look at."""
        words = overfilled(config.plan.source.on_axi(), self.codes(config, frame)[None])
        words = (words * 2)[: frame.beats or len(words)]
        return [Beat(word, i == len(words) - 1) for i, word in enumerate(words)]

    def answers(self, config: NetworkCase, stimulus: Traffic, results: Sequence[list[list[int]]]) -> Answers:
        """Results of all frames, reduced to those that were whole."""
        whole = config.plan.source.beats
        good = [frame.beats in (None, whole) for frame in stimulus.frames]
        kept = [result for result, wanted in zip(results, good, strict=True) if wanted]
        return Answers(kept, len(good), len(kept), good.count(False), good.count(False))

    def expected(self, config: NetworkCase, stimulus: Traffic) -> Answers:
        naive = [naive_network(config.network, self.codes(config, frame)) for frame in stimulus.frames]
        return self.answers(config, stimulus, naive)

    def golden(self, config: NetworkCase, stimulus: Traffic) -> Answers:
        network = config.network
        transfers = [(beat.data, beat.last) for frame in stimulus.frames for beat in self.beats(config, frame)]
        admitted = admit(transfers, config.plan.source.beats)
        whole = [self.codes(config, sent) for sent, frame in zip(stimulus.frames, admitted, strict=True) if frame.good]
        results = [network.results(codes[None]).reshape(-1, network.result.channels).tolist() for codes in whole]
        lost = len(admitted) - len(whole)
        return Answers(results, len(admitted), len(whole), lost, lost)

    def always(self, config: NetworkCase) -> Sequence[Traffic]:
        """Whole frames, cut ones and too long ones, to a reader that stops until nothing moves."""
        beats, interval = config.plan.source.beats, config.plan.interval
        room = config.plan.pipeline.ingress.frames
        lengths = (None, 1, None, beats + 1, *[None] * (room + 3))
        frames, pause = tuple(Sent(seed, length) for seed, length in enumerate(lengths)), (room + 1) * interval
        return [Traffic(frames, Stalls(backpressure=(True,) * pause + (False,) * interval), 0)]

    def covers(self, config: NetworkCase) -> Mapping[str, str]:
        """Malformed frames go through every layer as others do: one that is dropped at the exit has been in each."""
        dropped = "counters_dropped != $past(counters_dropped)"
        return {
            "malformed_through_all_layers": dropped,
            "good_behind_malformed": "m_axis_tvalid && m_axis_tready && m_axis_tlast && counters_dropped != 0",
            "malformed_behind_good": f"{dropped} && counters_frames_out != 0",
            "the_exit_stalls": "m_axis_tvalid && !m_axis_tready",
            "the_entrance_stalls": "s_axis_tvalid && !s_axis_tready",
            "the_entrance_waits_for_the_exit": "s_axis_tvalid && !s_axis_tready && m_axis_tvalid && !m_axis_tready",
        }

    def elaborate(self, config: NetworkCase) -> Any:
        return Pipeline(config.plan.pipeline).instance()

    def bench(self, dut: Dut, config: NetworkCase) -> StreamBench:
        """What plays the streams."""
        return StreamBench(dut)

    def play(self, dut: Dut, config: NetworkCase, stimulus: Traffic) -> Answers:
        beats = [beat for frame in stimulus.frames for beat in self.beats(config, frame)]
        if stimulus.interrupted:
            self._interrupt(dut, config, beats, stimulus)
        bench = self.bench(dut, config)
        dut.reset(bench.idle())
        bench.send(beats)
        layout = config.plan.layers[-1].layout.on_axi()
        per_frame = layout.beats * config.plan.samples
        wanted = self.answers(config, stimulus, [[]] * len(stimulus.frames)).frames_out * per_frame
        # beyond the last expected transfer, long enough to see one too many
        seen = bench.run(stimulus.patterns, wanted, 16 * config.plan.quiet)
        for _ in range(2 * (config.plan.latency + config.plan.interval)):
            seen.others = bench.cycle(Stalls())
        assert not bench.waiting, "the entrance wedged"
        if stimulus.patterns == Stalls() and all(frame.beats is None for frame in stimulus.frames):
            assert seen.left[per_frame - 1][0] - seen.entered[0][0] == config.plan.latency
        return self._answers(layout, seen.left, seen.others)

    def _interrupt(self, dut: Dut, config: NetworkCase, beats: list[Beat], stimulus: Traffic) -> None:
        bench = self.bench(dut, config)
        dut.reset(bench.idle())
        bench.send(beats)
        for _ in range(stimulus.interrupted):
            bench.cycle(stimulus.patterns)

    def _answers(self, layout: Any, left: list[tuple[int, Beat]], others: Any) -> Answers:
        assert [beat.last for _, beat in left] == [i % layout.beats == layout.beats - 1 for i in range(len(left))]
        raw = b"".join(beat.data.to_bytes(layout.beat_bits // 8, "little") for _, beat in left)
        beats = np.frombuffer(raw, np.uint8).reshape(len(left), layout.beat_bits // 8)
        tensors = layout.unpack(beats)
        assert not left or np.array_equal(layout.pack(tensors), beats), "rows are not filled up with zeros"
        results = [tensor.reshape(-1, layout.channels).tolist() for tensor in tensors]
        return Answers(results, *(others[f"counters_{name}"] for name in ("frames_in", "frames_out", "malformed", "dropped")))


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 60), marks=pytest.mark.long)], ids=["0-19", "20-59"])
def test_verilog_is_defined(seeds: range, tmp_path: Path) -> None:
    """Yosys finds no bit of any vector that does not exist, no net without a driver, no width that does not fit."""
    script = ["read_verilog -lib +/xilinx/cells_sim.v", "design -save cells"]
    for seed in seeds:
        design = convert(Pipeline(NetworkCase(seed).plan.pipeline).outline())
        sources = design.write(tmp_path / str(seed))
        script += [
            f"log network {seed}",
            *(f"read_verilog {seed}/{source.name}" for source in sources),
            f"hierarchy -check -top {design.top}",
            "proc",
            "check -assert",
            "design -load cells",
        ]
    log = elaborate(script, tmp_path)
    assert [line for line in log.splitlines() if "arning" in line or "out of bounds" in line] == []


class TestGolden(TopSuite, GoldenTests):
    pass


class TestMyHdl(TopSuite, MyHdlTests):
    pass


class TestVerilog(TopSuite, VerilogTests):
    pass


class MoreSamples(TopSuite):
    """Further networks."""

    samples = (*(NetworkCase(seed) for seed in (4, 13)), NetworkCase(22, 4))


@pytest.mark.long
class TestMoreVerilog(MoreSamples, VerilogTests):
    pass
