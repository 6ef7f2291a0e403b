"""What cocotb runs inside a Verilog simulator: the suite, samples and ports that the environment names."""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

import cocotb
from cocotb.triggers import Timer
from greenlet import getcurrent, greenlet

from sigmabit.verif.harness.bench import CLOCK_NAMES, Values, VerilogDut


@cocotb.test()
async def suite(dut: Any) -> None:
    """The suite's property on its samples, one after the other. What fails names its sample."""
    module, name = os.environ["SIGMABIT_SUITE"].split(":")
    tests = getattr(importlib.import_module(module), name)()
    all_ports = json.loads(os.environ["SIGMABIT_PORTS"])
    assert len(all_ports) == len(tests.samples) > 0
    only = os.environ.get("SIGMABIT_ONLY")
    for number, directions in enumerate(all_ports):
        if only not in (None, str(number)):
            continue
        config = tests.samples[number]
        ports = {name: getattr(dut, f"sample_{number}_{name}") for name in directions}
        try:
            await _sample(tests, config, ports, {name: ports[name] for name, output in directions.items() if output})
        except BaseException as error:
            error.add_note(f"in sample {number}: {config}")
            raise


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
    tester = greenlet(lambda: tests.check_dut(config, VerilogDut(lambda *request: loop.switch(request), list(ports))))
    request = tester.switch()
    while not tester.dead:
        request = tester.switch(await advance(*request))


def _number(handle: Any) -> int:
    try:
        return int(str(handle.value), 2)
    except ValueError:  # a bit of it is unknown
        return -1
