"""What cocotb runs inside a Verilog simulator: the suite, samples and ports that the environment names."""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer
from greenlet import getcurrent, greenlet
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.verif.harness.bench import CLOCK_NAMES, Values, VerilogDut
from sigmabit.verif.harness.suite import MUTANT

PATIENCE, PATIENCE_S = 3, 0.5
"""A mutant hangs that takes so many times as long as none, and so many seconds, of a processor."""


@cocotb.test()
async def suite(dut: Any) -> None:
    """The suite's property on its samples, one after the other. What fails names its sample."""
    module, name = os.environ["SIGMABIT_SUITE"].split(":")
    tests = getattr(importlib.import_module(module), name)()
    all_ports = json.loads(os.environ["SIGMABIT_PORTS"])
    assert len(all_ports) == len(tests.samples) > 0
    if "SIGMABIT_MUTANTS" in os.environ:
        await _judge(tests, dut, all_ports)
        return
    for number, directions in enumerate(all_ports):
        config = tests.samples[number]
        ports = {name: getattr(dut, f"sample_{number}_{name}") for name in directions}
        try:
            await _sample(tests, config, ports, {name: ports[name] for name, output in directions.items() if output})
        except BaseException as error:
            error.add_note(f"in sample {number}: {config}")
            raise


async def _judge(tests: Any, dut: Any, all_ports: Sequence[Mapping[str, bool]]) -> None:
    """Whether the suite passes on each mutant, a line of JSON for each in the order in which they end.

    Each is tried in a process of its own, a copy of this one before its first clock: no start of a simulator, and nothing is left
    of one mutant in the next. What takes many times longer than its sample without a mutant hangs.
    """
    todo: list[tuple[int, int]] = [(sample, mutant) for sample, mutant in json.loads(os.environ["SIGMABIT_MUTANTS"])]
    verdicts = Path(os.environ["SIGMABIT_VERDICTS"])
    _warm_up()
    limits = {}
    for sample in sorted({sample for sample, _ in todo}):
        pid = os.fork()
        if pid == 0:
            await _try(tests, dut, sample, 0, all_ports, None)
        _, status, used = os.wait4(pid, 0)
        assert status == 0, f"sample {sample} fails without a mutant"
        limits[sample] = PATIENCE_S + PATIENCE * used.ru_utime
    running: dict[int, tuple[int, int]] = {}
    while todo or running:
        if todo and len(running) < int(os.environ.get("SIGMABIT_WORKERS", "1")):
            sample, mutant = todo.pop(0)
            pid = os.fork()
            if pid == 0:
                await _try(tests, dut, sample, mutant, all_ports, limits[sample])
            running[pid] = sample, mutant
            continue
        pid, status, used = os.wait4(-1, 0)
        sample, mutant = running.pop(pid)
        with verdicts.open("a") as lines:
            found = {"sample": sample, "mutant": mutant, "passes": status == 0, "seconds": round(used.ru_utime, 2)}
            lines.write(json.dumps(found) + "\n")


def _warm_up() -> None:
    """Hypothesis' first example takes as long as many others: once is enough for all processes."""
    settings(max_examples=2, database=None, deadline=None)(given(st.lists(st.integers(0, 9)))(lambda numbers: None))()
    gc.collect()
    gc.freeze()


async def _try(
    tests: Any, dut: Any, sample: int, mutant: int, all_ports: Sequence[Mapping[str, bool]], limit_s: float | None
) -> None:
    """The suite on a sample with a mutant, in a process that ends with status 0 where it passes."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        if limit_s is not None:
            os.dup2(nowhere, 2)
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
        getattr(dut, MUTANT).value = mutant
        directions = {name: output for name, output in all_ports[sample].items() if name != MUTANT}
        ports = {name: getattr(dut, f"sample_{sample}_{name}") for name in directions}
        await _sample(tests, tests.samples[sample], ports, {name: ports[name] for name, output in directions.items() if output})
    except BaseException:
        if limit_s is None:
            traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _sample(tests: Any, config: Any, ports: dict[str, Any], outputs: dict[str, Any]) -> None:
    clock = next((ports[name] for name in CLOCK_NAMES if name in ports), None)

    async def advance(edge: bool, inputs: Values) -> Values:
        if edge:
            if clock is not None:
                clock.value = 1
            await Timer(1, "ns")
        for port, value in inputs.items():
            ports[port].value = value
        if clock is not None:
            clock.value = 0
        await Timer(1, "ns")
        return {port: _number(handle) for port, handle in outputs.items()}

    loop = getcurrent()  # a switch between greenlets takes far less than one between cocotb's threads
    tester = greenlet(
        lambda: tests.check_dut(config, VerilogDut(lambda *request: loop.switch(request), list(ports)), tests.resets)
    )
    request = tester.switch()
    while not tester.dead:
        request = tester.switch(await advance(*request))


def _number(handle: Any) -> int:
    try:
        return int(str(handle.value), 2)
    except ValueError:  # a bit of it is unknown
        return -1
