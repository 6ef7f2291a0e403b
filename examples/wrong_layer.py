"""A layer that is wrong, and how it is found: one weight of a dense layer has the other sign in the hardware.

python examples/wrong_layer.py
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

import sigmabit


def main() -> None:
    """Golden of the right network against the Verilog of the wrong one."""
    frames = np.random.default_rng(1).integers(0, 17, (20, 1, 8, 8)).astype(np.float32)
    right, _, codes, _ = sigmabit.load_with_frames("digits_bcnn", frames)
    *before, last = right.layers
    dense = cast(Any, last)
    weights = np.array(dense.weights)
    weights.flat[3] *= -1
    wrong = replace(right, layers=(*before, replace(dense, weights=weights)))

    found = sigmabit.compare(sigmabit.plan(wrong, part="xc7a100t", interval=256), codes, network=right)
    for name, elements in found.elements.items():
        print(f"{name:8}{elements:8,} elements{found.wrong[name]:6,} wrong")
    print(found)


if __name__ == "__main__":
    main()
