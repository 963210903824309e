"""Pictures, signals and volumes with one class each: formats, doctor, augmentation and batches."""
