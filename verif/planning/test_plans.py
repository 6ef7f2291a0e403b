"""What a plan says of itself, reckoned again from when frames come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sigmabit.hdl.noise.epsilon import EpsilonConfig
from sigmabit.hdl.planning.plan import Plan, repetitions

from ..harness.random_networks import NetworkCase, draw_plan
from ..harness.random_vaes import VaeCase

SEEDS = range(12)


def plain(seed: int) -> Plan:
    """Of layers of signs."""
    return draw_plan(NetworkCase(seed).network, seed)


def sampled(seed: int) -> Plan:
    """Of a network that draws samples, up to three of a frame."""
    return draw_plan(VaeCase(seed).network, seed, 1 + seed % 3)


@pytest.mark.parametrize("make", [plain, sampled])
def test_cycles(make: Callable[[int], Plan]) -> None:
    """A frame's place is free two cycles after its last result is taken, a cycle before its transfer: until then others come."""
    for seed in SEEDS:
        plan = make(seed)
        assert plan.pipeline.ingress.frames == plan.pipeline.egress.frames == (plan.latency + 2) // plan.interval + 1
        assert plan.settling == 2 * len(plan.layers) + 2
        assert plan.fps == pytest.approx(plan.clock_mhz * 10**6 / plan.interval, rel=1e-9)
        noise = plan.pipeline.noise
        assert (noise is None) == (plan.network.latent is None)
        seeding = 0 if noise is None else noise.seeding_cycles
        assert plan.quiet == 4 * plan.latency + 4 * plan.interval + 1000 + seeding


def test_samples() -> None:
    """A port for samples takes the sampler's place where there is one, and layers behind it work so many times."""
    for seed in SEEDS:
        plan = sampled(seed)
        assert plan.pipeline.noise is not None
        port = plan.variant(epsilon=True)
        assert port.noise == EpsilonConfig(plan.pipeline.noise.vector_bits, plan.samples, plan.pipeline.ingress.frames)
        assert plan.variant() == plan.pipeline
        assert plan.variant(taps=True) == replace(plan.pipeline, taps=True)
        names = [layer.name for layer in plan.network.layers]
        behind = names[names.index("latent") :]
        assert repetitions(plan.network, 5) == {name: 5 if name in behind else 1 for name in names}
    assert plain(1).variant(epsilon=True) == plain(1).pipeline
    assert set(repetitions(plain(1).network, 5).values()) == {1}
