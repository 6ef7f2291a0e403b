"""Files that lie, drawn from a seed, and what becomes of them: see docs/fuzz.md."""
