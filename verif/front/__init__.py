"""Tests of what makes networks of model files."""
