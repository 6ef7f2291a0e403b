"""What a pipeline takes and gives, measured: area, power, speed, and its results beside others."""
