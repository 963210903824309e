"""Maps class indices of a data set to those of a model by class name."""

from collections.abc import Sequence

import numpy as np


def model_numbers(data_labels: Sequence[str], model_labels: Sequence[str]) -> np.ndarray:
    """The model's number of every class of the data, int32 `(classes of the data,)`.

    Data may lack a class of the model, since some formats only know the classes that occur.

    Raises:
        ValueError: If the data has a class that the model does not know.
    """
    unknown = [name for name in data_labels if name not in model_labels]
    if unknown:
        raise ValueError(
            f"The data has classes unknown to the model: {', '.join(unknown)}. The model's labels are "
            f"{', '.join(model_labels)}. Rename the classes in the data or choose a model that was trained on them."
        )
    return np.array([list(model_labels).index(name) for name in data_labels], np.int32)
