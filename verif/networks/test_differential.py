"""The differential fuzzer: drawn graphs agree with their execution or are refused for a reason; and it does find faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from sigmabit.golden import Network
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.front.importer import assembly, rearranging, sums
from sigmabit.golden.front.importer.joins import Added
from sigmabit.golden.front.importer.scalar_nodes import UNARY
from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.layers.linear import Linear

from ..differential.binary import UNKNOWN
from ..differential.campaign import Outcome, Tally, draw, operators, supported, trial
from ..harness.command_line import Call

GRAPHS, BLOCKS, FEW_BITS = 100, 5, 60


@pytest.mark.parametrize("block", range(BLOCKS))
def test_drawn_graphs(block: int) -> None:
    """Each agrees with the executed file, or is refused by a node that is at fault."""
    found = Tally()
    for seed in range(block, GRAPHS, BLOCKS):
        found.add(trial(seed))
    assert not found.failures, "\n".join(f"seed {t.seed}: {t.text}" for t in found.failures)
    assert found.outcomes[Outcome.AGREED] > GRAPHS // BLOCKS / 2


@pytest.mark.parametrize("block", range(2))
def test_drawn_graphs_of_few_bits(block: int) -> None:
    """Each agrees with the executed file; none is refused."""
    found = [trial(seed, few_bits=True) for seed in range(block, FEW_BITS, 2)]
    assert not [f"seed {t.seed}: {t.text}" for t in found if t.outcome is not Outcome.AGREED]


def found_out(says: str, seeds: range, few_bits: bool = False) -> bool:
    """Does one of the seeds fail with such words?"""
    return any(t.outcome is Outcome.FAILED and says in t.text for t in (trial(seed, few_bits=few_bits) for seed in seeds))


class TestItFails:
    """An importer with a fault is found out by few graphs."""

    SEEDS = range(360, 420)

    def test_thresholds_off_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        build: Callable[..., Any] = sums.build_layer

        def off(name: str, nodes: Any, layer_sums: Any, thresholds: Any, flips: Any) -> Any:
            layer = build(name, nodes, layer_sums, thresholds, flips)
            return layer if thresholds is None else replace(layer, thresholds=thresholds + layer.accumulator_stride)

        monkeypatch.setattr(assembly, "build_layer", off)
        assert found_out("frames differ", self.SEEDS)

    def test_steps_off_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Steps, "__call__", lambda steps, sums: (sums[..., None] > steps.thresholds).sum(axis=-1))
        assert found_out("frames differ", self.SEEDS, few_bits=True)

    def test_ways_exchanged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Channels side by side in the other order; sums for differences."""
        merged: Callable[..., Any] = Concatenation.merged
        with monkeypatch.context() as patched:
            patched.setattr(Concatenation, "merged", lambda layer, main, skip: np.roll(merged(layer, main, skip), 1, axis=-1))
            assert found_out("frames differ", self.SEEDS, few_bits=True)
        monkeypatch.setattr(Added, "sign", 1)
        assert found_out("frames differ", self.SEEDS, few_bits=True)

    def test_offsets_of_padding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Taps beyond the border count as bits of 0, instead of not at all."""
        monkeypatch.setattr(Linear, "inside_offsets", lambda layer: layer.tap_offsets.sum(axis=(0, 1)))
        assert found_out("frames differ", self.SEEDS)

    def test_permutations_backwards(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def backwards(node: Any, arguments: Any) -> Any:
            symbol = arguments[0]
            order = node.attributes.get("perm", range(len(symbol.shape))[::-1])
            return symbol.rearranged(np.transpose(symbol.index, np.argsort(order)))

        monkeypatch.setattr(rearranging, "transpose", backwards)
        assert found_out("frames differ", self.SEEDS)

    def test_refusals_without_a_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A function that rises is taken for one that turns."""
        monkeypatch.setitem(UNARY, "Tanh", np.abs)
        assert found_out("not monotone", self.SEEDS)

    def test_a_fault_that_is_not_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Operators that nobody knows are taken for ones that do nothing."""
        for name in UNKNOWN:
            monkeypatch.setitem(UNARY, name, lambda x: x)
        drawn = (draw(seed, tmp_path) for seed in range(900) if seed % 3 < 2)
        unknown = next(case.seed for case in drawn if case.planted and case.planted.what == "unknown")
        assert trial(unknown).outcome is Outcome.FAILED


def test_every_supported_operator(tmp_path: Path) -> None:
    """Accepted graphs hold every operator that the importer has a handler for, and every one that it evaluates on constants."""
    handled, folded = supported()
    wanted = {*handled, *(f"{name}*" for name in folded)}
    for few_bits, seeds in ((True, FEW_BITS), (False, 6 * GRAPHS)):
        for seed in range(seeds):
            if not wanted:
                break
            if wanted.intersection(operators(draw(seed, tmp_path, few_bits).path)):
                wanted -= set(trial(seed, few_bits=few_bits).operators)
    assert wanted == set()


def test_the_same_file_from_the_same_seed(tmp_path: Path) -> None:
    """Nothing else is drawn from."""
    for seed in (0, 2):
        first, second = (draw(seed, folder) for folder in (tmp_path, tmp_path))
        assert onnx.load(str(first.path)) == onnx.load(str(second.path))
        assert np.array_equal(first.x, second.x)


@pytest.mark.usefixtures("own_folder")
class TestCommand:
    def test_json(self, call: Call) -> None:
        result = call("bench", "differential", "--graphs", 3, "--seed", 3, "--jobs", 1, "--json")
        assert result.status == 0
        assert sum(result.json["outcomes"].values()) == result.json["graphs"] == 3
        assert result.json["failures"] == []

    def test_a_failure_is_kept(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Network, "run", lambda network, x: np.zeros((len(x), *network.output.shape), np.float32))
        result = call("bench", "differential", "--graphs", 4, "--seed", 3, "--jobs", 1, "-o", "kept", "--json")
        assert result.status == 1
        failure = json.loads(result.out)["failures"][0]
        assert Path(failure["file"]).is_file() and Path(failure["file"]).with_suffix(".npy").is_file()
        assert failure["again"] == f"sigmabit bench differential --graphs 1 --seed {failure['seed']}"
