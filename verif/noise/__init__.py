"""Tests of hdl/noise and golden/noise."""
