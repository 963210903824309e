"""Style networks in apps: painted frames, steady over time."""
