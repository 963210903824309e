"""Model folders and the runtimes that open their files."""
