"""Faces with points or names: crops, aligned faces and the batches that train on them."""
