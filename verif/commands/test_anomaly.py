"""Anomaly scores and the area under the curve, against their definitions and scikit-learn; the seeded trigger network."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from sigmabit.scripts.networks.anomaly import VARIANCE, Inference, Reals, kl_divergence, roc_auc, scores, squared_error
from sigmabit.scripts.networks.trigger import WEIGHT_STEP, random_trigger


class TestAuc:
    @given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60))
    def test_against_scikit_learn(self, frames: list[tuple[int, bool]]) -> None:
        values, anomalous = (np.array(column) for column in zip(*frames, strict=True))
        if anomalous.all() or not anomalous.any():
            with pytest.raises(ValueError, match="at least one of each"):
                roc_auc(values.astype(float), anomalous)
        else:
            assert roc_auc(values.astype(float), anomalous) == pytest.approx(roc_auc_score(anomalous, values), abs=1e-12)

    def test_extremes(self) -> None:
        anomalous = np.array([False, False, True])
        assert roc_auc(np.array([1.0, 2.0, 3.0]), anomalous) == 1
        assert roc_auc(np.array([3.0, 2.0, 1.0]), anomalous) == 0
        assert roc_auc(np.array([1.0, 1.0, 1.0]), anomalous) == 0.5


class TestScores:
    def test_divergence_by_integration(self) -> None:
        """The closed form equals the integral of p log(p / q)."""
        mu, logvar = np.array([[0.7], [-2.0]]), np.array([[-1.5], [0.4]])
        t = np.linspace(-30, 30, 600_001)
        log_p = -((t - mu) ** 2) / (2 * np.exp(logvar)) - logvar / 2
        integral = (np.exp(log_p) * (log_p + t**2 / 2)).sum(1) * (t[1] - t[0]) / np.sqrt(2 * np.pi)
        np.testing.assert_allclose(kl_divergence(mu, logvar), integral, rtol=1e-6)

    def test_kinds(self) -> None:
        """The mean's reconstruction is that of eps 0, and the sampled score an average over the others."""
        random = np.random.default_rng(3)
        frames, eps = random.random((5, 4)), random.standard_normal((5, 7, 2))
        mu, logvar = random.standard_normal((2, 5, 2))

        def execute(x: Reals, noise: Reals) -> Inference:
            return Inference(x[:, None] + noise.sum(2, keepdims=True), mu, logvar)

        found = scores(execute, frames, frames, eps)
        kl = kl_divergence(mu, logvar)
        np.testing.assert_allclose(found["mean"], kl)
        np.testing.assert_allclose(found["sampled"], (4 * eps.sum(2) ** 2).mean(1) / (2 * VARIANCE) + kl)
        np.testing.assert_allclose(found["radius"], (mu**2).sum(1))
        np.testing.assert_array_equal(found["kl"], kl)

    def test_squared_error(self) -> None:
        error = squared_error(np.full((2, 3, 1, 2, 2), 0.5), np.zeros((2, 1, 2, 2)))
        np.testing.assert_array_equal(error, np.ones((2, 3)))


class TestTrigger:
    def test_weights(self) -> None:
        model = random_trigger()
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        weights = [array / WEIGHT_STEP for name, array in arrays.items() if name.endswith(".weight")]
        assert [each.shape for each in weights] == [(32, 57), (16, 32), (13, 16), (13, 16)]
        integers = np.concatenate([each.ravel() for each in weights])
        np.testing.assert_array_equal(integers, np.rint(integers))
        assert np.abs(integers).max() == 31
        assert np.mean(integers != 0) >= 0.9

    def test_seed(self) -> None:
        assert random_trigger().SerializeToString() == random_trigger().SerializeToString()
        assert random_trigger(seed=1).SerializeToString() != random_trigger().SerializeToString()
