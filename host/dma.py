"""A network behind an AXI DMA, as a Zynq's processor reaches it: frames from a buffer, results into one. docs/boards/zynq.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from .client import LinkError, Progress, Statistics, check_several, checked_patience

LINE = 64
"""Bytes between frames, and between results, in a buffer: descriptors have to begin so, and caches have such lines."""

LONGEST = (1 << 26) - 1
"""Bytes of a frame or of a result at most, as the block design has the DMA."""

# registers, at the channels' offsets, and their bits (PG021)
TO_NETWORK, FROM_NETWORK = 0x00, 0x30
CONTROL, STATUS, CURRENT, CURRENT_HIGH, TAIL, TAIL_HIGH = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
RUN, RESET = 1 << 0, 1 << 2
HALTED, DESCRIPTORS = 1 << 0, 1 << 3
ERRORS = {
    4: "inside",
    5: "of a slave",
    6: "of an address",
    8: "in a descriptor",
    9: "of a descriptor's slave",
    10: "of a descriptor's address",
}

# a descriptor's words
NEXT, NEXT_HIGH, ADDRESS, ADDRESS_HIGH, ORDER, RESULT = 0, 1, 2, 3, 6, 7
FIRST_AND_LAST = 1 << 27 | 1 << 26
COMPLETED, WHOLE = 1 << 31, 1 << 26
FAULTS = {28: "inside", 29: "of a slave", 30: "of an address"}


class Registers(Protocol):
    """The DMA's registers, 32 bits each; PYNQ's MMIO is one."""

    def read(self, offset: int) -> int:
        """A register's value."""

    def write(self, offset: int, value: int) -> None:
        """Set a register."""


class Buffer(Protocol):
    """Memory that the DMA reaches. PYNQ's `allocate` gives such."""

    @property
    def device_address(self) -> int:
        """Where the DMA finds it."""

    def __array__(self) -> NDArray[np.uint8]:
        """Its bytes, as they are seen here."""

    def flush(self) -> None:
        """Let the DMA see what was written here."""

    def invalidate(self) -> None:
        """See here what the DMA has written."""

    def freebuffer(self) -> None:
        """Give it back."""


Allocate = Callable[[int], Buffer]
"""A buffer of so many bytes."""


class DmaClient:
    """A network behind an AXI DMA with descriptors, one for each frame and one for each result.

    frame_bytes, result_bytes: of the network's streams. several: frames in a batch. patience: seconds without a result after
    which it gives up. What it does is what Client does, but for seeds and identities, which have no way here. Raises LinkError.
    """

    def __init__(
        self,
        registers: Registers,
        allocate: Allocate,
        frame_bytes: int,
        result_bytes: int,
        several: int = 256,
        patience: float = 10.0,
        name: str = "the DMA",
    ) -> None:
        for key, value, most in (("frame_bytes", frame_bytes, LONGEST), ("result_bytes", result_bytes, LONGEST)):
            if not 1 <= value <= most:
                raise LinkError(f"{key}={value} is not from 1 to {most}")
        check_several(several)
        self.frame_bytes, self.result_bytes, self.several = frame_bytes, result_bytes, several
        self.registers, self.patience, self.name = registers, checked_patience(patience), name
        self.statistics = Statistics()
        self._buffers: list[Buffer] = []
        if not registers.read(TO_NETWORK + STATUS) & DESCRIPTORS:
            raise LinkError(f"{name}: it takes no descriptors; is it the DMA of the block design?")
        try:
            self._frames = self._buffer(allocate, frame_bytes)
            self._results = self._buffer(allocate, result_bytes)
            self._orders = [self._buffer(allocate, LINE), self._buffer(allocate, LINE)]
            self.reset()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the DMA, which may no longer write, and give the buffers back."""
        if self._buffers:
            self._restart()
        while self._buffers:
            self._buffers.pop().freebuffer()

    def reset(self) -> None:
        """Reset the DMA, and with it the network."""
        if not self._restart():
            raise LinkError(f"{self.name}: it does not come out of its reset in {self.patience:g} s")

    def seed(self, seed: int) -> None:
        """Refused."""
        raise LinkError(f"{self.name}: a network behind a DMA takes no seed")

    def run(
        self, frames: NDArray[np.uint8], progress: Progress = lambda done, total: None, several: int | None = None
    ) -> NDArray[np.uint8]:
        """Results (N, result_bytes) of frames (N, frame_bytes), as the bytes of the network's streams.

        several: frames in a batch, at most those that there are buffers for.
        """
        if frames.ndim != 2 or frames.shape[1] != self.frame_bytes or frames.dtype != np.uint8:
            raise LinkError(
                f"frames of {frames.dtype} of shape {frames.shape}, the device takes bytes of shape (N, {self.frame_bytes})"
            )
        check_several(several)
        most = self.several if several is None else min(several, self.several)
        results = np.empty((len(frames), self.result_bytes), np.uint8)
        try:
            for first in range(0, len(frames), most):
                count = min(most, len(frames) - first)
                results[first : first + count] = self._batch(frames[first : first + count])
                progress(first + count, len(frames))
        except LinkError:
            self._restart()  # what is on its way must not be taken for the next frames' results
            raise
        return results

    # --- a batch

    def _batch(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        count = len(frames)
        given = np.asarray(self._frames)[: count * _stride(self.frame_bytes)].reshape(count, -1)
        given[:, : self.frame_bytes] = frames
        self._frames.flush()
        tails = [
            self._order(orders, buffer, size, count)
            for orders, buffer, size in zip(
                self._orders, (self._frames, self._results), (self.frame_bytes, self.result_bytes), strict=True
            )
        ]
        # the way back first: results must find a place
        for channel, orders, tail in reversed(list(zip((TO_NETWORK, FROM_NETWORK), self._orders, tails, strict=True))):
            self._set(channel + CONTROL, 0)
            self._until(partial(self._halted, channel), "it does not stop")
            self._address(channel + CURRENT, orders.device_address)
            self._set(channel + CONTROL, RUN)
            self._address(channel + TAIL, tail)
        self.statistics.requests += count
        self.statistics.bytes_sent += count * self.frame_bytes
        self._wait(count)
        self.statistics.bytes_received += count * self.result_bytes
        self._results.invalidate()
        taken = np.asarray(self._results)[: count * _stride(self.result_bytes)].reshape(count, -1)
        return taken[:, : self.result_bytes]

    def _order(self, orders: Buffer, buffer: Buffer, size: int, count: int) -> int:
        """Write descriptors for so many pieces of a buffer. Returns the last one's address."""
        words = np.asarray(orders).view(np.uint32).reshape(-1, LINE // 4)
        words[:count] = 0
        at = np.arange(count, dtype=np.uint64)
        for place, base, stride in ((NEXT, orders.device_address + LINE, LINE), (ADDRESS, buffer.device_address, _stride(size))):
            addresses = base + at * np.uint64(stride)
            words[:count, place], words[:count, place + 1] = addresses & np.uint64(0xFFFFFFFF), addresses >> np.uint64(32)
        words[:count, ORDER] = FIRST_AND_LAST | size
        orders.flush()
        return orders.device_address + (count - 1) * LINE

    def _wait(self, count: int) -> None:
        """Until all results are there, and are whole."""
        done, deadline = 0, time.monotonic() + self.patience
        while done < count:
            self._orders[1].invalidate()
            states = np.asarray(self._orders[1]).view(np.uint32).reshape(-1, LINE // 4)[:count, RESULT]
            complete = int(np.argmin(np.append(states & COMPLETED, 0) != 0))
            for number in range(done, complete):
                self._check(int(states[number]), number)
            if complete > done:
                done, deadline = complete, time.monotonic() + self.patience
            elif time.monotonic() >= deadline:
                raise LinkError(f"{self.name}: no result in {self.patience:g} s; {done} of {count} frames of a batch are done")
            for channel, said in ((TO_NETWORK, "frames"), (FROM_NETWORK, "results")):
                status = self.registers.read(channel + STATUS)
                wrong = [text for bit, text in ERRORS.items() if status >> bit & 1]
                if wrong:
                    raise LinkError(f"{self.name}: an error {wrong[0]}, of the channel for {said} (its status is {status:#x})")

    def _check(self, state: int, number: int) -> None:
        """Is a result whole?"""
        wrong = [text for bit, text in FAULTS.items() if state >> bit & 1]
        if wrong:
            raise LinkError(f"{self.name}: an error {wrong[0]}, at result {number} of a batch")
        size = state & LONGEST
        if size != self.result_bytes or not state & WHOLE:
            raise LinkError(f"{self.name}: result {number} of a batch has {size} bytes, expected {self.result_bytes}")

    # --- registers

    def _buffer(self, allocate: Allocate, size: int) -> Buffer:
        """For so many pieces as a batch has."""
        buffer = allocate(self.several * _stride(size))
        self._buffers.append(buffer)
        if buffer.device_address % LINE:
            raise LinkError(f"{self.name}: a buffer at {buffer.device_address:#x}, which is no multiple of {LINE}")
        return buffer

    def _restart(self) -> bool:
        """Reset the DMA. Returns whether it came out of that."""
        self._set(TO_NETWORK + CONTROL, RESET)
        try:
            self._until(lambda: not self.registers.read(TO_NETWORK + CONTROL) & RESET, "")
        except LinkError:
            return False
        return True

    def _halted(self, channel: int) -> bool:
        return bool(self.registers.read(channel + STATUS) & HALTED)

    def _until(self, true: Callable[[], bool], failed: str) -> None:
        deadline = time.monotonic() + self.patience
        while not true():
            if time.monotonic() >= deadline:
                raise LinkError(f"{self.name}: {failed}")

    def _address(self, register: int, address: int) -> None:
        """The high half first: a tail's low half sets it going."""
        self._set(register + 4, address >> 32)
        self._set(register, address & 0xFFFFFFFF)

    def _set(self, register: int, value: int) -> None:
        self.registers.write(register, value)


def _stride(size: int) -> int:
    """Bytes from one piece to the next."""
    return -(-size // LINE) * LINE
