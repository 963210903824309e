"""What may be trained as a classifier, and what is refused before any training."""

import keras
import pytest

from cnn_suite import models
from cnn_suite.config import ConfigError
from cnn_suite.tasks.classifier_check import checked_classifier

SHAPE = (12, 12, 3)


def checked(model, shape=SHAPE):
    return checked_classifier(model, shape, 3, "mine")


def ending_in(*last):
    return keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), *last])


def test_any_way_to_probabilities_will_do():
    assert checked(ending_in(keras.layers.Dense(3, "softmax"))).output.shape == (None, 3)
    checked(ending_in(keras.layers.Dense(3), keras.layers.Softmax()))
    checked(ending_in(keras.layers.Dense(3), keras.layers.Activation(keras.ops.softmax)))
    checked(models.squeezenet((None, None, 3), 3), (35, 35, 3))  # an average of a softmax's input, free sides


@pytest.mark.parametrize("activation", ["relu", None, "sigmoid"])
def test_scores_that_are_no_probabilities_are_refused(activation):
    with pytest.raises(ConfigError, match="mine must end in a softmax: .* sums to .*classifier_activation"):
        checked(models.lenet5(SHAPE, 3, variant="relu", classifier_activation=activation))


def test_side_branches_are_looked_at_too():
    image = keras.Input(SHAPE)
    x = keras.layers.Flatten()(image)
    ends = {"predictions": "softmax", "auxiliary1": "softmax", "auxiliary2": "relu"}
    model = keras.Model(image, {name: keras.layers.Dense(3, end, name=name)(x) for name, end in ends.items()})
    with pytest.raises(ConfigError, match="must end in a softmax: .* auxiliary2 lies in"):
        checked(model)
    with pytest.raises(ConfigError, match="one output, or a dictionary of predictions, auxiliary1, auxiliary2. Rec"):
        checked(keras.Model(image, {"predictions": model.output["predictions"], "other": x}))
    with pytest.raises(ConfigError, match="Received a list of 2"):
        checked(keras.Model(image, [x, x]))


def test_what_is_no_network_from_a_picture_to_classes_is_refused():
    with pytest.raises(ConfigError, match=r"shape \(None, 3\), as there are 3 classes. Received .* \(None, 5\)"):
        checked(ending_in(keras.layers.Dense(5, "softmax")))
    with pytest.raises(ConfigError, match="must return a built keras.Model of one input.* Received Sequential with 0"):
        checked(keras.Sequential([keras.layers.Dense(3)]))
    with pytest.raises(ConfigError, match="Received int"):
        checked(3)
