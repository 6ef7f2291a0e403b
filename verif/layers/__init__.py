"""Tests of hdl/layers and golden/layers."""
