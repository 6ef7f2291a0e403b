"""The client against golden's device, in one process: bad lines, bad devices, and what it says of them."""

from __future__ import annotations

import errno
import os
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import serial
from numpy.typing import NDArray

from sigmabit.golden.link.controller import ANSWER, Kind, Traffic
from sigmabit.golden.link.deframer import Message, Reason
from sigmabit.golden.link.framer import frame
from sigmabit.golden.link.link import Link
from sigmabit.host import Client, LinkError, open_port
from sigmabit.host import client as client_module

TRAFFIC = Traffic(frame_bytes=3, result_bytes=2, frames=4, window=4, seeded=True)


class Adder:
    """A network: the sum of a frame, its seed, and how many frames came before. A frame that begins with 255 gets no result."""

    def __init__(self) -> None:
        self.seed = self.done = 0

    def run(self, frame: bytes) -> bytes | None:
        if frame[0] == 255:
            return None
        self.done += 1
        return (sum(frame) + self.seed + self.done & 0xFFFF).to_bytes(2, "little")

    def reset(self, seed: int | None) -> None:
        self.seed, self.done = self.seed if seed is None else seed, 0

    def counters(self) -> tuple[int, int, int, int, int]:
        return self.done, self.done, 0, 0, 0


Change = Callable[[bytes], bytes]


class Loop:
    """A port with a device behind it; `there` and `back` are what the line does to bytes."""

    name = "loop"

    def __init__(self, device: Link, there: Change = bytes, back: Change = bytes) -> None:
        self.device, self.there, self.back = device, there, back
        self.waiting, self.more = bytearray(), threading.Condition()

    def write(self, data: bytes) -> int:
        self.put(self.back(self.device.feed(self.there(data))))
        return len(data)

    def put(self, data: bytes) -> None:
        with self.more:
            self.waiting += data
            self.more.notify()

    def read(self, size: int = 1) -> bytes:
        with self.more:
            self.more.wait_for(lambda: self.waiting, 0.02)
            some = bytes(self.waiting[:size])
            del self.waiting[:size]
            return some

    def close(self) -> None:
        pass


class PacedLoop(Loop):
    """A clean line of ten bits a byte behind four kilobytes of buffer, and a device that works while it sends."""

    BUFFER = 4096

    def __init__(self, device: Link, baud: int, work: float = 0.001) -> None:
        super().__init__(device)
        self.byte, self.work = 10 / baud, work
        self.there_free = self.done = self.back_free = 0.0
        self.coming: deque[tuple[float, bytes]] = deque()

    def write(self, data: bytes) -> int:
        self.there_free = max(self.there_free, time.monotonic()) + len(data) * self.byte
        self.done = max(self.there_free, self.done) + self.work
        answer, begun = self.device.feed(data), max(self.done, self.back_free)
        for first in range(0, len(answer), 16):
            some = answer[first : first + 16]
            self.coming.append((begun + (first + len(some)) * self.byte, some))
        self.back_free = begun + len(answer) * self.byte
        time.sleep(max(0.0, self.there_free - time.monotonic() - self.BUFFER * self.byte))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        until = time.monotonic() + 0.02
        while not self.waiting and (now := time.monotonic()) < until:
            while self.coming and self.coming[0][0] <= now:
                self.waiting += self.coming.popleft()[1]
            if not self.waiting:
                time.sleep(min(max(0.0, self.coming[0][0] - now), 0.01) if self.coming else 0.001)
        some = bytes(self.waiting[:size])
        del self.waiting[:size]
        return some


class Echo(Adder):
    """A network whose results are of any size."""

    def __init__(self, result_bytes: int) -> None:
        super().__init__()
        self.result_bytes = result_bytes

    def run(self, frame: bytes) -> bytes | None:
        return frame[:1] * self.result_bytes


@contextmanager
def client_of(there: Change = bytes, back: Change = bytes, traffic: Traffic = TRAFFIC) -> Iterator[tuple[Client, Loop]]:
    """A client of a device with a network."""
    port = Loop(Link(traffic, Adder(), bytes(16)), there, back)
    with Client(port, patience=10.0) as client:
        yield client, port


def frames(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Frames that get results."""
    return np.random.default_rng(seed).integers(0, 255, (count, TRAFFIC.frame_bytes)).astype(np.uint8)


def sums(x: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Their results, from a device that has just been reset."""
    totals = x.sum(axis=1, dtype=np.int64) + seed + np.arange(1, len(x) + 1)
    return totals.astype("<u2").view(np.uint8).reshape(-1, 2)


def damage(seed: int, rate: float) -> Change:
    """Changes, drops and doubles bytes."""
    draw = random.Random(seed)

    def change(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            kind = draw.random() / rate
            out += bytes(
                [byte ^ draw.randrange(1, 256)] if kind < 1 else [] if kind < 2 else [byte, byte] if kind < 3 else [byte]
            )
        return bytes(out)

    return change


@pytest.mark.parametrize("seed", range(12))
def test_damaged(seed: int) -> None:
    """Each frame is executed once, in order: the network's count of frames would tell."""
    x = frames(100, seed)
    rate = (0.001, 0.004)[seed % 2]
    with client_of(damage(seed, rate), damage(seed + 100, rate)) as (client, _):
        client.seed(seed)
        assert (client.run(x) == sums(x, seed)).all()


def test_many_turns() -> None:
    """Sequence numbers go round."""
    x = frames(1200)
    with client_of() as (client, _):
        assert (client.run(x, several=1) == sums(x)).all()
        assert client.status().expected == 1200 % 256
        assert client.statistics.requests == 1200 and client.statistics.repeated == 0


@pytest.mark.parametrize("first", ["run", "seed", "reset"])
@pytest.mark.parametrize(
    ("baud", "traffic", "count"),
    [
        (9600, Traffic(64, 10, 16, 4, seeded=True), 48),
        (9600, Traffic(784, 6272, 1, 4, seeded=True), 2),
        (115_200, Traffic(64, 10, 16, 4, seeded=True), 400),
        (115_200, Traffic(784, 6272, 1, 4, seeded=True), 6),
        (921_600, Traffic(64, 10, 16, 4, seeded=True), 1600),
        (921_600, Traffic(784, 6272, 1, 4, seeded=True), 20),
    ],
)
def test_clean_line(baud: int, traffic: Traffic, count: int, first: str) -> None:
    """Nothing is repeated on a line without damage, at any rate, whatever was asked before."""
    x = np.random.default_rng(1).integers(0, 255, (count, traffic.frame_bytes)).astype(np.uint8)
    port = PacedLoop(Link(traffic, Echo(traffic.result_bytes), bytes(16)), baud)
    with Client(port, baud=baud) as client:
        if first == "seed":
            client.seed(3)
        elif first == "reset":
            client.reset()
        for some in (x[:1], x[1:]):
            assert (client.run(some) == some[:, :1]).all()
    assert (client.statistics.repeated, client.statistics.refused) == (0, 0)


def test_a_slow_network() -> None:
    """A device that takes longer from now on is waited for, after a few repetitions."""
    port = PacedLoop(Link(TRAFFIC, Adder(), bytes(16)), 921_600)
    with Client(port, baud=921_600) as client:
        client.run(frames(200))
        assert client.statistics.repeated == 0
        port.work = 0.3
        client.run(frames(24))
        repeated = client.statistics.repeated
        assert repeated <= 6 * TRAFFIC.window
        client.run(frames(24))
        assert client.statistics.repeated == repeated


def test_patience_is_beyond_the_line() -> None:
    """An answer that the line needs longer for than the client has patience."""
    traffic = Traffic(1, 3000, 1, 4)
    port = PacedLoop(Link(traffic, Echo(3000), bytes(16)), 9600)
    with Client(port, patience=1.0, baud=9600) as client:
        assert (client.run(np.full((1, 1), 7, np.uint8)) == 7).all()


def test_stale_answers() -> None:
    """Answers that come twice, or that belong to nothing, are passed over."""
    x = frames(60)
    strange = (
        frame(Kind.DATA | ANSWER, 200, b"??") + frame(Kind.REFUSED, 9, bytes([4, 77])) + frame(Kind.STATUS | ANSWER, 0, bytes(60))
    )
    with client_of(back=lambda data: data + data + strange) as (client, _):
        assert (client.run(x) == sums(x)).all()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are a twenty-fifth of what they are."""
    for name in ("FIRST_WAIT", "LONGEST_WAIT", "LEAST_WAIT"):
        monkeypatch.setattr(client_module, name, getattr(client_module, name) / 25)


@pytest.mark.usefixtures("hurried")
def test_a_status_is_asked_for_often() -> None:
    """Most of what is sent is lost: with waits that double for ever, the fourteenth would come after 164 s instead of 0.5."""
    sent: list[bytes] = []

    def lossy(data: bytes) -> bytes:
        sent.append(data)
        return data if len(sent) == 14 else b""

    port = Loop(Link(TRAFFIC, Adder(), bytes(16)), lossy)
    with Client(port, patience=5.0) as client:
        assert client.device.frame_bytes == TRAFFIC.frame_bytes
    assert len(sent) == 14


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("noise", "says"), [(b"", ""), (b"\0\x07noise\0", "; what came was damaged, or no answer")])
def test_a_status_has_an_end(noise: bytes, says: str) -> None:
    """Whether the line is silent or never is, patience is what it takes."""

    class Chatter(Loop):
        def read(self, size: int = 1) -> bytes:
            if noise:
                self.put(noise)
            return super().read(size)

    begun = time.monotonic()
    with pytest.raises(LinkError, match=r"^loop: no answer in 0.3 s, asked (\d+) times(.*); is it the right port") as failed:
        Client(Chatter(Link(TRAFFIC, Adder(), bytes(16)), there=lambda data: b""), patience=0.3)
    assert says in str(failed.value)
    assert 0.3 <= time.monotonic() - begun < 1.5


def test_a_lost_place() -> None:
    """A device that has begun anew in the middle."""
    with client_of() as (client, port):
        client.run(frames(20))
        port.device = Link(TRAFFIC, Adder(), bytes(16))
        with pytest.raises(LinkError, match=r"^loop: the device has lost its place; was it reset\?$"):
            client.run(frames(20))


def test_a_stuck_network() -> None:
    """It is said, and the next frames are computed."""
    with client_of() as (client, _):
        bad = frames(30)
        bad[21, 0] = 255
        with pytest.raises(LinkError, match=r"^loop: a request was refused: the network did not answer$"):
            client.run(bad)
        client.reset()
        assert (client.run(frames(5)) == sums(frames(5))).all()


def test_refused() -> None:
    """Frames that do not fit, before anything is sent; a kind of request that the device does not know."""
    with client_of() as (client, _):
        with pytest.raises(LinkError, match=r"^frames of uint8 of shape \(2, 4\), the device takes"):
            client.run(np.zeros((2, 4), np.uint8))
        for several in (-1, 0):
            with pytest.raises(LinkError, match=f"^several={several} is below 1$"):
                client.run(frames(3), several=several)
        for seed in (-1, 1 << 64):
            with pytest.raises(LinkError, match=f"^seed={seed} is not from 0 to {(1 << 64) - 1}$"):
                client.seed(seed)
        assert client.statistics.requests == 0
        assert (client.run(frames(3), several=9) == sums(frames(3))).all()
    with client_of(traffic=replace(TRAFFIC, seeded=False)) as (client, _):
        with pytest.raises(LinkError, match=r"^loop: its network draws no samples, and takes no seed$"):
            client.seed(1)
        client.device = replace(client.device, seeded=1)
        message = re.escape("loop: a request was refused: a kind of request that this device does not know")
        with pytest.raises(LinkError, match=f"^{message}$"):
            client.seed(1)


def test_another_protocol() -> None:
    """A device of another version."""
    device = Link(TRAFFIC, Adder(), bytes(16))
    status = device.controller.status
    device.controller.status = lambda refused=0: replace(status(refused), protocol=9)  # type: ignore[method-assign]
    with pytest.raises(LinkError, match=r"^loop: the device speaks version 9 of the protocol, not 1$"):
        Client(Loop(device))


def test_a_broken_port() -> None:
    """Unplugged, when reading and when writing."""

    class Unplugged(Loop):
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENODEV, "unplugged")

    class Deaf(Loop):
        def read(self, size: int = 1) -> bytes:
            raise serial.SerialException("device reports readiness to read but returned no data (device disconnected or ...)")

    for kind, why in ((Unplugged, r" \(No such device\)"), (Deaf, "")):
        with pytest.raises(
            LinkError, match=f"^loop: the connection is lost{why}; was it unplugged, or does another program read it\\?$"
        ):
            Client(kind(Link(TRAFFIC, Adder(), bytes(16))))


def test_real_ports() -> None:
    """What cannot be opened, or not a second time, or is gone: a sentence each."""
    for name, baud, why in (
        ("/dev/null", 9600, "it is no serial port"),
        ("/tmp", 9600, "Is a directory"),
        ("/nonsense", 9600, "No such file or directory"),
    ):
        with pytest.raises(LinkError, match=f"^{name}: cannot be opened as a serial port: {why}$"):
            open_port(name, baud)
    far, near = os.openpty()
    name = os.ttyname(near)
    for rate in (3_000_000_000, 0, -1):
        with pytest.raises(LinkError, match=f"^{name}: a serial port cannot have a rate of {rate} baud$"):
            open_port(name, rate)
    port = open_port(name, 9600)
    with pytest.raises(LinkError, match=f"^{name}: another program has the port$"):
        open_port(name, 9600)
    os.close(near)
    threading.Timer(0.2, os.close, (far,)).start()
    with pytest.raises(
        LinkError, match=rf"^{name}: the connection is lost( \(.*\))?; was it unplugged, or does another program read it\?$"
    ):
        Client(port)


def test_reasons_have_words() -> None:
    """Every reason can be told to people."""
    assert all(reason.text for reason in Reason)
    assert Message(1, 2).payload == b""
