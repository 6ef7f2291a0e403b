"""sigmabit report: the page says what plan, simulation and synthesis say, needs nothing but itself, and shows in a browser."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from PIL import Image
from setuptools import find_packages

from sigmabit.golden import Network, import_model
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import digits
from sigmabit.scripts.group import sigmabit
from sigmabit.scripts.interface.choices import Planning, Reading
from sigmabit.scripts.interface.loading import load_with_data, make_plan
from sigmabit.scripts.interface.terminal import Terminal
from sigmabit.scripts.measures import latency
from sigmabit.scripts.measures.area import planned, read_areas
from sigmabit.scripts.networks.portable import NotPortableError, portable
from sigmabit.scripts.report import facts, page, published, study, write
from sigmabit.verif.simulation import Measured, pieces, reference, simulate

from ..harness import needs
from ..harness.command_line import DIGITS, MODELS, Call, Refused, Tiny, frames
from ..harness.html import Page
from ..harness.onnx_graphs import Builder

pytestmark = pytest.mark.usefixtures("own_folder")

ROOT = MODELS.parent
FRAMES = 40
INTERVAL = 768
"""That of a small pipeline, which is built soon."""


@dataclass(frozen=True)
class Made:
    """A report: its folder, what --json said, and the page."""

    folder: Path
    data: dict[str, Any]
    page: Page
    html: str

    @staticmethod
    def by(folder: Path, *arguments: object) -> Made:
        """Run the command in this process."""
        run = CliRunner().invoke(sigmabit, ["report", *map(str, arguments), "-o", str(folder), "--json"])
        assert run.exit_code == 0, run.output
        html = (folder / write.PAGE).read_text(encoding="utf-8")
        return Made(folder, json.loads(run.stdout), Page(html), html)


@pytest.fixture(scope="module", autouse=True)
def briefly() -> Iterator[None]:
    """onnxruntime is measured, but once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "REPEATS", 1)
        patch.setattr(latency, "ENOUGH_S", 0.0)
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits and their classes, and what synth would have reported for a plan of digits_bcnn: a tenth less."""
    folder = tmp_path_factory.mktemp("inputs")
    np.save(folder / "x.npy", digits().test_images[:FRAMES])
    np.save(folder / "y.npy", digits().test_labels[:FRAMES])
    plan = make_plan(import_model(DIGITS), Planning(interval=INTERVAL))
    layers = []
    for name, part in study.facts.parts_of(plan).items():
        expected = planned(part.bill(SERIES7))
        found = {key: value * 0.9 for key, value in expected.items()} | {"carry4": 7, "levels": 4, "fan_out": 99}
        layers.append({"name": name, **found, **{f"planned_{key}": expected[key] for key in ("lut", "bram36", "dsp")}})
    report = {"network": plan.network.name, "part": plan.part, "interval_cycles": plan.interval, "layers": layers}
    (folder / "synth.json").write_text(json.dumps(report))
    (folder / "plan.json").write_text(json.dumps(plan.to_json()))
    return folder


@pytest.fixture(scope="module")
def made(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report on digits_bcnn."""
    data = ("--input", inputs / "x.npy", "--labels", inputs / "y.npy")
    return Made.by(
        tmp_path_factory.mktemp("made") / "new" / "folder",
        DIGITS,
        *data,
        "--interval",
        INTERVAL,
        "--synth",
        inputs / "synth.json",
    )


class TestPage:
    def test_layers_are_the_plan(self, made: Made) -> None:
        network = import_model(DIGITS)
        plan = make_plan(network, Planning(interval=INTERVAL))
        rows = made.page.rows("layers")
        for layer, of_plan in zip(network.layers, plan.layers, strict=True):
            _, weights, cycles, busy, operations, per_cycle = rows[layer.name]
            assert cycles == f"{of_plan.cycles:,}"
            assert busy == page.percent(of_plan.cycles / plan.interval)
            assert operations == (f"{layer.operations:,}" if layer.operations else page.NOTHING)
            assert per_cycle == (f"{layer.operations / of_plan.cycles:,.0f}" if layer.operations else page.NOTHING)
            assert (weights == page.NOTHING) == (of_plan.folding is None)
        assert rows["all"][2] == f"{plan.interval:,}"
        assert rows["all"][4] == f"{network.operations:,}"

    def test_cycles_are_those_of_the_simulation(self, made: Made, inputs: Path) -> None:
        network = import_model(DIGITS)
        plan = make_plan(network, Planning(interval=INTERVAL))
        measured = simulate(plan, network.input.encode(np.load(inputs / "x.npy")))
        assert made.data["measured"]["latency_cycles"] == measured.latency == plan.latency
        assert made.data["measured"]["interval_cycles"] == measured.interval(plan.settling) == plan.interval
        rows = made.page.rows("cycles")
        assert rows["latency of a frame"] == [f"{plan.latency:,}", f"{measured.latency:,}", "0 %"]
        assert rows["interval between frames"] == [f"{plan.interval:,}", f"{plan.interval:,}", "0 %"]
        assert f"{200e6 / plan.interval:,.0f} if clocked at 200 MHz, an assumption" in made.page.text
        assert "if clocked at 90 MHz" not in made.page.text  # that of the paper's network

    def test_latency_goes_where_it_was_planned(self, made: Made) -> None:
        passes = made.data["passes"]
        plan = make_plan(import_model(DIGITS), Planning(interval=INTERVAL))
        assert passes["layers"] == [layer.name for layer in plan.layers]
        assert passes["planned"] == passes["measured"] == [[list(ends) for ends in layer.passes] for layer in plan.layers]
        assert passes["last_out"] == [plan.latency, plan.latency + plan.interval]
        layer, (first, last) = plan.layers[0].name, plan.layers[0].passes[0]
        labels = [attributes.get("aria-label") or "" for _, attributes in made.page.elements]
        assert any(f"frame 1 measured: cycles {first:,} to {last:,}" in label for label in labels), layer

    def test_area_is_planned_and_synthesised(self, made: Made) -> None:
        plan = make_plan(import_model(DIGITS), Planning(interval=INTERVAL))
        rows = made.page.rows("area")
        lut, ff = round(plan.cost.lut), round(plan.cost.ff)
        assert rows["all"][1:7] == [f"{lut:,}", page.number(0.9 * lut), "+11.1 %", f"{ff:,}", page.number(0.9 * ff), "+11.1 %"]
        for layer in plan.layers:
            assert rows[layer.name][1] == f"{round(layer.config.bill(SERIES7).lut):,}"
        assert "by Yosys" in made.page.text

    def test_power_is_an_estimate(self, made: Made) -> None:
        """Every part's watts, their sum, what it rests on, and how far off it may be; the paper's stand beside."""
        power, rows = made.data["power"], made.page.rows("watts")
        assert [row["name"] for row in power["layers"]] == [row["name"] for row in made.data["layers"]] == list(rows)[1:-1]
        for row in power["layers"]:
            assert rows[row["name"]][-1] == page.number(row["watts"], 3)
        assert rows["all"][-1] == page.number(power["watts"], 3) and power["watts"] > 0.05
        assert power["synthesised"]
        assert f"{power['least_watts']:.2g} to {power['most_watts']:.2g} W are to be expected" in made.page.text
        assert "states 8.2 W, for their CIFAR-10 network at 90 MHz" in made.page.text

    def test_power_from_a_file(self, inputs: Path, tmp_path: Path) -> None:
        """What `sigmabit power --report` wrote is the same, and is not measured again."""
        given = (DIGITS, "--input", inputs / "x.npy")
        plan = ("--plan", inputs / "plan.json")
        run = CliRunner().invoke(sigmabit, ["power", *map(str, (*given, *plan)), "--report", str(tmp_path / "power.json")])
        assert run.exit_code == 0, run.output
        made = Made.by(tmp_path / "out", *given, *plan, "--no-synth", "--power", tmp_path / "power.json")
        assert made.data["power"] == json.loads((tmp_path / "power.json").read_text())

    def test_accuracy_is_that_of_the_float_graph(self, made: Made, inputs: Path) -> None:
        outputs = reference.execute(DIGITS, np.load(inputs / "x.npy")).outputs
        accuracy = float((outputs.reshape(FRAMES, -1).argmax(axis=1) == np.load(inputs / "y.npy")).mean())
        for executor in ("qonnx", "golden", "verilator"):
            assert made.page.rows("quality")[executor] == [f"{accuracy:.2%}".replace("%", " %") if accuracy < 1 else "100 %"]
        assert "Golden decides otherwise than the float graph for 0 of them" in made.page.text

    def test_other_networks_are_not_compared(self, made: Made) -> None:
        assert made.data["comparison"] is None and "published" not in made.page.tables
        assert "6,210" not in made.page.text
        assert "Titan X" not in made.page.text

    def test_throughput_does_not_depend_on_the_batch(self, made: Made) -> None:
        batches = made.data["batches"]
        assert batches["sizes"] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
        pipeline, *others = batches["fps"]
        assert set(batches["fps"][pipeline]) == {200e6 / INTERVAL}
        assert batches["seconds"][pipeline][0] == made.data["measured"]["latency_cycles"] / 200e6
        assert others == ["onnxruntime, one thread", "onnxruntime, all cores"]
        assert made.page.rows("throughput")["256"][0] == f"{200e6 / INTERVAL:,.0f}"

    def test_times_have_their_spread(self, made: Made) -> None:
        batches = made.data["batches"]
        for name, quartiles in batches["quartiles"].items():
            for (low, high), rate in zip(quartiles, batches["fps"][name], strict=True):
                assert low <= rate <= high
        assert list(batches["quartiles"]) == list(batches["fps"])[1:]
        low, high = batches["quartiles"]["onnxruntime, one thread"][0]
        assert f"{page.number(low, 0)} to {page.number(high, 0)}" in made.page.text
        assert batches["others"] >= 0
        assert ("Not to be relied on" in made.page.text) == (batches["warning"] is not None)

    def test_it_needs_nothing_but_itself(self, made: Made) -> None:
        assert set(made.page.all("img", "src")) | set(made.page.all("source", "srcset")) <= set(_inlined(made))
        assert made.page.all("link", "href") == ["data:,"]
        assert not [name for name, _ in made.page.elements if name in ("script", "iframe", "object")]
        assert "url(" not in made.html
        assert "@import" not in made.html
        inside = {attributes["id"] for _, attributes in made.page.elements if "id" in attributes}
        links = made.page.all("a", "href")
        assert all(href.startswith("https://") or href.removeprefix("#") in inside for href in links)
        assert "default-src 'none'" in made.page.all("meta", "content")[2]

    def test_it_can_be_read_aloud(self, made: Made) -> None:
        pictures = [attributes for name, attributes in made.page.elements if name == "img"]
        assert all(len(attributes["alt"] or "") > 20 for attributes in pictures)
        heads = [attributes for name, attributes in made.page.elements if name == "th"]
        assert all(attributes.get("scope") in ("col", "row", "colgroup") for attributes in heads)
        titles = [name for name, _ in made.page.elements if name in ("h1", "h2", "h3")]
        plans = len(made.data["sweep"]["points"])
        assert titles == ["h1"] + ["h2"] * 6 + ["h3"] * plans + ["h2"]
        assert ("html", {"lang": "en"}) in made.page.elements

    def test_it_says_what_to_change(self, made: Made) -> None:
        """The resource that binds, who has most of it, and what a plan of twice the interval takes, which is one of the sweep."""
        advice, area = made.data["advice"], made.data["area"]
        key = advice["resource"]
        assert area["share"][key] == max(area["share"].values()) == advice["share_of_part"]
        sizes = {row["name"]: row["measured"][key] for row in made.data["layers"]}
        assert sizes[advice["most"]] == max(sizes.values()) == pytest.approx(advice["share"] * sum(sizes.values()))
        point = made.data["sweep"]["points"][advice["slower"]["place"]]
        assert INTERVAL < point["interval_cycles"] == advice["slower"]["interval_cycles"] <= 2 * INTERVAL
        assert advice["slower"]["share"] == pytest.approx(point[key] / area["planned"][key])
        assert f"#plan-{advice['slower']['place'] + 1}" in made.page.all("a", "href")

    def test_it_says_how_it_was_made(self, made: Made, inputs: Path) -> None:
        """By a command that can be typed again, of a file that can be told from others."""
        said = made.data["made"]
        assert said["sha256"] == sha256(DIGITS.read_bytes()).hexdigest() and said["sha256"] in made.page.text
        assert shlex.split(said["command"])[:4] == ["sigmabit", "report", str(DIGITS), "--input"]
        assert datetime.fromisoformat(said["date"]).utcoffset() == timedelta(0)

    def test_every_plan_of_the_sweep_has_its_command(self, made: Made) -> None:
        """Which makes it."""
        point = made.data["sweep"]["points"][3]
        run = CliRunner().invoke(sigmabit, [*shlex.split(point["command"])[1:], "--json"])
        found = json.loads(run.stdout)
        assert {key: found[key] for key in ("interval_cycles", "latency_cycles", "lut")} == {
            key: point[key] for key in ("interval_cycles", "latency_cycles", "lut")
        }

    def test_decisions_by_class(self, made: Made, inputs: Path) -> None:
        counts, truth = np.array(made.data["confusion"]), np.load(inputs / "y.npy")
        assert counts.sum(axis=1).tolist() == np.bincount(truth, minlength=10).tolist()
        assert np.trace(counts) / FRAMES == made.data["accuracy"]["verilator"]
        rows = made.page.rows("confusion")
        assert rows["3"][3] == str(counts[3, 3])

    def test_estimates_that_are_far_off_stand_out(self, made: Made) -> None:
        """Those of this report's areas are a ninth too large."""
        assert '<strong class="bad">+11.1 %</strong>' in made.html

    def test_plots_lie_beside_it(self, made: Made) -> None:
        assert {path.name for path in made.folder.iterdir()} == set(made.data["files"])
        assert made.data["files"][0] == write.PAGE
        assert made.data["files"][1] == write.PLAN
        assert json.loads((made.folder / write.PLAN).read_text())["interval_cycles"] == INTERVAL
        for name in made.data["files"][2:]:
            with Image.open(made.folder / name) as picture:
                assert picture.format == "PNG"


def _inlined(made: Made) -> list[str]:
    """The pictures of the folder as they stand in the page."""
    files = [made.folder / name for name in made.data["files"][2:]]
    return [f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}" for path in files]


def test_small_network_with_everything(call: Call, tmp_path: Path) -> None:
    """Yosys itself, fewer frames than an interval takes, a name that is no name, an older report in the way."""
    model = Tiny().save(tmp_path / "<b onclick=alert(1)>&'\".onnx")
    np.save("x.npy", frames(3))
    (tmp_path / "out").mkdir()
    for name in ("gallery.png", "report.html", "mine.txt"):
        (tmp_path / "out" / name).write_text("old")
    found = call("report", model, "--input", "x.npy", "-o", "out", "--part", "xc7a35t", "--clock-mhz", 50, "--json").json
    assert found["measured"]["frames"] == 3
    assert found["measured"]["interval_frames"] == study.DISTANCES
    assert found["measured"]["interval_cycles"] == found["planned"]["interval_cycles"]
    assert "accuracy" not in found
    assert found["rates"][0]["fps"] == pytest.approx(50e6 / found["planned"]["interval_cycles"])
    area = found["area"]["measured"]
    assert area["lut"] == sum(layer["measured"]["lut"] for layer in found["layers"]) > 0
    assert found["area"]["worst"]["levels"] <= 4
    shown = Page(Path("out/report.html").read_text(encoding="utf-8"))
    assert "<b onclick=alert(1)>&'\"" in shown.text
    assert shown.rows("area")["all"][2] == f"{area['lut']:,}"
    assert {path.name for path in Path("out").iterdir()} == {*found["files"], "mine.txt"}


def simulated_by_golden(network: Network) -> Callable[..., Measured]:
    """What simulations of a network's plans would give."""

    def simulate(plan: Plan, codes: Any, *_: object, noise: Any, **__: object) -> Measured:
        first = plan.interval * np.arange(len(codes))
        results = network.results(codes, noise.for_network(network, len(codes), plan.samples))
        passes = {layer.name: np.array(layer.passes) for layer in plan.layers}
        return Measured(results, first, first + plan.latency, {}, (0, 0, 0, 0), passes)

    return simulate


def test_wrong_hardware_is_reported(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is written, says so, and the status is 1."""
    tiny = Tiny().save(tmp_path / "tiny.onnx")
    right = simulated_by_golden(import_model(tiny))

    def wrong(*arguments: Any, **options: Any) -> Measured:
        measured = right(*arguments, **options)
        measured.results[2] += 1
        return measured

    monkeypatch.setattr(pieces, "simulate", wrong)
    monkeypatch.setattr(study, "simulate", right)
    np.save("x.npy", frames(40))
    assert call("report", tiny, "--input", "x.npy", "--no-synth", "--no-power", "-o", "out").status == 1
    html = Path("out/report.html").read_text(encoding="utf-8")
    assert 'class="value bad">1<' in html
    assert "the Verilog’s integers differ from golden’s for 1." in " ".join(Page(html).text.split())  # noqa: RUF001


def test_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, where nothing speaks of classes."""
    random, g = np.random.default_rng(2), Builder((4,))
    y = g("Relu", g("Gemm", "x", random.normal(size=(4, 6)).astype(np.float32), np.ones(6, np.float32)))
    model = g.save(tmp_path / "m.onnx", g("Gemm", y, random.normal(size=(6, 2)).astype(np.float32), np.ones(2, np.float32)))
    np.save("x.npy", x := random.integers(0, 256, (40, 4)).astype(np.float32))
    network = load_with_data(model, Path("x.npy"), Reading(), Terminal(True))[0]
    for module in (pieces, study):
        monkeypatch.setattr(module, "simulate", simulated_by_golden(network))
    made = Made.by(tmp_path / "out", model, "--input", "x.npy", "--no-synth", "--no-power")
    off = np.sqrt(np.mean((network.run(x) - reference.execute(model, x).outputs) ** 2))
    assert made.data["rms_unlike_float"] == pytest.approx(off, rel=1e-3)
    assert "decisions_unlike_float" not in made.data
    assert f"differ from the float graph’s by {page.number(made.data['rms_unlike_float'])} (root mean square)" in made.page.text  # noqa: RUF001


def test_network_that_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of reconstruction and a gallery; golden stands in for the simulation, which test_vaes.py holds to be the same."""
    for module in (pieces, study):
        monkeypatch.setattr(module, "simulate", simulated_by_golden(import_model(MODELS / "digits_vae.onnx")))
    np.save("x.npy", digits().test_images[:FRAMES])
    made = Made.by(tmp_path / "out", MODELS / "digits_vae.onnx", "--input", "x.npy", "--samples", 2, "--no-synth", "--no-power")
    assert "gallery.png" in made.data["files"]
    errors = made.data["reconstruction_error"]
    assert made.page.rows("quality")["golden"] == [page.number(errors["golden"])]
    assert f"{FRAMES} frames, 2 samples of each, were run with the same random numbers" in made.page.text
    assert "planned, not synthesised" in made.page.text
    assert "82 times as fast as a CPU" in made.page.text
    assert "published" not in made.page.tables


@pytest.fixture(scope="module")
def paper() -> dict[str, Any]:
    """What would be compared for the network of Li et al.: a plan of another network stands in for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "is_paper_network", lambda network: True)
        network = import_model(DIGITS)
        plan = Planner(network, "xc7vx690t", 200.0).fastest()
        area = {"planned": {"lut": 1000}, "measured": None}
        found = facts.comparison(plan, plan.interval, plan.latency, area, None, 0.9)
        assert found is not None
        return found


def test_published_figures_follow_from_one_another(paper: dict[str, Any]) -> None:
    """TOPS, clock and operations give cycles and frames per second; every figure has its source, and doubts are said."""
    own, slower, li, finn, engine = paper["rows"]
    assert (own["figures"]["clock_mhz"]["value"], slower["figures"]["clock_mhz"]["value"]) == (200, 90)
    assert own["figures"]["cycles"] == slower["figures"]["cycles"]
    assert own["figures"]["lut"] == {"value": 1000, "remark": "planned, not synthesised", "source": "", "url": ""}
    assert own["figures"]["watts"] is None
    assert page.figure(li["figures"]["fps"]["value"], "fps") == "6,210"
    assert page.figure(li["figures"]["cycles"]["value"], "cycles") == "14,492"
    assert li["figures"]["lut"]["remark"] == "remembered, not confirmed"
    assert page.figure(li["figures"]["lut_per_mac"]["value"], "lut_per_mac") == "8.036"
    assert finn["figures"]["fps"]["value"] == 21906
    assert page.figure(engine["figures"]["tops"]["value"], "tops") == "3.758"
    sources = {source["text"] for source in paper["sources"]}
    for row in (li, finn, engine):
        assert {figure["source"] for figure in row["figures"].values() if figure} <= sources


def test_names_are_never_markup(made: Made, paper: dict[str, Any]) -> None:
    """Whatever string of the findings is hostile, the page's elements stay what they are."""
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoiled(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [spoiled(entry) for entry in value]
        return value + hostile if isinstance(value, str) and value and not value.startswith("https:") else value

    data = deepcopy(made.data) | {"comparison": paper}
    data["batches"]["refusal"] = "node x"
    data["batches"]["statement"] = {"text": "text", "source": "source", "url": "https://here"}
    data["accuracy"] = {"verilator": 0.5}
    plain = {name: made.folder / f"{name}.png" for name in write.PLOTS}
    found, words = data | _spoiled_parts(data, spoiled), SERIES7.resources
    clean, dirty = Page(page.render(data, plain, words)), Page(page.render(found, plain, words))
    assert [name for name, _ in dirty.elements] == [name for name, _ in clean.elements]
    assert [sorted(attributes) for _, attributes in dirty.elements] == [sorted(attributes) for _, attributes in clean.elements]
    assert hostile in dirty.text


def _spoiled_parts(data: dict[str, Any], spoiled: Any) -> dict[str, Any]:
    """All but what the template decides by: kinds of layers, and who computed what."""
    layers = [spoiled(layer) | {"kind": layer["kind"]} for layer in data["layers"]]
    comparison = spoiled(data["comparison"]) | {"figures": data["comparison"]["figures"]}
    names = {key: spoiled(data[key]) for key in ("network", "executor", "batches", "tools", "made")}
    passes = data["passes"] | {"layers": spoiled(data["passes"]["layers"])}
    points = [
        point
        | {"command": spoiled(point["command"]), "layers": {spoiled(name): spoiled(way) for name, way in point["layers"].items()}}
        for point in data["sweep"]["points"]
    ]
    names |= {"passes": passes, "sweep": data["sweep"] | {"points": points}, "part": spoiled(data["part"])}
    return {"layers": layers, "comparison": comparison, **names}


class TestBadInput:
    @pytest.fixture
    def report(self, inputs: Path, refused: Refused) -> Callable[..., None]:
        def check(options: list[object], *says: str, data: object = None) -> None:
            refused(["report", DIGITS, "--input", data or inputs / "x.npy", *options], *says)

        return check

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--synth", "x.json", "--no-synth"], "exclude each other"),
            (["--plan", "x.json", "--interval", 100], "exclude each other"),
            (["--plan", "missing.json"], "missing.json: No such file"),
            (["--labels", "missing.npy"], "missing.npy: No such file"),
            (["--interval", 3], "an interval of 3 cycles"),
            (["--interval", 0], "0 is not in the range"),
            (["--part", "xc6slx9"], "unknown part xc6slx9"),
            (["--samples", 2], "draws no samples"),
            (["--synth", "missing.json"], "missing.json: No such file"),
            (["--power", "missing.json"], "missing.json: No such file"),
            (["--power", "x.json", "--no-power"], "exclude each other"),
        ],
    )
    def test_options(self, report: Any, options: list[object], says: str) -> None:
        report([*options, "-o", "out"], says)

    def test_output_is_a_file(self, report: Any) -> None:
        Path("taken").write_text("mine")
        report(["-o", "taken"], "is a file, expected a folder")

    def test_nothing_to_run(self, report: Any) -> None:
        np.save("none.npy", np.zeros((0, 1, 8, 8), np.float32))
        report(["-o", "out"], "input holds no frames", data="none.npy")

    def test_labels_of_a_network_that_samples(self, inputs: Path, refused: Refused) -> None:
        data = ("--input", inputs / "x.npy", "--labels", inputs / "y.npy")
        refused(["report", MODELS / "digits_vae.onnx", *data, "-o", "out"], "digits_vae draws samples, and no scores of classes")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda report: "{", "not JSON"),
            (lambda report: [], "layers are missing"),
            (lambda report: {}, "layers are missing"),
            (lambda report: report | {"network": "other"}, "made for network other, this plan has digits_bcnn"),
            (lambda report: report | {"interval_cycles": 192}, f"made for interval_cycles 192, this plan has {INTERVAL}"),
            (lambda report: report | {"layers": report["layers"][1:]}, "made for parts conv1"),
            (lambda report: report | {"layers": [1, None]}, "made for parts"),
            (lambda report: _with(report, "planned_lut", 7), "made for another plan: conv1 was planned with 7 lut"),
            (lambda report: _with(report, "lut", "many"), "conv1 has no number for lut"),
            (lambda report: _with(report, "ff", float("nan")), "ff is nan"),
            (lambda report: _with(report, "levels", True), "conv1 has no number for levels"),
            (lambda report: _with(report, "bram36", -1), "conv1 has no number for bram36"),
        ],
    )
    def test_synth_files(self, report: Any, inputs: Path, change: Any, says: str) -> None:
        changed = change(json.loads((inputs / "synth.json").read_text()))
        Path("synth.json").write_text(changed if isinstance(changed, str) else json.dumps(changed))
        report(["--interval", INTERVAL, "--synth", "synth.json", "-o", "out"], "synth.json: ", says)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda power: "{", "not JSON, expected what `sigmabit power --report` writes"),
            (lambda power: power | {"layers": 3}, "layers are missing"),
            (lambda power: power | {"interval_cycles": 90}, f"made for interval_cycles 90, this plan has {INTERVAL}"),
            (lambda power: power | {"pipeline": "0" * 32}, "made for another network or another plan"),
            (
                lambda power: {k: v for k, v in power.items() if k != "pipeline"},
                "writes: pipeline is",
            ),
            (lambda power: power | {"layers": power["layers"][1:]}, "made for parts conv1"),
            (lambda power: _with(power, "rate", float("inf")), "rate is inf"),
            (lambda power: power | {"cycles": "3"}, "the pipeline has no number for cycles"),
        ],
    )
    def test_power_files(self, report: Any, made: Made, change: Any, says: str) -> None:
        changed = change(deepcopy(made.data["power"]))
        Path("power.json").write_text(changed if isinstance(changed, str) else json.dumps(changed))
        report(["--interval", INTERVAL, "--power", "power.json", "--no-synth", "-o", "out"], "power.json: ", says)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ([], "network is missing"),
            ({"interval_cycles": 90}, "made for interval_cycles 90, this plan has 768"),
            ({"latency_cycles": 7}, "made for another plan: latency_cycles 7, here 2,185"),
            ({"part": "LFE5U-25F-6BG381C"}, "made for LFE5U-25F-6BG381C, this plan is for LFE5U-85F"),
            ({"part": "xc0"}, "unknown part xc0"),
            ({"seeds": []}, "routed_mhz, path or seeds are not"),
            ({"routed_mhz": {"least": 1, "median": "much", "best": 3}}, "routed_mhz has no number for median"),
            ({"routed_mhz": {"least": 0, "median": 0, "best": 0}}, "routed_mhz has a median of 0"),
            ({"ff": -1}, "LFE5U-85F-6BG381C has no number for ff"),
        ],
    )
    def test_route_files(self, report: Any, change: Any, says: str) -> None:
        Path("route.json").write_text(json.dumps(ROUTE | change if isinstance(change, dict) else change))
        planned = ["--part", "LFE5U-85F", "--interval", 768]
        report([*planned, "--route", "route.json", "--no-synth", "-o", "out"], "route.json: ", says)


ROUTE = {
    "network": "digits_bcnn",
    "part": "LFE5U-85F-6BG381C",
    "board": "ulx3s",
    "interval_cycles": 768,
    "latency_cycles": 2185,
    "routed_mhz": {"least": 120.5, "median": 125.25, "best": 135.4},
    "seeds": [{"seed": seed, "routed_mhz": 125.25, "router": "router1"} for seed in range(1, 6)],
    "path": {"from": "link / controller / <state>", "to": "link / framer", "levels": 6, "ns": 7.38, "share_of_wires": 0.7},
    "lut": 4731,
    "ff": 3377,
    "ram": 20,
    "multipliers": 0,
}
"""What `sigmabit route --report` writes."""


def test_routed(inputs: Path, call: Call, tmp_path: Path) -> None:
    """The page of another family says at which clock it was routed, and what follows; and what that family has."""
    (tmp_path / "route.json").write_text(json.dumps(ROUTE))
    options = ["--part", "LFE5U-85F", "--interval", 768, "--route", tmp_path / "route.json", "--no-synth"]
    call("report", DIGITS, "--input", inputs / "x.npy", *options, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    for said in (
        "163,086",
        "at 125.2 MHz, the median of 5 routes; 17.45 µs latency",
        "link / controller / &lt;state&gt;",
        "LUT4",
    ):
        assert said in text
    assert "No design has been placed and routed" not in text and "LUT6" not in text


def _with(report: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    report["layers"][1][key] = value
    return report


def test_a_plan_file_is_a_plan(inputs: Path) -> None:
    """Areas fit the plan that they were made for, wherever that comes from."""
    network = import_model(DIGITS)
    plan = make_plan(network, Planning(inputs / "plan.json"))
    assert list(read_areas(inputs / "synth.json", plan)) == list(facts.parts_of(plan))


def test_paper_network_is_known_by_its_shape() -> None:
    """Operations and channels decide; the shipped networks are others."""
    network = import_model(DIGITS)
    assert published.is_binary(network)
    assert not published.is_paper_network(network)
    assert not published.is_binary(import_model(MODELS / "digits_vae.onnx"))


def test_qonnx_files_run_on_onnxruntime() -> None:
    """What stands in for QONNX operators computes what qonnx does."""
    x = digits().test_images[:FRAMES]
    session = onnxruntime.InferenceSession(portable(DIGITS), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: x.astype(np.float32)})[0]
    np.testing.assert_allclose(found, reference.execute(DIGITS, x).outputs.reshape(found.shape), atol=1e-4)


def test_unknown_operators_are_named(tmp_path: Path) -> None:
    """onnxruntime is not asked to run what it does not know."""
    import onnx

    proto = onnx.load(str(DIGITS))
    node = next(node for node in proto.graph.node if node.op_type == "BipolarQuant")
    node.op_type = "Trunc"
    onnx.save(proto, str(tmp_path / "x.onnx"))
    with pytest.raises(NotPortableError, match=rf"node {node.name} \(Trunc\) is no operator of ONNX"):
        portable(tmp_path / "x.onnx")


def test_wheel_holds_every_file() -> None:
    """What is no Python, in packages that go into the wheel, is listed by hand in pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    source = ROOT / "src"
    folders = {package: source.joinpath(*package.split(".")) for package in find_packages(source, **_found_by(settings))}
    assert len(folders) > 30
    packed = {
        path
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for path in source.joinpath(*package.split(".")).glob(pattern)
    }

    def package_of(path: Path) -> Path:
        return next(folder for folder in path.parents if (folder / "__init__.py").exists())

    loose = {
        path
        for folder in folders.values()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".onnx", ".md") and package_of(path) == folder
    }
    assert {path for path in loose if "vivado" not in path.parts} - packed == set()


def _found_by(settings: dict[str, Any]) -> dict[str, Any]:
    """How setuptools is told to find packages, but for where."""
    found = settings["packages"]["find"]
    return {"include": found["include"], "exclude": found["exclude"]}


def test_times_under_load_are_doubted() -> None:
    """By their quartiles, and by what others do meanwhile; the median of times that are steady for an hour does not tell."""
    steady, wide = latency.Timed(1.0, 1.1, 1.2), latency.Timed(1.0, 1.1, 1.6)
    assert latency.warning({"a": [steady], "b": [steady]}, 0.2) is None
    apart = latency.warning({"a": [steady], "b": [steady, wide]}, 0.2)
    assert apart == "times of the same batch lie far apart (b): measure again when the machine does nothing else"
    crowded = latency.warning({"a": [steady]}, 1.26)
    assert crowded is not None and crowded.startswith(f"other processes kept 1.3 of {os.cpu_count()} processors busy meanwhile: ")
    (found,) = latency.timed(lambda x: time.sleep(1e-3), np.zeros((1, 1)), (1,))
    assert 1e-3 < found.low <= found.median <= found.high


def test_work_of_others_is_noticed() -> None:
    """A process that computes is somebody else's work; this one's own is not."""
    if not Path("/proc/stat").exists():
        pytest.skip("this system does not say what its processors do")
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            crowd = latency.Crowd()
            time.sleep(2)
            assert crowd.others > 0.2
        finally:
            other.kill()


WIDTHS = (400, 800, 1400)

OUTSIDE = """return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && e.offsetParent &&
    e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
"""What reaches beyond the window, where it is not inside something that scrolls by itself."""


BROKEN = """const broken = [], range = document.createRange();
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode())
        if (node.parentElement.checkVisibility() && !node.parentElement.closest('code, .unseen'))
            for (const word of node.data.matchAll(/[^\\s-]+/g)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
        }
    return broken"""
"""Words that go on in another line, but for those that have a hyphen there, digests and paths."""

CLIPPED = """return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)
    .map(e => e.firstElementChild.id)"""
"""Tables that are wider than where they are shown."""

NAMES = ("ingress", "conv1", "dense2_shuffle", "deconv1_shuffle", "deconv12_shuffle", "egress")
"""Names of layers as the importer gives them, the longest ones."""


def large(made: Made) -> dict[str, Any]:
    """The report of a pipeline that has all kinds of resources, as large as a part has room for."""
    data = deepcopy(made.data)
    data["network"]["name"] = "cifar10_bcnn_small"
    for layer, name in zip(data["layers"], itertools.cycle(NAMES)):
        layer["name"] = name
        layer["errors"] = dict.fromkeys(layer["errors"], -0.123)
        for sizes in (layer["planned"], layer["measured"]):
            sizes |= {"lut": 345_678, "ff": 456_789, "bram36": 1234.5, "dsp": 2345}
    for sizes in (data["area"]["planned"], data["area"]["measured"]):
        sizes |= {"lut": 1_345_678, "ff": 1_456_789, "bram36": 1234.5, "dsp": 2345}
    return data


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window, without a network, with a fresh profile."""
    program, driver = needs.chromium()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"),
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driving = webdriver.Chrome(options=options, service=Service(driver))
    try:
        driving.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driving.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        yield driving
    finally:
        driving.quit()


class TestBrowser:
    @pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
    def shown(self, request: pytest.FixtureRequest, browser: Any, made: Made) -> Any:
        """The page in a window of some width, by day and by night."""
        width, scheme = request.param
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get_log("performance")  # what went before is no business of the page's
        browser.get((made.folder / write.PAGE).as_uri())
        return browser

    def test_it_shows(self, shown: Any, made: Made) -> None:
        assert shown.title == "digits_bcnn on xc7vx690t: Sigmabit report"
        width = shown.execute_script("return innerWidth")
        assert width in WIDTHS
        assert shown.execute_script("return document.documentElement.scrollWidth") == width
        assert shown.execute_script(OUTSIDE) == []
        sizes = shown.execute_script("return [...document.images].map(i => [i.complete, i.naturalWidth, i.width, i.height])")
        assert len(sizes) == len(write.PLOTS)
        assert all(complete and natural > 800 and 300 < wide <= width and high > 150 for complete, natural, wide, high in sizes)
        dark = shown.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
        sources = shown.execute_script("return [...document.images].map(i => i.currentSrc)")
        own = dict(zip(made.data["files"][2:], _inlined(made), strict=True))
        assert set(sources) == {url for name, url in own.items() if ("_dark" in name) == dark}
        self.check_picture(self.picture_of(shown), dark)
        severe = [entry for entry in shown.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        assert severe == []
        messages = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        assert any(url.startswith("file:") for url in urls)
        assert [url for url in urls if not url.startswith(("file:", "data:"))] == []

    def test_bars_are_as_long_as_layers_are_busy(self, shown: Any, made: Made) -> None:
        pairs = """return [...document.querySelectorAll('#layers .bar')].map(b =>
            [b.getBoundingClientRect().width, b.firstElementChild.getBoundingClientRect().width])"""
        found = shown.execute_script(pairs)
        busy = [layer["busy"] for layer in made.data["layers"] if layer["cycles"]]
        assert len(found) == len(busy)
        assert len(set(busy)) > 1
        for (track, bar), share in zip(found, busy, strict=True):
            assert track > 100
            assert bar / track == pytest.approx(share, abs=0.01)

    def test_a_point_of_the_sweep_shows_its_plan(self, shown: Any, made: Made) -> None:
        """By the mouse and by the keyboard; none is shown before."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        def seen() -> list[str]:
            return [each.text for each in shown.find_elements(By.CSS_SELECTOR, ".plan") if each.is_displayed()]

        assert seen() == [] and shown.find_element(By.CLASS_NAME, "hint").is_displayed()
        points = shown.find_elements(By.CSS_SELECTOR, "#plans-lut .point")
        for number, choose in ((4, lambda point: shown.execute_script("arguments[0].click()", point)), (1, None)):
            if choose:
                choose(points[number])
            else:
                points[number].send_keys(Keys.ENTER)
            (text,) = seen()
            point = made.data["sweep"]["points"][number]
            assert f"One frame every {point['interval_cycles']:,} cycles" in text and point["command"] in text
            assert not shown.find_element(By.CLASS_NAME, "hint").is_displayed()

    def test_long_names_stay_inside(self, shown: Any, made: Made, tmp_path: Path) -> None:
        data = deepcopy(made.data)
        data["network"]["name"] = "network" * 20
        for layer in data["layers"]:
            layer["name"] *= 20
        pictures = {name: made.folder / f"{name}.png" for name in write.PLOTS}
        (tmp_path / "long.html").write_text(page.render(data, pictures, SERIES7.resources), encoding="utf-8")
        shown.get((tmp_path / "long.html").as_uri())
        assert shown.execute_script(OUTSIDE) == []
        assert shown.execute_script("return document.documentElement.scrollWidth") == shown.execute_script("return innerWidth")

    def test_tables_show_whole_words(self, shown: Any, made: Made, tmp_path: Path) -> None:
        """And on a usual screen, whole tables."""
        pictures = {name: made.folder / f"{name}.png" for name in write.PLOTS}
        (tmp_path / "large.html").write_text(page.render(large(made), pictures, SERIES7.resources), encoding="utf-8")
        shown.get((tmp_path / "large.html").as_uri())
        shown.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert shown.execute_script(BROKEN) == []
        assert shown.execute_script(OUTSIDE) == []
        if shown.execute_script("return innerWidth") == 1400:
            assert shown.execute_script(CLIPPED) == []

    @staticmethod
    def picture_of(shown: Any) -> bytes:
        """A screenshot. A machine with much else to do may need more than the ten seconds that its driver gives Chromium."""
        from selenium.common.exceptions import TimeoutException

        for _ in range(5):
            try:
                return bytes(shown.get_screenshot_as_png())
            except TimeoutException as error:
                late = error
        raise late

    @staticmethod
    def check_picture(png: bytes, dark: bool) -> None:
        """There is paper of the right brightness, and ink on it."""
        with Image.open(io.BytesIO(png)) as picture:
            grey = np.asarray(picture.convert("L")).astype(float)
        paper = np.median(grey)
        assert paper < 40 if dark else paper > 235
        assert 0.005 < np.mean(np.abs(grey - paper) > 100) < 0.5
