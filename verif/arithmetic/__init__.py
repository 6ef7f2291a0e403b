"""Tests of hdl/arithmetic and golden/arithmetic."""
