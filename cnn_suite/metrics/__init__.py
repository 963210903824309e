"""Metrics: how good a trained network is, measured as the field measures it, in NumPy."""
