"""Standard metrics of trained networks, in NumPy."""
