"""The kinds of layers, and what brings operands to them."""
