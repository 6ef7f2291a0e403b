"""Tests of hdl/planning."""
