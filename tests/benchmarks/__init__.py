"""Benchmarks: ratios measured in one run, on the stack of the demo."""
