"""The residual network of arrays: its sizes, its scaling, what it refuses."""

import keras
import numpy as np
import pytest

from cnn_suite.models.array_resnet import array_resnet
from cnn_suite.sums import model_sums


def values(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_the_default_is_the_network_of_the_paper():
    # Filters of 8, 5 and 3, 64 and twice 128 of them, batch norms, shortcuts by a filter of 1 where channels change.
    blocks = [(1, 64), (64, 128), (128, 128)]
    of_filters = sum(8 * given * made + 5 * made * made + 3 * made * made for given, made in blocks)
    shortcuts, norms = 1 * 64 + 64 * 128, 4 * (3 * (64 + 128 + 128) + 64 + 128)
    model = array_resnet((96, 1), 2)
    assert model.count_params() == of_filters + shortcuts + norms + 128 * 2 + 2
    assert model_sums(model).layers[-1].output_shape == (2,)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (9, 8, 1), (5, 6, 7, 2)])
def test_signals_pictures_and_volumes_of_any_size(shape):
    model = array_resnet(shape, 3, filters=(4, 8), kernels=(3, 3), strides=2, dropout=0.1)
    probabilities = np.asarray(model(values(2, *shape)))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_level_and_unit_of_an_example_do_not_count_if_it_is_standardized():
    examples = values(2, 30, 1)
    model = array_resnet((30, 1), 2, filters=(4,))
    np.testing.assert_allclose(model(examples), model(5 * examples - 40), atol=1e-3)
    plain = array_resnet((30, 1), 2, filters=(4,), standardize=False)
    assert np.abs(np.asarray(plain(examples)) - np.asarray(plain(5 * examples - 40))).max() > 0.01


def test_a_flat_example_is_borne():
    assert np.isfinite(np.asarray(array_resnet((30, 1), 2, filters=(4,))(np.full((1, 30, 1), 7.0)))).all()


def test_a_step_of_training_lowers_the_loss_and_the_file_is_the_same_network(tmp_path):
    keras.utils.set_random_seed(0)
    model = array_resnet((16, 16, 16, 1), 2, filters=(4, 8), kernels=(3, 3), strides=2)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    examples, class_ids = values(8, 16, 16, 16, 1), np.arange(8) % 2
    losses = model.fit(examples, class_ids, epochs=8, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(again(examples), model(examples), rtol=1e-6)


@pytest.mark.parametrize(("shape", "options", "says"), [
    ((96,), {}, r"`shape` must be one, two or three sides and the channels, .* Received \(96,\)"),
    ((2, 2, 2, 2, 1), {}, "`shape` must be one, two or three sides"),
    ((0, 1), {}, "`shape` must be"),
    ((96, 1), {"filters": ()}, "`filters` and `kernels` must have at least one number"),
    ((96, 1), {"kernels": (3, 0)}, r"at least 1. Received \(64, 128, 128\), \(3, 0\) and 1"),
    ((96, 1), {"strides": 0}, "at least 1"),
])  # fmt: skip
def test_what_cannot_be_is_refused(shape, options, says):
    with pytest.raises(ValueError, match=says):
        array_resnet(shape, 2, **options)
