"""The command line and training."""
