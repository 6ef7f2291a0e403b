"""How much the proofs are worth: faults put into blocks on purpose, and whether their own suites see them."""
