"""Weights of SqueezeNet: files in both layouts made here, read in by name; every misfit is refused and named."""

import math

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.applications.imagenet_utils import preprocess_input

from cnn_suite.models.lenet import lenet5
from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.weights.squeezenet import compressed_shapes, load_squeezenet
from tests.weights.test_deep_compression import encoded, layers_of

FIRE = {2: (64, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128), 6: (256, 48, 192)}
FIRE |= {7: (384, 48, 192), 8: (384, 64, 256), 9: (512, 64, 256)}  # channels in, squeeze, each expand


def arrays(top=False, seed=0):
    """Random weights of every layer, by the names that keras-squeezenet has."""
    rng, shapes = np.random.default_rng(seed), {"conv1": (3, 3, 3, 64)}
    for number, (channels, squeeze, expand) in FIRE.items():
        shapes[f"fire{number}/squeeze1x1"] = (1, 1, channels, squeeze)
        shapes[f"fire{number}/expand1x1"] = (1, 1, squeeze, expand)
        shapes[f"fire{number}/expand3x3"] = (3, 3, squeeze, expand)
    if top:
        shapes["conv10"] = (1, 1, 512, 1000)
    found = {}
    for name, shape in shapes.items():
        deviation = np.sqrt(2 / np.prod(shape[:3])) / (58 if name == "conv1" else 1)
        found[name] = [rng.normal(0, deviation, shape).astype("f4"), rng.normal(0, 0.1, shape[3]).astype("f4")]
    return found


def write(path, layers, group=None):
    """A file in Keras 2's layout, with a layer without weights, and with names of a second building of the model."""
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        root.attrs["layer_names"] = np.array([b"input_4", *(name.encode() for name in layers)])
        root.create_group("input_4").attrs["weight_names"] = np.array([], "S1")
        for name, (kernel, bias) in layers.items():
            folder = root.create_group(name)
            keys = [f"{name}_3/kernel:0", f"{name}_3/bias:0"]
            folder.attrs["weight_names"] = np.array([key.encode() for key in keys])
            folder[keys[0]], folder[keys[1]] = kernel, bias
    return path


def keras_squeezenet(layers, rgb):
    """The body of keras-squeezenet on what its users do to a picture, written down in TensorFlow."""
    x = preprocess_input(rgb.copy(), data_format="channels_last", mode="caffe")  # BGR, mean taken away

    def convolved(x, name, strides=1, padding="SAME"):
        kernel, bias = layers[name]
        return tf.nn.relu(tf.nn.conv2d(x, kernel, strides, padding) + bias)

    x = tf.nn.max_pool2d(convolved(x, "conv1", 2, "VALID"), 3, 2, "VALID")
    for number in FIRE:
        squeezed = convolved(x, f"fire{number}/squeeze1x1")
        x = tf.concat([convolved(squeezed, f"fire{number}/expand{size}") for size in ("1x1", "3x3")], -1)
        x = tf.nn.max_pool2d(x, 3, 2, "VALID") if number in (3, 5) else x
    return x


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(2).integers(0, 256, (2, 64, 71, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def without_top(tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / "notop.h5", arrays())


def test_raw_rgb_gives_what_keras_squeezenet_gives_on_its_preprocessed_input(without_top, pictures):
    body = squeezenet((64, 71, 3), include_top=False, weights=without_top)
    expected = np.asarray(keras_squeezenet(arrays(), pictures))
    assert expected.std() > 0.1
    np.testing.assert_allclose(body(pictures), expected, rtol=1e-4, atol=1e-4)


def test_only_the_first_convolution_changes_for_rgb_and_our_scale(without_top):
    body = squeezenet((31, 31, 3), include_top=False)
    load_squeezenet(body, str(without_top))
    for name, (kernel, bias) in arrays().items():
        layer = body.get_layer(name.replace("/", "_"))
        if name == "conv1":
            # one step of a red pixel is 1 / (255 * 0.229) for us; red is the last channel of the file
            np.testing.assert_allclose(layer.kernel[:, :, 0], 255 * 0.229 * kernel[:, :, 2], rtol=1e-5)
        else:
            np.testing.assert_array_equal(layer.kernel, kernel)
            np.testing.assert_array_equal(layer.bias, bias)


def test_a_network_that_takes_the_mean_away_gets_the_channels_in_rgb_order_and_nothing_else(without_top):
    ours = squeezenet((31, 31, 3), include_top=False)
    config = ours.get_config()
    scale = next(layer["config"] for layer in config["layers"] if layer["config"]["name"] == "scale")
    scale["scale"], scale["offset"] = 1.0, (-123.68, -116.779, -103.939)
    body = keras.Model.from_config(config)
    load_squeezenet(body, without_top)
    kernel, bias = arrays()["conv1"]
    np.testing.assert_array_equal(body.get_layer("conv1").kernel, kernel[:, :, ::-1])
    np.testing.assert_allclose(body.get_layer("conv1").bias, bias, atol=1e-6)


def test_a_file_with_top_and_a_whole_saved_model_are_read_too(tmp_path):
    layers = arrays(top=True)
    for path in (write(tmp_path / "top.h5", layers), write(tmp_path / "saved.h5", layers, "model_weights")):
        model = squeezenet((31, 31, 3), weights=path)
        np.testing.assert_array_equal(model.get_layer("conv10").kernel, layers["conv10"][0])


def test_a_file_without_top_is_refused_by_a_model_with_one(without_top):
    with pytest.raises(ValueError, match="no array for conv10, .* no layer for .none.. .* use include_top=False"):
        squeezenet((31, 31, 3), weights=without_top)


def test_a_file_with_top_is_refused_by_a_model_without_one(tmp_path):
    path = write(tmp_path / "top.h5", arrays(top=True))
    with pytest.raises(ValueError, match="has no layer for conv10. The file has a top: use include_top=True"):
        squeezenet((31, 31, 3), include_top=False, weights=path)


def test_a_misfit_leaves_the_model_as_it_was(tmp_path):
    layers = arrays()
    layers["fire9/expand3x3"][0] = layers["fire9/expand3x3"][0][..., :7]
    body = squeezenet((31, 31, 3), include_top=False)
    before = body.get_weights()
    with pytest.raises(ValueError, match=r"Layer `fire9_expand3x3` of squeezenet .*\(3, 3, 64, 256\).* has .*7\)"):
        load_squeezenet(body, write(tmp_path / "wrong.h5", layers))
    for old, new in zip(before, body.get_weights()):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("options", [{"variant": "1.0"}, {"image_shape": (35, 35, 1)}])
def test_other_versions_and_grey_pictures_are_refused(without_top, options):
    with pytest.raises(ValueError, match="Layer `conv1` .* use variant='1.1' and a matching image_shape"):
        squeezenet(**{"image_shape": (35, 35, 3), "include_top": False, "weights": without_top, **options})


def test_another_network_is_refused(without_top):
    with pytest.raises(ValueError, match="no array for conv2, fc3, .*no layer for fire2_squeeze1x1, .* and 19 more"):
        load_squeezenet(lenet5(), without_top)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no SqueezeNet weights file .*nowhere.h5.*or omit `weights`"):
        squeezenet(weights=tmp_path / "nowhere.h5")


def test_a_damaged_file_and_one_of_another_kind_are_named(tmp_path, without_top):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(without_top.read_bytes()[:10_000])
    with pytest.raises(ValueError, match=r"cut.h5 \(10000 bytes\) is damaged .* Download it again"):
        squeezenet((31, 31, 3), include_top=False, weights=cut)
    squeezenet((31, 31, 3), include_top=False).save_weights(tmp_path / "keras3.weights.h5")
    with pytest.raises(ValueError, match="keras3.weights.h5 .* not a Keras 2 weights file: .*layer_names"):
        squeezenet((31, 31, 3), include_top=False, weights=tmp_path / "keras3.weights.h5")


def test_the_weights_survive_saving(without_top, tmp_path, pictures):
    body = squeezenet((64, 71, 3), include_top=False, weights=without_top)
    body.save(tmp_path / "body.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "body.keras")(pictures), body(pictures))


@pytest.fixture(scope="module")
def caffe_layers():
    """Random weights of 1.0 as pruned ones are: 6 of 100 are left, and Caffe's order of axes."""
    layers = layers_of(compressed_shapes(), 0.06, seed=3)
    for name, (kernel, bias) in layers.items():
        kernel *= np.float32(5 / math.sqrt(np.prod(kernel.shape[1:])) / (50 if name == "conv1" else 1))
        bias *= np.float32(0.1)
    return layers


@pytest.fixture(scope="module")
def compressed(tmp_path_factory, caffe_layers):
    path = tmp_path_factory.mktemp("weights") / "compressed_SqueezeNet.net"
    path.write_bytes(encoded(caffe_layers.values()))
    return path


def caffe_squeezenet(layers, rgb):
    """What Caffe computes by SqueezeNet_deploy.prototxt, written down in TensorFlow: body, probabilities."""

    def convolved(x, name, strides=1, border=0):
        kernel, bias = layers[name]
        x = tf.pad(x, [[0, 0], [border, border], [border, border], [0, 0]])
        return tf.nn.relu(tf.nn.conv2d(x, kernel.transpose(2, 3, 1, 0), strides, "VALID") + bias)

    def pooled(x):
        beyond = [max(2 * math.ceil((side - 3) / 2) + 3 - side, 0) for side in x.shape[1:3]]
        x = tf.pad(x, [[0, 0], [0, beyond[0]], [0, beyond[1]], [0, 0]], constant_values=-np.inf)
        return tf.nn.max_pool2d(x, 3, 2, "VALID")

    x = pooled(convolved(rgb[..., ::-1] - np.array([104, 117, 123], np.float32), "conv1", 2))
    for number in FIRE:
        squeezed = convolved(x, f"fire{number}_squeeze1x1")
        branches = [convolved(squeezed, f"fire{number}_expand{2 * k + 1}x{2 * k + 1}", border=k) for k in (0, 1)]
        x = tf.concat(branches, -1)
        x = pooled(x) if number in (4, 8) else x
    return x, tf.nn.softmax(tf.reduce_mean(convolved(x, "conv10", border=1), (1, 2)))


def test_the_compressed_file_gives_on_raw_rgb_what_caffe_gives_on_its_preprocessed_input(
    compressed, caffe_layers, pictures
):
    # sides of the maps 29, 33 -> 14, 16 -> 7, 8 -> 3, 4: odd and even ones before every kind of pooling
    expected_body, expected = caffe_squeezenet(caffe_layers, pictures)
    body = squeezenet((64, 71, 3), variant="1.0", include_top=False, weights=compressed)
    assert np.std(expected_body) > 0.1 and body.output_shape == (None, 3, 4, 512)
    np.testing.assert_allclose(body(pictures), expected_body, rtol=1e-3, atol=1e-4)
    model = squeezenet((64, 71, 3), variant="1.0", weights=str(compressed))
    assert np.std(expected) > 1e-5
    np.testing.assert_allclose(model(pictures), expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    "options", [{"variant": "1.1"}, {"image_shape": (35, 35, 1)}, {"classes": 10, "include_top": True}]
)
def test_a_compressed_file_is_refused_by_another_version_grey_pictures_and_other_classes(compressed, options):
    options = {"image_shape": (35, 35, 3), "variant": "1.0", "include_top": False, **options}
    with pytest.raises(
        ValueError, match="Layer `conv10?` .* for SqueezeNet 1.0 .* use variant='1.0' and a matching image"
    ):
        squeezenet(**options, weights=compressed)


def test_a_compressed_file_is_refused_by_another_network(compressed):
    with pytest.raises(ValueError, match="no array for conv2, fc3, .* Expected a model of `squeezenet`"):
        load_squeezenet(lenet5(), compressed)


def test_a_damaged_compressed_file_leaves_the_model_as_it_was_and_is_named(compressed, tmp_path):
    cut = tmp_path / "cut.NET"
    cut.write_bytes(compressed.read_bytes()[:-1])
    body = squeezenet((35, 35, 3), variant="1.0", include_top=False)
    before = body.get_weights()
    with pytest.raises(ValueError, match="cut.NET is not a complete Deep Compression file .*: it is truncated"):
        load_squeezenet(body, cut)
    for old, new in zip(before, body.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_the_compressed_files_shapes_are_those_of_the_network():
    model = squeezenet(variant="1.0")
    kernels = {layer.name: tuple(layer.kernel.shape) for layer in model.layers if layer.weights}
    assert kernels == {name: (h, w, i, o) for name, (o, i, h, w) in compressed_shapes().items()}
