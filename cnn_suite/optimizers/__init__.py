"""Optimisers that Keras has not, or has not for convolutions."""
