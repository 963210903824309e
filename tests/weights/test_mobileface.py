"""Weights of MobileFace V2: a file in MXNet's layout and order of axes, and the network computed from it in NumPy."""

import struct

import keras
import numpy as np
import pytest

from cnn_suite.models.lenet import lenet5
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.weights.mobileface import load_mobileface, mxnet_names

SHAPE = (72, 33, 3)  # 36 x 17, 18 x 9, 9 x 5, 5 x 3, 3 x 2
LAST = (128, 3, 2)
# Each block in the file's order: channels in, channels out, strides.
BLOCKS = [(32, 32, 2), (32, 32, 1), (32, 32, 1)] * 2
BLOCKS += [(32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 128, 1)]


def shapes():
    """The convolutions of the file with their shapes, and the norms with their channels."""
    kernels, norms, number = {"conv1": (32, 3, 3, 3)}, {"bn1": 32}, 0
    for inputs, outputs, _ in BLOCKS:
        wide = 3 * inputs
        for shape in ((wide, inputs, 1, 1), (wide, 1, 3, 3), (outputs, wide, 1, 1)):
            kernels[f"convolution{number}"], norms[f"batchnorm{number}"] = shape, shape[0]
            number += 1
    kernels["fc5"], norms["fc5_bn"] = (256, int(np.prod(LAST))), 256
    return kernels, norms


def random_arrays(seed=0):
    rng, found = np.random.default_rng(seed), {}
    kernels, norms = shapes()
    for name, shape in kernels.items():
        found[f"arg:{name}_weight"] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    found["arg:conv1_bias"] = rng.normal(0, 0.1, 32)
    for name, channels in norms.items():
        found[f"arg:{name}_gamma"], found[f"aux:{name}_moving_var"] = rng.uniform(0.5, 1.5, (2, channels))
        found[f"arg:{name}_beta"], found[f"aux:{name}_moving_mean"] = rng.normal(0, 0.2, (2, channels))
    return {name: found[name].astype(np.float32) for name in sorted(found)}


def write(path, arrays):
    """The file, by the letters of its format: see tests/weights/test_mxnet_params.py."""
    parts = [struct.pack("<3Q", 0x112, 0, len(arrays))]
    for values in arrays.values():
        parts.append(struct.pack(f"<Iii{values.ndim}q", 0xF993FAC9, 0, values.ndim, *values.shape))
        parts.append(struct.pack("<3i", 1, 0, {"f4": 0, "f8": 1, "i4": 4}[values.dtype.str[1:]]) + values.tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    parts += [struct.pack("<Q", len(name)) + name.encode() for name in arrays]
    path.write_bytes(b"".join(parts))
    return path


def convolved(x, kernel, strides, pad):
    """MXNet's Convolution of `x (channels, height, width)`; with one input channel a kernel, one group a channel."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    _, per_group, rows, columns = kernel.shape
    height, width = (x.shape[1] - rows) // strides + 1, (x.shape[2] - columns) // strides + 1
    total = 0.0
    for row in range(rows):
        for column in range(columns):
            seen = x[:, row : row + strides * (height - 1) + 1 : strides, column::strides][:, :, :width]
            taps = kernel[:, :, row, column]
            grouped = per_group == 1 and len(x) > 1
            total = total + (seen * taps[:, :, None] if grouped else np.einsum("oc,chw->ohw", taps, seen))
    return total


def by_hand(arrays, rgb):
    """The authors' network on one picture `(height, width, 3)`: every block, and the embedding of any length."""

    def norm(x, name):
        gamma, beta = arrays[f"arg:{name}_gamma"], arrays[f"arg:{name}_beta"]
        mean, variance = arrays[f"aux:{name}_moving_mean"], arrays[f"aux:{name}_moving_var"]
        channels = (-1,) + (1,) * (x.ndim - 1)
        return ((x.T - mean) / np.sqrt(variance + 1e-3) * gamma).T + beta.reshape(channels)

    def block_part(x, number, strides=1, pad=0):
        return norm(convolved(x, arrays[f"arg:convolution{number}_weight"], strides, pad), f"batchnorm{number}")

    def relu6(x):
        return np.minimum(np.maximum(x, 0), 6)

    x = (rgb.transpose(2, 0, 1).astype(np.float64) - 127.5) * 0.0078125
    x = convolved(x, arrays["arg:conv1_weight"], 2, 1) + arrays["arg:conv1_bias"][:, None, None]
    x = relu6(norm(x, "bn1"))
    blocks = []
    for number, (_, _, strides) in enumerate(BLOCKS):
        y = relu6(block_part(x, 3 * number))
        y = relu6(block_part(y, 3 * number + 1, strides, 1))
        y = block_part(y, 3 * number + 2)
        x = x + y if strides == 1 else y
        blocks.append(x)
    return blocks, norm(arrays["arg:fc5_weight"] @ x.ravel(), "fc5_bn")


@pytest.fixture(scope="module")
def arrays():
    return random_arrays()


@pytest.fixture(scope="module")
def path(arrays, tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / "face.params", arrays)


@pytest.fixture(scope="module")
def model(path):
    return mobileface_v2(SHAPE, weights=path)


def test_every_block_and_the_embedding_are_those_of_the_file_computed_by_hand(model, arrays):
    # Wrong padding, epsilon, order of the last map or a missed ReLU6 would each be seen here.
    picture = np.random.default_rng(1).integers(0, 256, SHAPE).astype(np.uint8)
    blocks, embedding = by_hand(arrays, picture)
    assert max(block.max() for block in blocks) > 6 and blocks[-1].shape == LAST
    names = [f"stage{stage}_block{block}" for stage in (1, 2, 3, 4) for block in (1, 2, 3)]
    outputs = [model.get_layer(f"{name}_{'project_norm' if name[-1] == '1' else 'add'}").output for name in names]
    outputs += [model.get_layer("embedding_norm").output, model.output]
    found = [np.asarray(tensor)[0] for tensor in keras.Model(model.input, outputs)(picture[None])]
    for ours, theirs in zip(found, blocks):
        np.testing.assert_allclose(ours, theirs.transpose(1, 2, 0), rtol=0, atol=1e-5 * np.abs(theirs).max())
    np.testing.assert_allclose(found[-2], embedding, rtol=0, atol=1e-5 * np.abs(embedding).max())
    np.testing.assert_allclose(found[-1], embedding / np.linalg.norm(embedding), rtol=0, atol=1e-5)


def test_every_layer_with_weights_has_one_name_in_the_file(model):
    names = mxnet_names()
    assert sorted(names) == sorted(layer.name for layer in model.layers if layer.weights)
    assert len(set(names.values())) == 37 + 1 + 38
    assert names["stage3_block2_depthwise"] == "convolution22"
    assert names["stage4_block3_project_norm"] == "batchnorm35"


def test_all_arrays_are_used_and_double_precision_is_taken_too(arrays, tmp_path, model):
    doubled = {name: values.astype(np.float64) for name, values in arrays.items()}
    again = mobileface_v2(SHAPE, weights=write(tmp_path / "double.params", doubled))
    assert sum(values.size for values in arrays.values()) == again.count_params()
    for one, other in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_a_misfit_leaves_the_model_as_it_was(arrays, tmp_path, path):
    model = mobileface_v2(SHAPE, weights=path)
    before = model.get_weights()
    other = random_arrays(seed=5) | {"arg:fc5_weight": np.zeros((256, 7), np.float32)}
    text = r"Layer `embedding_dense` of .* needs floats of shape \(256, 768\) as `arg:fc5_weight`.*\(256, 7\)"
    with pytest.raises(ValueError, match=text):
        load_mobileface(model, write(tmp_path / "wrong.params", other))
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"arg:conv1_weight": np.zeros((3, 3, 3, 32), "f4")}, r"`stem_conv` .*\(32, 3, 3, 3\) as `arg:conv1_weight`"),
        ({"arg:convolution1_weight": np.zeros((96, 3, 3, 1), "f4")}, r"`stage1_block1_depthwise` .*\(96, 1, 3, 3\)"),
        ({"aux:bn1_moving_var": np.zeros(31, "f4")}, r"`stem_norm` .*\(32,\) as `aux:bn1_moving_var`.*image_shape="),
        ({"arg:bn1_beta": np.zeros(32, "i4")}, r"`stem_norm` .* needs floats of shape \(32,\).* has int32 of shape"),
        ({"arg:bn1_gamma": np.full(32, np.nan, "f4")}, "`arg:bn1_gamma` of .* contains a NaN or an infinite value"),
        (
            {"arg:extra": np.zeros(2, "f4")},
            r"has no array for .none., the model has no weight for arg:extra. Expected a",
        ),
    ],
)
def test_an_array_that_does_not_fit_is_named(model, arrays, tmp_path, change, text):
    with pytest.raises(ValueError, match=text):
        load_mobileface(model, write(tmp_path / "x.params", arrays | change))


def test_an_array_that_is_missing_is_named(model, arrays, tmp_path):
    short = {name: values for name, values in arrays.items() if name != "aux:batchnorm35_moving_mean"}
    text = r"the file has no array for aux:batchnorm35_moving_mean, the model has no weight for \(none\)"
    with pytest.raises(ValueError, match=text):
        load_mobileface(model, write(tmp_path / "x.params", short))


def test_pictures_of_another_size_need_another_file(path):
    with pytest.raises(ValueError, match=r"\(256, 128\) as `arg:fc5_weight`.* use image_shape=\(112, 112, 3\)"):
        mobileface_v2((32, 32, 3), weights=path)


def test_another_network_is_refused(path):
    with pytest.raises(ValueError, match="no array for conv1/kernel, conv1/bias, .*no weight for arg:.* and 186 more"):
        load_mobileface(lenet5(), path)


def test_a_missing_and_a_damaged_file_are_named(model, path, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.params"):
        load_mobileface(model, tmp_path / "nowhere.params")
    (tmp_path / "short.params").write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="short.params is not a complete, readable MXNet parameter file.* truncated"):
        load_mobileface(model, str(tmp_path / "short.params"))
