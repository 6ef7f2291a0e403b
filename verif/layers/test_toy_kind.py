"""A kind of layer that lives in this file alone: golden, block, kind and importer. docs/layers/adding.md goes through it.

A mirror gives each row of an image's positions in reverse, the last column first. In a graph that is a Slice of step -1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from myhdl import always, always_comb, always_seq
from numpy.typing import NDArray

from sigmabit.golden import Network, UnsupportedModelError, import_model
from sigmabit.golden.front.importer import binary_walk
from sigmabit.golden.front.importer.binary_walk import BinaryWalk
from sigmabit.golden.front.importer.model_file import Node
from sigmabit.golden.front.importer.operands import constant
from sigmabit.golden.front.importer.scalar_nodes import Refusal
from sigmabit.golden.front.importer.symbols import Codes, Frame, Symbol, Unknown, Value
from sigmabit.golden.types.layout import Layout
from sigmabit.golden.types.reach import Reach
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.family import Cost, Family
from sigmabit.hdl.layers.kind import Arrivals, Unfolded, Use
from sigmabit.hdl.layers.layer import LayerConfig
from sigmabit.hdl.layers.timing import Times
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning import kinds
from sigmabit.hdl.planning.plan import Plan, make_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import leaf
from sigmabit.hdl.verilog.stream import bit, index_bits, wire

from ..harness.onnx_graphs import Builder, normalisation, signs
from ..simulation import reference
from ..simulation.compare import Difference, first_difference
from ..simulation.job import Stalls
from ..simulation.simulators import simulate

PART, CLOCK_MHZ = "xc7vx690t", 200.0
FRAMES = 16


# --- golden: what it computes, and what of a graph it is


@dataclass(frozen=True)
class Mirror:
    """(height, width, channels) codes, each row's positions in reverse."""

    name: str
    nodes: tuple[str, ...]
    input: TensorType

    @property
    def output(self) -> TensorType:
        """The same type."""
        return self.input

    @property
    def layout(self) -> Layout:
        """How the result lies on a stream inside the pipeline."""
        return self.output.layout

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes, mirrored."""
        return codes[:, :, ::-1].astype(np.int64)

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)


def import_mirror(walk: BinaryWalk, node: Node, arguments: list[Value]) -> Symbol:
    """A Slice that takes whole rows of an activation (1, C, H, W) from their end."""
    symbol = walk.on_codes(node, arguments)
    starts, ends, axes, steps = (constant(arguments, i).tolist() for i in range(1, 5))
    if len(symbol.shape) != 4 or (starts, axes, steps) != ([-1], [3], [-1]) or ends[0] >= -symbol.shape[3]:
        raise Refusal("a slice that is no mirror")
    if isinstance(symbol.source, Unknown):
        return symbol
    codes, channels = walk.image(symbol, symbol.index[0])
    if not np.array_equal(channels, np.arange(len(channels))):
        raise Refusal("a mirror of a rearranged activation")
    count, height, width = codes.frame.shape
    tensor = TensorType(height, width, count, codes.range)
    walk.assembly.consume(codes, node.name)
    walk.assembly.add("mirror", lambda name: Mirror(name, (node.name,), tensor))
    frame = Frame.of(codes.frame.shape)
    return Symbol(Codes(frame, walk.assembly.stage, codes.range, codes.grid), frame.settled[None], symbol.chain)


# --- hdl: the block, and what planning asks


@dataclass(frozen=True)
class MirrorConfig(LayerConfig):
    """width: positions of a row, two at least. bits: of a position. broken: rows stay as they came."""

    width: int
    bits: int
    broken: bool = False

    @property
    def block(self) -> Any:
        return mirror

    def bill(self, family: Family) -> Cost:
        """A memory of two rows, and counters."""
        return family.distributed_ram(self.bits, 2 * self.width) + family.logic(20) + family.registers(self.bits + 20)

    @property
    def latency(self) -> int:
        """Cycles from the reading of a position to its beat."""
        return 1


@leaf
def mirror(clk, rst, sink, source, config):
    """source = each row of sink's positions, the last one first, one in a cycle, from the cycle after the row's end on."""
    width, last, broken = config.width, config.width - 1, config.broken
    words = [wire(config.bits) for _ in range(2 * width)]
    column, place = wire(index_bits(width)), wire(index_bits(width))
    write, read = wire(index_bits(2 * width)), wire(index_bits(2 * width))
    half, other, reading, complete = bit(), bit(), bit(), bit()

    @always_comb
    def decide():
        complete.next = sink.valid and column == last

    @always_comb
    def address():
        write.next = column + width if half else column
        if broken:
            read.next = last - place + width if other else last - place
        else:
            read.next = place + width if other else place

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if sink.valid:
            column.next = 0 if column == last else column + 1
        if complete:
            half.next = not half
            other.next = half
            place.next = last
        elif place != 0:
            place.next = place - 1
        reading.next = complete or (reading and place != 0)
        source.valid.next = reading

    @always(clk.posedge)
    def store():
        if sink.valid:
            words[write].next = sink.data

    @always(clk.posedge)
    def give():
        source.data.next = words[read]

    return decide, address, follow, store, give


@dataclass(frozen=True)
class MirrorKind(Unfolded):
    """Rows, each given when it has come whole. The next one cannot have come before this one has been given."""

    layer: Mirror

    def needs(self, position: int) -> int:
        width = self.layer.input.width
        return (position // width + 1) * width - 1

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        width = self.layer.input.width
        ends = arrivals.beats[:, width - 1 :: width]
        times: Times = (ends[:, :, None] + 1 + np.arange(width)).reshape(arrivals.beats.shape)
        return times

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> MirrorConfig:
        return MirrorConfig(self.layer.name, self.layer.input.width, self.layer.input.layout.beat_bits)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return MirrorConfig(self.layer.name, self.layer.input.width, self.layer.input.layout.beat_bits).bill(use.family)


# --- the two lines elsewhere


@pytest.fixture(autouse=True)
def _mirrors_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry in the table of operators, and one in the table of kinds."""
    monkeypatch.setitem(binary_walk.LAYERS, "Slice", import_mirror)
    monkeypatch.setitem(kinds.KINDS, Mirror, MirrorKind)


# --- a network with two mirrors, from its file to its Verilog


def reverse(g: Builder, y: str, start: int = -1) -> str:
    """The rows of an activation from their end."""
    return g("Slice", y, np.array([start]), np.array([-1000]), np.array([3]), np.array([-1]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Convolution, mirror, pooling, mirror, dense."""
    random = np.random.default_rng(5)
    g = Builder((2, 6, 8))
    y = g("Conv", g.quant("x", 4, signed=0), signs(random, 5, 2, 3, 3), pads=[1, 1, 1, 1])
    y = reverse(g, g("BipolarQuant", g("BatchNormalization", y, *normalisation(random, 5, 30.0)), 1.0))
    y = reverse(g, g("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]))
    return g.save(tmp_path / "m.onnx", g("MatMul", g("Flatten", y), signs(random, 60, 7)))


@pytest.fixture
def network(path: Path) -> Network:
    """The imported file."""
    return import_model(path)


def images(count: int) -> NDArray[np.float32]:
    """Drawn frames."""
    return np.random.default_rng(6).integers(0, 16, (count, 2, 6, 8)).astype(np.float32)


def fastest(network: Network) -> Plan:
    """The shortest interval."""
    return Planner(network, PART, CLOCK_MHZ).fastest()


def folded(network: Network) -> Plan:
    """Every layer of weights folded as much as can be, and frames further apart than that needs."""
    foldings = {}
    for layer in network.layers:
        kind = kinds.kind_of(layer)
        if useful := list(kind.foldings()):
            foldings[layer.name] = max(useful, key=kind.cycles)
    slowest = make_plan(network, foldings, PART, CLOCK_MHZ)
    return make_plan(network, foldings, PART, CLOCK_MHZ, slowest.interval + 5)


def difference(plan: Plan, on: str, stalls: Stalls | None = None, frames: int = FRAMES) -> Difference | None:
    """Where a simulation first differs from golden. Asserts the plan's cycles where nothing stalls."""
    network = plan.network
    codes = network.input.encode(images(frames))
    measured = simulate(plan, codes, on, taps=True, stalls=stalls)
    if stalls is None:
        assert measured.latency == plan.latency
        assert np.diff(measured.last_out)[-5:].tolist() == [plan.interval] * 5
    return first_difference(dict(network.steps(codes)), measured.trace)


def test_imported(path: Path, network: Network) -> None:
    """What it computes is what the file computes."""
    assert [layer.name for layer in network.layers] == ["conv1", "mirror1", "pool1", "mirror2", "dense1"]
    assert np.array_equal(network.run(images(50)), reference.execute(path, images(50)).outputs)
    assert network.constant_layers == ()


def test_refused(tmp_path: Path) -> None:
    """What is no mirror is named, with the reason."""
    g = Builder((1, 2, 4))
    y = g("Sign", g("Conv", "x", np.ones((1, 1, 1, 1))))
    path = g.save(tmp_path / "m.onnx", g("Flatten", reverse(g, y, start=-2)))
    with pytest.raises(UnsupportedModelError, match="a slice that is no mirror"):
        import_model(path)


@pytest.mark.parametrize("plan", [fastest, folded])
@pytest.mark.parametrize("stalls", [None, Stalls(90, 90)], ids=["full speed", "stalls"])
def test_verilog(plan: Any, stalls: Stalls | None, network: Network) -> None:
    """Every integer of every layer is golden's, at the planned cycles."""
    assert difference(plan(network), "verilator", stalls) is None


def test_myhdl(network: Network) -> None:
    """Likewise in MyHDL's own simulator."""
    assert difference(fastest(network), "myhdl") is None


def test_one_module_each(network: Network) -> None:
    """A mirror is a module of its layer's name."""
    design = convert(Pipeline(fastest(network).pipeline).outline())
    assert {"mirror1", "mirror2"} < set(design.modules)


def test_broken_block_is_named(network: Network) -> None:
    """The comparison says in which layer and where."""
    plan = fastest(network)
    *others, mirror2, last = plan.pipeline.layers
    assert isinstance(mirror2, MirrorConfig)
    pipeline = replace(plan.pipeline, layers=(*others, replace(mirror2, broken=True), last))
    found = difference(replace(plan, pipeline=pipeline), "myhdl", frames=12)
    assert found is not None
    assert found.layer == "mirror2"
