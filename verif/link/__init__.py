"""Tests of hdl/link and golden/link."""
