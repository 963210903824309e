"""The localizer: what it is built on, its answer before any training, and what it refuses."""

import keras
import numpy as np
import pytest

from cnn_suite import models
from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.models.localizer import localizer
from cnn_suite.models.surgery import set_trainable


def pictures(side):
    return np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.float32)


@pytest.mark.parametrize(("side", "cells"), [(32, 8), (33, 5), (64, 8), (96, 8), (8, 2)])
def test_the_head_has_a_weight_for_each_of_at_most_eight_by_eight_cells(side, cells):
    model = localizer(models.resnet20((side, side, 3), include_top=False), 3)  # stride 4
    assert model.output_shape == (None, 8) and model.name == "resnet20_localizer"
    assert model.get_layer("hidden").kernel.shape == (cells * cells * 16, 128)
    assert model(pictures(side)).shape == (2, 8)


def test_an_untrained_answer_begins_in_the_middle_of_the_picture():
    model = localizer(models.resnet20((32, 32, 3), include_top=False), 2)
    last = model.get_layer("from_middle")
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    assert np.asarray(model(pictures(32))).tolist() == [[0, 0.5, 0.5, 0.5, 0.5, 0, 0]] * 2


def test_it_can_tell_where_something_is():
    keras.utils.set_random_seed(0)
    model = localizer(models.resnet20((32, 32, 3), include_top=False), 1)
    left = np.zeros((1, 32, 32, 3), np.float32)
    left[:, 8:16, 4:12] = 255
    assert not np.allclose(model(left), model(np.roll(left, 12, axis=2)), atol=1e-3)


def test_answers_are_float32_in_half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = localizer(models.resnet20((32, 32, 3), include_top=False), 2)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("hidden").compute_dtype == "bfloat16"
    assert model(pictures(32)).dtype == "float32"


def test_the_head_alone_may_learn_by_its_first_layer():
    model = localizer(models.squeezenet((64, 64, 3), include_top=False), 2, hidden=16, dropout=0.2)
    assert set_trainable(model, "cells_conv") == ["cells_conv", "cells_norm", "hidden", "from_middle"]
    assert isinstance(model.get_layer("cells_norm"), FusedBatchNormalization)
    assert model.get_layer("dropout").rate == 0.2


def test_what_is_no_body_is_refused():
    with pytest.raises(ValueError, match=r"resnet20 gives \(None, 10\). Build it with include_top=False"):
        localizer(models.resnet20(), 2)
    with pytest.raises(ValueError, match=r"gives \(None, None, None, 64\)"):
        localizer(models.resnet20((None, None, 3), include_top=False), 2)
    body = models.resnet20((32, 32, 3), include_top=False)
    with pytest.raises(ValueError, match="`hidden` must be a whole number of at least 1. Received 0"):
        localizer(body, 2, hidden=0)
    with pytest.raises(ValueError, match="`classes` must be"):
        localizer(body, 0)
