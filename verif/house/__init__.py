"""Tests of the sources themselves: traps in the MyHDL, pages, configurations."""
