"""Cameras, pictures and videos: where frames come from and where results go."""
