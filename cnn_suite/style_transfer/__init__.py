"""Neural style transfer: content and style features of a network, and the optimisation of a picture."""
