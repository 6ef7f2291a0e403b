"""Gaussian noise: from a seed, or from outside."""
