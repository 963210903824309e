"""The costs of neural style transfer: content, style by Gram matrices, and total variation.

Features are activations of a layer, `(batch, height, width, channels)`. Their Gram matrix represents style: a sum
over positions that discards where things are. Here it is divided by the number of positions, `mean_gram`, so that a
painting and a picture of different sizes can be compared.

A cost has one of three normalisations:

    "notes"   content  ||F - P||^2                  style  ||G - A||^2 / (2 height width channels)^2
    "gatys"   content  1/2 ||F - P||^2              style  the same; the paper has 1 / (4 N^2 M^2)
    "energy"  content  ||F - P||^2 / ||P||^2        style  ||G - A||^2 / ||A||^2

The last is a share of the target's own energy: 0 where the target is met, 1 for an empty picture, whatever the size of
the picture, the layer and the network, so that one setting of weights serves all of them. Layers are summed with their
weights lambda; in "energy" the sum is divided by that of the lambdas, so that it stays a share.

Source: Gatys, Ecker & Bethge 2015, A Neural Algorithm of Artistic Style, equations 1 to 7.
"""

from collections.abc import Mapping

from keras import ops

NORMALISATIONS = ("energy", "gatys", "notes")
_EPSILON = 1e-8  # of a target without energy: a black painting


def gram_matrix(features, mask=None):
    """Products of every two channels, summed over the positions.

    Args:
        features: Float `(batch, height, width, channels)`.
        mask: Weight of every position, `(batch or 1, height, width)`; None for 1 everywhere.

    Returns:
        `(batch, channels, channels)`, symmetric.

    Source: Gatys et al. 2015, equation 3.
    """
    flat = _positions(features)
    if mask is None:
        return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat)
    weights = ops.reshape(ops.cast(mask, flat.dtype), (-1, flat.shape[1] or ops.shape(flat)[1], 1))
    return ops.matmul(ops.transpose(flat * weights, (0, 2, 1)), flat)


def mean_gram(features):
    """The Gram matrix divided by the number of positions.

    Args:
        features: Float `(batch, height, width, channels)`.

    Returns:
        `(batch, channels, channels)`.
    """
    gram = gram_matrix(features)
    return gram / ops.cast(ops.shape(features)[1] * ops.shape(features)[2], gram.dtype)


def content_cost(features, target, normalisation: str = "energy", *, energy=None):
    """Content cost: the difference between the content of a picture and that of another.

    Args:
        features: Features of the picture, `(batch, height, width, channels)`.
        target: Features of the photograph, same shape.
        normalisation: One of `NORMALISATIONS`.
        energy: Sum of the target's squares, `(batch,)`, where `target` is a part of it; None for its own.

    Returns:
        `(batch,)`.

    Raises:
        ValueError: If the normalisation is unknown.
    """
    _check(normalisation)
    cost = sum_of_squares(features - target)
    if normalisation == "energy":
        return cost / ops.maximum(sum_of_squares(target) if energy is None else energy, _EPSILON)
    return cost / 2 if normalisation == "gatys" else cost


def style_cost(gram, target, normalisation: str = "energy"):
    """Style cost: the difference between the style of a picture and that of a painting, in one layer.

    Args:
        gram: `mean_gram` of the picture, `(batch, channels, channels)`.
        target: `mean_gram` of the painting, `(batch or 1, channels, channels)`.
        normalisation: One of `NORMALISATIONS`.

    Returns:
        `(batch,)`.

    Raises:
        ValueError: If the normalisation is unknown.
    """
    _check(normalisation)
    cost = sum_of_squares(gram - target)
    if normalisation == "energy":
        return cost / ops.maximum(sum_of_squares(target), _EPSILON)
    return cost / (4 * gram.shape[-1] ** 2)  # the squares of height and width are in the mean


def weighted_cost(costs: Mapping, lambdas: Mapping[str, float], normalisation: str = "energy"):
    """Costs of several layers as one: the sum of lambda cost, in "energy" their mean.

    Args:
        costs: Name of a layer to its cost, `(batch,)`.
        lambdas: Name of a layer to its weight.
        normalisation: One of `NORMALISATIONS`: that of the costs.

    Returns:
        `(batch,)`.

    Raises:
        ValueError: If the normalisation is unknown.

    Source: Gatys et al. 2015, equation 5.
    """
    _check(normalisation)
    total = sum(lambdas[name] * cost for name, cost in costs.items())
    return total / sum(lambdas[name] for name in costs) if normalisation == "energy" else total


def total_variation(pictures):
    """Total variation: the mean squared difference of neighbouring pixels.

    Args:
        pictures: `(batch, height, width, channels)`, 0..255.

    Returns:
        `(batch,)`, in units of the whole range: 1 if every pixel differs from its neighbours by 255.

    Source: Mahendran & Vedaldi 2015, Understanding Deep Image Representations by Inverting Them, section 3, beta = 2.
    """
    unit = ops.cast(pictures, "float32") / 255
    down = ops.mean(ops.square(unit[:, 1:] - unit[:, :-1]), axis=(1, 2, 3))
    right = ops.mean(ops.square(unit[:, :, 1:] - unit[:, :, :-1]), axis=(1, 2, 3))
    return (down + right) / 2


def sum_of_squares(x):
    """The energy of every example: the sum of its squares, `(batch,)`, in float32."""
    return ops.sum(ops.square(ops.cast(x, "float32")), axis=tuple(range(1, len(x.shape))))


def joint_cost(content, style, variation=0.0, *, alpha: float, beta: float, tv: float = 0.0):
    """J = alpha content + beta style + tv variation.

    Source: Gatys et al. 2015, equation 7; the last term is Johnson et al. 2016, section 3.2.
    """
    return alpha * content + beta * style + tv * variation


def _positions(features):
    shape = ops.shape(features)
    return ops.reshape(features, (shape[0], -1, features.shape[-1]))


def _check(normalisation: str) -> None:
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"`normalisation` must be one of {', '.join(NORMALISATIONS)}. Received {normalisation!r}.")
