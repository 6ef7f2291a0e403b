"""Calibrations: of how many samples they are made, and for which frames and outputs one in a file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sigmabit.golden import CalibrationError, Precision, calibrated, embed, import_model, import_real
from sigmabit.golden.front.quantise import calibrate
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.types.coding import Coding

from ..harness.real_graphs import Vae

RANDOM = np.random.default_rng(5)


def pixels(frames: int) -> NDArray[np.float32]:
    """From 0 to 1."""
    return RANDOM.integers(0, 256, (frames, 4)).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(("frames", "draws"), [(1, 32), (25, 32), (40, 25), (333, 4), (500, 2), (1000, 1), (1001, 1)])
@pytest.mark.parametrize("sampling", [False, True])
def test_samples_of_few_frames(frames: int, draws: int, sampling: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand at least, but no more than 32 of a frame; one of each where none are drawn."""
    g, seen = Vae((4,), RANDOM), list[int]()
    z = g.draw(*g.heads("x", 4, 2)) if sampling else g("Relu", g.dense("x", 4, 2))
    network = import_real(g.save(tmp_path / "m.onnx", g.dense(z, 2, 3)))
    values = RealNetwork.values

    def counted(network: RealNetwork, codes: NDArray[np.integer]) -> NDArray[np.floating]:
        seen.append(len(codes))
        return values(network, codes)

    monkeypatch.setattr(RealNetwork, "values", counted)
    calibrate(network, pixels(frames))
    assert seen == [frames] * (draws if sampling else 1), "all at once, of a network as small as this"


def test_codes_that_a_file_was_calibrated_for(tmp_path: Path) -> None:
    """Others are refused, and those are taken where none are asked for."""
    g = Vae((4,), RANDOM)
    path, copy = g.save(tmp_path / "m.onnx", g.dense(g("Relu", g.dense("x", 4, 5)), 5, 3)), tmp_path / "c.onnx"
    embed(path, calibrated(import_real(path, 0.5), np.rint(255 * pixels(40)) / 2, Precision()), copy)
    assert float(import_model(copy).input.grid.scale) == float(import_model(copy, 0.5).input.grid.scale) == 0.5
    for asked in ({"input_scale": 1.0}, {"coding": Coding.pixels(0.25)}, {"coding": Coding.stated(8, 0.5, -1.0)}):
        with pytest.raises(CalibrationError, match=r"it was calibrated with pixels in steps of 0\.5, not with "):
            import_model(copy, **asked)  # type: ignore[arg-type]
