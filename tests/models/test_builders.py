"""What holds for every builder: sizes, learning, saving, exporting, half precision, and clear refusals."""

import inspect
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite import graphs, models
from cnn_suite.models.googlenet import AUXILIARY_LOSS_WEIGHTS

CLASSES = 3
# Builder, arguments, the smallest side that works where it is known by hand; deeper variants of the same code take part
# where CNN_SUITE_EXHAUSTIVE is set.
CASES = [
    ("lenet5", {}, 12),
    ("lenet5", {"variant": "relu"}, 12),
    ("alexnet", {}, 67),
    ("alexnet", {"groups": 2}, 67),
    ("vgg11", {}, 32),
    ("network_in_network", {}, None),
    ("googlenet", {}, 1),
    ("googlenet", {"auxiliary": True}, 65),
    ("resnet18", {}, 1),
    ("resnet20", {}, 1),
    ("resnet50", {}, 1),
    ("plain20", {}, 1),
    ("squeezenet", {}, None),
    ("squeezenet", {"variant": "1.0"}, None),
    ("mobilenet_v2", {"alpha": 0.35}, None),
]
# Without classes, with tests of their own.
ENCODERS = {"face_embedding", "mobileface_v2", "openface_nn4_small2", "stylizer"}
DEEP = sorted(set(models.__all__) - {name for name, _, _ in CASES} - ENCODERS)
EVERY = [pytest.param(name, options, id="-".join([name, *map(str, options.values())])) for name, options, _ in CASES]
exhaustive = pytest.mark.skipif(
    "CNN_SUITE_EXHAUSTIVE" not in os.environ,
    reason="a deeper variant of the same code, minutes to build: set CNN_SUITE_EXHAUSTIVE=1",
)
EVERY += [pytest.param(name, {}, id=name, marks=exhaustive) for name in DEEP]


def built(name, options, side, **more):
    build = getattr(models, name)
    channels = inspect.signature(build).parameters["image_shape"].default[2]
    return build((side, side, channels), CLASSES, **options, **more)


def smallest_of(name, options):
    """The smallest side that the builder names in its refusal of a picture of nothing."""
    with pytest.raises(ValueError, match=r"The smallest that works is \((\d+), \1, \d\)") as caught:
        built(name, options, 0)
    return int(str(caught.value).split("smallest that works is (")[1].split(",")[0])


def batch(model, count=6, seed=0):
    shape = model.input_shape[1:]
    images = np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.float32)
    truths = np.eye(CLASSES, dtype=np.float32)[np.arange(count) % CLASSES]
    return images, truths


def compiled(model, learning_rate):
    optimizer = keras.optimizers.SGD(learning_rate, global_clipnorm=1.0)
    if isinstance(model.output, dict):
        loss = dict.fromkeys(model.output, "categorical_crossentropy")
        model.compile(optimizer, loss, loss_weights=AUXILIARY_LOSS_WEIGHTS)
    else:
        model.compile(optimizer, "categorical_crossentropy")
    return model


def first(outputs):
    return np.asarray(outputs["predictions"] if isinstance(outputs, dict) else outputs)


@pytest.mark.parametrize(("name", "options", "smallest"), CASES)
def test_the_smallest_size_is_the_one_the_papers_arithmetic_gives(name, options, smallest):
    assert smallest is None or smallest_of(name, options) == smallest


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_the_smallest_and_an_odd_size_work_and_one_pixel_less_is_refused(name, options):
    smallest = smallest_of(name, options)
    for side in (smallest, smallest + 2 + smallest % 2):  # the second is odd
        model = built(name, options, side)
        probabilities = first(model(batch(model, 1)[0]))
        assert probabilities.shape == (1, CLASSES)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    if smallest > 1:
        with pytest.raises(ValueError, match=f"must have sides of at least {smallest}"):
            built(name, options, smallest - 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), EVERY)
def test_a_step_lowers_the_loss_and_the_network_survives_saving_and_exporting(name, options, tmp_path):
    keras.utils.set_random_seed(1)
    model = built(name, options, max(smallest_of(name, options), 33), **without_dropout(name))
    images, truths = batch(model)
    compiled(model, 1e-3)
    wanted = dict.fromkeys(model.output, truths) if isinstance(model.output, dict) else truths
    assert min(losses_of_steps(model, images, wanted)) < 0

    expected = first(model(images, training=False))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(first(again(images, training=False)), expected, rtol=1e-5, atol=1e-7)

    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")
    serve = tf.function(lambda images: {"probabilities": first_tensor(model(images, training=False))}, [spec])
    graphs.write_saved_model(model, {"serving_default": serve}, tmp_path / "exported")
    served = tf.saved_model.load(str(tmp_path / "exported")).signatures["serving_default"](images=tf.constant(images))
    np.testing.assert_allclose(served["probabilities"], expected, rtol=1e-4, atol=1e-6)


def losses_of_steps(model, images, wanted, steps=5):
    """How the loss of the batch has changed after each step; measured without dropout where there is some."""
    if any(isinstance(layer, keras.layers.Dropout) for layer in model.layers):
        measure = lambda: model.test_on_batch(images, wanted, return_dict=True)["loss"]  # noqa: E731
        before = measure()
        return [(model.train_on_batch(images, wanted), measure() - before)[1] for _ in range(steps)]
    losses = [float(model.train_on_batch(images, wanted, return_dict=True)["loss"]) for _ in range(steps + 1)]
    return [loss - losses[0] for loss in losses[1:]]


def first_tensor(outputs):
    return outputs["predictions"] if isinstance(outputs, dict) else outputs


def without_dropout(name):
    """Six steps cannot see through half of the features."""
    return {"dropout": 0.0} if "dropout" in inspect.signature(getattr(models, name)).parameters else {}


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_half_precision_computes_in_16_bits_and_answers_in_32(name, options):
    keras.utils.set_random_seed(1)
    side = smallest_of(name, options)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = built(name, options, side)
    finally:
        keras.config.set_dtype_policy("float32")
    inner = {layer.compute_dtype for layer in model.layers if layer.weights}
    assert "bfloat16" in inner
    assert all(weight.dtype == "float32" for weight in model.weights)
    probabilities = model(batch(model, 2)[0])
    assert first_tensor(probabilities).dtype == tf.float32
    np.testing.assert_allclose(first(probabilities).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_impossible_arguments_are_refused(name):
    build = getattr(models, name)
    shape = inspect.signature(build).parameters["image_shape"].default
    for wrong in (shape[:2], 64, ("a", "b", 3), (64.5, 64, 3), (64, 64, None)):
        with pytest.raises(ValueError, match=r"`image_shape` of \w+ must be \(height, width, channels\) in whole numb"):
            build(wrong, CLASSES)
    with pytest.raises(ValueError, match="`classes` must be a whole number of at least 1. Received 0"):
        build((*(max(side, 70) for side in shape[:2]), shape[2]), 0)
    with pytest.raises(ValueError, match="`dropout` must be at least 0 and less than 1. Received 1.5"):
        build((*(max(side, 70) for side in shape[:2]), shape[2]), CLASSES, dropout=1.5)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_without_top_a_network_ends_in_a_feature_map_of_any_size(name):
    build = getattr(models, name)
    channels = inspect.signature(build).parameters["image_shape"].default[2]
    body = build((None, None, channels), include_top=False)
    assert len(body.output_shape) == 4 and body.output_shape[:3] == (None, None, None)
