"""Training of the shipped networks; it needs the `training` extra."""
