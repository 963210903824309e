"""Data: readers of detection formats, their checks, and the pipelines that feed training."""
