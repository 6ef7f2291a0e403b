"""concatenation: the codes of two ways side by side, whenever their beats come as the block is promised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden import UnsupportedModelError, import_model
from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.range import BITS, Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.concatenation import ConcatenationConfig, Part, concatenation
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness import ways
from ..harness.bench import Dut
from ..harness.command_line import command
from ..harness.onnx_graphs import Builder
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..harness.ways import Beat
from ..simulation import reference, simulate
from ..simulation.compare import first_difference


@dataclass(frozen=True)
class Case:
    """Codes and channels of main and of skip, places side by side, and the queue."""

    main: tuple[Range, int]
    skip: tuple[Range, int]
    places: int
    depth: int
    wait: int
    swapped: bool

    @property
    def codes(self) -> Range:
        """Of the result."""
        ranges = self.main[0], self.skip[0]
        return Range(min(r.low for r in ranges), max(r.high for r in ranges))

    @cached_property
    def config(self) -> ConcatenationConfig:
        """The block."""
        main, skip = (Part(channels, codes.bits, codes.signed) for codes, channels in (self.main, self.skip))
        return ConcatenationConfig("concat1", main, skip, self.codes.bits, self.places, self.depth, self.wait, self.swapped)


RANGES = Range(0, 1), Range(0, 5), Range(-1, 1), Range(-8, 7), Range(-40, 3)


class ConcatenationSuite(BlockSuite):
    """Beats as late and as early as may be."""

    samples = (
        Case((Range(0, 5), 2), (Range(-8, 7), 1), 1, 3, 0, False),
        Case((Range(0, 1), 1), (Range(0, 1), 3), 2, 1, 2, True),
    )

    def configs(self) -> st.SearchStrategy[Case]:
        way = st.tuples(st.sampled_from(RANGES), st.integers(1, 3))
        return st.builds(Case, way, way, st.integers(1, 2), st.integers(1, 5), st.sampled_from([0, 0, 1, 3]), st.booleans())

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Beat]]:
        main, skip = ((codes, channels * config.places) for codes, channels in (config.main, config.skip))
        return ways.beats(main, skip)

    def always(self, config: Case) -> Sequence[list[Beat]]:
        main, skip = ((codes, channels * config.places) for codes, channels in (config.main, config.skip))
        return ways.extremes(config, main, skip)

    def expected(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        (_, first), (_, second) = config.main, config.skip
        return [
            [
                code
                for place in range(config.places)
                for code in (*beat.main[place * first :][:first], *beat.skip[place * second :][:second])
            ]
            for beat in stimulus
        ]

    def golden(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        tensor = TensorType(1, 1, 1, BITS)
        both = ("main", config.main[1]), ("skip", config.skip[1])
        main, skip = (np.array([getattr(b, way) for b in stimulus]).reshape(-1, config.places, n) for way, n in both)
        merged = Concatenation("concat1", (), tensor, (), ()).merged(main, skip)
        return merged.reshape(len(stimulus), -1).tolist()  # type: ignore[no-any-return]

    def covers(self, config: Case) -> Mapping[str, str]:
        return ways.covers(config)

    def elaborate(self, config: Case) -> Any:
        widths = [config.places * channels * codes.bits for codes, channels in (config.main, config.skip)]
        result = config.places * (config.main[1] + config.skip[1]) * config.codes.bits
        return concatenation(bit(), reset(), *map(Flow, widths), Flow(result), config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        numbers = config.places * (config.main[1] + config.skip[1])
        return ways.play(dut, config, stimulus, (config.main[0].bits, config.skip[0].bits), config.codes, numbers)


class TestGolden(ConcatenationSuite, GoldenTests):
    pass


class TestMyHdl(ConcatenationSuite, MyHdlTests):
    pass


class TestVerilog(ConcatenationSuite, VerilogTests):
    pass


# --- files


def weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Of three bits."""
    return random.integers(-2, 3, shape).astype(np.float32)


def dense_block(path: Path) -> Path:
    """Three activations side by side, of other steps and offsets, and these beside what a layer makes of them."""
    random, g = np.random.default_rng(3), Builder((2, 4, 4))
    y = g("Conv", g.quant("x", 4, 0.25, signed=0), weights(random, 3, 2, 3, 3), pads=[1] * 4)
    y = g.quant(y, 2, 2.0, signed=0)
    a = g("BipolarQuant", g("Conv", y, weights(random, 2, 3, 3, 3), pads=[1] * 4), 2.0)
    b = g.quant(g("Conv", y, weights(random, 2, 3, 1, 1)), 3, 1.0)
    y = g("Concat", y, a, b, axis=1, name="first")
    c = g.quant(g("Conv", y, weights(random, 2, 7, 3, 3), pads=[1] * 4), 2, 8.0)
    y = g("Concat", c, y, axis=-3, name="second")
    return g.save(path, g("MatMul", g("Flatten", y), weights(random, 144, 3)))


def test_imported(tmp_path: Path) -> None:
    """What qonnx makes of the file; every integer of the Verilog, at the planned cycles; which layers lie side by side."""
    path = dense_block(tmp_path / "block.onnx")
    network = import_model(path)
    kinds = [layer.name for layer in network.every if isinstance(layer, Concatenation)]
    assert kinds == ["concat1", "concat2", "concat3"]
    x = np.random.default_rng(5).uniform(-0.5, 4.5, (40, 2, 4, 4)).astype(np.float32)
    assert np.array_equal(network.run(x), reference.execute(path, x, whole=True).outputs)
    assert not network.constant_layers
    plan, codes = Planner(network, "xc7vx690t", 200.0).plan(300), network.input.encode(x)
    measured = simulate(plan, codes, taps=True, optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}
    joins = command("inspect", path, "--json").json["concatenations"]
    assert list(joins) == kinds and joins["concat3"][0].startswith("recode")


POINTS = np.ones((4, 4, 1, 1), np.float32)

REFUSED: dict[str, tuple[Callable[[Builder, str], str], str]] = {
    "unrelated": (
        lambda g, y: g("Concat", y, g.quant(g("Conv", y, POINTS), 4, 0.7071), axis=1, name="both"),
        r"both \(Concat\): it joins numbers in steps of 0.5, 0.707\d*, from 0 to 4\.949\d+; no grid of at most 256 levels",
    ),
    "shapes": (
        lambda g, y: g("Concat", y, g.quant(g("Conv", y, POINTS, strides=[2, 2]), 4, 0.5), axis=1, name="both"),
        r"both \(Concat\): it joins activations of shapes \(1, 4, 4, 4\) and \(1, 4, 2, 2\), expected the same beside axis 1",
    ),
    "frames": (lambda g, y: g("Concat", y, y, axis=0, name="both"), r"both \(Concat\): it joins frames of a batch"),
    "constants": (
        lambda g, y: g("Concat", y, np.ones((1, 4, 4, 4), np.float32), axis=1, name="both"),
        r"both \(Concat\): its input 1 is a constant; only activations can lie side by side",
    ),
    "sums": (
        lambda g, y: g("Concat", y, g("Conv", y, POINTS), axis=1, name="both"),
        r"both \(Concat\): the activation before it is not quantised",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_files(case: str, tmp_path: Path) -> None:
    """By the node, with the numbers."""
    joined, reason = REFUSED[case]
    g = Builder((2, 4, 4))
    y = g.quant(g("Conv", g.quant("x", 4, 0.25, signed=0), np.ones((4, 2, 1, 1), np.float32)), 4, 0.5)
    with pytest.raises(UnsupportedModelError, match=reason):
        import_model(g.save(tmp_path / "m.onnx", g("Flatten", joined(g, y))))


def test_refused() -> None:
    """Ways of other sizes."""
    tensor = TensorType(4, 4, 2, Range(0, 3))
    pool = Pool("pool1", (), tensor, Window(Axis(4, 2, 2), Axis(4, 2, 2)), np.zeros(2, bool))
    with pytest.raises(ValueError, match=r"concat1: results of \(2, 2\) and \(4, 4\) positions"):
        Concatenation("concat1", (), tensor, (pool,), ())
