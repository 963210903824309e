"""Serialisable Keras layers, one idea per file."""
