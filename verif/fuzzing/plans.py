"""Plans that are changed: refused in one sentence, or the plan that they say, which reads back as itself."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sigmabit.golden import Network, SigmabitError, import_model
from sigmabit.hdl.planning.plan import Plan, read_plan
from sigmabit.hdl.planning.planner import Planner

from .corpus import MODELS, corpus
from .kind import Outcome, Stage, Verdict, attempt
from .mutation import Random, in_bytes, in_json

NETWORKS = 12
"""Of the corpus, and trigger_57 with them."""

PARTS = ("xc7k325t", "LFE5U-85F", "xcku5p")
INTERVAL = 2048

READ_BACK = ("part", "clock_mhz", "samples", "positions", "interval_cycles")
"""Entries that a plan has as its file says them."""


@dataclass(frozen=True)
class Plans:
    """Files plan.json, each for a network."""

    name: str = "plans"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        chance = random.Random(seed)
        network, made = chance.choice(planned())
        path = folder / "plan.json"
        path.write_bytes(drawn(chance, made))
        stage("read")
        found = attempt("read", lambda: read_plan(path, network), path)
        if isinstance(found, Verdict):
            return found
        stage("read again")
        return attempt("read again", lambda: _agrees(path, network, found))


def _agrees(path: Path, network: Network, found: Plan) -> Verdict:
    """Is it the plan that the file says, and does it read back as itself?"""
    said, has = json.loads(path.read_bytes()), found.to_json()
    for key in READ_BACK:
        if key in said and said[key] != has.get(key, 1):
            return Verdict(Outcome.FAILED, f"{key} is {said[key]} in the file, {has.get(key)} in the plan")
    for entry, layer in zip(said["layers"], has["layers"], strict=True):
        folding, made = entry["folding"] or {}, layer["folding"] or {}
        wrong = [key for key in made if key in folding and folding[key] != made[key]]
        if wrong:
            return Verdict(Outcome.FAILED, f"{entry['name']}: {', '.join(wrong)} of the folding are not those of the file")
    path.write_text(json.dumps(has))
    again = read_plan(path, network).to_json()
    if again != has:
        keys = [key for key in has if again.get(key) != has[key]]
        return Verdict(Outcome.FAILED, f"it reads back with another {', '.join(keys)}")
    return Verdict(Outcome.RIGHT)


def drawn(chance: Random, made: dict[str, Any]) -> bytes:
    """A file with a lie or two in it."""
    value: Any = made
    for _ in range(chance.choice((1, 1, 2, 3))):
        value = in_json(chance, value)
    try:
        content = json.dumps(value).encode()
    except RecursionError:
        content = b"[" * 100_000
    return in_bytes(chance, content, json.dumps(made).encode()) if chance.randrange(4) == 0 else content


@lru_cache
def planned() -> tuple[tuple[Network, dict[str, Any]], ...]:
    """Networks, each with a plan of it as plain values; what no part of these holds is left out."""
    found: list[tuple[Network, dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = [MODELS / "trigger_57.onnx"]
        for number, whole in enumerate(corpus()[:: len(corpus()) // NETWORKS]):
            paths.append(Path(folder) / f"{number}.onnx")
            paths[-1].write_bytes(whole.content)
        for number, path in enumerate(paths):
            try:
                network = import_model(path)
                samples = 1 if network.latent is None else 1 + number % 3
                plan = Planner(network, PARTS[number % len(PARTS)], 200.0, samples).plan(INTERVAL)
            except SigmabitError:
                continue
            found.append((network, plan.to_json()))
    return tuple(found)
