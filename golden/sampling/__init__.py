"""What the sampling layer computes, as integers."""
