"""A network behind LiteEth in simulation, asked over a real UDP socket: nothing is lost, nothing wrong, nothing wedged."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

from sigmabit.fpga.ethernet import core
from sigmabit.golden import InputError, Network, import_model
from sigmabit.golden.link.controller import Kind
from sigmabit.golden.link.datagram import Datagram
from sigmabit.golden.link.session import Hold
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.hdl.planning.plan import PlanError
from sigmabit.hdl.planning.planner import Planner
from sigmabit.host import DatagramClient, LinkError
from sigmabit.host.datagrams import address_of
from sigmabit.scripts.data.datasets import digits
from sigmabit.scripts.interface.device import where

from ..board import ETHERNET_LEASE, ETHERNET_MHZ, BadNetwork, Faults, SimulatedEthernet
from ..harness.command_line import DIGITS, MODELS, Call, Refused, outside
from ..simulation import Noise

pytestmark = [
    pytest.mark.usefixtures("own_folder"),
    pytest.mark.skipif(find_spec("liteeth") is None, reason="LiteEth is not installed: the `ethernet` extra brings it"),
]

EVERYTHING = Faults(lost=0.05, doubled=0.05, late=0.05, changed=0.01)

UNRELATED_MHZ = 57.231

PATIENCE = 300.0
"""Seconds that a busy machine may take for an answer."""


@pytest.fixture(scope="module")
def network() -> Network:
    """The classifier of digits."""
    return import_model(DIGITS)


@pytest.fixture(scope="module")
def board(network: Network) -> Iterator[SimulatedEthernet]:
    """A board that recognises digits as fast as it can, at a clock that has nothing to do with the PHY's."""
    plan = Planner(network, "xc7vx690t", UNRELATED_MHZ).fastest()
    with SimulatedEthernet(datagram_system_of(plan, ETHERNET_LEASE), optimise=1, clock_mhz=UNRELATED_MHZ) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def frames(network: Network) -> NDArray[np.uint8]:
    """The held-out digits, as bytes of the stream."""
    codes = network.input.encode(digits().test_images)
    return network.input.tensor.layout.on_axi().pack(codes).reshape(len(codes), -1)


@pytest.fixture(scope="module")
def expected(network: Network) -> NDArray[np.uint8]:
    """Golden's results of them."""
    codes = network.input.encode(digits().test_images)
    return network.result.on_axi().pack(network.results(codes)).reshape(len(codes), -1)


def raw(address: tuple[str, int], send: Callable[[socket.socket], None]) -> None:
    """A socket that does what no client of ours would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(address)
        send(other)


def test_equal_to_golden(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """All held-out digits, datagrams full and not, frames in one and in two of them."""
    for several in (None, 1, 7):
        with DatagramClient(board.address, PATIENCE) as client:
            client.reset()
            assert np.array_equal(client.run(frames, several=several), expected)
            status = client.status()
            assert (status.frames_in, status.frames_out, status.malformed, status.dropped) == (len(frames), len(frames), 0, 0)


def bad_talk(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8], times: int, seed: int) -> None:
    """Requests of two frames through a network of all faults."""
    many = np.concatenate([frames] * times)
    with BadNetwork(board.address, EVERYTHING, seed) as between, DatagramClient(between.address, PATIENCE) as client:
        found = client.run(many, several=2)
        assert client.statistics.requests == -(-len(many) // 2) and client.statistics.repeated > 0
        assert between.hit > 0.1 * between.count
    assert np.array_equal(found, np.concatenate([expected] * times))


def test_bad_network(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Datagrams that are lost, doubled, late and changed on the way: no answer is lost or wrong."""
    bad_talk(board, frames, expected, 1, 3)


@pytest.mark.long
def test_bad_network_for_long(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Over 10,000 requests."""
    bad_talk(board, frames, expected, 34, 4)


@pytest.mark.long
def test_autoencoder() -> None:
    """Its sampler begins with the seed that is sent."""
    network = import_model(MODELS / "digits_vae.onnx")
    assert network.latent is not None
    codes = network.input.encode(digits().test_images[:30])
    frames = network.input.tensor.layout.on_axi().pack(codes).reshape(len(codes), -1)
    system = datagram_system_of(Planner(network, "xc7vx690t", ETHERNET_MHZ).plan(1000), ETHERNET_LEASE)
    with SimulatedEthernet(system, optimise=0) as simulated, DatagramClient(simulated.address, PATIENCE) as client:
        for seed in (7, 12345678901234):
            client.seed(seed)
            drawn = Noise(seed).codes(network.latent.latents, len(codes), 1)
            expected = network.result.on_axi().pack(network.results(codes, drawn)).reshape(len(codes), -1)
            assert np.array_equal(client.run(frames), expected)


def test_two_clients(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """One at a time: another is told so, may ask for the status, and has its turn when the first lets go."""
    with DatagramClient(board.address, PATIENCE) as first:
        first.run(frames[:5])
        second = DatagramClient(board.address, PATIENCE)
        second.patience = 0.0
        found: list[NDArray[np.uint8]] = []
        done = threading.Event()

        def keep_busy() -> None:
            while not done.is_set():
                found.append(first.run(frames[:40]))

        busy = threading.Thread(target=keep_busy)
        busy.start()
        try:
            second.patience = 1.0
            with pytest.raises(LinkError, match="another session has held the device for 1 s"):
                second.run(frames[:5])
            second.patience = PATIENCE
            assert second.status().frames_in > 0
        finally:
            done.set()
            busy.join()
        assert found and all(np.array_equal(some, expected[:40]) for some in found)
    with second:
        assert np.array_equal(second.run(frames[:9]), expected[:9])


def test_client_that_dies(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """In the middle of a frame, without a word: after a while the device is another's, and nothing of the first is left."""
    part = frames[0].tobytes()[:36]

    def die(other: socket.socket) -> None:
        other.settimeout(PATIENCE)
        other.send(Datagram(Hold.OPEN, 0, 0xDEAD).pack())
        assert other.recv(2048)
        other.send(Datagram(Kind.DATA, 0, 0xDEAD, part).pack())
        assert other.recv(2048)

    raw(board.address, die)
    with DatagramClient(board.address, PATIENCE) as client:
        assert np.array_equal(client.run(frames[:20]), expected[:20])


def test_garbage(board: SimulatedEthernet, frames: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """From another, all the while: bytes of no meaning, kinds that nobody knows, requests of a session that is not."""
    chance, done = random.Random(7), threading.Event()

    def disturb(other: socket.socket) -> None:
        while not done.is_set():
            payload = chance.randbytes(chance.choice([0, 1, 4, 100, 1460]))
            kind, number = chance.randrange(256), chance.randrange(65536)
            kind = 9 if kind == Hold.OPEN else kind
            whole = Datagram(kind, number, number ^ 0x55, payload).pack()
            other.send(chance.choice([whole, whole[:-1], payload or b"x", chance.randbytes(1472), whole + b"abcd"]))
            time.sleep(0.002)

    with DatagramClient(board.address, PATIENCE) as client:
        noise = threading.Thread(target=raw, args=(board.address, disturb))
        noise.start()
        try:
            assert np.array_equal(client.run(frames), expected)
        finally:
            done.set()
            noise.join()
        assert client.status().refused > 0


def test_commands(board: SimulatedEthernet, call: Call, refused: Refused) -> None:
    """`send` and `status` at an address; neither and both are refused."""
    np.save("x.npy", digits().test_images[:50])
    np.save("y.npy", digits().test_labels[:50])
    address = f"{board.address[0]}:{board.address[1]}"
    found = call("send", DIGITS, "--udp", address, "--input", "x.npy", "--labels", "y.npy", "--json").json
    assert (found["port"], found["frames"], found["repeated"]) == (address, 50, 0)
    assert found["accuracy"] > 0.9
    assert call("status", "--udp", address, "--json").json["protocol"] == 2
    refused(["status"], "give one of --port, a serial port, and --udp, an address")
    refused(["send", DIGITS, "--udp", address, "--port", "x", "--input", "x.npy"], "give one of --port")
    refused(["status", "--udp", "localhost:x"], "'localhost:x' is no address: give HOST or HOST:PORT")
    refused(["serve-sim", DIGITS, "--udp", "a:1", "--ethernet", "t"], "give one of --udp and --ethernet")


def test_address() -> None:
    """With a port and without."""
    assert address_of("board") == ("board", 4660)
    assert address_of("10.0.0.7:99") == ("10.0.0.7", 99)
    for text in ("", ":5", "host:0", "host:99999", "host:-1"):
        with pytest.raises(LinkError, match="is no address"):
            address_of(text)


@pytest.mark.parametrize("host", ["a..b", "." * 3, "x" * 300, "nowhere.invalid"])
def test_no_such_host(host: str, refused: Refused) -> None:
    """Neither to ask nor to be at, and nothing is built before that is said."""
    refused(["status", "--udp", f"{host}:5"], f"{host}:5: ")
    refused(["serve-sim", DIGITS, "--udp", f"{host}:5"], f"{host}:5: ")


def test_port_in_use(refused: Refused) -> None:
    """As above; and names that no device can have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        refused(["serve-sim", DIGITS, "--udp", taken], f"{taken}: Address already in use")
    refused(["serve-sim", DIGITS, "--ethernet", "x" * 16], "the name of a TAP device has 1 to 15 letters")
    refused(["serve-sim", DIGITS, "--ethernet", ""], "the name of a TAP device has 1 to 15 letters")


def test_the_same_text_each_time() -> None:
    """Of LiteEth, without the time of day: what is built is found again. Its licences go with it."""
    first = core.verilog.__wrapped__(62.5)
    time.sleep(1.1)
    assert first == core.verilog.__wrapped__(62.5) and "module liteeth_core" in first
    assert first.count("// Redistributions of source code must retain") + first.count("// 1. Redistributions of source") >= 4


def test_nobody_there() -> None:
    """A sentence, after some patience."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(LinkError, match=r"no answer in 0.3 s, asked \d times; is it the right address, and the right port"):
            DatagramClient(silent.getsockname(), patience=0.3)
        with pytest.raises(LinkError, match=r"no answer in 1e-09 s, asked once;"):
            DatagramClient(silent.getsockname(), patience=1e-9)
        with pytest.raises(LinkError, match="patience=nan is no number of seconds above 0"):
            DatagramClient(silent.getsockname(), patience=float("nan"))


def test_where() -> None:
    """An address with its port, for people; a serial line's rate is not of one."""
    assert where(None, "board", None) == "board:4660" and where("COM1", None, 9600) == "COM1"
    with pytest.raises(InputError, match="--baud 9600: it is a serial line's rate, and --udp has none"):
        where(None, "board", 9600)


def test_what_does_not_fit() -> None:
    """Positions that do not divide a row, and results of a frame that are larger than a datagram."""
    network = import_model(DIGITS)
    with pytest.raises(PlanError, match="3 pixels side by side do not divide a row; over Ethernet they must"):
        datagram_system_of(Planner(network, "xc7vx690t", 200.0, positions=3).fastest())
    vae = Planner(import_model(MODELS / "mnist_vae.onnx"), "xc7vx690t", 200.0, 3).plan(4000)
    with pytest.raises(PlanError, match="results of 2352 bytes, a datagram has room for 1460"):
        datagram_system_of(vae)


def may_make_devices() -> bool:
    """Is a TAP device in a namespace allowed here?"""
    code = "from sigmabit.verif.link.tap import own_namespace; import os; own_namespace(); os.open('/dev/net/tun', os.O_RDWR)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, env=outside(), check=False).returncode == 0


def tap(*arguments: str) -> dict[str, object]:
    """What came of a talk with the kernel's own stack as the peer."""
    if not may_make_devices():
        pytest.skip("no rights to make a network namespace and a TAP device")
    command = [sys.executable, "-m", "sigmabit.verif.link.tap", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, env=outside(), check=False)
    assert found.returncode == 0, found.stderr
    told: dict[str, object] = json.loads(found.stdout)
    return told


def test_tap() -> None:
    """Behind a TAP device: an echo is answered, and so is `sigmabit send`."""
    assert tap() == {"ping": True, "frames": 599, "wrong": 0, "garbage": 0}


@pytest.mark.long
def test_tap_garbage() -> None:
    """The same for a minute, while another neighbour breaks the rules of ARP, IP, ICMP and UDP."""
    told = tap("--garbage", "60")
    assert told["ping"] is True and told["wrong"] == 0 and int(str(told["garbage"])) > 1000
