"""The families that modules can be mapped to."""

from __future__ import annotations

from .series7.target import SERIES7
from .target import Target

TARGET: Target = SERIES7
"""The one whose areas are shown."""

TARGETS = (TARGET,)
