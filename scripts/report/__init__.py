"""The report: one page about one pipeline, and the plots on it."""
