"""The exported graph: boxes in the pictures' own pixels, and suppression as by the plain algorithm."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_detection import Export
from cnn_suite.layers.yolo_head import YoloHead
from cnn_suite.ops.nms import non_max_suppression
from cnn_suite.tasks.detection_serving import DetectionServing

CANVAS_HW, STRIDE = (64, 96), 8
ANCHOR_PX = (20.0, 12.0)
SIZES = [(64, 96), (48, 80), (101, 37), (37, 101), (480, 641), (641, 480), (33, 33)]


def white_finder():
    """A network without training: a cell holds an object of class 1, in its middle and as large as the anchor, where
    the picture is white."""
    image = keras.Input((None, None, 3))
    light = keras.layers.AveragePooling2D(STRIDE)(keras.layers.Rescaling(1 / 255)(image))
    head = YoloHead([ANCHOR_PX], classes=2, stride=STRIDE, name="stride8")
    model = keras.Model(image, {"stride8": head(light)})
    kernel, bias = np.zeros((1, 1, 3, 7), np.float32), np.zeros(7, np.float32)
    kernel[..., 4] = 20
    bias[4] = -42  # logit 60 * (light - 0.7); the grey of the margin is 0.45
    bias[5:] = -5, 5
    head.set_weights([kernel, bias])
    return model


def noisy_network(seed=0):
    """A network with two heads, random weights and sure of half of what it sees."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3))
    x = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 64)(image))
    fine = YoloHead([[12, 12], [30, 20]], classes=3, stride=8, scale_xy=2.0, name="stride8")
    coarse = YoloHead([[40, 40]], classes=3, stride=16, scale_xy=2.0, name="stride16")
    outputs = {"stride8": fine(x), "stride16": coarse(keras.layers.AveragePooling2D(2)(x))}
    for head in (fine, coarse):
        kernel, bias = head.get_weights()
        head.set_weights([np.random.default_rng(seed).normal(0, 2, kernel.shape), bias * 0])
    return keras.Model(image, outputs)


def noise(batch=1, size_hw=(50, 70), seed=0):
    return tf.constant(np.random.default_rng(seed).integers(0, 256, (batch, *size_hw, 3), np.uint8))


def test_a_stretched_picture_gives_boxes_in_its_own_pixels():
    # 128 x 96 pixels are stretched to 64 x 96; the white cell at rows 32..48 and columns 40..48 is one cell of the
    # input, rows 16..24, whose middle is at (44, 20): a box of 20 x 12 on the input, 20 x 24 on the picture.
    picture = np.zeros((128, 96, 3), np.uint8)
    picture[32:48, 40:48] = 255
    serving = DetectionServing(white_finder(), CANVAS_HW, Export(), "stretch")
    found = serving.serving_default(tf.constant(picture[None]))
    assert found["scores"][0, 0] > 0.9
    np.testing.assert_allclose(found["boxes"][0, 0], [34, 28, 54, 52], atol=0.01)


@pytest.fixture(scope="module")
def finder():
    return DetectionServing(white_finder(), CANVAS_HW, Export())


@pytest.fixture(scope="module")
def noisy():
    return DetectionServing(noisy_network(), CANVAS_HW, Export(max_detections=60, iou=0.3))


def numpy(answer):
    return {name: value.numpy() for name, value in answer.items()}


# Where the boxes are


def on_the_picture(box_px, size_hw):
    """A box of the canvas in pixels of the picture, by the letterbox's definition without any rounding."""
    height, width = size_hw
    ratio = min(CANVAS_HW[0] / height, CANVAS_HW[1] / width)
    margin = (CANVAS_HW[1] - width * ratio) / 2, (CANVAS_HW[0] - height * ratio) / 2
    return (np.asarray(box_px) - np.tile(margin, 2)) / ratio


def picture_with_a_white_cell(row, column, size_hw):
    cell = np.array([column, row, column + 1, row + 1]) * STRIDE
    x0, y0, x1, y1 = on_the_picture(cell, size_hw).round().astype(int)
    image = np.zeros((*size_hw, 3), np.uint8)
    image[max(y0, 0) : y1, max(x0, 0) : x1] = 255
    return tf.constant(image[None])


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize(("row", "column"), [(3, 5), (4, 6), (2, 5), (5, 6)])
def test_a_white_cell_answers_in_pixels_of_the_picture(finder, size_hw, row, column):
    answer = numpy(finder.serving_default(picture_with_a_white_cell(row, column, size_hw)))
    centre = np.array([column + 0.5, row + 0.5]) * STRIDE
    wanted = on_the_picture(
        np.concatenate([centre - np.array(ANCHOR_PX) / 2, centre + np.array(ANCHOR_PX) / 2]), size_hw
    )
    wanted = wanted.clip(0, np.tile(size_hw[::-1], 2))
    assert answer["count"].tolist() == [1]
    # Margins are whole pixels of the picture: at most one of them off.
    np.testing.assert_allclose(answer["boxes"][0, 0], wanted, atol=1.01)
    assert answer["classes"][0, 0] == 1
    assert answer["scores"][0, 0] > 0.1


def test_a_box_that_reaches_out_of_the_picture_ends_at_its_edge(finder):
    image = picture_with_a_white_cell(0, 0, CANVAS_HW)
    answer = numpy(finder.serving_default(image))
    np.testing.assert_allclose(answer["boxes"][0, 0], [0, 0, 14, 10], atol=1e-3)


def test_a_white_cell_of_the_margin_is_no_object():
    # A network that sees objects in what is not white at all, which includes the grey margin of a narrow picture.
    model = white_finder()
    kernel, bias = model.get_layer("stride8").get_weights()
    model.get_layer("stride8").set_weights([-kernel, -bias])
    serving = DetectionServing(model, CANVAS_HW, Export())
    answer = numpy(serving.serving_default(tf.fill((1, 96, 24, 3), tf.constant(255, tf.uint8))))
    boxes = answer["boxes"][0, : answer["count"][0]]
    assert ((boxes[:, 2:] - boxes[:, :2]) > 0).all()


def test_nothing_found_is_all_zeros(finder):
    answer = numpy(finder.serving_default(tf.zeros((1, 40, 60, 3), tf.uint8)))
    assert answer["count"].tolist() == [0]
    assert answer["boxes"].shape == (1, 100, 4) and answer["scores"].shape == (1, 100)
    assert all((answer[name] == 0).all() for name in ("boxes", "scores", "classes"))


# Shapes and forms


def test_outputs_have_their_types_and_shapes(noisy):
    answer = numpy(noisy.serving_default(noise(3)))
    assert {name: (value.shape, value.dtype.name) for name, value in answer.items()} == {
        "boxes": ((3, 60, 4), "float32"),
        "scores": ((3, 60), "float32"),
        "classes": ((3, 60), "int32"),
        "count": ((3,), "int32"),
    }
    found = numpy(noisy.candidates(noise(3)))
    candidates = 8 * 12 * 2 + 4 * 6
    assert {name: value.shape for name, value in found.items()} == {
        "boxes": (3, candidates, 4),
        "objectness": (3, candidates),
        "class_probabilities": (3, candidates, 3),
    }


def test_candidates_lie_in_the_picture_and_are_probabilities(noisy):
    found = numpy(noisy.candidates(noise(1, (37, 91))))
    assert (found["boxes"] >= 0).all() and (found["boxes"] <= (91, 37, 91, 37)).all()
    for name in ("objectness", "class_probabilities"):
        assert (found[name] >= 0).all() and (found[name] <= 1).all()


def test_a_batch_answers_like_its_pictures_one_by_one_in_both_forms(noisy):
    images = noise(3)
    together = numpy(noisy.serving_default(images))
    for index in range(3):
        alone = numpy(noisy.serving_default(images[index : index + 1]))
        loopless = numpy(noisy.one_picture(images[index : index + 1]))
        for name, value in together.items():
            np.testing.assert_allclose(alone[name][0], value[index], atol=1e-4)
            np.testing.assert_allclose(loopless[name][0], value[index], atol=1e-4)


def test_fewer_candidates_than_places_are_padded():
    serving = DetectionServing(white_finder(), (32, 32), Export(max_detections=50))
    answer = numpy(serving.serving_default(tf.fill((1, 32, 32, 3), tf.constant(255, tf.uint8))))
    assert 0 < answer["count"][0] <= 16
    assert answer["boxes"].shape == (1, 50, 4)
    assert (answer["scores"][0, answer["count"][0] :] == 0).all()


# Suppression


@pytest.mark.parametrize(
    "settings", [{"iou": 0.3}, {"iou": 0.6}, {"iou": 0.3, "max_detections": 5}, {"score_floor": 0.4}]
)
def test_suppression_equals_the_plain_algorithm_per_class(settings):
    settings = Export(**({"max_detections": 60} | settings))
    serving = DetectionServing(noisy_network(seed=1), CANVAS_HW, settings)
    images = noise(2, seed=5)
    answer, found = numpy(serving.serving_default(images)), numpy(serving.candidates(images))
    wh = found["boxes"][..., 2:] - found["boxes"][..., :2]
    scores = found["objectness"] * found["class_probabilities"].max(-1) * (wh > 0).all(-1)
    class_ids = found["class_probabilities"].argmax(-1).astype(np.int32)
    kept = non_max_suppression(
        found["boxes"],
        scores,
        class_ids,
        iou_threshold=settings.iou,
        score_threshold=settings.score_floor,
        max_detections=settings.max_detections,
    )
    np.testing.assert_array_equal(answer["count"], kept.count)
    assert answer["count"].min() >= 5
    indices, valid = np.array(kept.indices), np.array(kept.scores) > 0
    np.testing.assert_allclose(answer["scores"], kept.scores, atol=1e-6)
    for name, values in (("boxes", found["boxes"]), ("classes", class_ids)):
        chosen = np.stack([values[k][indices[k]] for k in range(2)])
        np.testing.assert_allclose(answer[name][valid], chosen[valid], atol=1e-4)


def test_boxes_of_different_classes_do_not_suppress_each_other():
    # Two anchors of one size answer in the same cell, one for class 0 and one for class 1.
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.AveragePooling2D(8)])
    head = YoloHead([ANCHOR_PX, ANCHOR_PX], classes=2, stride=STRIDE, name="stride8")
    model = keras.Model(model.inputs, {"stride8": head(model.outputs[0])})
    for second_class, expected in ((1, 2), (0, 1)):
        kernel, bias = np.zeros((1, 1, 3, 14), np.float32), np.full(14, -5, np.float32)
        bias[[0, 1, 2, 3, 7, 8, 9, 10]] = 0
        kernel[..., [4, 11]] = 40 / 3 / 255
        bias[[4, 11]] = -24
        bias[5] = bias[12 + second_class] = 5
        head.set_weights([kernel, bias])
        serving = DetectionServing(model, CANVAS_HW, Export())
        answer = numpy(serving.serving_default(picture_with_a_white_cell(3, 5, CANVAS_HW)))
        assert answer["count"].tolist() == [expected]
