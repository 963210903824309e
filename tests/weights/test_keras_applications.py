"""Weights of keras.applications in our builders: equal outputs, every layout of file, and every refusal."""

import h5py
import keras
import numpy as np
import pytest

from cnn_suite.models.mobilenet_v2 import mobilenet_v2
from cnn_suite.models.resnet import resnet50, resnet101, resnet152
from cnn_suite.models.vgg import vgg16, vgg19
from cnn_suite.weights.keras_applications import load_keras_applications
from cnn_suite.weights.squeezenet import load_squeezenet

SHAPE = (40, 56, 3)

# name: our builder, Keras's, and Keras's preprocessing.
NETWORKS = {
    "vgg16": (vgg16, keras.applications.VGG16, keras.applications.vgg16.preprocess_input),
    "vgg19": (vgg19, keras.applications.VGG19, keras.applications.vgg19.preprocess_input),
    "resnet50": (resnet50, keras.applications.ResNet50, keras.applications.resnet.preprocess_input),
    "resnet101": (resnet101, keras.applications.ResNet101, keras.applications.resnet.preprocess_input),
    "resnet152": (resnet152, keras.applications.ResNet152, keras.applications.resnet.preprocess_input),
    "mobilenet_v2": (
        mobilenet_v2,
        keras.applications.MobileNetV2,
        keras.applications.mobilenet_v2.preprocess_input,
    ),
}


def pictures(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, *shape)).astype(np.uint8)


def trained(model, seed=1):
    """The model with norms and biases as if trained: nothing is 0 or 1 any more."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) == 1:
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.1, 0.1)
            weight.assign(rng.uniform(low, high, weight.shape))
    return model


def theirs(name, **options):
    options = {"input_shape": SHAPE, "weights": None, **options}
    if options.get("include_top", True):
        options["classifier_activation"] = None
    return trained(NETWORKS[name][1](**options))


def assert_same_outputs(ours, name, reference):
    raw = pictures(reference.input_shape[1:])
    expected = np.asarray(reference(NETWORKS[name][2](raw.astype(np.float32)), training=False))
    received = np.asarray(ours(raw, training=False))
    assert np.std(expected) > 0.01 * np.abs(expected).max() > 0
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def legacy(path, layers, name="{layer}/{weight}:0"):
    """A file of weights alone, as the published ones are."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer, arrays in layers.items():
            names = [name.format(layer=layer, weight=weight) for weight in arrays]
            group = file.create_group(layer)
            group.attrs["weight_names"] = [key.encode() for key in names]
            for key, array in zip(names, arrays.values()):
                group[key] = array
    return path


def arrays_of(model):
    return {layer.name: {weight.name: weight.numpy() for weight in layer.weights} for layer in model.layers}


def tiny(classes=4, *, top=True, first="block1_conv1"):
    """One 1x1 convolution with one filter, and a dense layer."""
    image = keras.Input((2, 2, 3))
    x = keras.layers.Conv2D(1, 1, name=first)(image)
    if top:
        x = keras.layers.Dense(classes, name="predictions")(keras.layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(image, x, name="tiny")


def tiny_arrays(classes=4, first="block1_conv1"):
    return {
        first: {"kernel": np.array([1, 2, 3], np.float32).reshape(1, 1, 3, 1), "bias": np.array([5], np.float32)},
        "pool": {},
        "predictions": {"kernel": np.full((1, classes), 7, np.float32), "bias": np.full(classes, 9, np.float32)},
    }


def refused(model, path, match):
    before = [weight.numpy().copy() for weight in model.weights]
    with pytest.raises(ValueError, match=match):
        load_keras_applications(model, path)
    for weight, old in zip(model.weights, before):
        np.testing.assert_array_equal(weight, old)


# By hand: a kernel of 1 for blue, 2 for green and 3 for red is 3, 2, 1 for red, green, blue.


@pytest.mark.parametrize("first", ["block1_conv1", "conv1_conv"])
def test_the_first_kernel_of_vgg_and_resnet_is_turned_from_blue_first_to_red_first(tmp_path, first):
    model = tiny(first=first)
    load_keras_applications(model, legacy(tmp_path / "x.h5", tiny_arrays(first=first)))
    assert np.ravel(model.get_layer(first).kernel).tolist() == [3, 2, 1]
    assert [np.unique(weight).tolist() for weight in model.weights[1:]] == [[5], [7], [9]]


def test_other_first_kernels_stay_as_they_are(tmp_path):
    model = tiny(first="Conv1")
    load_keras_applications(model, str(legacy(tmp_path / "x.h5", tiny_arrays(first="Conv1"))))
    assert np.ravel(model.get_layer("Conv1").kernel).tolist() == [1, 2, 3]


# keras.applications as the oracle.


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "mobilenet_v2"])
def test_without_top_outputs_equal_those_of_keras_applications(tmp_path, name):
    reference = theirs(name, include_top=False)
    reference.save(tmp_path / "x.h5")
    assert_same_outputs(NETWORKS[name][0](SHAPE, include_top=False, weights=tmp_path / "x.h5"), name, reference)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet101", "resnet152"])
def test_deep_networks_equal_those_of_keras_applications(tmp_path, name):
    reference = theirs(name)
    reference.save(tmp_path / "x.h5")
    ours = NETWORKS[name][0](SHAPE, classifier_activation=None, weights=tmp_path / "x.h5")
    assert_same_outputs(ours, name, reference)


@pytest.mark.parametrize(
    ("name", "ending"), [("resnet50", ".weights.h5"), ("mobilenet_v2", ".weights.h5"), ("mobilenet_v2", ".h5")]
)
def test_with_top_outputs_equal_those_of_keras_applications(tmp_path, name, ending):
    reference = theirs(name)
    (reference.save if ending == ".h5" else reference.save_weights)(tmp_path / f"x{ending}")
    ours = NETWORKS[name][0](SHAPE, classifier_activation=None, weights=tmp_path / f"x{ending}")
    assert_same_outputs(ours, name, reference)


def test_vgg_with_its_dense_layers_equals_that_of_keras_applications(tmp_path):
    reference = theirs("vgg16", input_shape=(32, 32, 3))
    reference.save(tmp_path / "x.h5")
    ours = vgg16((32, 32, 3), classifier_activation=None, weights=tmp_path / "x.h5")
    assert_same_outputs(ours, "vgg16", reference)


def test_an_imported_network_gives_probabilities_of_pictures_as_they_are(tmp_path):
    reference = theirs("mobilenet_v2", alpha=0.35, classes=5)
    reference.save(tmp_path / "x.h5")
    logits = np.asarray(reference(keras.applications.mobilenet_v2.preprocess_input(pictures().astype(np.float32))))
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    ours = mobilenet_v2(SHAPE, 5, alpha=0.35, weights=tmp_path / "x.h5")
    np.testing.assert_allclose(ours(pictures()), expected, rtol=1e-5, atol=1e-6)


# Layouts and older names.


def test_files_as_vgg_was_published_are_read(tmp_path):
    older = {"kernel": "W", "bias": "b"}
    arrays = {layer: {older[key]: array for key, array in found.items()} for layer, found in tiny_arrays().items()}
    model = tiny()
    load_keras_applications(model, legacy(tmp_path / "x.h5", arrays, name="{layer}_{weight}_1:0"))
    assert np.ravel(model.get_layer("block1_conv1").kernel).tolist() == [3, 2, 1]


def older_mobilenet_name(name):
    """What the first published files of MobileNetV2 called the layer."""
    if name == "predictions":
        return "Logits"
    if not name.startswith(("expanded_conv", "block_")):
        return name
    number, _, part = name.replace("expanded_conv", "block_0").removeprefix("block_").partition("_")
    kind = part.removesuffix("_BN")
    return f"bn{number}_conv_{number}_bn_{kind}" if part.endswith("_BN") else f"mobl{number}_conv_{number}_{kind}"


def test_files_as_mobilenet_was_first_published_are_read(tmp_path):
    reference = theirs("mobilenet_v2", alpha=0.35, classes=5)
    arrays = {
        older_mobilenet_name(layer): {
            "depthwise_kernel" if "depthwise" in layer and weight == "kernel" else weight: array
            for weight, array in found.items()
        }
        for layer, found in arrays_of(reference).items()
    }
    assert {"Logits", "mobl0_conv_0_project", "bn16_conv_16_bn_expand", "bn_Conv1"} <= set(arrays)
    file = legacy(tmp_path / "x.h5", arrays)
    ours = mobilenet_v2(SHAPE, 5, alpha=0.35, classifier_activation=None, weights=file)
    assert_same_outputs(ours, "mobilenet_v2", reference)


def test_a_head_called_probs_is_the_predictions(tmp_path):
    arrays = tiny_arrays()
    arrays["probs"] = arrays.pop("predictions")
    model = tiny()
    load_keras_applications(model, legacy(tmp_path / "x.h5", arrays))
    assert np.unique(model.get_layer("predictions").kernel).tolist() == [7]


def test_the_order_of_the_file_does_not_matter(tmp_path):
    model = tiny()
    load_keras_applications(model, legacy(tmp_path / "x.h5", dict(reversed(tiny_arrays().items()))))
    assert [np.unique(weight).tolist() for weight in model.weights] == [[1, 2, 3], [5], [7], [9]]


def test_a_list_of_names_in_several_attributes_is_read(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays())
    with h5py.File(file, "a") as opened:
        names = list(opened.attrs["layer_names"])
        del opened.attrs["layer_names"]
        opened.attrs["layer_names0"], opened.attrs["layer_names1"] = names[:2], names[2:]
    model = tiny()
    load_keras_applications(model, file)
    assert np.unique(model.get_layer("predictions").bias).tolist() == [9]


def test_an_optimizer_in_the_file_is_passed_over(tmp_path):
    source = tiny()
    source.compile("adam", "mse")
    source.fit(np.zeros((2, 2, 2, 3)), np.zeros((2, 4)), verbose=0)
    source.save(tmp_path / "x.h5")
    source.save_weights(tmp_path / "x.weights.h5")
    for name in ("x.h5", "x.weights.h5"):
        model = tiny()
        load_keras_applications(model, tmp_path / name)
        np.testing.assert_array_equal(model.get_layer("predictions").kernel, source.get_layer("predictions").kernel)


def test_the_random_state_of_a_dropout_is_passed_over(tmp_path):
    image = keras.Input((2, 2, 3))
    x = keras.layers.Conv2D(1, 1, name="block1_conv1")(image)
    keras.Model(image, keras.layers.Dropout(0.5, seed=1)(x)).save_weights(tmp_path / "x.weights.h5")
    load_keras_applications(tiny(top=False), tmp_path / "x.weights.h5")


# Refusals; the model stays as it was.


def test_a_missing_file_is_named_with_what_keras_applications_has_for_the_model(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        mobilenet_v2(SHAPE, 5, alpha=0.35, weights=tmp_path / "none.h5")
    text = str(refusal.value)
    assert f"There is no weights file `{tmp_path / 'none.h5'}`" in text
    assert "~/.keras/models" in text and "https://storage.googleapis.com/tensorflow/keras-applications/" in text
    assert "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5 (md5 not published)" in text
    assert "vgg16" not in text
    with pytest.raises(FileNotFoundError, match="vgg16_weights.*md5 64373286793e3c8b2b4e3219cbf3544b"):
        load_keras_applications(tiny(), tmp_path / "none.h5")


def test_a_file_cut_short_is_refused_with_the_md5_of_the_whole_one(tmp_path):
    file = legacy(tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels.h5", tiny_arrays())
    file.write_bytes(file.read_bytes()[:-1000])
    refused(tiny(), file, "damaged or not an HDF5.*Its md5 is [0-9a-f]{32}.*64373286793e3c8b2b4e3219cbf3544b.*again")


def test_a_file_that_is_no_hdf5_is_refused(tmp_path):
    (tmp_path / "x.h5").write_text("404: not found")
    refused(tiny(), tmp_path / "x.h5", "damaged or not an HDF5 file of weights .*size 14 bytes. Download it again.")


def test_a_file_that_lists_what_it_does_not_hold_is_refused(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays())
    with h5py.File(file, "a") as opened:
        del opened["predictions/predictions/bias:0"]
    refused(tiny(), file, "is damaged")


def misshapen(path, kind):
    """An HDF5 file in which something is of another kind than Keras writes."""
    with h5py.File(path, "w") as file:
        if kind == "names are a number":
            file.attrs["layer_names"] = 5
        elif kind == "weights are an array":
            file["model_weights"] = np.ones(3)
        elif kind == "a layer is an array":
            file.attrs["layer_names"], file["conv1"] = [b"conv1"], np.ones(3)
        else:
            file.attrs["layer_names"] = [b"conv1"]
            file.create_group("conv1/kernel:0")
            file["conv1"].attrs["weight_names"] = [b"kernel:0"]
    return path


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("names are a number", r"layer_names of / should be a list of names, and is \[5\]"),
        ("weights are an array", r"/model_weights should be a group, and is an array of shape \(3,\)"),
        ("a layer is an array", "/conv1 should be a group"),
        ("an array is a group", "/conv1/kernel:0 should be an array of numbers"),
    ],
)
def test_a_file_of_other_things_than_keras_writes_is_refused(tmp_path, kind, text):
    file = misshapen(tmp_path / "x.h5", kind)
    refused(tiny(), file, f"damaged or not an HDF5 file of weights .*{text}")
    with pytest.raises(ValueError, match=f"damaged or not a Keras 2 weights file: {text}"):
        load_squeezenet(tiny(), file)


def test_a_file_of_another_network_is_refused_with_what_was_expected_and_found(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays(first="res2a_branch2a"))
    refused(tiny(), file, "Expected but not found: block1_conv1. Found but not expected: res2a_branch2a.")


def test_long_lists_of_names_are_shortened(tmp_path):
    reference = theirs("mobilenet_v2", alpha=0.35, classes=5)
    reference.save(tmp_path / "x.h5")
    refused(tiny(), tmp_path / "x.h5", "expanded_conv_project_BN and 98 more layers")


def test_an_array_too_many_is_refused(tmp_path):
    arrays = tiny_arrays()
    arrays["block1_conv1"]["scale"] = np.ones(1, np.float32)
    refused(tiny(), legacy(tmp_path / "x.h5", arrays), "not found: nothing. Found but not expected: block1_conv1.")


def test_half_a_head_is_refused_as_what_it_is(tmp_path):
    arrays = tiny_arrays()
    del arrays["predictions"]["bias"]
    refused(tiny(), legacy(tmp_path / "x.h5", arrays), "Expected but not found: predictions. Found .*: nothing")


def test_a_second_kernel_of_a_layer_is_refused(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays())
    with h5py.File(file, "a") as opened:
        layer = opened["predictions"]
        layer["other/kernel:0"] = np.ones((1, 4), np.float32)
        names = [*layer.attrs["weight_names"].tolist(), "other/kernel:0"]
        layer.attrs["weight_names"] = [name.encode() if isinstance(name, str) else name for name in names]
    refused(tiny(), file, "not found: nothing. Found but not expected: predictions.")


def test_weights_of_the_model_itself_are_refused(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays())
    with h5py.File(file, "a") as opened:
        opened.create_group("top_level_model_weights")["scale:0"] = np.ones(1)
        opened["top_level_model_weights"].attrs["weight_names"] = [b"scale:0"]
    refused(tiny(), file, "Found but not expected: top_level_model_weights")


def test_two_layers_of_the_same_name_are_refused(tmp_path):
    arrays = tiny_arrays()
    arrays["probs"] = arrays["predictions"]
    refused(tiny(), legacy(tmp_path / "x.h5", arrays), "two layers of the same name among block1_conv1, predictions")


def test_a_file_saved_from_a_network_of_this_project_is_refused(tmp_path):
    source = vgg16((32, 32, 3), include_top=False)
    source.save(tmp_path / "x.h5")
    source.save_weights(tmp_path / "x.weights.h5")
    for name in ("x.h5", "x.weights.h5"):
        refused(tiny(), tmp_path / name, "saved from a cnn_suite network.*load_weights")


def test_a_file_with_top_for_a_model_without_is_refused(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays())
    refused(tiny(top=False), file, "includes the top, for 4 classes, but the model does not. Use include_top=True")


def test_a_file_without_top_for_a_model_with_one_is_refused(tmp_path):
    arrays = tiny_arrays()
    del arrays["predictions"]
    refused(
        tiny(),
        legacy(tmp_path / "x.h5", arrays),
        "does not include the top, but the model has one. Use include_top=False",
    )


def test_a_file_for_other_classes_is_refused(tmp_path):
    file = legacy(tmp_path / "x.h5", tiny_arrays(classes=10))
    refused(tiny(), file, "includes the top for 10 classes, but the model has 4: use classes=10, or include_top=False")


def test_another_shape_is_refused_with_the_layer_and_both_shapes(tmp_path):
    arrays = tiny_arrays()
    arrays["block1_conv1"]["kernel"] = np.ones((3, 3, 3, 1), np.float32)
    file = legacy(tmp_path / "x.h5", arrays)
    expected = r"block1_conv1/kernel should be floats of shape \(1, 1, 3, 1\). Received float32 of shape \(3, 3, 3, 1\)"
    refused(tiny(), file, expected)


def test_numbers_that_are_no_floats_are_refused(tmp_path):
    arrays = tiny_arrays()
    arrays["block1_conv1"]["bias"] = np.ones(1, np.int32)
    refused(tiny(), legacy(tmp_path / "x.h5", arrays), "block1_conv1/bias should be floats.*Received int32")


def test_a_network_of_another_width_is_refused(tmp_path):
    theirs("mobilenet_v2", alpha=0.35, classes=5).save(tmp_path / "x.h5")
    refused(mobilenet_v2(SHAPE, 5, alpha=0.5), tmp_path / "x.h5", "image_shape, alpha and classes")
