"""Charts of the report: where things stand."""

from __future__ import annotations

from typing import Any

import pytest

from sigmabit.scripts.report.advice import advice, binding
from sigmabit.scripts.report.charts import Scale, Sweep, Timing
from sigmabit.scripts.report.facts import graph

from ..harness.random_residuals import ResidualCase


def test_places_are_shares_of_the_axis() -> None:
    """Of the cycles, or of their logarithms; every tick is inside, and stands where its value does."""
    linear, decades = Scale(0, 200, False), Scale(1, 1000, True)
    assert [linear.place(value) for value in (0, 50, 200)] == [0, 25, 100]
    assert [decades.place(value) for value in (1, 10, 1000)] == pytest.approx([0, 100 / 3, 100])
    assert [value for value, _ in linear.ticks] == [0, 50, 100, 150, 200]
    assert [value for value, _ in decades.ticks] == pytest.approx([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    for scale in (linear, decades, Scale.of([300, 302]), Scale.of([7])):
        for value, place in scale.ticks:
            assert 0 <= place <= 100 and place == scale.place(value)


def test_all_of_a_sweep_is_inside() -> None:
    """A single plan, too, and plans without any of a resource."""
    points = [{"interval_cycles": 10, "dsp": 0}, {"interval_cycles": 1000, "dsp": 40}]
    for chosen in (points, points[:1]):
        chart = Sweep.of(chosen, "dsp", [("mine", 5, 90)])
        places = [*chart.points, *(mark[1:] for mark in chart.marks)]
        assert all(0 < place < 100 for each in places for place in each)
        assert chart.marks[0][1] < chart.points[0][0] and chart.marks[0][2] > chart.points[0][1]


def test_bars_last_from_the_first_result_to_the_last() -> None:
    """A single result is a cycle long."""
    passes = {"layers": ["a"], "planned": [[[0, 49], [50, 99]]], "measured": [[[10, 10], [60, 60]]], "last_out": [49, 99]}
    timing = Timing.of(passes)
    ((name, bars),) = timing.rows
    assert name == "a"
    assert [(bar.kind, bar.frame, bar.left, bar.width) for bar in bars] == [
        ("planned", 1, 0, 50), ("planned", 2, 50, 50), ("measured", 1, 10, 1), ("measured", 2, 60, 1),
    ]  # fmt: skip
    assert timing.ends == ((49, 49), (99, 99))


def test_advice_is_about_what_is_scarcest() -> None:
    """Where no plan is slower, there is none to look at."""
    sizes = [{"lut": 30, "ff": 1, "bram36": 0.0, "dsp": 2}, {"lut": 10, "ff": 1, "bram36": 1.0, "dsp": 6}]
    rows = [{"name": name, "planned": of, "measured": None} for name, of in zip("ab", sizes, strict=True)]
    whole = {key: sum(of[key] for of in sizes) for key in sizes[0]}
    area = {"planned": whole, "measured": None, "share": {"lut": 0.1, "ff": 0.0, "bram36": 0.2, "dsp": 0.5}}
    points = [whole | {"interval_cycles": cycles, "dsp": dsp} for cycles, dsp in ((8, 8), (12, 6), (16, 4), (17, 1))]
    assert binding(area) == "dsp"
    assert advice(rows, area, points, 8) == {
        "resource": "dsp", "share_of_part": 0.5, "most": "b", "share": 0.75,
        "slower": {"interval_cycles": 16, "share": 0.5, "place": 2},
    }  # fmt: skip
    assert advice(rows, area, points[:1], 8)["slower"] is None


@pytest.mark.parametrize("seed", range(3))
def test_the_graph_has_every_part_once(seed: int) -> None:
    """In the order of the pipeline, and the layers of ways in front of what joins them."""
    network = ResidualCase(seed).network
    rows = [{"name": name} for name in ("ingress", *(layer.name for layer in network.every), "egress")]

    def places(nodes: list[dict[str, Any]]) -> list[int]:
        return [place for node in nodes for place in (*(place for way in node["ways"] for place in places(way)), node["part"])]

    found = graph(network, rows)
    assert places(found) == list(range(len(rows)))
    assert any(node["ways"] for node in found)
