"""A simulated board at a TAP device of a network namespace of its own, with this machine's kernel as the peer.

    python -m sigmabit.verif.link.tap [--model MODEL.onnx] [--input X.npy] [--count N] [--garbage SECONDS]

pings the board, and has `sigmabit send` send it frames, the held-out digits without others. With garbage, it does so again and
again for so long, while another neighbour sends frames that break the rules of ARP, IP, ICMP and UDP. Prints what came of it as
JSON. Needs rights to make namespaces and devices.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import import_model
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import digits

from ..board import ETHERNET_LEASE, ETHERNET_MHZ, SimulatedEthernet
from ..board.ethernet import BOARD_IP
from ..harness.command_line import DIGITS

NAMESPACE_OF_NETWORK = 0x40000000
SET_ADDRESS, SET_MASK, SET_FLAGS = 0x8916, 0x891C, 0x8914
UP_AND_RUNNING = 0x41
DEVICE, HOST_IP, OTHER_IP = "sigmabit0", "192.168.1.1", "192.168.1.77"


def own_namespace() -> None:
    """A network of this process's own. Raises PermissionError where that is not allowed."""
    if ctypes.CDLL(None, use_errno=True).unshare(NAMESPACE_OF_NETWORK):
        raise PermissionError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def bring_up(device: str, address: str) -> None:
    """The host's end of the cable."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as file:
        for request, text in ((SET_ADDRESS, address), (SET_MASK, "255.255.255.0")):
            fcntl.ioctl(file, request, struct.pack("16sHH4s8x", device.encode(), socket.AF_INET, 0, socket.inet_aton(text)))
        fcntl.ioctl(file, SET_FLAGS, struct.pack("16sH14x", device.encode(), UP_AND_RUNNING))


def ping(address: str, seconds: float, size: int = 56) -> bool:
    """Is an echo answered, with what it carried?"""

    def checked(kind: int, payload: bytes) -> bytes:
        head = struct.pack("!BBHHH", kind, 0, 0, 77, 1)
        total = sum(struct.unpack(f"!{(len(head) + len(payload)) // 2}H", head + payload))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        return struct.pack("!BBHHH", kind, 0, ~total & 0xFFFF, 77, 1) + payload

    payload = bytes(place & 255 for place in range(size))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            raw.settimeout(2.0)
            raw.sendto(checked(8, payload), (address, 0))
            try:
                heard, sender = raw.recvfrom(2048)
            except TimeoutError:
                continue
            if sender[0] == address and heard[20:] == checked(0, payload):
                return True
    return False


def checksum(data: bytes) -> int:
    """Of IP, ICMP and UDP."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def garbage(chance: random.Random, port: int) -> bytes:
    """An Ethernet frame from another neighbour that breaks some rule."""
    to, me = bytes.fromhex("025342000001"), bytes.fromhex("02aabbccdd77")
    board, mine = socket.inet_aton(BOARD_IP), socket.inet_aton(OTHER_IP)
    size = chance.choice([0, 1, 7, 8, 40, 1400])
    if chance.randrange(4) == 0:  # ARP: operations, lengths and kinds of addresses that are none, cut short
        whole = struct.pack(
            "!HHBBH", chance.choice([1, 9]), chance.choice([0x800, 0x806]), chance.randrange(256), 4, 3 + chance.randrange(99)
        )
        return (to + me + b"\x08\x06" + whole + me + mine + bytes(6) + board)[: chance.randrange(14, 43)]
    kind = chance.choice([1, 17, 17, 17, 6, chance.randrange(256)])
    body = chance.randbytes(size)
    if kind == 1:  # ICMP: a check that is wrong, and what is no request
        body = struct.pack("!BBHHH", chance.choice([8, 3, chance.randrange(256)]), 0, chance.randrange(65536), 1, 1) + body
    if kind == 17:  # UDP: lengths that lie, other ports, and what is no message
        length = chance.choice([0, 7, 8 + size, 9 + size, 65535])
        body = struct.pack("!HHHH", 7777, chance.choice([port, port, 0, 53]), length, chance.choice([0, 1])) + body
    length = chance.choice([20 + len(body)] * 3 + [0, 19, 48, 21 + len(body), 65535])
    head = struct.pack(
        "!BBHHHBBH4s4s",
        chance.choice([0x45] * 4 + [0x44, 0x4F, 0x65]),
        *(0, length, 0, chance.choice([0, 0, 0x2000, 0x1FFF]), chance.choice([64, 0]), kind, 0, mine, board),
    )
    check = checksum(head) ^ chance.choice([0, 0, 0, 1])
    frame = to + me + b"\x08\x00" + head[:10] + struct.pack("!H", check) + head[12:] + body
    return frame[: chance.choice([len(frame)] * 4 + [chance.randrange(14, len(frame) + 1)])]


def disturb(done: threading.Event, port: int, sent: list[int]) -> None:
    """Garbage from another neighbour, until it is done."""
    chance = random.Random(5)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((DEVICE, 0))
        while not done.wait(0.002):
            raw.send(garbage(chance, port))
            sent[0] += 1


def send(model: Path, data: Path, address: tuple[str, int], output: Path) -> NDArray[np.float32]:
    """What `sigmabit send` takes from the board."""
    command = [sys.executable, "-m", "sigmabit.scripts.cli", "send", str(model), "--udp", f"{address[0]}:{address[1]}"]
    command += ["--input", str(data), "--output", str(output), "--patience", "300", "--json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(found.stderr)
    taken: NDArray[np.float32] = np.load(output)
    return taken


def main(arguments: argparse.Namespace) -> None:
    """The talk."""
    own_namespace()
    network = import_model(arguments.model)
    images = (digits().test_images if arguments.input is None else np.load(arguments.input))[: arguments.count]
    expected = network.output.decode(network.results(network.input.encode(images)))
    plan = Planner(network, "xc7vx690t", ETHERNET_MHZ).fastest()
    done, sent, wrong, rounds = threading.Event(), [0], 0, 0
    with (
        tempfile.TemporaryDirectory() as folder,
        SimulatedEthernet(datagram_system_of(plan, ETHERNET_LEASE), None, DEVICE, optimise=1) as board,
    ):
        bring_up(DEVICE, HOST_IP)
        bring_up(f"{DEVICE}:1", OTHER_IP)  # who must be there: the board asks where he is before it answers him
        data = Path(folder) / "x.npy"
        np.save(data, images)
        echoed = ping(BOARD_IP, 60.0)
        noise = threading.Thread(target=disturb, args=(done, board.address[1], sent))
        end = time.monotonic() + arguments.garbage
        if arguments.garbage:
            noise.start()
        try:
            while not rounds or time.monotonic() < end:
                found = send(arguments.model, data, board.address, Path(folder) / "y.npy")
                wrong += int((found != expected).any(axis=1).sum())
                rounds += 1
        finally:
            done.set()
            if arguments.garbage:
                noise.join()
        echoed = echoed and ping(BOARD_IP, 60.0)
    told = {"ping": echoed, "frames": rounds * len(images), "wrong": wrong, "garbage": sent[0]}
    print(json.dumps(told), flush=True)
    assert not wrong


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--model", type=Path, default=DIGITS)
    asked.add_argument("--input", type=Path)
    asked.add_argument("--count", type=int)
    asked.add_argument("--garbage", type=float, default=0.0, help="Seconds.")
    main(asked.parse_args())
