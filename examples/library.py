"""A shipped network as a pipeline, from a program: planned, compared with golden in the Verilog, written.

python examples/library.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import sigmabit


def main(folder: Path) -> None:
    """Write the Verilog of digits_bcnn at 256 cycles a frame."""
    frames = np.random.default_rng(1).integers(0, 17, (12, 1, 8, 8)).astype(np.float32)
    network, _, codes, _ = sigmabit.load_with_frames("digits_bcnn", frames)
    plan = sigmabit.plan(network, part="xc7a100t", interval=256)
    print(f"{network!r}\n{plan!r}")

    found = sigmabit.compare(plan, codes)
    print(found)

    ran = sigmabit.run(network, codes, on="verilator", plan=plan)
    assert ran.measured is not None
    print(f"{ran.y.shape[0]} frames, latency {ran.measured.latency} cycles, planned {plan.latency}")

    design = sigmabit.convert(plan)
    design.write(folder)
    print(f"{len(design.files)} modules, the top is {design.top}")


def send(port: str, frames: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> None:
    """The same frames to a board, as the bytes of its streams."""
    with sigmabit.Client(sigmabit.open_port(port, 921_600), patience=10.0) as client:
        status: sigmabit.Status = client.device
        print(status.model.hex(), client.run(frames).shape)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
