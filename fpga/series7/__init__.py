"""Xilinx' 7 series: synthesis by Yosys, cells and levels, power, boards, Vivado."""
