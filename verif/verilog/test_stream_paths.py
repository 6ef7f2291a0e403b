"""Rules S3 and S4, of every stream at a block's ports: no path without a register that they forbid."""

from __future__ import annotations

from pathlib import Path

import pytest

from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.quick import quick_elaboration

from ..closure.formal import Problem
from ..harness.suite import BlockSuite
from ..link.test_answerer import AnswererSuite
from ..link.test_controller import ControllerSuite
from ..link.test_session import SessionSuite
from ..link.test_uart_transmitter import UartTransmitterSuite
from ..pipeline.test_top import TopSuite

SUITES = (ControllerSuite, UartTransmitterSuite, SessionSuite, AnswererSuite, TopSuite)
"""Of blocks with streams whose other rules are not proven; those of the others are looked for with their proofs."""

CASES = [
    pytest.param(suite, number, id=f"{suite.__name__}-{number}", marks=() if number == 0 else (pytest.mark.long,))
    for suite in SUITES
    for number in range(len(suite.samples))
]


@pytest.mark.parametrize(("suite", "sample"), CASES)
def test_paths(suite: type[BlockSuite], sample: int, tmp_path: Path) -> None:
    """There is at least one stream, and none with such a path."""
    with outline(), quick_elaboration():
        instance = suite().elaborate(suite.samples[sample])
    problem = Problem.of(convert(instance))
    assert list(problem.forbidden())
    assert problem.paths(tmp_path) == []
