"""What sums and functions are made of, as integers."""
