"""Devices: what they hold, what blocks cost on them, and the primitives that they offer."""
