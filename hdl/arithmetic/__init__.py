"""What sums and functions are made of: popcounts, products, adders, tables, and the delays between them."""
