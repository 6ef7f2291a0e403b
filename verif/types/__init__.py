"""Tests of tensors' layouts and grids."""
