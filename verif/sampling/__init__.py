"""Tests of hdl/sampling and golden/sampling."""
