"""What a pipeline's ends do with malformed frames."""
