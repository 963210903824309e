"""AlexNet's colour augmentation: one shift of all pixels along the main axes of the colours of natural pictures.

Krizhevsky, Sutskever & Hinton 2012, section 4.1. The axes and their eigenvalues are those of ImageNet's RGB pixels in
0..1, as Facebook's fb.resnet.torch (datasets/imagenet.lua) published them. Pictures are `(batch, height, width, 3)`.
"""

from keras import ops

EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = (  # one row per channel (R, G, B), one column per axis: brightness, blue to red, green
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)


def pca_colour(images, draws, value_range=(0.0, 255.0)):
    """Pictures with all their pixels shifted by `eigenvectors @ (draws * eigenvalues)`.

    Args:
        images: Float `(batch, height, width, 3)`, RGB.
        draws: Float `(batch, 3)`, one number per axis; the paper draws them from a normal distribution with deviation
            0.1.
        value_range: Smallest and largest value of a pixel.

    Returns:
        Pictures of the same shape and type, clipped to `value_range`.

    Raises:
        ValueError: If the pictures have other than three channels.

    Source: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 4.1.
    """
    if images.shape[-1] != 3:
        raise ValueError(
            f"`images` must be RGB, (batch, height, width, 3). Received {images.shape[-1]} channels. "
            "Greyscale pictures have no colours to shift."
        )
    low, high = value_range
    scaled = ops.cast(draws, "float32") * ops.convert_to_tensor(EIGENVALUES, "float32")
    axes = ops.transpose(ops.convert_to_tensor(EIGENVECTORS, "float32"))
    shift = ops.matmul(scaled, axes) * (high - low)
    return ops.clip(images + ops.cast(shift, images.dtype)[:, None, None, :], low, high)
