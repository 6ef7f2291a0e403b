"""The host's side of an AXI DMA, on a simulated one: the interface of the serial client, and what goes wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden import import_model
from sigmabit.host import Client, DmaClient, LinkError
from sigmabit.scripts.data.datasets import digits

from ..board.dma import BACK, NETWORK, Dma, Memory
from ..harness.command_line import DIGITS


def reversed_frame(frame: bytes) -> bytes:
    """A network that gives the first five bytes backwards."""
    return frame[:5][::-1]


def client(dma: Dma, several: int = 4, frame_bytes: int = 9, result_bytes: int = 5) -> DmaClient:
    """A client of it."""
    return DmaClient(dma, dma.memory.allocate, frame_bytes, result_bytes, several, patience=0.2)


def frames(count: int, size: int = 9) -> NDArray[np.uint8]:
    """Some."""
    return np.random.default_rng(count).integers(0, 256, (count, size), np.uint8)


def expected(x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What that network gives."""
    return x[:, :5][:, ::-1]


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(count=st.integers(0, 13), several=st.integers(1, 6), asked=st.none() | st.integers(1, 9), late=st.integers(0, 5))
def test_every_frame_has_its_result(count: int, several: int, asked: int | None, late: int) -> None:
    """In order, whatever batches they go in, and however late results come."""
    memory = Memory()
    with client(Dma(memory, reversed_frame, late), several) as dma:
        done: list[tuple[int, int]] = []
        x = frames(count)
        assert (dma.run(x, lambda now, total: done.append((now, total)), asked) == expected(x)).all()
        assert dma.run(x).shape == (count, 5)
        assert done[-1:] == ([(count, count)] if count else [])
    assert memory.held == 0


def test_a_network() -> None:
    """digits_bcnn by golden behind the DMA: the same results as without."""
    network = import_model(DIGITS)
    x = network.input.encode(digits().test_images[:20])
    source, result = network.input.tensor.layout.on_axi(), network.result.on_axi()
    packed = source.pack(x).reshape(len(x), -1)
    known = {frame.tobytes(): answer.tobytes() for frame, answer in zip(packed, result.pack(network.results(x)), strict=True)}
    with client(Dma(Memory(), known.__getitem__), 8, packed.shape[1], len(next(iter(known.values())))) as dma:
        received = dma.run(packed)
    assert (
        result.unpack(received.reshape(-1, result.beat_bits // 8)).reshape(network.results(x).shape) == network.results(x)
    ).all()


def test_interface() -> None:
    """What programs use of the serial client is there, with the same arguments."""
    for name in ("run", "reset", "seed", "close", "__enter__", "__exit__"):
        ours, theirs = (inspect.signature(getattr(of, name)) for of in (DmaClient, Client))
        assert [(p.name, p.kind, p.annotation) for p in ours.parameters.values()] == [
            (p.name, p.kind, p.annotation) for p in theirs.parameters.values()
        ]
        assert ours.return_annotation == theirs.return_annotation
    with client(Dma(Memory(), reversed_frame)) as dma:
        dma.run(frames(3))
        assert (dma.statistics.requests, dma.statistics.bytes_sent, dma.statistics.bytes_received) == (3, 27, 15)


def test_reset() -> None:
    """At the beginning, on demand, after a failure, and at the end."""
    dma = Dma(Memory(), reversed_frame)
    with client(dma) as device:
        device.reset()
        assert dma.resets == 2
        dma.spoil = lambda results: []
        with pytest.raises(LinkError, match=r"^the DMA: no result in 0.2 s; 0 of 2 frames of a batch are done$"):
            device.run(frames(2))
        assert dma.resets == 3
        dma.spoil = lambda results: results
        assert (device.run(frames(2)) == expected(frames(2))).all()  # nothing of the former batch is left
    assert dma.resets == 4


def raised(register: int, bit: int) -> Callable[[Dma], None]:
    """An error in a channel's status."""
    return lambda dma: dma.errors.__setitem__(register, 1 << bit)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda dma: setattr(dma, "spoil", lambda r: [r[0], r[1][:-1], *r[2:]]), "result 1 of a batch has 4 bytes, expected 5"),
        (lambda dma: setattr(dma, "spoil", lambda r: [r[0] + b"x", *r[1:]]), "result 0 of a batch has 6 bytes, expected 5"),
        (lambda dma: setattr(dma, "spoil", lambda r: r[:2]), r"no result in 0.2 s; 2 of 3 frames of a batch are done"),
        (lambda dma: setattr(dma, "network", lambda frame: {}[frame]), r"an error of an address, of the channel for frames .*"),
        (raised(NETWORK, 4), r"an error inside, of the channel for frames \(its status is 0x18\)"),
        (raised(BACK, 8), r"an error in a descriptor, of the channel for results \(its status is 0x108\)"),
    ],
)
def test_failures(break_it: Callable[[Dma], None], message: str) -> None:
    """Each is one sentence, and no result is given."""
    dma = Dma(Memory(), reversed_frame)
    with client(dma) as device:
        break_it(dma)
        with pytest.raises(LinkError, match=f"^the DMA: {message}$"):
            device.run(frames(3))


def test_no_such_dma() -> None:
    """One that has no descriptors, does not come out of its reset, or whose buffers lie askew: nothing is kept."""
    memory = Memory()
    with pytest.raises(LinkError, match=r"^the DMA: it takes no descriptors; is it the DMA of the block design\?$"):
        client(Dma(memory, reversed_frame, descriptors=False))
    with pytest.raises(LinkError, match=r"^the DMA: it does not come out of its reset in 0.2 s$"):
        client(Dma(memory, reversed_frame, stuck=True))
    with pytest.raises(LinkError, match=r"^the DMA: a buffer at 0x100000008, which is no multiple of 64$"):
        client(Dma(Memory(0x1_0000_0008), reversed_frame))
    assert memory.held == 0


@pytest.mark.parametrize(
    ("frame_bytes", "result_bytes", "several", "message"),
    [
        (0, 5, 4, "frame_bytes=0 is not from 1 to 67108863"),
        (9, 1 << 26, 4, "result_bytes=67108864 is not from 1 to 67108863"),
        (9, 5, 0, "several=0 is below 1"),
        (9, 5, 1.5, "several=1.5 is no whole number"),
    ],
)
def test_sizes(frame_bytes: int, result_bytes: int, several: float, message: str) -> None:
    """Are checked before anything is allocated."""
    memory = Memory()
    with pytest.raises(LinkError, match=f"^{message}$"):
        client(Dma(memory, reversed_frame), several, frame_bytes, result_bytes)  # type: ignore[arg-type]
    assert memory.held == 0


def test_arguments() -> None:
    """Frames of another shape or type, batches of none, seeds."""
    with client(Dma(Memory(), reversed_frame)) as device:
        with pytest.raises(LinkError, match=r"^frames of uint8 of shape \(2, 8\), the device takes bytes of shape \(N, 9\)$"):
            device.run(frames(2, 8))
        with pytest.raises(LinkError, match=r"^frames of int64 of shape \(2, 9\)"):
            device.run(frames(2).astype(np.int64))  # type: ignore[arg-type]
        with pytest.raises(LinkError, match=r"^several=0 is below 1$"):
            device.run(frames(2), several=0)
        with pytest.raises(LinkError, match=r"^the DMA: a network behind a DMA takes no seed$"):
            device.seed(1)


@pytest.mark.parametrize("patience", [0, -1.0, float("nan"), float("inf")])
def test_patience(patience: float) -> None:
    """Must be a time that ends."""
    memory = Memory()
    with pytest.raises(LinkError, match=f"^patience={patience} is no number of seconds above 0$"):
        DmaClient(Dma(memory, reversed_frame), memory.allocate, 9, 5, patience=patience)
    assert memory.held == 0
