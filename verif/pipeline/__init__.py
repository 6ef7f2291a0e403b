"""Tests of hdl/pipeline and golden/pipeline."""
