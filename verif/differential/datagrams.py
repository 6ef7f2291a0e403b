"""Datagrams drawn to confuse: what golden says of each, and what the Verilog of datagram_receiver does with it."""

from __future__ import annotations

import random
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from sigmabit.golden.link.datagram import LARGEST, WORD, Datagram
from sigmabit.golden.link.deframer import Reason
from sigmabit.hdl.link.datagram_receiver import DatagramReceiverConfig, Letters, Received, datagram_receiver
from sigmabit.hdl.link.datagrams import WINDOW
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..simulation.job import Progress, SimulationError
from ..simulation.toolchain import work_folder
from ..simulation.verilator import compiled

HARNESS = Path(__file__).with_name("datagrams.cpp")

CONFIG = DatagramReceiverConfig(1 << (WINDOW * LARGEST // WORD).bit_length(), 4 * WINDOW)
"""As behind a network."""

EDGES = 0, 1, 3, 4, 5, 8, 1452, 1455, 1456, 1457, 1460
"""Sizes of payloads where something changes."""


@dataclass(frozen=True)
class Drawn:
    """A datagram on the wire: its words as bytes, and the length in bytes that UDP says it has."""

    words: bytes
    told: int

    @property
    def verdict(self) -> Datagram | Reason:
        """Golden's."""
        return Reason.TRUNCATED if self.told > len(self.words) else Datagram.unpack(self.words[: self.told])


def _sealed(body: bytes) -> bytes:
    """With a CRC that fits."""
    return body + crc32(body).to_bytes(4, "little")


def _message(kind: int, length: int, payload: bytes) -> bytes:
    """A message whose header says any length."""
    return _sealed(struct.pack("<BBHHH", kind, 0, length, 7, 3) + payload + bytes(-len(payload) % WORD))


def corners() -> list[Drawn]:
    """What every run begins with."""
    whole = [_message(2, size, bytes(size)) for size in EDGES]
    lengths = [
        _message(2, length, bytes(size)) for size in (0, 4, 1460) for length in (size + 1, size - 1 & 0xFFFF, 0xFFFD, 0xFFFF)
    ]
    large = [_message(2, size, bytes(size)) for size in (1461, 1464, 2036, 2040, 8000)]
    short = [b"", bytes(4), bytes(8), _sealed(b""), _sealed(bytes(4)), b"\xff" * 12, bytes(LARGEST), b"\xff" * LARGEST]
    found = [Drawn(data or bytes(WORD), len(data)) for data in (*whole, *lengths, *large, *short)]
    behind = [Drawn(data + bytes(20), len(data)) for data in whole]
    other = [Drawn(whole[4], told) for told in (0, 1, len(whole[4]) - 1, len(whole[4]) + 1, 1472, 1473, 0x4000, 0xFFFF)]
    return found + behind + other


def drawn(seed: int) -> Iterator[Drawn]:
    """The corners, and then whole messages and all that may become of them, without end."""
    yield from corners()
    chance = random.Random(seed)
    while True:
        size = chance.choice([*EDGES, chance.randrange(40), chance.randrange(200), chance.randrange(1461)])
        head = struct.pack("<BBHHH", chance.randrange(256), chance.randrange(256), size, chance.randrange(65536), 3)
        data = bytearray(_sealed(head + chance.randbytes(size) + bytes(-size % WORD)))
        told = None
        match chance.randrange(12):
            case 0:  # bits turned
                for _ in range(chance.randint(1, 3)):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case 1:  # a burst
                first = chance.randrange(len(data))
                data[first : first + 4] = chance.randbytes(len(data[first : first + 4]))
            case 2:
                del data[chance.randrange(len(data)) :]
            case 3:  # of a length that is wrong, and sealed
                lie = chance.choice([size + 4, size - 4, size ^ 1 << chance.randrange(16)]) & 0xFFFF
                data[2:4] = lie.to_bytes(2, "little")
                data = bytearray(_sealed(bytes(data[:-4])))
            case 4:  # longer than its header says, and sealed
                data = bytearray(_sealed(bytes(data[:-4]) + bytes(4 * chance.choice([1, 2, 300]))))
            case 5:
                data = bytearray(chance.randbytes(chance.randrange(1500)))
            case 6:  # words behind it
                told = len(data)
                data += chance.randbytes(4 * chance.randint(1, 5))
            case 7:
                told = chance.choice([len(data) + chance.randint(-5, 5), chance.randrange(65536)])
            case 8:  # two at once
                data += data[: 4 * chance.randrange(1, 20)]
        told = len(data) if told is None else max(told, 0)
        yield Drawn(bytes(data) + bytes(-len(data) % WORD) or bytes(WORD), told)


def fuzzed(count: int, seed: int, progress: Progress = lambda what, done, total: None) -> Counter[str]:
    """How many of so many datagrams golden takes, and refuses for each reason; the Verilog does the same with each.

    Raises SimulationError where it does not, with the first that differs, and where it hangs.
    """
    progress("drawing", 0, count)
    chance, source = random.Random(seed + 1), drawn(seed)
    arrivals = [(chance.getrandbits(48), next(source)) for _ in range(count)]
    progress("building", 0, 0)
    design = convert(datagram_receiver(bit(), reset(), Received(), Letters(), wire(32), CONFIG))
    told = f'#include "V{design.top}.h"\n#define SIM_TOP V{design.top}\n'
    told += f"constexpr unsigned DEPTH = {CONFIG.depth}, MESSAGES = {CONFIG.messages};\n"
    program = compiled(design, HARNESS, told)
    with work_folder() as folder:
        with (folder / "datagrams.bin").open("wb") as file:
            for sender, one in arrivals:
                file.write(struct.pack("<QII", sender, one.told & 0xFFFF, len(one.words) // WORD) + one.words)
        progress("simulating", 0, 0)
        command = [str(program), "datagrams.bin", "messages.bin", str(seed & 0xFFFFFFFF)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SimulationError(f"{design.top}: {done.stderr.strip() or f'ended with status {done.returncode}'}")
        messages, refused = (folder / "messages.bin").read_bytes(), int(done.stdout)
    at, verdicts = 0, Counter[str]()
    for number, (sender, one) in enumerate(arrivals):
        verdict = one.verdict
        if isinstance(verdict, Reason):
            verdicts[verdict.name.lower()] += 1
            continue
        verdicts["taken"] += 1
        whole = struct.pack("<Q", sender) + one.words[: one.told - WORD]
        if messages[at : at + len(whole)] != whole:
            raise SimulationError(
                f"{design.top}: datagram {number} of {one.told} bytes is another than golden's: {one.words[:40].hex()}"
            )
        at += len(whole)
    if at != len(messages) or refused != count - verdicts["taken"]:
        raise SimulationError(f"{design.top}: {refused} datagrams refused, golden refuses {count - verdicts['taken']}")
    return verdicts
