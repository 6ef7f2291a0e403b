"""Verilog and plans are byte-identical to those of the last change that meant to alter them."""

from __future__ import annotations

import json

import pytest

from .identity import DIGESTS, cases, digest, sampled

CASES = dict(cases())
KNOWN: dict[str, str] = json.loads(DIGESTS.read_text())


@pytest.mark.parametrize("name", [name for name in CASES if sampled(name)])
def test_digest(name: str) -> None:
    """What differs on purpose is recorded: python -m sigmabit.verif.house.identity --write."""
    assert digest(CASES[name]()) == KNOWN[name]


def test_every_digest_has_its_case() -> None:
    """And networks have different ones; only plans of one network may be the same."""
    assert set(KNOWN) == set(CASES)
    networks = {(name.partition(", ")[0], found) for name, found in KNOWN.items()}
    assert len({found for _, found in networks}) == len(networks)
