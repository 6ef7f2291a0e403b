"""The pipeline as a whole: entrance, layers in a row, exit."""
