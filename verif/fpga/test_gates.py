"""Netlists: a pipeline mapped to LUTs, carry chains and registers is still golden's network, in the planned cycles."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import InputError, Network, import_model
from sigmabit.hdl.planning.plan import Plan
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan

from ..harness.command_line import MODELS, frames
from ..simulation import SimulationError, gates


@pytest.fixture(scope="module")
def network(data: Path) -> Network:
    """A small one, padding and folded layers included."""
    return import_model(data / "tiny.onnx")


@pytest.fixture(scope="module")
def plan(network: Network) -> Plan:
    """At leisure, so that weights are in tables."""
    return make_plan(network, Planning(interval=4 * make_plan(network, Planning()).interval, multipliers=0, block_ram=0.0))


def codes(plan: Plan) -> np.ndarray:
    """Frames enough to fill the pipeline, and more, of codes of all sizes: classes' sums are not the same all the time."""
    few = plan.network.input.encode(frames())
    drawn = np.random.default_rng(7).integers(few.max() + 1, size=(plan.settling + 12, *few.shape[1:]))
    return drawn * np.random.default_rng(8).integers(2, size=drawn.shape)


def test_netlist_is_golden(plan: Plan, tmp_path: Path) -> None:
    """Every result, the latency and the interval; LUTs and registers toggle, each once a cycle at most."""
    x = codes(plan)
    found = gates.simulate_netlist(plan, x, tmp_path)
    assert (found.measured.results == plan.network.results(x)).all()
    assert (found.measured.latency, found.measured.interval(plan.settling)) == (plan.latency, plan.interval)
    assert found.area.lut > 100 and found.area.ff > 100
    assert 0.01 < found.register_rate < 0.6 and 0.01 < found.lut_rate < 1


def test_a_wrong_gate_is_seen(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of a LUT turned around: the results are not golden's."""
    original = gates.as_verilog

    def turned(*arguments: object) -> tuple[str, object]:
        text, netlist = original(*arguments)  # type: ignore[arg-type]
        place = max(text.find("LUT6_2"), text.find("LUT6 #("))
        changed = re.sub(r"\.INIT\(64'h(\w+)\)", lambda m: f".INIT(64'h{~int(m[1], 16) % 2**64:016x})", text[place:], count=1)
        assert changed != text[place:]
        return text[:place] + changed, netlist

    monkeypatch.setattr(gates, "as_verilog", turned)
    x = codes(plan)
    try:
        found = gates.simulate_netlist(plan, x, tmp_path)
    except SimulationError:
        return  # the stream itself has come to harm
    assert (found.measured.results != plan.network.results(x)).any()


def test_cells_without_a_model(tmp_path: Path) -> None:
    """What cannot be simulated is named."""
    network = import_model(MODELS / "digits_bcnn.onnx")
    plan = make_plan(network, Planning(interval=1500))
    with pytest.raises(InputError, match="digits_bcnn: its plan has block RAM or DSP48, of which there is no model"):
        gates.simulate_netlist(plan, np.zeros((1, *network.input.tensor.shape), np.int64), tmp_path)
