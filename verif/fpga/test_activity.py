"""Activity: toggles are those of golden's results, names those of the design, registers those of Yosys."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sigmabit.fpga.series7.target import MACRO
from sigmabit.fpga.synthesis import run_yosys
from sigmabit.golden import Network, import_model
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.link.link import System, SystemConfig, make_system
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.plan import make_plan as plan_of
from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.hdl.verilog.keywords import system_name
from sigmabit.scripts.data.datasets import digits
from sigmabit.scripts.interface.choices import Planning
from sigmabit.scripts.interface.loading import make_plan
from sigmabit.scripts.measures.area import parts_of
from sigmabit.verif.simulation import SimulationError, simulate
from sigmabit.verif.simulation.activity import INSIDE, LEAST_CYCLES, Activity, Net, count, nets, registers, switching
from sigmabit.verif.simulation.job import Toggles, converted

from ..harness.command_line import DIGITS

INTERVAL = 64
FRAMES = 40


@pytest.fixture(scope="module")
def network() -> Network:
    """The shipped classifier of digits."""
    return import_model(DIGITS)


@pytest.fixture(scope="module")
def plan(network: Network) -> Plan:
    """As fast as pixels come."""
    return make_plan(network, Planning(interval=INTERVAL))


@pytest.fixture(scope="module")
def codes(network: Network) -> np.ndarray:
    """Held-out digits."""
    return network.input.encode(digits().test_images[:FRAMES])


@pytest.fixture(scope="module")
def made(plan: Plan, codes: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Activity, Path]:
    """The digits' activity, and its file."""
    saif = tmp_path_factory.mktemp("activity") / "core.saif"
    activity, measured = switching(plan, codes, saif)
    assert measured.interval(plan.settling) == INTERVAL
    assert (measured.results == plan.network.results(codes)).all()
    return activity, saif


def test_toggles_are_goldens(plan: Plan, codes: np.ndarray, made: tuple[Activity, Path]) -> None:
    """The first layer has a result in every cycle: how often its bits toggle follows from golden's alone."""
    activity, saif = made
    layer = plan.network.layers[0]
    assert layer.output.layout.beats == INTERVAL
    beats = layer.output.layout.pack(dict(plan.network.steps(codes))[layer.name])
    bits = np.unpackbits(beats, axis=1, bitorder="little")[:, : layer.output.layout.beat_bits].astype(int)
    found = re.findall(rf"^\({layer.name}_source_data\\\[\d+\\\] .*\(TC (\d+)\)", saif.read_text(), re.MULTILINE)
    cycles = (FRAMES - plan.settling) * INTERVAL
    assert activity.cycles == cycles
    expected = []
    for delay in range(INTERVAL):  # of the layer's result behind the window's first transfer
        seen = bits[plan.settling * INTERVAL - delay :][: cycles + 1]
        expected.append(np.abs(np.diff(seen, axis=0)).sum(axis=0).tolist())
    assert expected.count(list(map(int, found))) == 1


@pytest.mark.parametrize("in_block_ram", [False, True])
def test_registers_are_those_of_yosys(network: Network, in_block_ram: bool, tmp_path: Path) -> None:
    """What is counted as a register is one, and none is missing but those that primitives are: module by module."""
    plan = make_plan(network, Planning(interval=1500))
    foldings = {layer.name: layer.folding for layer in plan.layers if layer.folding}
    if not in_block_ram:
        foldings = {name: replace(folding, block=False) for name, folding in foldings.items()}
    design = converted(plan_of(network, foldings, plan.part, plan.clock_mhz, 1500).variant())
    found = elaborated(design, tmp_path)
    block = [name for name, module in design.modules.items() if 'rom_style = "block"' in module.text]
    assert bool(block) == in_block_ram and not any(registers(design.modules[name].text) for name in block)
    for name in design.modules.keys() - block:
        module = design.modules[name]
        clocked = {
            bit
            for cell in found[name]["cells"].values()
            if re.match(r"\$(a|s)?dffs?r?e?$|\$sdffce$", cell["type"])
            for bit in cell["connections"]["Q"]
        }
        own = registers(module.text)
        bits = {bit for net in own for bit in found[name]["netnames"][net]["bits"]}
        # what Yosys itself makes of writes to memories and of functions' variables in clocked processes
        made = {bit for net, of in found[name]["netnames"].items() if re.search(r"[$.]", net) for bit in of["bits"]}
        assert clocked - made <= bits <= clocked, name


def test_vivado_has_the_names(plan: Plan, made: tuple[Activity, Path], tmp_path: Path) -> None:
    """Every instance in the file is in the design with primitives; nets are, too, where a module has but one body."""
    design = converted(plan.variant())
    found = elaborated(design, tmp_path)
    both = {name for name, module in design.modules.items() if f"`ifdef {MACRO}" in module.text}
    checked = 0
    for path, name, place in written(made[1]):
        assert path[0] == design.top
        module = design.top
        for label in path[1:]:
            cell = found[module]["cells"][label]
            module = cell["type"]
        if module not in both:
            net = found[module]["netnames"][name]
            assert not place or int(place) < len(net["bits"])
            checked += 1
    assert checked > 10_000 and both


def elaborated(design: Design, folder: Path) -> dict:
    """A design's modules in Yosys, with primitives, their processes turned into cells."""
    sources = design.write(folder / "verilog")
    lines = [
        "read_verilog -lib +/xilinx/cells_sim.v",
        *(f"read_verilog -D{MACRO} {source.name}" for source in sources),
        f"hierarchy -top {design.top}",
        "proc -noopt",
        f"write_json -selected {(folder / 'design.json').resolve()}",
    ]
    run_yosys(lines, "elaborate", folder / "verilog", folder)
    return json.loads((folder / "design.json").read_text())["modules"]


def written(saif: Path) -> list[tuple[tuple[str, ...], str, str]]:
    """The nets of a SAIF file, read word by word as its grammar has it: path, name, index."""
    found, path, kinds = [], [], []
    words = re.findall(r"[()]|[^\s()]+", saif.read_text())
    for place, word in enumerate(words):
        if word == "(":
            kinds.append(words[place + 1])
            if kinds[-1] == "INSTANCE":
                path.append(words[place + 2])
            elif kinds[-2:-1] == ["NET"]:
                name, _, index = kinds[-1].partition("\\[")
                found.append((tuple(path), name, index.removesuffix("\\]")))
        elif word == ")" and kinds.pop() == "INSTANCE":
            path.pop()
    assert not kinds and not path
    return found


def test_window(plan: Plan, made: tuple[Activity, Path]) -> None:
    """It lasts a whole number of cycles of the plan's clock, in which every bit has a value, and the clock two edges a cycle."""
    text = made[1].read_text()
    duration = made[0].cycles * round(1e6 / plan.clock_mhz)
    assert f"(DURATION {duration})" in text and "(TIMESCALE 1 ps)" in text
    assert {int(low) + int(high) for low, high in re.findall(r"\(T0 (\d+)\) \(T1 (\d+)\)", text)} == {duration}
    assert set(re.findall(r"^\(aclk .*\(TC (\d+)\)", text, re.MULTILINE)) == {str(2 * made[0].cycles - 1)}
    assert set(re.findall(r"^\(aresetn .*\(TC (\d+)\)", text, re.MULTILINE)) == {"0"}


def test_few_frames_come_again(plan: Plan, codes: np.ndarray, tmp_path: Path) -> None:
    """A pipeline that few frames do not fill is still measured full."""
    activity, measured = switching(plan, codes[:2], tmp_path / "few.saif")
    frames = -(-LEAST_CYCLES // INTERVAL)
    assert activity.cycles == frames * INTERVAL and len(measured.results) == plan.settling + frames
    assert list(tmp_path.iterdir()) == [tmp_path / "few.saif"]


def test_parts(plan: Plan, made: tuple[Activity, Path]) -> None:
    """Every part of the pipeline has its figures; a busy layer's registers toggle, and no more than once a cycle."""
    parts = made[0].parts
    assert set(parts) == {*parts_of(plan), "reset_register"}
    for layer in plan.layers:
        assert 0.05 < parts[layer.name].rate < 0.6
        expected = layer.config.bill(SERIES7).ff
        assert parts[layer.name].registers == pytest.approx(expected, rel=0.25)  # tables' registers are primitives


NETS = [
    Net(("digits_bcnn", "conv1_instance"), "source_valid", "", 10, 30, 3),
    Net(("digits_bcnn", "conv1_instance", "mvu_instance"), "result_data", "\\[1\\]", 40, 0, 0),
    Net(("digits_bcnn", "conv2_instance", "mvu_instance"), "result_data", "\\[1\\]", 40, 0, 7),
]


def test_file(plan: Plan) -> None:
    """Nets lie in the instances that they are in, below those that are asked for."""
    file = io.StringIO()
    count(iter(NETS), converted(plan.variant()), 10, file, ("a", "b"))
    assert "".join(file.getvalue().split("\n")[7:]) == (
        "(INSTANCE a(INSTANCE b(INSTANCE conv1_instance(NET"
        "(source_valid (T0 10) (T1 30) (TX 0) (TC 3) (IG 0)))(INSTANCE mvu_instance(NET"
        "(result_data\\[1\\] (T0 40) (T1 0) (TX 0) (TC 0) (IG 0)))))(INSTANCE conv2_instance(INSTANCE mvu_instance(NET"
        "(result_data\\[1\\] (T0 40) (T1 0) (TX 0) (TC 7) (IG 0))))))))"
    )


def test_a_register_that_is_missing(plan: Plan) -> None:
    """What a simulator left out is noticed."""
    design = converted(plan.variant())
    module, label = next(pair for pair in INSIDE.findall(design.modules[design.top].text) if pair[0].startswith("ingress"))
    own = sorted(registers(design.modules[module].text))
    found = [Net((design.top, label), name, "", 10, 30, 3) for name in own]
    count(iter(found), design, 10, io.StringIO())
    with pytest.raises(SimulationError, match=f"{design.top}/ingress_instance: nothing was recorded of {own[0]}"):
        count(iter(found[1:]), design, 10, io.StringIO())


def test_wide_signals(made: tuple[Activity, Path]) -> None:
    """Signals of thousands of bits are recorded, too, all of their bits."""
    widths: dict[tuple[tuple[str, ...], str], int] = {}
    for path, name, _ in written(made[1]):
        widths[path, name] = widths.get((path, name), 0) + 1
    assert max(widths.values()) == 144 * 32  # operand bits and lanes of the second layer


def test_scopes_that_are_no_instances() -> None:
    """Functions, generate blocks and memories have no nets in a netlist."""
    zero = "(T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 3))"
    raw = f""" (INSTANCE TOP
  (NET
   (a {zero}
  )
  (INSTANCE net
   (NET
    (b {zero}
    (c[0]\\[1\\] {zero}
   )
   (INSTANCE add_1
    (NET
     (d {zero}
    )
    (INSTANCE deep_instance
     (NET
      (e {zero}
     )
    )
   )
   (INSTANCE x_instance
    (NET
     (f\\[3\\] {zero}
"""
    first = raw.replace("(TC 3)", "(TC 1)")  # all are 1 as the window begins
    found = list(nets(io.StringIO(raw), io.StringIO(first)))
    assert found == [Net(("net",), "b", "", 1, 2, 2), Net(("net", "x_instance"), "f", "\\[3\\]", 1, 2, 2)]


def test_a_board_has_the_instances(plan: Plan) -> None:
    """`--board` names the instances that a board's top has."""
    config = make_system(plan, bytes(16), (0, 1, 0), 100)
    assert isinstance(config, SystemConfig) and config.module == system_name(plan.pipeline.name)
    design = convert(System(config).outline())
    assert (plan.pipeline.name, "pipeline_instance") in INSIDE.findall(design.modules[design.top].text)


def test_simulators(plan: Plan, codes: np.ndarray, tmp_path: Path) -> None:
    """Only Verilator counts."""
    with pytest.raises(SimulationError, match="by verilator only"):
        simulate(plan, codes, "myhdl", toggles=Toggles(tmp_path / "x", 0, 1))
