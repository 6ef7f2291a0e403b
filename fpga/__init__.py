"""Yosys and Vivado: area, logic levels, bitstream. Knows the Verilog, not what it was made from. A folder for each family."""
