"""Real frames through a real serial port, a simulated board, and back: equal to golden, whatever the line does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from sigmabit.fpga.board import Board, Clock
from sigmabit.fpga.boards import board as board_named
from sigmabit.fpga.boards import files
from sigmabit.golden import Coding, Network, Precision, calibrated, import_model, import_real
from sigmabit.golden.link.framer import frame
from sigmabit.golden.network.identity import identity
from sigmabit.hdl.link.link import System, SystemConfig, system_of
from sigmabit.hdl.planning.plan import read_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert
from sigmabit.host import Client, LinkError, open_port
from sigmabit.scripts.api import boards
from sigmabit.scripts.data.datasets import digits

from ..board import DIVISOR, Damage, DamagedLine, SimulatedBoard, on_board
from ..harness.command_line import COMMAND, DIGITS, MODELS, Call, Refused, Tiny, command, outside
from ..harness.onnx_graphs import Builder, signs
from ..simulation import Noise, SimulationError

PATIENCE = 300.0
"""Seconds that a busy machine may take for an answer."""

INTERVAL = 2000
"""Cycles per frame of these pipelines: the line is slower."""


def board_of(network: Network, optimise: int = 0) -> SimulatedBoard:
    """A board with a network. optimise: the compiler's level."""
    plan = Planner(network, "xc7vx690t", clock_mhz=200.0).plan(INTERVAL)
    return SimulatedBoard(system_of(plan, DIVISOR), board_named("vc709"), optimise=optimise)


@pytest.fixture(scope="module")
def network() -> Network:
    """The classifier of digits."""
    return import_model(DIGITS)


@pytest.fixture(scope="module")
def board(network: Network) -> Iterator[SimulatedBoard]:
    """A board that recognises digits."""
    with board_of(network, optimise=2) as running:
        yield running


def packed(network: Network, x: NDArray) -> NDArray[np.uint8]:
    """Frames as they lie on the stream."""
    return network.input.tensor.layout.on_axi().pack(network.input.encode(x)).reshape(len(x), -1)


def results(network: Network, x: NDArray) -> NDArray[np.uint8]:
    """Golden's results, as they lie on the stream."""
    return network.result.on_axi().pack(network.results(network.input.encode(x))).reshape(len(x), -1)


def test_damaged_line(board: SimulatedBoard, network: Network) -> None:
    """Over 1,000 requests, of which more than 5 % are damaged, and answers: none lost, none doubled, none wrong."""
    x = np.concatenate([digits().test_images] * 2)
    with (
        DamagedLine(board.port, Damage(4e-4, 4e-4, 4e-4, 1e-4), seed=5) as line,
        Client.open(line.port, patience=PATIENCE) as client,
    ):
        before = client.status()
        shown = []
        got = client.run(packed(network, x), lambda done, total: shown.append((done, total)), several=1)
        after = client.status()
    assert (got == results(network, x)).all()
    assert client.statistics.requests == len(x) >= 1000
    assert line.damaged >= 0.05 * line.frames
    assert client.statistics.repeated > 0 and after.refused > before.refused
    # each was executed once
    assert after.frames_in - before.frames_in == after.frames_out - before.frames_out == len(x)
    assert shown == [(done, len(x)) for done in range(1, len(x) + 1)]


def test_worse_line(board: SimulatedBoard, network: Network) -> None:
    """With half of the requests damaged there is progress all the same."""
    x = digits().test_images[:40]
    with (
        DamagedLine(board.port, Damage(1e-3, 1e-3, 1e-3, 5e-4), seed=7) as line,
        Client.open(line.port, patience=PATIENCE) as client,
    ):
        assert (client.run(packed(network, x), several=4) == results(network, x)).all()
    assert line.damaged >= 0.25 * line.frames


def test_noise_and_other_clients(board: SimulatedBoard, network: Network) -> None:
    """Whatever was sent before, half a request included, the next client finds its place."""
    x = digits().test_images[:3]
    for before in (os.urandom(5000), frame(2, 0, bytes(64))[:40], bytes(1000), frame(2, 77, bytes(64)) * 3, bytes([255]) * 3000):
        port = open_port(board.port, 921_600)
        port.write(before)
        port.close()
        with Client.open(board.port, patience=PATIENCE) as client:
            assert (client.run(packed(network, x)) == results(network, x)).all()


def test_overhead(tmp_path: Path) -> None:
    """A line that is always busy, with frames of 784 bytes: the link takes less than 5 % of it, counted on the board."""
    g = Builder((1, 28, 28))
    weights = signs(np.random.default_rng(3), 784, 10)
    file = g.save(tmp_path / "dense.onnx", g("MatMul", g("Flatten", g.quant("x", 8, signed=0, name="pixels")), weights))
    network, count = import_model(file), 40
    x = np.random.default_rng(1).integers(0, 256, (count, 1, 28, 28)).astype(np.float32)
    with board_of(network) as board, Client.open(board.port, patience=PATIENCE) as client:
        assert client.device.frame_bytes == 784
        spans = []
        for _ in range(3):
            board.span()
            assert (client.run(packed(network, x)) == results(network, x)).all()
            spans.append(board.span())
    assert client.statistics.repeated == 0
    # of three runs, since this process may be kept waiting, which is no fault of the link's
    assert min(spans) / (count * 784 * 10 * DIVISOR) <= 1.05


def test_seeds() -> None:
    """An autoencoder's samples: those of the seed that was sent, from the first on."""
    network = import_model(MODELS / "digits_vae.onnx")
    assert network.latent is not None
    x, result = digits().test_images[:5], network.result.on_axi()
    with board_of(network) as board, Client.open(board.port, patience=PATIENCE) as client:
        for seed in (0, 7, (1 << 64) - 1, 7):
            client.seed(seed)
            drawn = Noise(seed).codes(network.latent.latents, len(x), 1)
            wanted = result.pack(network.results(network.input.encode(x), drawn)).reshape(len(x), -1)
            assert (client.run(packed(network, x)) == wanted).all()
    assert client.statistics.refused == 0  # requests may be repeated: on a busy machine this board is slower than any real one


def test_codes_of_12_bits(tmp_path: Path) -> None:
    """Signed numbers of two bytes each, from calibration to a board and back."""
    g, random = Builder((6,)), np.random.default_rng(9)
    hidden = g("Relu", g("Gemm", "x", random.normal(size=(6, 5)).astype(np.float32)))
    path = g.save(tmp_path / "m.onnx", g("Gemm", hidden, random.normal(size=(5, 2)).astype(np.float32)))
    x = random.integers(-2048, 2048, (20, 6)).astype(np.float32)
    calibration = calibrated(import_real(path, coding=Coding.fitting(x)), x, Precision())
    network = import_model(path, calibration=calibration)
    with board_of(network) as board, Client.open(board.port, patience=PATIENCE) as client:
        assert client.device.frame_bytes == 12
        assert (client.run(packed(network, x)) == results(network, x)).all()


def test_positions_side_by_side(tmp_path: Path) -> None:
    """Rows of 5 that come three positions at a time, and rows of results that leave so: on the line there is no trace of it."""
    g, random = Builder((2, 3, 5)), np.random.default_rng(4)
    hidden = g.quant(
        g("Conv", g.quant("x", 4, signed=0, name="pixels"), signs(random, 4, 2, 3, 3), pads=[1, 1, 1, 1]), 1, name="sign"
    )
    network = import_model(g.save(tmp_path / "m.onnx", g("Conv", hidden, signs(random, 3, 4, 1, 1))))
    plan = Planner(network, "xc7vx690t", clock_mhz=200.0, positions=3).plan(INTERVAL)
    control = system_of(plan, DIVISOR).link.control
    assert (control.source_bytes, control.source_row, control.result_bytes, control.result_row) == (6, (2, 4), 9, (2, 6))
    x = random.integers(0, 16, (40, 2, 3, 5)).astype(np.float32)
    with (
        SimulatedBoard(system_of(plan, DIVISOR), optimise=0) as board,
        Client.open(board.port, patience=PATIENCE) as client,
    ):
        assert (client.device.frame_bytes, client.device.result_bytes) == (30, 45)
        assert (client.run(packed(network, x)) == results(network, x)).all()
        assert client.status().malformed == 0


@pytest.mark.long
@pytest.mark.parametrize(("positions", "interval"), [(4, 64)])
def test_serve_and_send_side_by_side(positions: int, interval: int, tmp_path: Path) -> None:
    """A plan with several positions per transfer, through the commands: the same requests, and the same results."""
    x, y, plan = digits().test_images[:50], tmp_path / "y.npy", tmp_path / "plan.json"
    np.save(tmp_path / "x.npy", x)
    wanted = "--part", "xc7vx690t", "--positions", positions, "--interval", interval
    planned = command("plan", DIGITS, *wanted, "-o", plan, "--json").json
    assert (planned["positions"], planned["interval_cycles"]) == (positions, interval)
    serving = subprocess.Popen([COMMAND, "serve-sim", DIGITS, "--plan", plan], env=outside(), stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        port = serving.stdout.readline().split()[-1]
        given = "--port", port, "--input", tmp_path / "x.npy", "--patience", PATIENCE
        sent = command("send", DIGITS, *given, "--output", y, "--json").json
        assert (sent["frames"], sent["requests"], sent["refused"]) == (50, 4, 0)
        assert (np.load(y) == import_model(DIGITS).run(x)).all()
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(10) == 0


def test_reset(board: SimulatedBoard, network: Network) -> None:
    """Counters begin again, turns go on."""
    x = digits().test_images[:4]
    with Client.open(board.port, patience=PATIENCE) as client:
        client.run(packed(network, x))
        before = client.status()
        client.reset()
        after = client.status()
        assert (before.frames_in >= 4, after.frames_in, after.expected) == (True, 0, (before.expected + 1) % 256)
        assert (client.run(packed(network, x)) == results(network, x)).all()
        with pytest.raises(LinkError, match=r"draws no samples, and takes no seed$"):
            client.seed(1)


def test_lamps(board: SimulatedBoard, network: Network) -> None:
    """The first blinks and the second is lit; the next four show traffic, and only then; the last two are never lit here."""

    def seen(calls: int) -> set[int]:
        return {board.lamps() for _ in range(calls)}

    x = digits().test_images[:200]
    with Client.open(board.port, patience=PATIENCE) as client:
        client.run(packed(network, x[:1]))
        time.sleep(0.5)
        assert all(lamps & 0b11111110 == 0b10 for lamps in seen(20))
        sending = threading.Thread(target=client.run, args=(packed(network, x),))
        sending.start()
        lit = set()
        while sending.is_alive():
            lit |= seen(1)
        sending.join()
    assert {lamps & 1 for lamps in lit} == {0, 1}
    assert all(any(lamps >> number & 1 for lamps in lit) for number in (2, 3, 4, 5))
    assert all(lamps & 0b11000010 == 0b10 for lamps in lit)


FEW_PINS = files()["arty_a7_100"].read_text()
OTHERS = {
    "single-ended, active-low reset, four lamps": (FEW_PINS, 4),
    "lamps lit when low": (FEW_PINS.replace("[configuration]", 'lit = "low"\n\n[configuration]'), 4),
    "no reset, no lamps": (re.sub(r"\[(reset|lamps)\].*?\n\n", "", FEW_PINS, flags=re.DOTALL), 0),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_boards(kind: str, tmp_path: Path) -> None:
    """Frames through the pins of boards from files; lamps that there are blink, are lit and show traffic, as on others."""
    text, lamps = OTHERS[kind]
    file = tmp_path / "other.toml"
    file.write_text(text)
    network = import_model(Tiny().save(tmp_path / "tiny.onnx"))
    plan = Planner(network, "xc7a100t", clock_mhz=100.0).plan(INTERVAL)
    x = np.random.default_rng(1).integers(0, 8, (200, 1, 4, 4)).astype(np.float32)
    with (
        SimulatedBoard(system_of(plan, DIVISOR), board_named(str(file)), optimise=0) as running,
        Client.open(running.port, patience=PATIENCE) as client,
    ):
        got: list[NDArray[np.uint8]] = []
        sending = threading.Thread(target=lambda: got.append(client.run(packed(network, x))))
        sending.start()
        lit = set()
        while sending.is_alive():
            lit.add(running.lamps())
        sending.join()
    assert (got[0] == results(network, x)).all()
    assert [{seen >> number & 1 for seen in lit} for number in range(8)] == [
        *[{0, 1}, {1}, {0, 1}, {0, 1}][:lamps],
        *[{0}] * (8 - lamps),
    ]


def test_silence() -> None:
    """A port at which nobody answers, and one that is none."""
    far, near = os.openpty()
    try:
        says = r"^/dev/\S+: no answer in 0.3 s, asked once; is it the right port, and the right rate\?$"
        with pytest.raises(LinkError, match=says):
            Client.open(os.ttyname(near), patience=0.3)
    finally:
        os.close(far)
        os.close(near)
    with pytest.raises(LinkError, match=r"^/nonsense: cannot be opened as a serial port: No such file or directory$"):
        Client.open("/nonsense")


def test_condition(tmp_path: Path, call: Call) -> None:
    """What a graph takes beside its input travels with each frame."""
    g, random = Builder((6,)), np.random.default_rng(9)
    g.inputs.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, ["N", 3]))
    hidden = g("Relu", g("Gemm", g("Concat", "x", "c", axis=1), random.normal(size=(9, 5)).astype(np.float32)))
    path, ready = (
        g.save(tmp_path / "m.onnx", g("Gemm", hidden, random.normal(size=(5, 2)).astype(np.float32))),
        tmp_path / "r.onnx",
    )
    x, c = random.normal(size=(20, 6)).astype(np.float32), np.eye(3, dtype=np.float32)[np.arange(20) % 3]
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "c.npy", c)
    given = "--input", tmp_path / "x.npy", "--condition", tmp_path / "c.npy"
    assert call("calibrate", path, *given, "-o", ready).status == 0
    network = import_model(ready)
    with board_of(network) as board:
        sent = "--port", board.port, "--patience", PATIENCE, "--output", tmp_path / "y.npy"
        assert call("send", ready, *given, *sent, "--json").json["frames"] == 20
    assert np.array_equal(np.load(tmp_path / "y.npy"), network.run(network.input.joined(x, c)))


def test_serve_and_send(tmp_path: Path, board: SimulatedBoard) -> None:
    """Both commands, each in a process of its own."""
    x, y = digits().test_images[:50], tmp_path / "y.npy"
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labels.npy", digits().test_labels[:50])
    serving = subprocess.Popen([COMMAND, "serve-sim", DIGITS], env=outside(), stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        port = serving.stdout.readline().split()[-1]
        given = "--port", port, "--input", tmp_path / "x.npy", "--patience", PATIENCE
        sent = command("send", DIGITS, *given, "--output", y, "--labels", tmp_path / "labels.npy", "--json").json
        assert (sent["frames"], sent["requests"], sent["repeated"], sent["refused"]) == (50, 4, 0, 0)
        network = import_model(DIGITS)
        assert (np.load(y) == network.run(x)).all()
        told = command("status", "--port", port, "--json").json
        assert (told["model"], told["frames_in"], told["frames_out"]) == (identity(network).hex(), 50, 50)
        assert (told["version"], told["dropped"], told["malformed"], told["refused"]) == (version("sigmabit"), 0, 0, 0)
        assert told["busy_cycles"] > 50 and told["port"] == port
        for_people = command("status", "--port", port)
        assert for_people.status == 0 and re.search(r"frames in +50\n", for_people.out), for_people.out
        other = command("send", MODELS / "digits_vae.onnx", *given)
        assert other.status == 2 and "holds another network than" in other.err
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(10) == 0


def test_wrong_ports(refused: Refused, own_folder: None, tiny: Path, data: Path) -> None:
    """One sentence, status 2, for each command that opens a port."""
    for ask in (["send", tiny, "--input", data / "x.npy"], ["status"]):
        refused([*ask, "--port", "/dev/null"], "/dev/null: cannot be opened as a serial port: it is no serial port")
        far, near = os.openpty()
        port = os.ttyname(near)
        refused([*ask, "--port", port, "--baud", 3_000_000_000], f"{port}: a serial port cannot have a rate of 3000000000 baud")
        refused([*ask, "--port", port, "--patience", 0.3], f"{port}: no answer in 0.3 s")
        os.close(far)
        os.close(near)


def test_help(call: Call) -> None:
    """The sampler of a device goes on from where it is."""
    said = " ".join(call("send", "--help").out.split())
    assert "Seed with which the model's sampler begins (default: it goes on from where it is)" in said


@pytest.mark.parametrize("key", ["kc705", "vc709"])
def test_the_board_that_is_written(key: str, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What serve-sim simulates is what `board` writes: plan, part, clock and top, but for the rate and the time of a blink."""
    simulated = []

    class Stand:
        def __init__(self, config: SystemConfig, on: Board, progress: object, clock: Clock) -> None:
            simulated.append((config, on_board(convert(System(config).outline()), on, clock)))
            raise SimulationError("that is all")

    monkeypatch.setattr(boards, "SimulatedBoard", Stand)
    for number, given in enumerate(([], ["--clock-mhz", 150])):
        folder = tmp_path / str(number)
        written = call("board", DIGITS, "--board", key, *given, "-o", folder, "--json").json
        assert call("serve-sim", DIGITS, "--board", key, *given).err == "error: that is all\n"
        config, design = simulated.pop()
        assert (written["part"], written["model"]) == (board_named(key).part, identity(import_model(DIGITS)).hex())
        assert config.core == read_plan(folder / "plan.json", import_model(DIGITS)).pipeline
        top = (folder / f"{written['top']}.v").read_text()
        assert design.modules[written["top"]].text == re.sub(r"BITS\(\d+\)", "BITS(12)", top)
        planned = call("serve-sim", DIGITS, "--board", key, *given, "--plan", folder / "plan.json")
        assert (
            planned.err == "error: that is all\n"
            and simulated.pop()[1].modules[written["top"]].text == design.modules[written["top"]].text
        )
