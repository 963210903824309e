"""Pictures with boxes: formats, checks, doctor and repair, and the batches that train on them."""
