"""Tests of hdl/verilog."""
