"""What the device's end of the host link does, message by message."""
