"""Sigmabit."""
