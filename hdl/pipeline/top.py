"""The whole pipeline: entrance, layers, exit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import always

from ..layers.layer import LayerConfig, Surroundings
from ..noise.source import Source, Wires
from ..verilog.module import composite, leaf, outline
from ..verilog.stream import Counters, Flow, FrameStatus, Stream, bit, reset, wire
from .egress import EgressConfig, egress
from .ingress import IngressConfig, ingress


@dataclass(frozen=True)
class ResetConfig:
    """The pipeline's reset."""

    @property
    def module(self) -> str:
        return "reset_register"


@leaf
def reset_register(aclk, aresetn, rst, config):
    """rst: a registered, synchronous, active-high reset, one cycle behind aresetn."""

    @always(aclk.posedge)
    def hold():
        rst.next = not aresetn

    return hold


@dataclass(frozen=True)
class PipelineConfig:
    """name: the top module's. layer_bits: width of each layer's result inside. taps: give every layer's stream a port.

    noise: where samples of the standard normal come from, the sampler or a port; None for a network that draws none. takes: for
    each layer the numbers of those whose results it takes, 0 being the entrance and 1 the first layer; () for a chain.
    """

    name: str
    ingress: IngressConfig
    layers: tuple[LayerConfig, ...]
    layer_bits: tuple[int, ...]
    egress: EgressConfig
    taps: bool = False
    noise: Source | None = None
    takes: tuple[tuple[int, ...], ...] = ()

    @property
    def module(self) -> str:
        return self.name

    @property
    def wiring(self) -> tuple[tuple[int, ...], ...]:
        """For each layer the numbers of those whose results it takes."""
        return self.takes or tuple((number,) for number in range(len(self.layers)))


class Taps:
    """The streams between layers as ports, for comparing a simulation layer by layer: <layer>_data and <layer>_valid."""

    def __init__(self, config: PipelineConfig) -> None:
        self._flows = {layer.label: Flow(bits) for layer, bits in zip(config.layers, config.layer_bits, strict=True)}
        for layer in config.layers:
            flow = self.flow(layer)
            setattr(self, f"{layer.label}_data", flow.data)
            setattr(self, f"{layer.label}_valid", flow.valid)

    def flow(self, layer: LayerConfig) -> Flow:
        """The stream behind a layer, driven through the ports."""
        return self._flows[layer.label]


@composite
def pipeline(aclk, aresetn, s_axis, m_axis, counters, taps, seed, s_axis_eps, config):
    """Frames in, results out, as AXI4-Streams; the page on flow says what lies between. taps is None in ordinary builds.

    seed: of the sampler, 64 bits, read when reset ends. s_axis_eps: vectors of samples, one for each sample of each frame. One
    of them is None, or both, as config.noise has it.
    """
    rst, status, leaving = reset(), FrameStatus(), bit()
    flow = Flow(config.ingress.channels * config.ingress.bits)
    gate, entered, consume, eps = None, None, None, None
    if config.noise is not None:
        gate, entered, consume = bit(), bit(), bit()
        eps = wire(config.noise.vector_bits)
    frames_in, frames_out, malformed = counters.frames_in, counters.frames_out, counters.malformed
    instances: list[Any] = [
        reset_register(aclk, aresetn, rst, ResetConfig()),
        ingress(aclk, rst, s_axis, leaving, flow, status, frames_in, malformed, gate, entered, config.ingress),
    ]
    if config.noise is not None:
        wires = Wires(seed, s_axis_eps, status, entered, consume, eps, gate)
        instances.append(config.noise.block(aclk, rst, *config.noise.joins(wires), config.noise))
    surroundings = Surroundings(status, eps, consume)
    flows = [flow]
    for layer, bits, numbers in zip(config.layers, config.layer_bits, config.wiring, strict=True):
        result = Flow(bits) if taps is None else taps.flow(layer)
        taken = [flows[number] for number in numbers]
        instances.append(layer.block(aclk, rst, *taken, *layer.joins(surroundings), result, layer))
        flows.append(result)
    instances.append(egress(aclk, rst, flows[-1], status, m_axis, leaving, frames_out, counters.dropped, config.egress))
    return instances


class Pipeline:
    """A pipeline with its ports: what a simulation drives and the conversion names."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.aclk, self.aresetn = bit(), bit()
        self.s_axis = Stream(config.ingress.channels * config.ingress.field)
        self.m_axis = Stream(config.egress.channels * config.egress.field)
        self.counters = Counters()
        self.taps = Taps(config) if config.taps else None
        noise = config.noise
        self.seed = None if noise is None else noise.seed()
        self.s_axis_eps = None if noise is None else noise.vectors()

    def outline(self) -> Any:
        """The block without what is inside its leaves: what conversion starts from."""
        with outline():
            return self.instance()

    def instance(self) -> Any:
        """The elaborated block."""
        streams = self.s_axis, self.m_axis
        return pipeline(self.aclk, self.aresetn, *streams, self.counters, self.taps, self.seed, self.s_axis_eps, self.config)
