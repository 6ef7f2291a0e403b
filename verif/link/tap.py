"""A simulated board at a TAP device of a network namespace of its own, with this machine's kernel as the peer.

    python -m sigmabit.verif.link.tap FRAMES

pings the board and sends it digits; prints what came of it as JSON. Rights to make namespaces and devices are needed.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import time

import numpy as np

from sigmabit.golden import import_model
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.hdl.planning.planner import Planner
from sigmabit.host import DatagramClient
from sigmabit.scripts.data.datasets import digits

from ..board import ETHERNET_LEASE, ETHERNET_MHZ, SimulatedEthernet
from ..board.ethernet import BOARD_IP
from ..harness.command_line import DIGITS

NAMESPACE_OF_NETWORK = 0x40000000
SET_ADDRESS, SET_MASK, SET_FLAGS = 0x8916, 0x891C, 0x8914
UP_AND_RUNNING = 0x41
DEVICE, HOST_IP = "sigmabit0", "192.168.1.1"


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


def main(count: int) -> None:
    """The talk."""
    own_namespace()
    network = import_model(DIGITS)
    codes = network.input.encode(digits().test_images[:count])
    frames = network.input.tensor.layout.on_axi().pack(codes).reshape(count, -1)
    plan = Planner(network, "xc7vx690t", ETHERNET_MHZ).fastest()
    with SimulatedEthernet(datagram_system_of(plan, ETHERNET_LEASE), None, DEVICE, optimise=1) as board:
        bring_up(DEVICE, HOST_IP)
        echoed = ping(BOARD_IP, 60.0)
        with DatagramClient(board.address, patience=120.0) as client:
            results = client.run(frames)
    expected = network.result.on_axi().pack(network.results(codes)).reshape(count, -1)
    print(json.dumps({"ping": echoed, "frames": count, "wrong": int((results != expected).any(axis=1).sum())}), flush=True)
    assert np.array_equal(results, expected)


if __name__ == "__main__":
    main(int(sys.argv[1]))
