"""Whole pipelines in a simulator: frames in, results out, cycles counted."""

from __future__ import annotations

from .common import Measured, Noise, SimulationError, Stalls, simulate

__all__ = ["Measured", "Noise", "SimulationError", "Stalls", "simulate"]
