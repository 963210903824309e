"""A siamese network: one encoder applied to two pictures, and a head that compares the encodings.

Both pictures go through the very same weights. Three heads: the distance of the encodings, for a threshold that is
chosen later; a logistic unit on |f1 - f2|; a logistic unit on the chi-square of f1 and f2.
"""

import keras
from keras import layers, ops

from cnn_suite.layers.pair_difference import PairDifference, PairDistance

HEADS = ("distance", "absolute", "chi_square")


def siamese(
    encoder: keras.Model,
    head: str = "distance",
    *,
    threshold: float | None = None,
    measure: str = "squared",
    name: str = "siamese",
) -> keras.Model:
    """A network that tells whether two pictures show the same person.

    A logistic head is trained by `compile(loss="binary_crossentropy")` on pairs with 1 for the same person and 0 for
    two people; the distance by `TripletLoss` on the encoder alone. The encoder stays a network of its own inside, by
    its own name, and is trained along unless `encoder.trainable` is False.

    Args:
        encoder: From one input to encodings `(batch, size)`.
        head: "distance"; "absolute" for sigmoid(sum_k w_k |f1 - f2|_k + b); "chi_square" for the same on
            (f1 - f2)^2 / (|f1| + |f2|), whose encodings should not be negative (see `PairDifference`).
        threshold: Distance: below it two pictures are of the same person.
        measure: Distance: "squared", "euclidean" or "cosine".
        name: Name of the model.

    Returns:
        Model from two inputs `[first, second]` like the encoder's to float32 `(batch, 1)`: the distance, or the
        probability of the same person. The distance with a threshold: a dictionary of `distance` and `same`, 1 below
        the threshold and 0 otherwise.

    Raises:
        ValueError: If the head is unknown, the encoder is none, or an argument belongs to another head.

    Source: Bromley et al. 1993, Signature Verification using a Siamese Time Delay Neural Network; Taigman et al. 2014,
    DeepFace, section 4. Deviation: DeepFace trains its logistic head on top of a fixed network.
    """
    _check(encoder, head, threshold, measure)
    picture = encoder.inputs[0]
    pair = [keras.Input(picture.shape[1:], dtype=picture.dtype, name=side) for side in ("first", "second")]
    encodings = [encoder(side) for side in pair]
    if head != "distance":
        difference = PairDifference(head, name="difference")(encodings)
        return keras.Model(pair, layers.Dense(1, "sigmoid", dtype="float32", name="same")(difference), name=name)
    distance = PairDistance(measure, dtype="float32", name="distance")(encodings)
    if threshold is None:
        return keras.Model(pair, distance, name=name)
    same = ops.cast(ops.less(distance, threshold), "float32")
    return keras.Model(pair, {"distance": distance, "same": same}, name=name)


def _check(encoder: keras.Model, head: str, threshold: float | None, measure: str) -> None:
    if head not in HEADS:
        raise ValueError(f"`head` must be one of {', '.join(HEADS)}. Received {head!r}.")
    inputs: list = getattr(encoder, "inputs", None) or []  # none of a subclassed model or a Sequential without input
    outputs: list = getattr(encoder, "outputs", None) or []
    if len(inputs) != 1 or len(outputs) != 1 or len(outputs[0].shape) != 2:
        raise ValueError(
            "`encoder` must have one input and one output of shape (batch, size), such as `face_embedding()`. Received "
            f"{len(inputs)} inputs and outputs of shapes {[tuple(output.shape) for output in outputs]}."
        )
    if head != "distance" and (threshold is not None or measure != "squared"):
        raise ValueError(
            f"`threshold` and `measure` apply to the head 'distance' only. Received head {head!r}, whose output is "
            "already a probability: omit both."
        )
