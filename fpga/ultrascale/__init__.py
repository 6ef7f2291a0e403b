"""Xilinx' UltraScale+, by synthesis alone: Vivado makes the rest."""
