"""Class names for data with numbered classes, and a check of the numbers."""

from collections.abc import Mapping, Sequence

from cnn_suite.data.classes.labelled import LabelledPictures

_MOST_CLASSES = 65536  # three times those of ImageNet-21k: more are pixels or identities taken for classes


def class_names(splits: Mapping[str, LabelledPictures], labels: Sequence[str] | None, source: str) -> tuple[str, ...]:
    """The given names, or "0" up to the largest class.

    Args:
        splits: Pictures with their classes.
        labels: Names in order, or None.
        source: Where the pictures come from, for messages.

    Raises:
        ValueError: If a class is negative, has no name, or is too large to be one, or two have the same name.
    """
    largest = max(int(part.class_ids.max(initial=0)) for part in splits.values())
    smallest = min(int(part.class_ids.min(initial=0)) for part in splits.values())
    if smallest < 0 or largest >= _MOST_CLASSES:
        raise ValueError(
            f"{source}: classes must be whole numbers from 0 to {_MOST_CLASSES - 1}. "
            f"Received {smallest if smallest < 0 else largest}."
        )
    if labels and largest >= len(labels):
        raise ValueError(
            f"{source} has classes up to {largest}, but data.labels has {len(labels)} names. Name all classes."
        )
    if labels and len(set(labels)) < len(labels):
        raise ValueError(f"{source}: every class must have a name of its own. Received {', '.join(labels)}.")
    return tuple(labels) if labels else tuple(map(str, range(largest + 1)))
