"""Functional builders, one architecture family a file."""
