"""Faults in Python: drawn in golden, the importer and the planner, and judged by the tests that reach them."""
