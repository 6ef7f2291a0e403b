"""aim: the best plan of all numbers of positions side by side, within an interval and a latency."""

from __future__ import annotations

import itertools
import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden import import_model
from sigmabit.hdl.layers.folding import Unsuitable
from sigmabit.hdl.planning.aim import Aim, numbers
from sigmabit.hdl.planning.kinds import kinds_of
from sigmabit.hdl.planning.plan import Plan, PlanError, make_plan, read_plan
from sigmabit.hdl.planning.planner import COARSE, Late, Planner

from ..harness.command_line import MODELS, command
from ..harness.random_networks import NetworkCase

PART = "xc7vx690t"
DIGITS = MODELS / "digits_bcnn.onnx"

cases = st.builds(NetworkCase, st.integers(0, 10**6))
drawn = settings(max_examples=15, deadline=None, database=None, derandomize=True)


@drawn
@given(cases)
def test_best_of_all(case: NetworkCase) -> None:
    """No planner of any number has a shorter interval, a smaller plan for it, or a lower latency."""
    aim = Aim(case.network, PART, 200.0, positions=None)
    fastest, quickest = aim.fastest(), aim.quickest()
    smallest = aim.plan(4 * fastest.interval)
    assert smallest.interval <= 4 * fastest.interval
    for number in numbers(case.network):
        planner = Planner(case.network, PART, 200.0, positions=number)
        assert fastest.interval <= planner.fastest().interval
        assert quickest.latency <= min(planner.fastest().latency, planner.quickest().latency)
        try:
            other = planner.plan(4 * fastest.interval)
        except PlanError:
            continue
        assert smallest.cost.lut <= other.cost.lut


@drawn
@given(cases, st.floats(0, 1))
def test_latency_is_kept(case: NetworkCase, share: float) -> None:
    """Whatever latency from the least to that of a slow plan is asked for is met, and with no more area than the least needs."""
    planner = Planner(case.network, PART, 200.0)
    quickest, slow = planner.quickest(), planner.plan(8 * planner.fastest().interval)
    latency = round(quickest.latency + share * max(0, slow.latency - quickest.latency))
    interval = max(slow.interval, quickest.interval)
    plan = planner.within(interval, latency)
    assert plan.latency <= latency
    assert plan.interval <= interval
    assert plan.cost.lut <= 1.01 * quickest.cost.lut + 50


@pytest.mark.parametrize("seed", [24, 25, 26])
def test_latencies_of_one_layer(seed: int) -> None:
    """Against a plan of each of its foldings: the least latency of all, and for every other the smallest that is in time, or
    hardly larger; none for less. An interval bounds both.
    """
    network = NetworkCase(seed).network
    planner = Planner(network, PART, 200.0)
    ((name, choices),) = planner.choices.items()
    every = [make_plan(network, {name: folding}, PART, 200.0) for folding in choices.foldings]
    latencies = sorted({plan.latency for plan in every})
    shortest, longest = (bound(plan.interval for plan in every) for bound in (min, max))
    for interval in (None, longest, shortest):
        fast = [plan for plan in every if plan.interval <= (interval or longest)]
        least = min(plan.latency for plan in fast)
        for plan in (planner.hasty(interval), planner.quickest(interval)):
            assert plan.latency == least and plan.interval <= (interval or longest)
        for latency in {latency for each in latencies[::4] for latency in (each - 1, each) if latency >= least}:
            plan = planner.within(interval, latency)
            assert plan.latency <= latency and plan.interval <= (interval or longest)
            assert plan.cost.lut <= 1.1 * min(plan.cost.lut for plan in fast if plan.latency <= latency)
        bound = "" if interval is None else f" with an interval of {interval} cycles"
        taken = rf"{least} is the least that was found{bound} on {PART}; {name} takes \d+ of them$"
        with pytest.raises(PlanError, match=rf"^a latency of {least - 1} cycles: {taken}"):
            planner.within(interval, least - 1)
    for search in (planner.hasty, planner.quickest, lambda interval: planner.within(interval, latencies[-1])):
        with pytest.raises(PlanError, match=f"an interval of {planner.intervals[0] - 1} cycles: "):
            search(planner.intervals[0] - 1)


@pytest.mark.parametrize("seed", [2, 7, 8, 16, 18, 22])
def test_what_is_in_time_anyway(seed: int) -> None:
    """The smallest plan for an interval is taken for its own latency and all longer ones, and that for the longest interval
    where none is given.
    """
    planner = Planner(NetworkCase(seed).network, PART, 200.0)
    for interval in {planner.intervals[0], planner.intervals[-1]}:
        plan = planner.plan(interval)
        for latency in (plan.latency, 10 * plan.latency):
            assert planner.within(interval, latency).to_json() == plan.to_json()
    assert planner.within(None, 10**6).to_json() == planner.plan(planner.intervals[-1]).to_json()
    assert planner.hasty().latency <= planner.fastest().latency


@pytest.mark.parametrize(("seed", "positions"), [(3, 1), (7, 1), (14, 1), (14, 12), (20, 18), (18, 1)])
def test_steps_of_intervals(seed: int, positions: int) -> None:
    """From the longest that may be down to the shortest of all: those far enough apart that none is more than that below one."""
    planner = Planner(NetworkCase(seed).network, PART, 200.0, positions=positions)
    every = planner.intervals
    for longest in (every[0], every[-1] - 1, every[-1], 10 * every[-1]):
        if longest < every[0]:
            continue
        steps = list(planner._steps(longest))
        assert steps == sorted({*steps}, reverse=True) and {*steps} <= {*every}
        assert (steps[0], steps[-1]) == (max(each for each in every if each <= longest), every[0])
        assert all(COARSE * less <= more for more, less in itertools.pairwise(steps[1:]))
        assert all(any(step <= each < COARSE * step for step in steps) for each in every if each <= longest)


@pytest.mark.parametrize("seed", [1, 10, 14, 23, 119])
def test_numbers(seed: int) -> None:
    """Positions side by side that are tried: powers of two and divisors of a row's width, each if the layers can take it, and
    whole rows likewise.
    """
    network = NetworkCase(seed).network
    height, width, _ = network.input.tensor.shape
    powers = {1, 2, 4, 8, 16}
    of_a_row = {number for number in range(1, width + 1) if number in powers or width / number == width // number}
    rows = {number for number in range(2, height + 1) if number in powers or height / number == height // number}
    suitable = []
    for number in sorted({*of_a_row, *(width * each for each in rows)}):
        with suppress(Unsuitable):
            kinds_of(network, number)
            suitable.append(number)
    assert list(numbers(network)) == suitable


def test_weights_that_take_more_than_was_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The soonest plan that has room with its weights is taken, if it is but little later than what has none."""
    aim = Aim(NetworkCase(7).network, PART, 200.0)
    planner, least = aim.planners[0], 63
    assert (aim.quickest().latency, aim.fastest().latency) == (least, 93)
    others = [planner.within(None, latency) for latency in (65, 67, 70, 73, 76)]  # 3 % later each, up to a fifth in all
    assert sorted({plan.latency for plan in others}) == [65, 66, 73, 76]
    for room in (780, 768):
        monkeypatch.setattr(Planner, "fits", lambda _, plan, room=room: plan.cost.lut <= room)
        assert aim.quickest().latency == min(plan.latency for plan in others if plan.cost.lut <= room)
    for soonest, found in ((77, 93), (94, least)):
        monkeypatch.setattr(Planner, "fits", lambda _, plan, soonest=soonest: plan.latency >= soonest)
        assert aim.quickest().latency == found, "at worst the fastest, or what has no room"


@pytest.mark.parametrize("positions", [None, 1])
def test_what_no_search_for_a_latency_finds(positions: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What hastens most is taken as it is, where it is in time and has room; the least latency is named where it is not."""
    aim = Aim(NetworkCase(20).network, PART, 200.0, positions=positions)
    quickest = aim.quickest()
    with pytest.raises(PlanError, match=rf"cycles: {quickest.latency} is the least that was found on {PART}"):
        aim.plan(None, quickest.latency - 1)

    def fails(planner: Planner, interval: int | None, latency: int) -> Plan:
        raise Late(latency, interval, planner.part.name, None)

    monkeypatch.setattr(Planner, "within", fails)
    for latency in (quickest.latency, 10 * quickest.latency):
        assert aim.plan(None, latency).latency == quickest.latency
    assert aim.quickest().latency == quickest.latency
    sized = [layer.config.bill(aim.planners[0].family) for layer in aim.plan(None, quickest.latency).layers]
    assert sized == [layer.config.bill(aim.planners[0].family) for layer in quickest.layers], "with its weights"
    with pytest.raises(PlanError, match=rf"cycles: {quickest.latency} is the least that was found on {PART}"):
        aim.plan(None, quickest.latency - 1)
    monkeypatch.setattr(Planner, "fits", lambda *_: False)
    with pytest.raises(PlanError, match=rf"cycles: {quickest.latency} is the least that was found on {PART}"):
        aim.plan(None, quickest.latency)


def test_least_latency_is_named() -> None:
    """With what was asked for, and on which part."""
    planner = Planner(import_model(DIGITS), PART, 200.0, positions=8)
    with pytest.raises(PlanError, match=r"20 cycles: 52 is the least that was found with an interval of 64 cycles on xc7vx690t"):
        planner.within(64, 20)


def test_file(tmp_path: Path) -> None:
    """A plan of several positions says so, in a file of the second schema."""
    path = tmp_path / "plan.json"
    made = command("plan", DIGITS, "--interval", "20", "--positions", "auto", "-o", path, "--json").json
    assert (made["schema"], made["positions"], made["interval_cycles"]) == (2, 4, 20)
    plan = read_plan(path, import_model(DIGITS))
    assert plan.to_json() == made
    path.write_text(path.read_text().replace('"positions": 4', '"positions": 9'))
    with pytest.raises(PlanError, match="9 positions side by side, expected 1 to 8"):
        read_plan(path, import_model(DIGITS))


def test_products(tmp_path: Path) -> None:
    """Where multipliers are few, LUTs multiply: the plan is read back as it was, and unsuitable products are refused."""
    network = import_model(MODELS / "digits_vae.onnx")
    plan = Planner(network, "xc7a35t", 200.0).fastest()
    made = {layer.name: layer.folding.products for layer in plan.layers if layer.folding is not None}
    assert "logic" in made.values()
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan.to_json()))
    assert plan.to_json()["schema"] == 2
    assert read_plan(path, network).to_json() == plan.to_json()
    path.write_text(path.read_text().replace('"logic"', '"abacus"'))
    with pytest.raises(PlanError, match="products=abacus is none of single, pairs, logic"):
        read_plan(path, network)


def test_what_is_short() -> None:
    """Whatever else is used, a larger device's plan takes no less of it."""
    given = "plan", MODELS / "cifar10_bcnn_small.onnx", "--interval", "12288", "--part"
    short = command(*given, "LFE5U-25F")
    said = re.search(r"needs at least ([\d,]+) LUT4, whatever else is used; lfe5u-25f offers", short.err)
    assert short.status == 2 and said
    larger = command(*given, "LFE5U-85F", "--json").json
    assert 20_644 < int(said[1].replace(",", "")) <= larger["lut"]


def test_room() -> None:
    """What a plan may use of a part, it does not pass; what that falls short of is said."""
    model = MODELS / "digits_vae.onnx"
    whole, some = (command("plan", model, "--interval", "512", *said, "--json").json for said in ((), ("--multipliers", "9")))
    assert whole["dsp"] > 9 >= some["dsp"]
    assert some["lut"] > whole["lut"]
    few = command("plan", model, "--interval", "64", "--block-ram", "1")
    assert few.status == 2
    assert "needs at least 7.5 RAMB36, whatever else is used; xc7vx690t offers 1, all that may be used" in few.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--positions", "9"), "9 positions side by side, expected 1 to 8, a row of digits_bcnn's input"),
        (("--positions", "many"), "Invalid value for '--positions': 'many' is neither a number from 1 on nor auto"),
        (("--positions", "0"), "'0' is neither a number from 1 on nor auto"),
        (("--interval", "7", "--positions", "8"), "the input alone takes 8, 8 positions each"),
        (("--interval", "7"), "takes 64, one per position; with --positions 16 a frame may take 4, and --positions auto finds"),
        (("--interval", "64", "--fastest", "interval"), "both an interval and the shortest one are asked for"),
        (("--latency", "64", "--fastest", "latency"), "both a latency and the shortest one are asked for"),
        (("--latency", "20"), "a latency of 20 cycles: 46 is the least that was found on xc7vx690t; dense1 takes 13 of them"),
        (("--multipliers", "-1"), "Invalid value for '--multipliers': -1 is not in the range x>=0"),
        (("--sweep", "--latency", "90"), "--sweep plans every interval"),
    ],
)
def test_refused(arguments: tuple[str, ...], sentence: str) -> None:
    """Targets that contradict each other, or that nothing reaches."""
    result = command("plan", DIGITS, *arguments)
    assert result.status == 2
    assert sentence in result.err
