"""Benchmarks: how long things take, measured as a person or a CI job meets them."""
