"""Importers of third-party weights for the builders of `cnn_suite.models`."""
