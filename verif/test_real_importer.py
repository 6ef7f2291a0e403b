"""What is imported of a variational autoencoder computes what the file's graph computes, given the same noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden.importer import import_real

from .real_graphs import draw_vae
from .reference import execute

GRAPHS = 200

class TestRandomGraphs:
    @pytest.mark.parametrize("block", range(8))
    def test_outputs_agree(self, block: int, tmp_path: Path) -> None:
        for seed in range(block, GRAPHS, 8):
            sample = draw_vae(seed, tmp_path)
            network = import_real(sample.path, sample.input_scale)
            latent = network.latent
            assert latent is not None
            expected = execute(sample.path, sample.x, epsilon=sample.epsilon)
            found = network.output(sample.x, sample.epsilon)
            assert found.shape == expected.outputs.shape, seed
            size = np.abs(expected.outputs).max()
            np.testing.assert_allclose(found, expected.outputs, rtol=1e-4, atol=1e-5 * size, err_msg=f"seed {seed}")
