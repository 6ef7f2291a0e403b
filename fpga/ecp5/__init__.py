"""Lattice ECP5, from Verilog to a bitstream by open tools alone."""
