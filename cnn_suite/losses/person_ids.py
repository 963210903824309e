"""What losses of encodings take as labels: the number of the person on every picture."""

from keras import ops

_FIRST_ALIKE = {"bfloat16": 257, "float16": 2049}  # the first whole number that has none of its own


def check_dtype(dtype: str) -> None:
    """Refuses precisions that mix people up: Keras casts labels to the loss's `dtype` before `call` sees them.

    Raises:
        ValueError: If it is one of 16 bits.
    """
    if dtype in _FIRST_ALIKE:
        raise ValueError(
            "`dtype` must be float32 or float64: person ids are cast to it as well, and 16 bits cannot tell person "
            f"{_FIRST_ALIKE[dtype]} from the one before. Received {dtype}. Encodings may have 16 bits."
        )


def person_ids(y_true, y_pred):
    """The ids, `(batch,)`, from `(batch,)` or `(batch, 1)` beside encodings `(batch, size)`.

    Raises:
        ValueError: If the shapes are others.
    """
    if len(y_pred.shape) != 2 or len(y_true.shape) > 2 or tuple(y_true.shape[1:]) not in ((), (1,)):
        raise ValueError(
            "`y_true` must be person ids of shape (batch,) or (batch, 1) and `y_pred` encodings of shape "
            f"(batch, size). Received {tuple(y_true.shape)} and {tuple(y_pred.shape)}. If labels are one-hot, take "
            "their argmax."
        )
    return ops.reshape(y_true, (-1,))
