"""Whole pipelines in a simulator: frames in, results out, cycles counted. The command line's own; no test framework is needed."""

from __future__ import annotations

from .job import Measured, Noise, SimulationError, Stalls
from .simulators import SIMULATORS, simulate

__all__ = ["SIMULATORS", "Measured", "Noise", "SimulationError", "Stalls", "simulate"]
