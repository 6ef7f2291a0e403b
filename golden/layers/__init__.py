"""What the kinds of layers compute, as integers, and how their thresholds are found."""
