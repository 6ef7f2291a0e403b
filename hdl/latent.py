"""The sampling layer: an encoder's result, once for each sample, reparameterised with samples that only good frames consume."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden.latent import Latent

from .cost import Cost
from .draw import DrawConfig, draw
from .layer import LayerConfig, Stage
from .module import composite
from .reparameterise import ReparameteriseConfig, reparameterise
from .replay import ReplayConfig, replay
from .stream import Flow, bit


@dataclass(frozen=True)
class LatentConfig(LayerConfig):
    """name: the layer's. replay: None for a single sample. sampling: the arithmetic. draw: who consumes samples."""

    replay: ReplayConfig | None
    sampling: ReparameteriseConfig
    draw: DrawConfig

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.sampling,) if self.replay is None else (self.replay, self.sampling)

    @property
    def cost(self) -> Cost:
        """Expected size."""
        return super().cost + self.draw.cost


def configure(layer: Latent, samples: int, pace: int, frames: int) -> LatentConfig:
    """The blocks of a layer: so many samples of a frame, `pace` cycles apart. frames: that may be inside at once."""
    sampling = ReparameteriseConfig(
        layer.latents, layer.input.bits, layer.fraction, layer.z_bits, layer.z_fraction, layer.log_sigma, layer.score
    )
    if sampling.result_bits != layer.result_bits:
        raise ValueError(f"{layer.name}: results of {sampling.result_bits} bits, golden has {layer.result_bits}")
    replayed = ReplayConfig(layer.input.layout.beat_bits, samples, pace) if samples > 1 else None
    return LatentConfig(layer.name, replayed, sampling, DrawConfig(samples, frames))


@composite
def latent(clk, rst, sink, status, eps, consume, source, config):
    """source = for each beat of means and logarithms on sink, its samples. eps: a vector of the standard normal, till consume."""
    take = bit()
    heads, instances = sink, []
    if config.replay is not None:
        heads = Flow(config.replay.bits)
        instances.append(replay(clk, rst, sink, heads, config.replay))
    instances.append(reparameterise(clk, rst, heads, eps, take, source, config.sampling))
    instances.append(draw(clk, rst, status, take, consume, config.draw))
    return instances
