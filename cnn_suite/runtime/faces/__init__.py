"""Faces in apps: finding, aligning and encoding them, recognition, and the gallery of people."""
