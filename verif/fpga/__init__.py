"""Tests of netlists, boards, Vivado's scripts, packages and power."""
