"""Networks that ship with the project or are made by it, as ONNX graphs."""
