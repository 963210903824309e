"""What the apps run on: sources of frames, exported models, drawing, tracking, windows and result files."""
