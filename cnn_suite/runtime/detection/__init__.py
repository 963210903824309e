"""Detectors in apps: boxes, tracks, counts, and one run over a source."""
