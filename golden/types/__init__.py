"""What tensors and their codes are, scalar functions of a float graph, and the errors that users can cause."""
