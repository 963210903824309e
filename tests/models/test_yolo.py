"""The small detector: size, shapes, variants, saving; and that `fit` trains it on every head."""

import keras
import numpy as np
import pytest

from cnn_suite.losses.yolo import YoloLoss
from cnn_suite.models.yolo import yolo_heads, yolo_resnet

FINE, MIDDLE, COARSE = [[10, 14], [16, 30], [30, 18]], [[40, 50], [60, 90], [90, 60]], [[120, 90], [150, 200]]


def small(**options):
    """A narrow, shallow detector that is quick to build."""
    arguments = {"classes": 3, "anchors_px": [FINE, MIDDLE], "width": 0.25, "depth": 0.5} | options
    return yolo_resnet((None, None, 3), arguments.pop("classes"), arguments.pop("anchors_px"), **arguments)


def shapes(model, *image_shape):
    return {name: tuple(raw.shape) for name, raw in model(np.zeros(image_shape, np.float32)).items()}


@pytest.fixture(scope="module")
def model():
    return small()


def test_default_detector_of_three_classes_has_at_most_a_million_parameters():
    full = yolo_resnet((None, None, 3), 3, [FINE, MIDDLE])
    assert full.count_params() <= 1_000_000
    assert [head.name for head in yolo_heads(full)] == ["stride8", "stride16"]


def test_one_model_serves_pictures_of_every_size(model):
    for height, width in ((64, 64), (32, 96), (128, 32)):
        assert shapes(model, 2, height, width, 3) == {
            "stride8": (2, height // 8, width // 8, 3, 8),
            "stride16": (2, height // 16, width // 16, 3, 8),
        }


def test_a_fixed_oblong_size_is_known_before_the_first_picture():
    fixed = yolo_resnet((64, 96, 3), 1, [FINE], strides=(16,), width=0.25, depth=0.5)
    assert fixed.output["stride16"].shape == (None, 4, 6, 3, 6)


@pytest.mark.parametrize(
    ("strides", "anchors"), [((8,), [FINE]), ((32,), [COARSE]), ((8, 32), [FINE, COARSE]), ((8, 16, 32), [FINE] * 3)]
)
def test_heads_stand_at_the_strides_asked_for_with_their_own_anchors(strides, anchors):
    made = small(strides=strides, anchors_px=anchors, classes=2)
    got = shapes(made, 1, 64, 96, 3)
    assert got == {f"stride{s}": (1, 64 // s, 96 // s, len(a), 7) for s, a in zip(strides, anchors)}
    assert [(head.stride, head.anchors_px) for head in yolo_heads(made)] == list(zip(strides, anchors))


def test_width_and_depth_change_the_size_of_the_network(model):
    blocks = [sum("_block" in layer.name for layer in small(depth=d).layers) for d in (0.1, 1.0, 2.0)]
    assert blocks == [4, 6, 12]  # at least one a stage; 1 + 2 + 2 + 1; twice as many
    assert small(width=0.5).count_params() > 2 * model.count_params()


def test_scale_xy_and_activation_reach_every_head_and_block():
    made = small(scale_xy=1.05, activation="relu")
    assert {head.scale_xy for head in yolo_heads(made)} == {1.05}
    activations = [layer.activation for layer in made.layers if isinstance(layer, keras.layers.Activation)]
    assert {activation.__name__ for activation in activations} == {"relu"}


def test_pictures_go_in_as_0_to_255():
    assert small().get_layer("scale").scale == pytest.approx(1 / 255)


def test_before_training_every_cell_expects_an_object_with_one_percent(model):
    noise = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3))
    raw = model(noise, training=False)
    for head in yolo_heads(model):
        np.testing.assert_allclose(head.decode(raw[head.name]).objectness, 0.01, atol=0.005)


def test_a_shifted_picture_gives_shifted_answers(model):
    # Convolutional throughout: away from the border, moving the picture by 32 px moves the answers by whole cells.
    picture = np.zeros((1, 256, 256, 3), np.float32)
    picture[0, 96:128, 96:128] = np.random.default_rng(1).uniform(0, 255, (32, 32, 3))
    moved = np.roll(picture, (32, 32), axis=(1, 2))
    before, after = model(picture), model(moved)
    for head in yolo_heads(model):
        cells = 32 // head.stride
        middle, there = np.asarray(before[head.name]), np.asarray(after[head.name])
        rows = slice(96 // head.stride, 128 // head.stride)
        rows_there = slice(rows.start + cells, rows.stop + cells)
        np.testing.assert_allclose(there[:, rows_there, rows_there], middle[:, rows, rows], rtol=1e-3, atol=1e-4)


def test_a_saved_detector_answers_as_before(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    picture = np.random.default_rng(2).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    expected, got = model(picture), again(picture)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-5, atol=1e-6)
    assert [head.get_config() for head in yolo_heads(again)] == [head.get_config() for head in yolo_heads(model)]


@pytest.mark.slow
def test_fit_lowers_the_loss_of_both_heads_together():
    made = small(classes=1, depth=0.1)
    anchors = FINE + MIDDLE
    masks = {"stride8": [0, 1, 2], "stride16": [3, 4, 5]}
    losses = {head.name: YoloLoss(anchors, masks[head.name], head.stride) for head in yolo_heads(made)}
    made.compile(optimizer=keras.optimizers.Adam(1e-2), loss=losses, jit_compile=False)
    pictures = np.random.default_rng(3).uniform(0, 255, (2, 64, 96, 3)).astype(np.float32)
    truths = np.array([[[0.1, 0.1, 0.25, 0.5, 0], [0.3, 0.1, 0.9, 0.9, 0]], [[0.5, 0.5, 0.9, 0.9, 0], [-1] * 5]])
    history = made.fit(pictures, {name: truths for name in losses}, epochs=8, batch_size=2, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert np.isfinite(history["loss"]).all()


def test_a_side_that_is_not_a_multiple_of_32_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"multiples of 32. Received \(300, 416, 3\). Nearest: \(288, 416\)"):
        yolo_resnet((300, 416, 3), 3, [FINE, MIDDLE])


@pytest.mark.parametrize("strides", [(16, 8), (8, 8), (4,), ()])
def test_strides_that_the_body_does_not_have_are_refused(strides):
    with pytest.raises(ValueError, match="`strides` must be ascending and chosen from 8, 16 and 32. Received"):
        small(strides=strides)


def test_another_number_of_anchor_lists_than_heads_is_refused():
    with pytest.raises(ValueError, match=r"one list of anchors per head\. Received 1 lists for strides \(8, 16\)"):
        small(anchors_px=[FINE])


def test_a_model_without_heads_is_refused():
    x = keras.Input((4,))
    with pytest.raises(ValueError, match="must contain at least one YoloHead. 'plain' has none"):
        yolo_heads(keras.Model(x, keras.layers.Dense(1)(x), name="plain"))


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ("darknet", "ResidualBlock"),
        ("basic", "BasicBlock"),
        ("bottleneck", "BottleneckBlock"),
        ("inception", "InceptionModule"),
    ],
)
def test_the_body_can_be_made_of_every_kind_of_block(block, kind):
    made = small(block=block, width=0.5, depth=0.1)
    blocks = [layer for layer in made.layers if "_block" in layer.name]
    assert {type(layer).__name__ for layer in blocks} == {kind} and len(blocks) >= 3
    assert all(layer.input.shape == layer.output.shape for layer in blocks)
    raw = made(np.zeros((1, 64, 96, 3), np.float32))
    assert raw["stride8"].shape[1:3] == (8, 12)


def test_an_unknown_block_is_refused():
    with pytest.raises(ValueError, match="`block` must be one of darknet, basic, bottleneck, inception. Received"):
        small(block="dense")
