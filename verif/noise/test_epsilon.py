"""epsilon: vectors from outside, in order, for well-formed frames only; a frame that is let in always finds its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.noise import epsilon as golden
from sigmabit.hdl.noise.epsilon import EpsilonConfig, epsilon
from sigmabit.hdl.verilog.stream import FrameStatus, VectorStream, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import stream
from ..harness.bench import Dut
from ..harness.stream import Beat, Stalls, StreamBench, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


class WithoutLast(Dut):
    """A block whose s_axis_eps has no tlast, as if it had one."""

    def __init__(self, dut: Dut) -> None:
        self.dut = dut

    @property
    def ports(self) -> Collection[str]:
        return self.dut.ports

    def settle(self, inputs: Mapping[str, int]) -> Mapping[str, int]:
        return self.dut.settle({name: value for name, value in inputs.items() if not name.endswith("tlast")})

    def rise(self) -> None:
        self.dut.edge()


@dataclass(frozen=True)
class Frame:
    """good: is it well formed? late: cycles for which it does not come although it might. length: cycles from its first beat to
    its status. reads: cycles before each of its reads, from its status on.
    """

    good: bool
    late: int
    length: int
    reads: tuple[int, ...]


@dataclass(frozen=True)
class Traffic:
    """Frames, as many vectors as they can need and some more, and the source's pauses."""

    frames: tuple[Frame, ...]
    vectors: tuple[int, ...]
    patterns: Stalls


class EpsilonSuite(BlockSuite):
    """What each frame finds; the reads of a frame begin after its status, and after those of the frame before."""

    samples = (EpsilonConfig(5, 1, 1), EpsilonConfig(16, 1, 3), EpsilonConfig(9, 3, 2), EpsilonConfig(32, 4, 1))

    def configs(self) -> st.SearchStrategy[EpsilonConfig]:
        return st.builds(EpsilonConfig, st.integers(1, 40), st.integers(1, 4), st.integers(1, 4))

    def stimuli(self, config: EpsilonConfig) -> st.SearchStrategy[Traffic]:
        reads = st.tuples(*[st.sampled_from([0, 0, 1, 5])] * config.samples)
        frame = st.builds(Frame, st.booleans(), st.sampled_from([0, 0, 2, 9]), st.integers(1, 4), reads)

        def build(frames: list[Frame]) -> st.SearchStrategy[Traffic]:
            # a frame that turns out malformed was promised vectors, too
            least = (sum(frame.good for frame in frames) + 1) * config.samples
            vector = st.integers(0, (1 << config.vector_bits) - 1)
            vectors = st.lists(vector, min_size=least, max_size=least + 2 * config.depth).map(tuple)
            return st.builds(Traffic, st.just(tuple(frames)), vectors, stalls())

        return st.lists(frame, min_size=1, max_size=7).flatmap(build)

    def expected(self, config: EpsilonConfig, stimulus: Traffic) -> list[list[int]]:
        results, position = [], 0
        for frame in stimulus.frames:
            results.append(list(stimulus.vectors[position : position + config.samples]) if frame.good else [])
            position += len(results[-1])
        return results

    def golden(self, config: EpsilonConfig, stimulus: Traffic) -> list[list[int]]:
        return golden.epsilon(stimulus.vectors, [frame.good for frame in stimulus.frames], config.samples)

    def always(self, config: EpsilonConfig) -> Sequence[Traffic]:
        """As many vectors as the frames take, and none is left: once round the memory."""
        frames = (Frame(True, 0, 1, (0,) * config.samples),) * (config.depth // config.samples + 2)
        return [Traffic(frames, tuple(place % 2 for place in range(len(frames) * config.samples)), Stalls())]

    def covers(self, config: EpsilonConfig) -> Mapping[str, str]:
        malformed = "status_done && !status_good"
        found = {"given_back_as_a_frame_comes": f"{malformed} && entered"} if config.frames > 1 else {}
        return found | {
            "full": f"s_axis_eps_tvalid && !s_axis_eps_tready && stored == {config.depth}",
            "full_and_one_is_read": f"consume && stored == {config.depth}",
            "empty": "stored == 0 && $past(consume)",
            "all_promised": "stored != 0 && free == 0",
            "one_comes_as_one_is_read": "taken && consume",
            "one_comes_as_a_frame_does": "taken && entered",
            "given_back": malformed,
            "given_back_as_one_comes": f"{malformed} && taken",
            "given_back_to_one_that_waits": f"{malformed} && !ready",
            "round_the_memory": f"consume && read == {config.depth - 1}",
        }

    def elaborate(self, config: EpsilonConfig) -> Any:
        width = config.vector_bits
        return epsilon(bit(), reset(), VectorStream(width), FrameStatus(), bit(), bit(), wire(width), bit(), config)

    def play(self, dut: Dut, config: EpsilonConfig, stimulus: Traffic) -> list[list[int]]:
        wrapped = WithoutLast(dut)
        bench = StreamBench(wrapped, "s_axis_eps", None, {"status_done": 0, "status_good": 0, "entered": 0, "consume": 0})
        assert not wrapped.reset({**bench.idle(), "entered": 1, "s_axis_eps_tvalid": 1})["s_axis_eps_tready"]
        bench.send([Beat(vector, False) for vector in stimulus.vectors])
        waiting = list(enumerate(stimulus.frames))
        statuses: dict[int, bool] = {}
        reads: dict[int, int] = {}  # a frame's number by the cycle of its read
        leaves: list[int] = []
        found: list[list[int]] = [[] for _ in stimulus.frames]
        promised = consumed = quiet = 0
        next_entry, status_at, read_at = 0, 0, 0
        while quiet < 40:
            now = wrapped.cycle
            stored = len(bench.seen.entered) - consumed
            inside = sum(leave >= now for leave in leaves)
            frame = None
            if waiting and stored - promised >= config.samples and inside < config.frames and now >= next_entry:
                number, frame = waiting.pop(0)
                status_at = now + frame.length
                statuses[status_at] = frame.good
                read_at = max(read_at, status_at)
                for pause in frame.reads:
                    read_at += 1 + pause
                    if frame.good:
                        reads[read_at] = number
                leaves.append(read_at)
                next_entry = status_at + (waiting[0][1].late if waiting else 0)
            status = {"status_done": int(now in statuses), "status_good": int(statuses.get(now, 0))}
            moves = {"entered": int(frame is not None), "consume": int(now in reads)}
            outputs = bench.cycle(stimulus.patterns, {**status, **moves})
            # a promise is kept until its vectors are consumed, or its frame is found malformed
            assert outputs["s_axis_eps_tready"] == (now > 0 and stored < config.depth)
            assert outputs["ready"] == (stored - promised >= config.samples)
            if now in reads:
                assert stored > 0
                found[reads[now]].append(outputs["eps"])
                consumed += 1
                promised -= 1
            promised += config.samples * (moves["entered"] - (status["status_done"] and not status["status_good"]))
            busy = waiting or now <= max(read_at, status_at) or len(bench.seen.entered) > stored + consumed
            quiet = 0 if busy and now < 5000 else quiet + 1
        assert not waiting, "no frame is let in"
        left = len(stimulus.vectors) - len(bench.waiting) - consumed
        assert bench.waiting == [] or left == config.depth, "the queue is not filled"
        return found


class TestGolden(EpsilonSuite, GoldenTests):
    pass


class TestMyHdl(EpsilonSuite, MyHdlTests):
    pass


class TestVerilog(EpsilonSuite, VerilogTests):
    pass


class TestProof(EpsilonSuite, ProofTests):
    left_out = (1, 2, 3)  # for which no proof was awaited
    faults = (
        Fault("promise", "free <= total[", "free <= (consume) ? 0 : total["),
        Fault("nothing_lost", "(stored != 2)", "1"),
        Fault("takes_when_it_can", "(stored != 2)", "(stored != 1)"),
        Fault("frames_find_theirs", "(free >= 1)", "awake"),
        Fault("lets_every_frame_in", "(stored != 2)", "(stored != 1)"),
        Fault("in_order", "words[write] <= s_axis_eps_tdata;", "words[0] <= s_axis_eps_tdata;"),
        Fault("S4", "s_axis_eps_tready = open_", "s_axis_eps_tready = (open_ || consume)"),
    )

    def claims(self, config: EpsilonConfig) -> tuple[Claims, ...]:
        shape = {"BITS": config.vector_bits, "SAMPLES": config.samples, "FRAMES": config.frames, "DEPTH": config.depth}
        own = Claims(Path(__file__).with_name("epsilon_claims.sv"), config.module, shape)
        return own, stream(config.module, "s_axis_eps", config.vector_bits, promised=True, last=False)
