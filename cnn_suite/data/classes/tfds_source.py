"""TensorFlow Datasets by name (`tfds:cifar10`), read from where they are prepared, without network access.

Pictures stay encoded, as TFDS stores them, and are decoded on demand: a data set of photographs of many
sizes takes the memory of its files.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_suite.data.classes.class_names import class_names
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.data.picture_files import decode_rgb

PREFIX = "tfds:"
_USUAL_SPLITS = ("train", "test")  # where the names are not stored with the data, as with mocked data

_log = logging.getLogger(__name__)


def read_tfds(
    name: str, data_dir: str | None = None, labels: Sequence[str] | None = None
) -> ClassificationData:
    """Reads all splits of a prepared data set of TensorFlow Datasets; nothing is fetched.

    Args:
        name: As `tfds.builder` takes it: "cifar10", "my_set/config:1.0.0".
        data_dir: Where data sets are prepared; TFDS's own folder (`~/tensorflow_datasets`) by default.
        labels: Class names in order; those of the data set by default.

    Returns:
        The splits under TFDS's names. Pictures without a class (-1) are omitted.

    Raises:
        ValueError: If there is no such data set, or it does not pair one picture with one class.
        FileNotFoundError: If it is not prepared; the text says how to prepare it.
    """
    import tensorflow_datasets as tfds  # two seconds, for this source alone

    try:
        builder = tfds.builder(name, data_dir=data_dir or None, try_gcs=False)
    except (tfds.core.DatasetNotFoundError, FileNotFoundError) as error:
        where = data_dir or "the default folder of TFDS"
        raise ValueError(
            f"TensorFlow Datasets has no data set {name!r}, and none is prepared in {where}. Check the name and "
            f"data.path. TFDS says: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from error
    own_names = _class_names(builder)
    splits = {split: _pictures(builder, split) for split in tuple(builder.info.splits) or _USUAL_SPLITS}
    source = f"{PREFIX}{name}"
    return ClassificationData(class_names(splits, labels or own_names, source), splits, source)


def _class_names(builder: Any) -> tuple[str, ...]:
    """The names of the classes; rejects a data set without one picture and one class an example."""
    import tensorflow_datasets as tfds

    features, keys = builder.info.features, builder.info.supervised_keys
    fits = keys == ("image", "label") and all(key in features for key in keys)
    fits = fits and isinstance(features["image"], tfds.features.Image)
    fits = fits and isinstance(features["label"], tfds.features.ClassLabel)
    if not fits or features["image"].np_dtype != np.uint8 or features["image"].shape[-1] not in (1, 3):
        raise ValueError(
            f"{PREFIX}{builder.name} is not a classification data set: it must provide pairs (image, label) of one "
            f"uint8 picture with 1 or 3 channels and one class. It provides {keys or 'no pairs'} out of: "
            f"{', '.join(features)}."
        )
    return tuple(features["label"].names)


def _pictures(builder: Any, split: str) -> LabelledPictures:
    import tensorflow_datasets as tfds

    try:
        examples = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
        )
    except AssertionError as error:  # so TFDS says that there is nothing
        raise FileNotFoundError(
            f"{PREFIX}{builder.name} is not prepared: {builder.data_dir} is empty. Set data.path to the folder of "
            "prepared data sets, or prepare this one on a machine with network access: "
            f"python -c \"import tensorflow_datasets as tfds; tfds.builder('{builder.name}', "
            f"data_dir='{builder.data_dir_root}').download_and_prepare()\""
        ) from error
    rows = [(example["image"], int(example["label"])) for example in tfds.as_numpy(examples)]
    known = [(image, label) for image, label in rows if label >= 0]
    lost = len(rows) - len(known)
    if lost:
        _log.warning("%s: %d pictures of %s have no class and are omitted", builder.name, lost, split)
    encoded = [image for image, _ in known]
    names = [f"{PREFIX}{builder.name}:{split}[{index}]" for index in range(len(known))]
    return LabelledPictures(
        names,
        np.array([label for _, label in known], np.int32),
        lambda index: decode_rgb(encoded[index], names[index]),
        encoded.__getitem__,
    )
