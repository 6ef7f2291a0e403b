"""Digests of generated Verilog: what a refactoring must leave byte-identical.

    python -m sigmabit.verif.house.identity [--write] [NAME ...]

Every shipped model at three plans, and ten random networks of each kind, are planned and converted; a digest covers all files of
the Verilog and the plan as JSON. The digests of the last intended change stand in identity.json, and test_identity.py compares.
Whoever changes hardware on purpose runs this with --write and commits the file together with the change and its reason.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sigmabit.golden import import_model
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert

from ..harness.random_networks import NetworkCase
from ..harness.random_vaes import VaeCase

DIGESTS = Path(__file__).with_suffix(".json")
MODELS = Path(__file__).parents[2] / "models"
PART, CLOCK_MHZ = "xc7vx690t", 200.0
SLOWER = {"fastest": 1, "four times slower": 4, "thirty times slower": 30}
"""Shipped models are planned for the fastest interval and for these multiples of it."""
RANDOM_NETWORKS = 10


def planned(model: Path, slower: int) -> Plan:
    """A shipped model's plan."""
    planner = Planner(import_model(model), PART, CLOCK_MHZ)
    fastest = planner.fastest()
    return fastest if slower == 1 else planner.plan(slower * fastest.interval)


def cases() -> Iterator[tuple[str, Callable[[], Plan]]]:
    """Every plan that has a digest, by its name."""
    for model in sorted(MODELS.glob("**/*.onnx")):
        for name, slower in SLOWER.items():
            yield f"{model.stem}, {name}", partial(planned, model, slower)
    for seed in range(RANDOM_NETWORKS):
        yield f"binary network {seed}", lambda seed=seed: NetworkCase(seed).plan  # type: ignore[misc]
        yield f"sampling network {seed}", lambda seed=seed: VaeCase(seed).plan  # type: ignore[misc]


def sampled(name: str) -> bool:
    """Is a case one of those that every run of the tests has time for? `make closure` takes all."""
    model, _, plan = name.partition(", ")
    return name[-1] in "0123" if not plan else plan == "fastest" and "_no" not in model


def digest(plan: Plan) -> str:
    """A digest of a plan and of its pipeline's Verilog; of shapes, which are the network's and no plan's, the Verilog tells."""
    design, plain = convert(Pipeline(plan.pipeline).outline()), plan.to_json()
    for layer in plain["layers"]:
        del layer["shape"]
    found = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name, text in sorted(design.texts.items()):
        found.update(f"\n{name}\n{text}".encode())
    return found.hexdigest()


def main(arguments: list[str]) -> int:
    """Compare, or with --write record; 0 if nothing differs."""
    write, names = "--write" in arguments, [name for name in arguments if name != "--write"]
    known: dict[str, str] = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
    found = {name: digest(plan()) for name, plan in cases() if not names or any(given in name for given in names)}
    changed = sorted(name for name in found if known.get(name) != found[name])
    for name in changed:
        print(f"{name}: other Verilog or another plan than recorded")
    print(f"{len(found)} compared, {len(changed)} changed")
    if write:
        DIGESTS.write_text(json.dumps(known | found if names else found, indent=1) + "\n")
    return 1 if changed and not write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
