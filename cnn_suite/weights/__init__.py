"""Readers of weights that others trained, into the builders of `cnn_suite.models`."""
