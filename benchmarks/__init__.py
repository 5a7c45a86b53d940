"""Benchmarks: measured comparisons, run by hand and never as tests."""
