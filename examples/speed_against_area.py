"""What the same network costs at other speeds, and how soon its results can come.

python examples/speed_against_area.py
"""

from __future__ import annotations

import sigmabit


def main() -> None:
    """A table of plans of digits_bcnn for an Artix-7."""
    network = sigmabit.load("digits_bcnn")
    print(f"{'aim':24}{'interval':>9}{'latency':>9}{'LUT':>8}{'RAMB36':>8}")
    plans = {
        "the fastest": sigmabit.plan(network, part="xc7a100t"),
        "256 cycles a frame": sigmabit.plan(network, part="xc7a100t", interval=256),
        "100,000 frames/s": sigmabit.plan(network, part="xc7a100t", fps=100_000, clock_mhz=100),
        "results after 150 cycles": sigmabit.plan(network, part="xc7a100t", latency=150),
    }
    for aim, plan in plans.items():
        cost = plan.cost
        print(f"{aim:24}{plan.interval:9,}{plan.latency:9,}{cost.lut:8,.0f}{cost.bram36:8g}")


if __name__ == "__main__":
    main()
