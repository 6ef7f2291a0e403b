"""An AXI DMA with descriptors between a memory and a network, as its guide, PG021, has it; and the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NETWORK, BACK = 0x00, 0x30


class Memory:
    """Bytes from an address on. What is written here reaches the DMA when it is flushed; invalidating is the other way."""

    def __init__(self, base: int = 0x1_0000_0040) -> None:
        self.next, self.held = base, 0
        self.content: dict[int, int] = {}

    def allocate(self, size: int) -> SharedBuffer:
        """A buffer of so many bytes, of lines of 64."""
        buffer = SharedBuffer(self, self.next, size)
        self.next += -(-size // 64) * 64 + 64
        self.held += 1
        return buffer

    def read(self, address: int, size: int) -> bytes:
        """What the DMA finds. Raises KeyError where there is no memory."""
        return bytes(self.content[address + number] for number in range(size))

    def write(self, address: int, data: bytes) -> None:
        """What the DMA writes. Raises KeyError where there is no memory."""
        self.read(address, len(data))
        self.content |= {address + number: byte for number, byte in enumerate(data)}


class SharedBuffer:
    """A part of the memory, with a copy of it as the processor's caches hold."""

    def __init__(self, memory: Memory, address: int, size: int) -> None:
        self.memory, self.device_address = memory, address
        self.cached = np.full(size, 0xA5, np.uint8)
        memory.content |= {address + number: 0x5A for number in range(size)}

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[np.uint8]:
        return self.cached

    def flush(self) -> None:
        """To the memory."""
        self.memory.write(self.device_address, self.cached.tobytes())

    def invalidate(self) -> None:
        """From the memory."""
        self.cached[:] = np.frombuffer(self.memory.read(self.device_address, len(self.cached)), np.uint8)

    def freebuffer(self) -> None:
        """Its memory is no more."""
        for number in range(len(self.cached)):
            del self.memory.content[self.device_address + number]
        self.memory.held -= 1


@dataclass
class Dma:
    """The registers. network: a frame's result. late: how often a status is asked for before there are results. spoil: what
    becomes of the results of a batch. stuck: it does not come out of a reset. descriptors: it has them.
    """

    memory: Memory
    network: Callable[[bytes], bytes]
    late: int = 0
    spoil: Callable[[list[bytes]], list[bytes]] = lambda results: results
    stuck: bool = False
    descriptors: bool = True
    registers: dict[int, int] = field(default_factory=dict)
    errors: dict[int, int] = field(default_factory=lambda: {NETWORK: 0, BACK: 0})
    waiting: list[bytes] = field(default_factory=list)
    resets: int = 0
    asked: int = 0

    def read(self, offset: int) -> int:
        """A register."""
        channel = BACK if offset >= BACK else NETWORK
        if offset - channel == 0x04:
            self.asked += 1
            if self.asked > self.late:
                self._work()
            halted = not self.registers.get(channel, 0) & 1
            return halted | self.descriptors << 3 | self.errors[channel]
        return self.registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set a register."""
        assert 0 <= value < 1 << 32 and offset % 4 == 0
        channel = BACK if offset >= BACK else NETWORK
        if offset == channel and value & 4:
            self.resets += 1
            self.registers = {channel: 4} if self.stuck else {}
            self.errors, self.waiting = {NETWORK: 0, BACK: 0}, []
            return
        running = self.registers.get(channel, 0) & 1
        assert offset - channel not in (0x08, 0x0C) or not running, "the current descriptor is set while it runs"
        assert offset - channel not in (0x10, 0x14) or running, "the last descriptor is set while it does not run"
        self.registers[offset] = value
        if offset - channel == 0x10:
            self.registers[channel + 0x100] = 1  # there is something to do
            self.asked = 0

    def _work(self) -> None:
        """Take frames, give results, as far as there are descriptors for them."""
        try:
            for at, address, size in self._orders(NETWORK):
                self.waiting.append(self.network(self.memory.read(address, size)))
                self._done(at, size)
        except KeyError:
            self.errors[NETWORK] |= 1 << 6
            return
        if self.waiting:
            self.waiting = self.spoil(self.waiting)
            try:
                for at, address, size in self._orders(BACK, len(self.waiting)):
                    data = self.waiting.pop(0)
                    self.memory.write(address, data[:size])
                    self._done(at, len(data))
            except KeyError:
                self.errors[BACK] |= 1 << 6

    def _orders(self, channel: int, most: int = 1 << 30) -> Iterator[tuple[int, int, int]]:
        """Addresses of descriptors, of what they are of, and sizes, up to the last one."""
        if not self.registers.pop(channel + 0x100, 0):
            return
        at, tail = self._register(channel + 0x08), self._register(channel + 0x10)
        for _ in range(most):
            words = np.frombuffer(self.memory.read(at, 64), np.uint32)
            order = int(words[6])
            assert order >> 26 & 3 == 3 and not words[7] and at % 64 == 0
            yield at, int(words[2]) | int(words[3]) << 32, order & (1 << 26) - 1
            if at == tail:
                return
            at = int(words[0]) | int(words[1]) << 32

    def _register(self, offset: int) -> int:
        return self.registers[offset] | self.registers[offset + 4] << 32

    def _done(self, at: int, size: int) -> None:
        self.memory.write(at + 28, (1 << 31 | 1 << 26 | size).to_bytes(4, "little"))
