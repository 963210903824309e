"""Blocks of ResNet: by hand, beside a block written with loops in NumPy, every shortcut, and saving."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.resnet_block import BasicBlock, BottleneckBlock


def features(shape=(2, 5, 7, 8), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def trained(block, input_shape, seed=1):
    """The block built, its norms and biases as if trained: nothing is 0 or 1 any more."""
    block.build(input_shape)
    rng = np.random.default_rng(seed)
    for weight in block.weights:
        if len(weight.shape) == 1:
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.5, 0.5)
            weight.assign(rng.uniform(low, high, weight.shape))
    return block


# The same block with loops.


def numpy_convolution(x, layer):
    """Convolution with zeros round the picture so that sides are ceil(side / strides), more of them below and right."""
    kernel, strides = np.asarray(layer.kernel, np.float64), layer.strides[0]
    size = kernel.shape[0]
    out_hw = [-(-side // strides) for side in x.shape[1:3]]
    total = [max((out - 1) * strides + size - side, 0) for out, side in zip(out_hw, x.shape[1:3])]
    x = np.pad(x, [(0, 0), *((zeros // 2, zeros - zeros // 2) for zeros in total), (0, 0)])
    y = np.zeros((x.shape[0], *out_hw, kernel.shape[3]))
    for row in range(out_hw[0]):
        for column in range(out_hw[1]):
            window = x[:, row * strides :, column * strides :][:, :size, :size]
            y[:, row, column] = np.einsum("bijc,ijcf->bf", window, kernel)
    return y + (np.asarray(layer.bias) if layer.use_bias else 0)


def numpy_norm(x, layer):
    gamma, beta, mean, variance = (np.asarray(weight, np.float64) for weight in layer.weights)
    return (x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta


def numpy_block(x, block):
    y = x.astype(np.float64)
    for number, (convolution, norm) in enumerate(zip(block.convolutions, block.norms)):
        y = numpy_norm(numpy_convolution(np.maximum(y, 0) if number else y, convolution), norm)
    if block.shortcut == "projection":
        y += numpy_norm(numpy_convolution(x, block.projection), block.projection_norm)
    elif block.shortcut != "none":
        short = x[:, :: block.strides, :: block.strides]
        before = (y.shape[-1] - x.shape[-1]) // 2
        y[..., before : before + x.shape[-1]] += short
    return np.maximum(y, 0)


# By hand, one channel and kernels with a middle only, 2 and 3: relu(x + 3 relu(2 x)) is 0 for -1 and 2 + 12 for 2.
def test_one_channel_by_hand():
    block = BasicBlock(1, epsilon=0.0)
    x = np.array([-1.0, 2.0, 0.5], np.float32).reshape(1, 1, 3, 1)
    block.build(x.shape)
    for convolution, middle in zip(block.convolutions, (2.0, 3.0)):
        kernel = np.zeros((3, 3, 1, 1))
        kernel[1, 1] = middle
        convolution.kernel.assign(kernel)
    np.testing.assert_allclose(np.ravel(block(x)), [0, 14, 3.5])
    tensors = block.tensors(x)
    np.testing.assert_allclose(np.ravel(tensors["conv1"]), [-2, 4, 1])
    np.testing.assert_allclose(np.ravel(tensors["act1"]), [0, 4, 1])
    np.testing.assert_allclose(np.ravel(tensors["norm2"]), [0, 12, 3])
    np.testing.assert_allclose(np.ravel(tensors["add"]), [-1, 14, 3.5])


# By hand: of five pixels the first, third and fifth are left; three channels become six, one of zeros before.
def test_the_padded_shortcut_by_hand():
    block = BasicBlock(6, strides=2, shortcut="pad")
    x = np.arange(1, 16, dtype=np.float32).reshape(1, 1, 5, 3)
    block(x)
    shortcut = np.asarray(block.tensors(x)["shortcut"])
    assert shortcut.tolist() == [[[[0, 1, 2, 3, 0, 0], [0, 7, 8, 9, 0, 0], [0, 13, 14, 15, 0, 0]]]]


CASES = [
    (BasicBlock, {"filters": 8}),
    (BasicBlock, {"filters": 8, "use_bias": True, "shortcut": "none", "strides": 2}),
    (BasicBlock, {"filters": 11, "shortcut": "pad"}),
    (BasicBlock, {"filters": 12, "shortcut": "pad", "strides": 2}),
    (BasicBlock, {"filters": 4, "shortcut": "projection", "strides": 2, "epsilon": 1e-3}),
    (BottleneckBlock, {"filters": 2}),
    (BottleneckBlock, {"filters": 3, "use_bias": True, "shortcut": "projection", "strides": 2}),
    (BottleneckBlock, {"filters": 3, "shortcut": "pad", "strides": 3}),
    (BottleneckBlock, {"filters": 2, "shortcut": "none"}),
]


@pytest.mark.parametrize(("kind", "arguments"), CASES)
@pytest.mark.parametrize("shape", [(2, 5, 7, 8), (1, 6, 4, 8), (1, 1, 1, 8)])
def test_outputs_equal_those_of_loops_in_numpy(kind, arguments, shape):
    block = trained(kind(**arguments), shape)
    x = features(shape)
    expected = numpy_block(x, block)
    received = np.asarray(block(x))
    assert received.shape == expected.shape == block.compute_output_shape(shape)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "filters"), [(BasicBlock, 8), (BottleneckBlock, 2)])
@pytest.mark.parametrize("training", [False, True])
def test_a_block_with_zeroed_last_norm_is_its_shortcut(kind, filters, training):
    block = kind(filters)
    x = np.abs(features())
    block(x)
    block.norms[-1].gamma.assign(np.zeros(8))
    np.testing.assert_array_equal(block(x, training=training), x)


def test_a_projecting_block_with_zeroed_last_norm_is_its_projection():
    block = BasicBlock(4, strides=2, shortcut="projection")
    x = features()
    block(x)
    block.norms[-1].gamma.assign(np.zeros(4))
    tensors = block.tensors(x)
    np.testing.assert_array_equal(tensors["out"], np.maximum(tensors["shortcut"], 0))


def test_tensors_are_named_in_order():
    bottleneck, plain = BottleneckBlock(2), BasicBlock(8, shortcut="none")
    for block in (bottleneck, plain):
        block(features())
    names = list(bottleneck.tensors(features()))
    assert names == "conv1 norm1 act1 conv2 norm2 act2 conv3 norm3 shortcut add out".split()
    assert list(plain.tensors(features())) == "conv1 norm1 act1 conv2 norm2 out".split()


def test_strides_are_those_of_the_first_convolution():
    block = BottleneckBlock(2, strides=2)
    assert [convolution.strides for convolution in block.convolutions] == [(2, 2), (1, 1), (1, 1)]


def test_parameters_are_those_of_convolutions_and_norms():
    basic, bottleneck = BasicBlock(8), BottleneckBlock(4, shortcut="projection", use_bias=True)
    for block in (basic, bottleneck):
        block.build((None, None, None, 8))
    assert basic.count_params() == 2 * (9 * 8 * 8 + 4 * 8)
    convolutions = 8 * 4 + 4 + 9 * 4 * 4 + 4 + 4 * 16 + 16 + 8 * 16 + 16
    assert bottleneck.count_params() == convolutions + 4 * (4 + 4 + 16 + 16)


def test_training_moves_the_statistics_of_every_norm():
    block = BasicBlock(8, strides=2, shortcut="projection", momentum=0.5)
    x = features()
    block(x)
    mean = np.asarray(block.tensors(x)["conv1"]).mean(axis=(0, 1, 2))
    block(x, training=True)
    np.testing.assert_allclose(block.norms[0].moving_mean, 0.5 * mean, rtol=1e-4, atol=1e-6)
    for norm in (*block.norms, block.projection_norm):
        assert np.all(np.asarray(norm.moving_variance) != 1)


def test_a_frozen_block_does_not_move_its_statistics():
    block = BasicBlock(8)
    x = features()
    quiet = np.asarray(block(x))
    block.trainable = False
    np.testing.assert_array_equal(block(x, training=True), quiet)
    assert not np.any(block.norms[0].moving_mean)


def test_another_activation_is_used_everywhere():
    block = BasicBlock(8, activation="tanh")
    block(features())
    tensors = block.tensors(features())
    np.testing.assert_allclose(tensors["act1"], np.tanh(tensors["norm1"]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tensors["out"], np.tanh(tensors["add"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_reaches_every_layer_inside(dtype):
    block = BasicBlock(4, shortcut="projection", dtype=dtype)
    x = features()
    block(x)
    for training in (False, True):
        tensors = block.tensors(x.astype(block.compute_dtype), training=training)
        dtypes = {keras.backend.standardize_dtype(tensor.dtype) for tensor in tensors.values()}
        assert dtypes == {block.compute_dtype}
    assert {weight.dtype for weight in block.weights} == {"float32"}


def test_sides_may_stay_open():
    x = keras.Input((None, None, 8))
    model = keras.Model(x, BottleneckBlock(3, strides=2, shortcut="pad")(x))
    assert model.output_shape == (None, None, None, 12)
    assert model(features((1, 3, 9, 8))).shape == (1, 2, 5, 12)


@pytest.mark.parametrize("kind", [BasicBlock, BottleneckBlock])
def test_config_and_weights_survive_saving(tmp_path, kind):
    x = keras.Input((5, 7, 8))
    block = kind(
        3,
        strides=2,
        shortcut="projection",
        activation="tanh",
        use_bias=True,
        momentum=0.5,
        epsilon=0.01,
        name="block",
    )
    model = keras.Model(x, block(x))
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).uniform(0.5, 1, weight.shape))
    model.save(tmp_path / "block.keras")
    again = keras.saving.load_model(tmp_path / "block.keras")
    assert again.get_layer("block").get_config() == block.get_config()
    assert block.get_config() | {"epsilon": 0.01, "strides": 2, "use_bias": True} == block.get_config()
    np.testing.assert_array_equal(again(features()), model(features()))


def test_an_unknown_shortcut_is_refused():
    with pytest.raises(ValueError, match="`shortcut` must be one of identity, projection, pad, none. Received 'conv'."):
        BasicBlock(8, shortcut="conv")


def test_a_shortcut_that_does_not_fit_on_the_sum_is_refused():
    told = "`odd` cannot add its identity shortcut: it has 8 input and 6 output channels with .* 1. Use .*'projection'"
    with pytest.raises(ValueError, match=told):
        BasicBlock(6, name="odd")(features())
    with pytest.raises(ValueError, match="identity shortcut: it has 8 input and 8 output channels with strides 2"):
        BasicBlock(8, strides=2)(features())
    with pytest.raises(ValueError, match="pad shortcut: it has 8 input and 4 output channels"):
        BottleneckBlock(1, shortcut="pad")(features())
