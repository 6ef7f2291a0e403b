"""An autoencoder that draws its samples: the same seed gives the same ones, and more of them a better mean.

python examples/samples.py
"""

from __future__ import annotations

import numpy as np

import sigmabit


def main() -> None:
    """Reconstructions of 100 held-out digits by digits_vae, in the hardware's integers."""
    frames, _ = sigmabit.held_out("digits_vae")
    network, x, codes, _ = sigmabit.load_with_frames("digits_vae", frames[:100])
    print(repr(network))
    target = frames[:100].reshape(100, -1) / 16
    for samples in (1, 4, 16):
        noise, _ = sigmabit.noise(network, len(x), samples=samples, seed=7)
        first, again = (sigmabit.run(network, codes, noise=noise, samples=samples) for _ in range(2))
        assert np.array_equal(first.y, again.y)
        mean = first.y.reshape(len(x), samples, -1).mean(axis=1)
        error = float(((mean - target) ** 2).mean())
        print(f"{samples:2} samples of each: squared error of their mean {error:.4f}")


if __name__ == "__main__":
    main()
