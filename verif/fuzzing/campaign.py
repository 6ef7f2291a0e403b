"""Many trials in processes of bounded memory and time: one that dies is replaced, and what it died of is kept."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from .kind import EXECUTION, Kind, Outcome, Verdict

STARTING, DRAWING = "starting", "drawing"
"""The first stages of each trial."""

ROOM, USED = 0, 1
"""Places in what the system tells of a process' memory."""

STARTING_S = 120
"""Seconds in which a process starts, on a busy machine."""

WARM = 3
"""Trials in which a process comes to its own size, of libraries and what they keep: each may add as much as a file may take."""


@dataclass(frozen=True)
class Bounds:
    """Of what a file may take: bytes of memory, beyond what the process has without any; seconds of processor time.

    patience: seconds after which a process is given up that takes no processor time, or gets none.
    """

    memory: int = 2 << 30
    seconds: int = 20
    patience: int = 240

    def of_memory(self) -> None:
        """Bound this process' memory from now on."""
        resource.setrlimit(resource.RLIMIT_AS, (_memory(ROOM) + self.memory, resource.RLIM_INFINITY))

    def of_time(self) -> None:
        """Bound what this process takes from now on."""
        most = math.ceil(time.process_time()) + self.seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


BOUNDS = Bounds()


@dataclass(frozen=True)
class Trial:
    """How one seed's trial ended; where its files are, if they were kept."""

    seed: int
    verdict: Verdict
    seconds: float = 0.0
    kept: Path | None = None


@dataclass
class Tally:
    """What has been found so far."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: list[Trial] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, found: Trial) -> None:
        """Count one more."""
        self.outcomes[found.verdict.outcome] += 1
        self.slowest = max(self.slowest, found.seconds)
        if found.verdict.outcome is Outcome.FAILED:
            self.failures.append(found)


def trials(kind: Kind, seeds: Iterable[int], jobs: int = 1, keep: Path | None = None, bounds: Bounds = BOUNDS) -> Iterator[Trial]:
    """The seeds' trials, as they end. The files of failed ones are kept in folders of their own in `keep`."""
    waiting = iter(seeds)
    with tempfile.TemporaryDirectory(prefix="sigmabit-fuzz-") as place:
        workers = [_Worker(kind, Path(place) / str(number), bounds) for number in range(jobs)]
        try:
            busy = [worker for worker in workers if worker.begin(waiting)]
            while busy:
                for worker in list(busy):
                    found = worker.ended()
                    if found is None:
                        continue
                    yield worker.kept(found, keep)
                    if not worker.begin(waiting):
                        busy.remove(worker)
                wait([worker.line for worker in busy], timeout=1.0)
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """A process that does one trial after the other, in a folder of its own."""

    context = multiprocessing.get_context("forkserver")

    def __init__(self, kind: Kind, folder: Path, bounds: Bounds) -> None:
        self.kind, self.folder, self.bounds = kind, folder, bounds
        self.stage, self.seed, self.begun = "", 0, 0.0
        self._start()

    def _start(self) -> None:
        self.context.set_forkserver_preload(["sigmabit.verif.fuzzing.models"])
        self.line, far = self.context.Pipe()
        self.process = self.context.Process(target=_work, args=(far, self.kind, self.folder, self.bounds), daemon=True)
        self.process.start()
        far.close()

    def begin(self, seeds: Iterator[int]) -> bool:
        """Hand out the next seed, if there is one."""
        seed = next(seeds, None)
        if seed is None:
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.stage, self.seed, self.begun = STARTING, seed, time.monotonic()
        self.line.send(seed)
        return True

    def ended(self) -> Trial | None:
        """The trial, if it has ended, one way or the other."""
        try:
            while self.line.poll():
                heard = self.line.recv()
                if isinstance(heard, tuple):
                    return Trial(self.seed, *heard)
                if heard == DRAWING:  # a process that was just started may have taken its time
                    self.begun = time.monotonic()
                self.stage = heard
        except (EOFError, ConnectionError):
            return self._died()
        if time.monotonic() - self.begun > self.bounds.patience + (STARTING_S if self.stage == STARTING else 0):
            self.process.kill()
            return self._died()
        return None

    def _died(self) -> Trial:
        self.process.join()
        code, seconds = self.process.exitcode or 0, time.monotonic() - self.begun
        why = {
            -signal.SIGXCPU: f"more than {self.bounds.seconds} s of processor time",
            -signal.SIGKILL: f"no end in {self.bounds.patience} s",
        }
        text = f"{self.stage}: {why.get(code, f'the process ended with status {code}')}"
        self._start()
        outcome = Outcome.UNEXECUTED if self.stage == EXECUTION else Outcome.FAILED
        return Trial(self.seed, Verdict(outcome, text), seconds)

    def kept(self, found: Trial, keep: Path | None) -> Trial:
        """The same with its files in a folder where they stay, if it failed."""
        if keep is None or found.verdict.outcome is not Outcome.FAILED:
            return found
        folder = keep / f"{self.kind.name}_{found.seed}"
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        (folder / "verdict.txt").write_text(f"{found.verdict.text}\n{again(self.kind, found.seed)}\n")
        return Trial(found.seed, found.verdict, found.seconds, folder)

    def stop(self) -> None:
        """The end."""
        self.line.close()
        self.process.join(1.0)
        self.process.kill()


def _memory(kind: int) -> int:
    """Bytes that this process has room for, or that it uses."""
    return int(Path("/proc/self/statm").read_text().split()[kind]) * resource.getpagesize()


def again(kind: Kind, seed: int) -> str:
    """The command that repeats a trial."""
    return f"sigmabit bench fuzz --kind {kind.name} --files 1 --seed {seed}"


def _work(line: Connection, kind: Kind, folder: Path, bounds: Bounds) -> None:
    """Trials of the seeds that come, until none does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whom it works for
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # executors say there what they raise
    done = own = 0
    try:
        while True:
            seed = line.recv()
            if done <= WARM or _memory(USED) > own + bounds.memory // 8:
                gc.collect()  # what an error's traceback and what it tells of hold of each other, tensors included
            if done <= WARM:
                bounds.of_memory()
                own = _memory(USED)
            bounds.of_time()
            begun = time.process_time()
            line.send(DRAWING)
            try:
                verdict = kind.trial(seed, folder, line.send)
            except Exception:  # what no trial should raise: the judge's own fault, or one that it did not expect
                verdict = Verdict(Outcome.FAILED, traceback.format_exc(limit=-6))
            line.send((verdict, time.process_time() - begun))
            done += 1
    except (EOFError, ConnectionError):
        return
