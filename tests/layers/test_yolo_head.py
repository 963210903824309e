"""The YOLO head: its convolution, its prior, its own decode, and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.yolo_head import YoloHead

ANCHORS_PX = [[10.0, 20.0], [30.0, 15.0]]


def features(shape=(2, 3, 5, 4), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_raw_output_is_a_dot_product_at_every_cell():
    head = YoloHead(ANCHORS_PX, 3, 16)
    x = features()
    raw = head(x)
    assert raw.shape == (2, 3, 5, 2, 8) and raw.dtype == tf.float32
    expected = x @ head.kernel.numpy()[0, 0] + head.bias.numpy()
    np.testing.assert_allclose(raw, expected.reshape(2, 3, 5, 2, 8), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("prior", [0.01, 0.2])
def test_every_cell_starts_with_the_prior_probability_of_an_object(prior):
    head = YoloHead(ANCHORS_PX, 3, 16, objectness_prior=prior)
    found = head.decode(head(np.zeros((1, 3, 5, 4))))
    np.testing.assert_allclose(found.objectness, np.full((1, 3, 5, 2), prior), rtol=1e-5)
    np.testing.assert_allclose(found.classes, np.full((1, 3, 5, 2, 3), 0.5))


def test_decode_uses_the_heads_own_anchors_stride_and_activation():
    # Raw 0 but for the prior: anchors of 10 x 20 and 30 x 15 px on an input of 3 * 16 = 48 by 5 * 16 = 80 px.
    head = YoloHead(ANCHORS_PX, 4, 16, class_activation="softmax")
    found = head.decode(head(np.zeros((1, 3, 5, 4))))
    boxes = np.asarray(found.boxes)
    sizes = (boxes[..., 2:] - boxes[..., :2]) * [80, 48]
    np.testing.assert_allclose(sizes, np.broadcast_to(ANCHORS_PX, sizes.shape), rtol=1e-4)
    np.testing.assert_allclose(found.classes, np.full((1, 3, 5, 2, 4), 0.25))


def test_scale_xy_of_the_head_reaches_its_decode():
    raw = np.full((1, 1, 1, 2, 6), 3.0, np.float32)
    centres = [
        np.asarray(YoloHead(ANCHORS_PX, 1, 16, scale_xy=s).decode(raw).boxes).reshape(2, 2, 2).mean(axis=1)
        for s in (1.0, 2.0)
    ]
    np.testing.assert_allclose(centres[1] - 0.5, 2 * (centres[0] - 0.5), rtol=1e-5)


def test_sides_and_batch_may_stay_open():
    x = keras.Input((None, None, 4))
    model = keras.Model(x, YoloHead(ANCHORS_PX, 3, 16)(x))
    assert model.output_shape == (None, None, None, 2, 8)
    for shape in ((1, 3, 5, 4), (2, 7, 1, 4)):
        assert model(features(shape)).shape == (*shape[:3], 2, 8)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_convolves_in_half_and_answers_in_float32(policy):
    head = YoloHead(ANCHORS_PX, 3, 16, dtype=policy)
    raw = head(features())
    assert raw.dtype == tf.float32 and head.kernel.dtype == "float32"
    exact = YoloHead(ANCHORS_PX, 3, 16)
    exact.build((None, None, None, 4))
    exact.set_weights(head.get_weights())
    np.testing.assert_allclose(raw, exact(features()), atol=2e-3)


def test_mixed_precision_leaves_the_bias_exact():
    head = YoloHead(ANCHORS_PX, 3, 16, dtype="mixed_bfloat16")
    raw = head(np.zeros((1, 2, 2, 4)))
    np.testing.assert_array_equal(np.reshape(raw[0, 0, 0], -1), head.bias.numpy())


def test_config_and_weights_survive_saving(tmp_path):
    x = keras.Input((2, 3, 4))
    head = YoloHead(
        ANCHORS_PX, 4, 32, scale_xy=1.05, class_activation="softmax", objectness_prior=0.1, name="stride32"
    )
    model = keras.Model(x, head(x))
    model.save(tmp_path / "head.keras")
    again = keras.saving.load_model(tmp_path / "head.keras")
    assert again.get_layer("stride32").get_config() == head.get_config()
    np.testing.assert_array_equal(again(features((1, 2, 3, 4))), model(features((1, 2, 3, 4))))


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="`classes` must be at least 1. Received 0."):
        YoloHead(ANCHORS_PX, 0, 16)


def test_an_unknown_class_activation_is_refused():
    with pytest.raises(ValueError, match="`class_activation` must be \"sigmoid\" or \"softmax\". Received 'relu'."):
        YoloHead(ANCHORS_PX, 3, 16, class_activation="relu")
