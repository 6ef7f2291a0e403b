"""Proof that hdl/ computes what golden/ says: suites, simulators, comparisons."""
