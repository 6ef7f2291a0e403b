"""The MyHDL blocks, the folding plan, and their conversion to Verilog."""
