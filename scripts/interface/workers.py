"""Worker processes, here or on other machines, by dask.distributed: what `--workers` and `--cluster` bring."""

from __future__ import annotations

import logging
import pickle
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any
from uuid import uuid4

from sigmabit.fpga.workers import Piece, Report, Result, Told, Workers, untold
from sigmabit.golden import SigmabitError

from .choices import Working

PATIENCE = 10.0
"""Seconds in which a scheduler must answer, and have a worker."""

PAUSE = 0.1
"""Seconds at least between two things that a piece says of itself, unless something else is going on."""

AHEAD = 2
"""Pieces that are handed out for each worker: it finds the next one there when it has done one."""

DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What a worker does first: Ctrl-C is for whom it works for, who ends it."""

USUAL = "import sigmabit.verif.simulation.pieces"
"""And then: what most pieces need, while whom it works for still reads its files."""

SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1TB",  # a plan and frames are what they are
    "distributed.deploy.lost-worker-timeout": "1h",  # who replaces a worker comes late on a busy machine; not in 15 s
}
"""What is not left to dask's own choice."""

QUIET = ("asyncio", "distributed", "distributed.client", "distributed.worker", "tornado", "tornado.application")
"""Loggers whose words are no user's business: what failed for good is said in a sentence."""


@contextmanager
def workers(count: int | None = None, *, cluster: str | None = None) -> Iterator[Workers | None]:
    """Worker processes, for as long as the context lasts: what functions that take `workers` hand their pieces to.

    Results are those of one process, in the same order. A worker that dies is replaced, and what it had not given back is done
    again. None where neither is said, and each function does its work as it does without workers.

    Args:
        count: processes on this machine.
        cluster: the address of a scheduler, tcp://HOST:PORT, whose workers have one thread each.

    Raises:
        InputError: both are given.
        SigmabitError: the cluster extra is not installed; no scheduler is there, or none of its workers, or one does not fit.
    """
    working = Working(count, cluster)
    if working == Working():
        yield None
        return
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        dask = _distributed()
        stack.enter_context(import_module("dask").config.set(SETTINGS))
        if working.cluster is not None:
            client = stack.enter_context(_client(dask, working.cluster))
            yield _Cluster(client, _fit(client, working.cluster), working.cluster)
        else:
            assert working.workers is not None
            local = stack.enter_context(ExitStack())  # closed once the thread has filled it
            thread = stack.enter_context(ThreadPoolExecutor(1))
            yield _Starting(working.workers, thread.submit(_started, dask, working.workers, local))


def _started(dask: Any, count: int, stack: ExitStack) -> _Cluster:
    """Processes of this machine, which the stack ends."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sigmabit-", ignore_cleanup_errors=True))
    local = dask.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",  # without one dask takes a port that others may have, and says so
        silence_logs=logging.CRITICAL,
        memory_limit=None,
        local_directory=folder,
        preload=[DEAF, USUAL],
    )
    client = stack.enter_context(dask.Client(stack.enter_context(local), set_as_default=False))
    return _Cluster(client, count, "the workers of this machine")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's own accounts of what happens from the terminal."""
    levels = {logger: logger.level for logger in map(logging.getLogger, QUIET)}
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _distributed() -> Any:
    """The library, silenced. Raises SigmabitError where it is not installed."""
    try:
        found = import_module("distributed")
    except ImportError as error:
        raise SigmabitError(f"{error.name} is not installed: pip install 'sigmabit[cluster]'") from None
    for name in QUIET:  # importing it has set some of them
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return found


def _client(dask: Any, address: str) -> Any:
    try:
        return dask.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = f": {error}" if isinstance(error, ValueError) else ""
        raise SigmabitError(f"{address}: no scheduler answers there{why}; `dask scheduler` starts one") from None


def _fit(client: Any, address: str) -> int:
    """How many workers a scheduler has. Raises SigmabitError where there is none, or one that would give something else."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise SigmabitError(f"{address}: the scheduler has no workers; `dask worker {address} --nthreads 1` starts one") from None
    found: Mapping[str, Mapping[str, Any]] = client.scheduler_info(n_workers=-1)["workers"]
    for worker, about in found.items():
        if about["nthreads"] != 1:  # MyHDL's conversion is for one thread
            raise SigmabitError(f"{worker}: this worker has {about['nthreads']} threads, expected 1; `dask worker --nthreads 1`")
    own = version("sigmabit")
    for worker, theirs in client.run(_version).items():
        if theirs != own:
            raise SigmabitError(f"{worker}: this worker has sigmabit {theirs}, expected {own}")
    return len(found)


def _version() -> str:
    try:
        return version("sigmabit")
    except PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True)
class _Cluster:
    """A scheduler's workers. name: how an error calls them."""

    client: Any
    count: int
    name: str

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        import cloudpickle

        topic = f"sigmabit-{uuid4().hex}"
        same = cloudpickle.dumps(work)
        rest = iter(enumerate(pieces))
        waiting: deque[Any] = deque()

        def hand_out() -> None:
            for number, piece in islice(rest, AHEAD * self.count - len(waiting)):
                task = self.client.submit(_do, same, cloudpickle.dumps(piece), number, topic, pure=False)
                waiting.append(task)

        self.client.subscribe_topic(topic, lambda event: told(*event[1]))
        try:
            hand_out()
            while waiting:
                result = self._result(waiting[0])
                waiting.popleft().release()
                hand_out()
                yield result
        finally:
            self.client.unsubscribe_topic(topic)
            self.client.cancel(list(waiting))

    def _result(self, task: Any) -> Any:
        """What a task gave. Raises what it raised, and SigmabitError where nobody is there to do it."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        try:
            return task.result()
        except KilledWorker as error:
            died = error.allowed_failures + 1
            raise SigmabitError(f"{self.name}: {died} workers died one after the other, each at the same piece") from None
        except (CancelledError, CommClosedError):
            raise SigmabitError(f"{self.name}: the scheduler has gone away") from None


@dataclass(frozen=True)
class _Starting:
    """Workers that a thread starts, while their master prepares what they will do."""

    count: int
    ready: Future[_Cluster]

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        yield from self.ready.result().map(work, pieces, told)


def _do(work: bytes, piece: bytes, number: int, topic: str) -> Any:
    """A piece of work, in a worker."""
    from distributed import get_worker

    worker = get_worker()
    said, when = "", 0.0

    def report(what: str, done: int, total: int) -> None:
        nonlocal said, when
        now = time.monotonic()
        if what != said or done == total or now - when >= PAUSE:
            said, when = what, now
            worker.log_event(topic, (number, what, int(done), int(total)))

    return _loaded(work)(pickle.loads(piece), report)


@lru_cache(maxsize=1)
def _loaded(work: bytes) -> Callable[[Any, Report], Any]:
    """The same object for all pieces: what it has derived of a plan, it keeps."""
    found: Callable[[Any, Report], Any] = pickle.loads(work)
    return found
