"""What cocotb runs inside a Verilog simulator: the suite, sample and ports that the environment names."""

from __future__ import annotations

import importlib
import os
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import Timer

from sigmabit.verif.harness.bench import CLOCK_NAMES, Values, VerilogDut


@cocotb.test()
async def suite(dut: Any) -> None:
    """The suite's property on one of its samples."""
    module, name = os.environ["SIGMABIT_SUITE"].split(":")
    tests = getattr(importlib.import_module(module), name)()
    config = tests.samples[int(os.environ["SIGMABIT_SAMPLE"])]
    ports = {name: getattr(dut, name) for name in os.environ["SIGMABIT_PORTS"].split(",")}
    clock = next((ports[name] for name in CLOCK_NAMES if name in ports), None)

    async def advance(inputs: Values | None) -> Values:
        if inputs is None:
            if clock is not None:
                clock.value = 1
            await Timer(1, "ns")
            return {}
        for port, value in inputs.items():
            ports[port].value = value
        if clock is not None:
            clock.value = 0
        await Timer(1, "ns")
        return {port: _number(handle) for port, handle in ports.items()}

    under_test = VerilogDut(resume(advance), list(ports))
    await bridge(tests.check_dut)(config, under_test)


def _number(handle: Any) -> int:
    value = handle.value
    return int(value) if value.is_resolvable else -1
