"""How much of each layer is computed per cycle, how that is chosen, and when everything happens."""
