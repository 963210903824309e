"""Inner tensors, freezing, blocks and new heads, on small networks with every kind of layer."""

import keras
import numpy as np
import pytest

from cnn_suite import models
from cnn_suite.models.surgery import (
    behind,
    blocks,
    copy_body,
    features_at,
    head_names,
    layer_rates,
    lengthen_statistics,
    output_layer_names,
    replace_head,
    set_trainable,
    tensor_names,
)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return models.resnet20((16, 16, 3), 4)


def pictures(count=2, side=16):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.float32)


def test_features_at_a_layer_are_its_output(network):
    found = features_at(network, ["conv4_block3", "avg_pool"])(pictures())
    assert {name: value.shape for name, value in found.items()} == {"conv4_block3": (2, 4, 4, 64), "avg_pool": (2, 64)}
    np.testing.assert_allclose(found["avg_pool"], np.mean(found["conv4_block3"], axis=(1, 2)), rtol=1e-5)


def test_features_inside_of_a_block_are_those_that_make_its_output(network):
    names = ["conv3_block2/norm2", "conv3_block2/shortcut", "conv3_block2/out", "conv3_block2", "conv3_block1"]
    found = {name: np.asarray(value) for name, value in features_at(network, names)(pictures()).items()}
    np.testing.assert_allclose(found["conv3_block2/out"], found["conv3_block2"], rtol=1e-5)
    np.testing.assert_allclose(found["conv3_block2/shortcut"], found["conv3_block1"])
    total = np.maximum(found["conv3_block2/norm2"] + found["conv3_block2/shortcut"], 0)
    np.testing.assert_allclose(total, found["conv3_block2"], rtol=1e-5)


def test_every_name_that_is_listed_can_be_reached(network):
    names = tensor_names(network)
    assert len(names) == len(set(names)) and "conv2_block1/conv1" in names and "predictions" in names
    assert set(features_at(network, names)(pictures(1))) == set(names)


def test_features_share_the_weights_of_the_network():
    network = models.lenet5(classes=3)
    inner = features_at(network, ["conv1"])
    x = np.ones((1, 28, 28, 1), np.float32)
    before = np.asarray(inner(x)["conv1"])
    network.get_layer("conv1").bias.assign([0.5] * 6)
    assert np.abs(np.asarray(inner(x)["conv1"]) - before).max() > 0.01


def test_an_unknown_layer_or_tensor_is_refused_with_what_there_is(network):
    with pytest.raises(ValueError, match="resnet20 has no layer 'conv4_blok3'. Closest: conv4_block3"):
        features_at(network, ["conv4_blok3"])
    with pytest.raises(ValueError, match="`conv4_block3` of resnet20 has no tensor 'conv9'. It has: conv1, norm1"):
        features_at(network, ["conv4_block3/conv9"])
    with pytest.raises(ValueError, match="has no tensor 'x'. It has: none"):
        features_at(network, ["avg_pool/x"])


@pytest.mark.parametrize(
    ("train", "first", "count"),
    [("all", "conv1_conv", 12), ("head", "predictions", 1), ("conv4_block1", "conv4_block1", 4)],
)
def test_what_learns_is_chosen_by_name(network, train, first, count):
    learning = set_trainable(network, train)
    assert (learning[0], len(learning)) == (first, count)
    frozen = [layer.name for layer in network.layers if layer.weights and not layer.trainable]
    assert not set(frozen) & set(learning) and len(frozen) + len(learning) == 12


def test_training_moves_what_learns_and_nothing_else_batch_norms_included(network):
    set_trainable(network, "conv4_block2")
    network.compile("sgd", "categorical_crossentropy")
    before = {w.path: w.numpy().copy() for w in network.weights}
    network.fit(pictures(8), np.eye(4)[[0, 1, 2, 3] * 2], epochs=1, verbose=0)
    moved = {w.path.split("/")[0] for w in network.weights if np.abs(w.numpy() - before[w.path]).max() > 0}
    assert moved == {"conv4_block2", "conv4_block3", "predictions"}


def test_learning_from_an_unknown_layer_on_is_refused(network):
    with pytest.raises(ValueError, match="resnet20 has no layer 'block9'"):
        set_trainable(network, "block9")


def test_where_nothing_could_learn_is_refused():
    one, two = keras.layers.Dense(1, name="one"), keras.layers.ReLU(name="two")
    dense = keras.Sequential([keras.Input((2,)), one, two], name="net")
    with pytest.raises(ValueError, match="net has no weights to learn from 'two' on. The last layer with .* is 'one'"):
        set_trainable(dense, "two")
    bare = keras.Sequential([keras.Input((2,)), two], name="net")
    for train in ("all", "head"):
        with pytest.raises(ValueError, match="net has no weights to learn from 'two' on. It has none at all"):
            set_trainable(bare, train)


def test_statistics_remember_as_long_as_is_asked_inside_of_blocks_too_and_never_shorter():
    for network, own, wanted in ((models.resnet20(), 0.9, 0.99), (models.mobilenet_v2((32, 32, 3), 10), 0.999, 0.999)):
        norms = [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
        assert len(norms) >= 19 and {norm.momentum for norm in norms} == {own}
        lengthen_statistics(network, 0.99)
        assert {norm.momentum for norm in norms} == {wanted}


def test_statistics_of_averaged_weights_fit_them_better_when_they_are_averaged_alike():
    images = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)

    def misfit(momentum):
        inner = keras.layers.Dense(4, use_bias=False, kernel_initializer=keras.initializers.GlorotUniform(0))
        norm = keras.layers.BatchNormalization(momentum=0.5)
        network = keras.Sequential([keras.Input((8,)), inner, norm])
        lengthen_statistics(network, momentum)
        network.compile(keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.95), "mse")
        noise = np.random.default_rng(1)
        for _ in range(200):
            network.train_on_batch(images, noise.normal(size=(64, 4)))
        kernel = network.optimizer._model_variables_moving_average[0]
        return float(keras.ops.mean(keras.ops.abs(keras.ops.mean(images @ kernel, 0) - norm.moving_mean)))

    assert misfit(0.95) < 0.3 * misfit(0.5)


def test_neighbours_with_the_same_beginning_are_one_block():
    assert [len(block) for block in blocks(models.vgg11((32, 32, 3), 2, dropout=0))] == [1, 1, 2, 2, 2, 1, 1, 1]
    assert [block[0] for block in blocks(models.resnet20())] == [
        "conv1_conv",
        "conv2_block1",
        "conv3_block1",
        "conv4_block1",
        "predictions",
    ]


def test_layers_that_keras_named_are_a_block_each():
    kinds = [layer() for layer in 3 * [lambda: keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization]]
    network = keras.Sequential([keras.Input((9, 9, 3)), *kinds, keras.layers.Flatten(), keras.layers.Dense(2)])
    names = [layer.name for layer in kinds]
    assert blocks(network) == [names[:2], names[2:4], names[4:], [network.layers[-1].name]]
    plain = keras.Sequential([keras.Input((9, 9, 3)), *kinds[::2]])
    assert blocks(plain) == [[name] for name in names[::2]]


def test_a_normalisation_is_of_the_block_of_its_name_or_else_of_the_layer_before_it():
    mobile = models.mobilenet_v2((32, 32, 3), 2)
    assert blocks(mobile)[:3] == [
        ["Conv1", "bn_Conv1"],
        ["expanded_conv_depthwise", "expanded_conv_depthwise_BN"],
        ["expanded_conv_project", "expanded_conv_project_BN"],
    ]
    norm, convolution = (
        keras.layers.BatchNormalization(name="block2_norm"),
        keras.layers.Conv2D(2, 1, name="block2_conv"),
    )
    before = keras.layers.Conv2D(2, 1, name="block1_conv")
    network = keras.Sequential([keras.Input((4, 4, 3)), before, norm, convolution])
    assert blocks(network) == [["block1_conv"], ["block2_norm", "block2_conv"]]


def test_rates_fall_by_the_same_factor_from_block_to_block():
    network = models.resnet20()
    rates = layer_rates(network, 0.5)
    assert rates["predictions"] == 1 and rates["conv4_block1"] == rates["conv4_block3"] == 0.5
    assert rates["conv1_conv"] == rates["conv1_bn"] == 0.0625
    assert layer_rates(network, 1.0) == {}


def test_a_new_head_keeps_the_weights_below_it(network):
    new = replace_head(network, 7, dropout=0.2)
    assert new.output_shape == (None, 7) and new.name == "resnet20"
    old, kept = (features_at(model, ["avg_pool"])(pictures())["avg_pool"] for model in (network, new))
    np.testing.assert_array_equal(old, kept)
    assert [layer.name for layer in new.layers][-2:] == ["dropout", "predictions"]


def test_a_network_of_several_outputs_gets_no_new_head():
    branched = models.googlenet((65, 65, 3), 3, auxiliary=True)
    with pytest.raises(ValueError, match="must have one output to get another head. Received googlenet with 3"):
        replace_head(branched, 5)


def test_a_sequential_gets_a_new_head_if_it_knows_its_input():
    layers = [keras.layers.Flatten(), keras.layers.Dense(4, name="fc"), keras.layers.Dense(2, name="old")]
    new = replace_head(keras.Sequential([keras.Input((3, 3, 1)), *layers]), 5)
    assert [layer.name for layer in new.layers][-2:] == ["fc", "predictions"] and new.output_shape == (None, 5)
    with pytest.raises(ValueError, match="A model that knows its inputs is needed: .* Received Sequential"):
        replace_head(keras.Sequential(layers), 5)
    with pytest.raises(ValueError, match="must have a layer with weights, its head. Received bare"):
        replace_head(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()], name="bare"), 5)


def test_a_new_head_takes_the_place_of_the_old_dropout_too():
    new = replace_head(replace_head(models.resnet20(dropout=0.5), 3, dropout=0.1), 5)
    assert not [layer for layer in new.layers if isinstance(layer, keras.layers.Dropout)]
    assert new.output_shape == (None, 5)


@pytest.mark.parametrize("name", ["squeezenet", "network_in_network"])
def test_a_head_of_class_maps_is_replaced_too(name):
    old = getattr(models, name)((64, 64, 3), 10)
    new = replace_head(old, 4)
    assert new.output_shape == (None, 4) and new.layers[-1].name == "predictions"
    assert not {layer.name for layer in new.layers} & {"predictions_conv", "conv10"}
    assert len(new.get_layer("avg_pool").input.shape) == 4


def _bodies(filters=4):
    made = []
    for classes in (2, 3):
        x = image = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(filters, 3, name="conv1")(x)
        x = keras.layers.BatchNormalization(name="norm1")(x)
        made.append(keras.Model(image, keras.layers.Conv2D(classes, 1, name="head")(x), name=f"of_{classes}"))
    return made


def test_heads_are_the_last_layers_with_weights_before_the_outputs(network):
    assert head_names(network) == {"predictions"}
    assert head_names(models.network_in_network((32, 32, 3), 4)) == {"block3_cccp2"}  # pooled and a softmax behind it
    image = keras.Input((4,))
    floored = keras.ops.maximum(keras.layers.Dense(2, name="a")(image), 0.0)
    assert head_names(keras.Model(image, floored)) == {"a"}
    branches = head_names(models.googlenet((65, 65, 3), 4, auxiliary=True))
    assert branches == {"predictions", "auxiliary1", "auxiliary2"}


def test_where_two_layers_give_one_output_there_is_no_head():
    image = keras.Input((4,))
    first, second = (keras.layers.Dense(2, name=name)(image) for name in "ab")
    with pytest.raises(ValueError, match="joined has no single layer with weights that gives"):
        head_names(keras.Model(image, keras.layers.Add(name="sum")([first, second]), name="joined"))
    with pytest.raises(ValueError, match="bare has no single layer with weights"):
        head_names(keras.Model(image, keras.layers.ReLU()(image), name="bare"))


def test_layers_that_reach_an_output_without_others_in_between_are_its_own(network):
    assert output_layer_names(network) == {"predictions"}
    branches = output_layer_names(models.googlenet((65, 65, 3), 4, auxiliary=True))
    assert branches == {"predictions", "auxiliary1", "auxiliary2"}
    image = keras.Input((4,))
    first = keras.layers.Dense(2, name="a")(image)
    second = keras.layers.Dense(2, name="b")(keras.layers.ReLU()(first))
    joined = keras.layers.Add()([second, keras.layers.ReLU()(first)])
    assert output_layer_names(keras.Model(image, joined)) == {"a", "b"}
    assert output_layer_names(keras.Model(image, keras.layers.ReLU()(image))) == set()
    shared = keras.layers.ReLU()  # used twice: it has no single input
    third = keras.layers.Dense(2, name="c")(shared(first))
    assert output_layer_names(keras.Model(image, shared(third))) == {"c"}
    assert output_layer_names(keras.Model(image, keras.ops.maximum(third, 0.0))) == {"c"}


def test_a_body_is_copied_and_the_heads_stay_as_they_are():
    model, source = _bodies()
    head = model.get_layer("head").get_weights()
    assert copy_body(model, source, {"head"}) == ["conv1", "norm1"]
    for name in ("conv1", "norm1"):
        for ours, theirs in zip(model.get_layer(name).get_weights(), source.get_layer(name).get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    for now, before in zip(model.get_layer("head").get_weights(), head):
        np.testing.assert_array_equal(now, before)


def test_another_body_is_refused_before_anything_is_changed():
    model, source = _bodies(4)[0], _bodies(5)[0]
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"conv1 with weights \[\(3, 3, 3, 4\), \(4,\)\], of_2 has \[\(3, 3, 3, 5\)"):
        copy_body(model, source, {"head"})
    source = _bodies(4)[1]
    source = keras.Model(source.input, source.get_layer("norm1").output)
    with pytest.raises(ValueError, match="For its layer head with weights .* has no such layer"):
        copy_body(model, source, ())
    for now, then in zip(model.get_weights(), before):
        np.testing.assert_array_equal(now, then)


def test_a_body_that_computes_something_else_with_the_same_weights_is_refused(network):
    plain = models.plain20((16, 16, 3), 4)
    before = plain.get_weights()
    with pytest.raises(ValueError, match="Its layer conv2_block1 has shortcut: none, in resnet20 shortcut: identity"):
        copy_body(plain, network, {"predictions"})
    for kept, weight in zip(before, plain.get_weights()):
        np.testing.assert_array_equal(kept, weight)


def test_another_layer_goes_between_the_input_and_the_rest(network):
    new = behind(network, keras.layers.Cropping2D(2, name="middle"))
    assert [layer.name for layer in new.layers][1:] == ["middle", *[layer.name for layer in network.layers][1:]]
    large = pictures(2, 20)
    np.testing.assert_allclose(new(large), network(large[:, 2:18, 2:18]), rtol=1e-4, atol=1e-7)
    assert new.get_layer("conv1_conv") is network.get_layer("conv1_conv")


def test_a_network_without_top_gets_pooling_and_a_head():
    body = models.squeezenet((64, 64, 3), include_top=False)
    new = replace_head(body, 3)
    assert new.output_shape == (None, 3)
    probabilities = np.asarray(new(pictures(2, 64)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    logits = replace_head(body, 3, activation=None)
    assert logits.get_layer("predictions").activation is keras.activations.linear
