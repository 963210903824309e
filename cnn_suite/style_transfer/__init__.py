"""Neural style transfer: what a network sees of content and style, and the optimisation of a picture."""
