"""The whole pipeline: entrance, layers, exit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import always

from .convolution import ConvolutionConfig, convolution
from .dense import DenseConfig, dense
from .egress import EgressConfig, egress
from .ingress import IngressConfig, ingress
from .layer import LayerConfig
from .module import composite, leaf, outline
from .pool import pool
from .stream import Counters, Flow, FrameStatus, Stream, bit, reset
from .threshold import ThresholdConfig, threshold


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
    """name: the top module's. layer_bits: width of each layer's result inside. taps: give every layer's stream a port."""

    name: str
    ingress: IngressConfig
    layers: tuple[LayerConfig, ...]
    layer_bits: tuple[int, ...]
    egress: EgressConfig
    taps: bool = False

    @property
    def module(self) -> str:
        return self.name


class Taps:
    """The streams between layers as ports, for comparing a simulation layer by layer: <layer>_data and <layer>_valid."""

    def __init__(self, config: PipelineConfig) -> None:
        for layer, bits in zip(config.layers, config.layer_bits, strict=True):
            flow = Flow(bits)
            setattr(self, f"{layer.label}_data", flow.data)
            setattr(self, f"{layer.label}_valid", flow.valid)

    def flow(self, layer: LayerConfig) -> Flow:
        """The stream behind a layer, driven through the ports."""
        tapped = Flow.__new__(Flow)
        tapped.data, tapped.valid = getattr(self, f"{layer.label}_data"), getattr(self, f"{layer.label}_valid")
        return tapped


@composite
def pipeline(aclk, aresetn, s_axis, m_axis, counters, taps, config):
    """Frames in, results out, as AXI4-Streams; see docs/flow.md for what lies between. taps is None in ordinary builds."""
    rst, status, leaving = reset(), FrameStatus(), bit()
    flow = Flow(config.ingress.channels * config.ingress.bits)
    instances: list[Any] = [
        reset_register(aclk, aresetn, rst, ResetConfig()),
        ingress(aclk, rst, s_axis, leaving, flow, status, counters.frames_in, counters.malformed, config.ingress),
    ]
    for layer, bits in zip(config.layers, config.layer_bits, strict=True):
        result = Flow(bits) if taps is None else taps.flow(layer)
        if isinstance(layer, ThresholdConfig):
            instances.append(threshold(aclk, rst, flow, result, layer))
        elif isinstance(layer, ConvolutionConfig):
            instances.append(convolution(aclk, rst, flow, result, layer))
        elif isinstance(layer, DenseConfig):
            instances.append(dense(aclk, rst, flow, result, layer))
        else:
            instances.append(pool(aclk, rst, flow, result, layer))
        flow = result
    instances.append(egress(aclk, rst, flow, status, m_axis, leaving, counters.frames_out, counters.dropped, config.egress))
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

    def outline(self) -> Any:
        """The block without what is inside its leaves: what conversion starts from."""
        with outline():
            return self.instance()

    def instance(self) -> Any:
        """The elaborated block."""
        return pipeline(self.aclk, self.aresetn, self.s_axis, self.m_axis, self.counters, self.taps, self.config)
