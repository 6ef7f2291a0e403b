"""What is found out by trying every sum or code: how much of that a network may take, and where rounding decides."""

from __future__ import annotations

import numpy as np

from ...layers import normalisation
from ...layers.normalisation import Tie, find_stairs, find_ties
from ...types.scalar import Binarise, Chain, Count, Function, Power, Step
from .decisions import Accumulators, Decision
from .formats import MAX_LEVELS
from .scalar_nodes import Refusal

MAX_STEPS = 1 << 35
"""Evaluations of one node for one accumulator, over all channels and binarisations of a network: a minute or two."""

COSTLY = 8
"""As how many evaluations that of a function such as an exponential counts."""


class Trials:
    """The ties that a network has, and how many evaluations are left."""

    def __init__(self) -> None:
        self.left = MAX_STEPS
        self.ties: list[Tie] = []

    def count(self, chain: Chain, accumulators: Accumulators) -> None:
        """Count what trying all accumulators takes. Raises Refusal where that is too much."""
        costs = 1 + sum(map(_evaluations, chain.steps))
        self.left -= accumulators.evaluations * costs
        if self.left < 0:
            raise Refusal(
                f"{accumulators.evaluations} accumulators of its channels to be tried, each through {len(chain.steps)} nodes; at "
                f"most {MAX_STEPS} such steps are made for a network"
            )

    def note(self, layer: str, chain: Chain, accumulators: Accumulators, decision: Decision, variation: float) -> None:
        """List what rounding decides behind a layer, at each step of the chain that jumps, and what the zero of a Sign does."""
        self.ties.extend(_ties(layer, chain, accumulators, decision.steps, variation, decision.zeros_of(layer)))

    def note_host(self, layer: str, chain: Chain, numbers: Accumulators, variation: float) -> None:
        """List for which scores of a layer rounding decides what the host's quantisers make of them."""
        self.count(chain, numbers)
        low, high, stride = numbers.low, numbers.high, numbers.stride
        try:
            stairs = find_stairs(lambda a: chain(numbers.reals(a)), low, high, stride, MAX_LEVELS)
        except normalisation.NotANumberError as error:
            raise Refusal(str(error), chain.culprit) from None
        if stairs is None:
            raise Refusal(f"it changes more than {MAX_LEVELS} times over the sums of a channel", chain.culprit)
        count = max(map(len, stairs.changes))
        places = [[place for place, _ in changes] for changes in stairs.changes]
        thresholds = [
            [*of_channel, *[int(start)] * (count - len(of_channel))] for of_channel, start in zip(places, low, strict=True)
        ]
        steps = normalisation.Steps(np.array(thresholds, np.int64).reshape(len(low), count), np.zeros(len(low), bool))
        self.ties.extend(_ties(layer, chain, numbers, steps, variation))


def _ties(
    layer: str, chain: Chain, numbers: Accumulators, steps: normalisation.Steps, variation: float, zeros: tuple[Tie, ...] = ()
) -> list[Tie]:
    """Of a layer, in order."""
    found = {(tie.channel, tie.accumulator): tie for tie in zeros}
    for position, step in reversed(list(enumerate(chain.steps))):
        if step.jumps:
            zero = step.threshold.astype(np.float64) if isinstance(step, Binarise) else np.zeros(())
            before = Chain(chain.steps[:position])
            rounded = before.rounded
            behind = Chain(chain.steps[len(rounded.steps) :])
            ties = find_ties(
                f"{layer} before {step.node}",
                lambda a, f=before, c=zero: f(numbers.exact(a)) - c,  # type: ignore[misc]
                steps,
                *(numbers.low, numbers.high, numbers.stride),
                lambda a, f=rounded: f(numbers.exact(a)),  # type: ignore[misc]
                behind,
                variation=variation,
            )
            found |= {(tie.channel, tie.accumulator): tie for tie in ties}
    return [found[place] for place in sorted(found)]


def _evaluations(step: Step) -> int:
    """As how many evaluations that of a step counts."""
    match step:
        case Function() | Power():
            return COSTLY
        case Count():
            return len(step.thresholds)
    return 1
