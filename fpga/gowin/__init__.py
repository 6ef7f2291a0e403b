"""Gowin's GW2A: synthesis, boards, place and route."""
