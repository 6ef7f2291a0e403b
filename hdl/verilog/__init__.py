"""What Verilog is made of: blocks marked as modules, signals, names, and the conversion."""
