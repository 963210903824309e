"""One module a task: its data sets, its compiled model, its serving model."""
