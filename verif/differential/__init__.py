"""Drawn graphs of all that the importer supports, held against their own execution: see docs/differential.md."""
