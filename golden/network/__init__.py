"""Networks: as integers, which hardware computes, and in real numbers, which calibration makes integers of."""
