"""One module per task: its data sets, its compiled model, its serving model."""
