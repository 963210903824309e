"""Darknet networks: every section and activation against naive loops, then sizes, names, saving and a training step."""

import random

import keras
import numpy as np
import pytest

from cnn_suite.models.darknet import darknet
from cnn_suite.weights.darknet_cfg import DarknetError, parse_cfg
from cnn_suite.weights.darknet_plan import plan
from tests.darknet_oracle import ACTIVATIONS, cfg, forward, random_weights, write_arrays, write_weights


def pictures(height=8, width=8, batch=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (batch, height, width, 3)).astype(np.float32)


def imported(text, folder, **arguments):
    """The network of a .cfg with random weights, and those weights."""
    weights = write_weights(folder / "a.weights", text)
    return darknet(plan(parse_cfg(text)), weights=folder / "a.weights", **arguments), weights


def assert_near(received, expected, tolerance=1e-5):
    np.testing.assert_allclose(received, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


def assert_equal_to_darknet(body, folder, sizes=((8, 8), (12, 8), (4, 16))):
    """One network, built at the first size, at all sizes."""
    text = cfg(body, *sizes[0])
    model, weights = imported(text, folder)
    for size in sizes:
        expected = forward(text, weights, pictures(*size))
        received = model(pictures(*size))
        if isinstance(expected, dict):
            assert received.keys() == expected.keys()
            for name in expected:
                assert received[name].shape == expected[name].shape
                assert_near(received[name], expected[name])
        else:
            assert received.shape == expected.shape
            assert_near(received, expected)


def test_a_convolution_of_stride_2_looks_at_the_even_pixels_of_an_even_picture(tmp_path):
    # the kernel is 1 in its middle, so the result is the pixel under the middle; padded by 1 on the left the middles
    # lie at 0 and 2, where padding at the right alone, as "same" does it, would take 1 and 3
    text = cfg("[conv]\nsize=3\nstride=2\npad=1\nactivation=linear", 4, 4)
    weights = random_weights(text)
    weights[1]["beta"][:], weights[1]["kernel"][:] = 0, 0
    weights[1]["kernel"][0, 1, 1, 1] = 255
    write_arrays(tmp_path / "a.weights", weights)
    picture = np.zeros((1, 4, 4, 3), np.float32)
    picture[0, :, :, 1] = np.arange(16).reshape(4, 4)
    result = darknet(plan(parse_cfg(text)), weights=tmp_path / "a.weights")(picture)
    np.testing.assert_allclose(result[0, :, :, 0], [[0, 2], [8, 10]], atol=1e-5)


def test_a_pool_of_size_2_and_stride_1_keeps_the_size_and_looks_right_and_down():
    # of yolov3-tiny; at the right and the bottom there is nothing more to see
    picture = np.float32([[40, 10], [20, 30]])[None, :, :, None].repeat(3, 3)
    result = darknet(plan(parse_cfg(cfg("[maxpool]\nsize=2\nstride=1", 2, 2))))(picture)
    np.testing.assert_allclose(255 * result[0, :, :, 0], [[40, 30], [30, 30]], rtol=1e-6)


def test_what_lies_outside_a_pool_is_never_its_maximum(tmp_path):
    # the convolution turns the signs: zeros round the map would win over -1
    text = cfg("[conv]\nactivation=linear\n[maxpool]\nsize=3\nstride=1\n[maxpool]\nsize=3\nstride=2\npadding=2", 3, 3)
    weights = random_weights(text)
    weights[1]["beta"][:], weights[1]["kernel"][:] = 0, [[[-1]], [[0]], [[0]]]
    write_arrays(tmp_path / "a.weights", weights)
    result = darknet(plan(parse_cfg(text)), weights=tmp_path / "a.weights")(np.full((1, 3, 3, 3), 255, np.float32))
    np.testing.assert_allclose(result, -np.ones((1, 2, 2, 1)), rtol=1e-6)


def test_reorganisation_keeps_darknets_own_order(tmp_path):
    # A map of 4 channels of 2x2 holds 0..15 in Darknet's memory. Read as one channel of 4x4 it is 0 1 2 3 / 4 5 6 7 /
    # 8 9 10 11 / 12 13 14 15, and its four kinds of cells, even or odd row and column, follow one another.
    text = cfg("[conv]\nfilters=4\nactivation=linear\n[reorg]\nstride=2", 2, 2)
    weights = random_weights(text)
    weights[1]["beta"][:] = [0, 4, 8, 12]
    weights[1]["kernel"][:] = np.float32([255, 0, 0])[None, :, None, None]
    write_arrays(tmp_path / "a.weights", weights)
    picture = np.float32([[0, 1], [2, 3]])[None, :, :, None].repeat(3, 3)
    result = darknet(plan(parse_cfg(text)), weights=tmp_path / "a.weights")(picture)
    expected = [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15]
    np.testing.assert_allclose(np.ravel(result), expected, atol=1e-5)


def test_a_leak_is_a_tenth_and_the_picture_is_scaled_to_1(tmp_path):
    text = cfg("[conv]\nactivation=leaky", 1, 2)
    weights = random_weights(text)
    weights[1]["beta"][:], weights[1]["kernel"][:] = -0.5, [[[1]], [[0]], [[0]]]
    write_arrays(tmp_path / "a.weights", weights)
    picture = np.float32([0, 255]).reshape(1, 1, 2, 1).repeat(3, 3)
    result = darknet(plan(parse_cfg(text)), weights=tmp_path / "a.weights")(picture)
    np.testing.assert_allclose(np.ravel(result), [-0.05, 0.5], rtol=1e-6)


ODD = ((7, 9), (8, 8), (5, 12), (1, 4))
WIDE = "[conv]\nfilters=8\nsize=3\npad=1\nactivation=linear\n"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, tmp_path):
    # scaled up so that relu6 has something to cut
    body = "[conv]\nfilters=16\nsize=3\npad=1\nactivation=linear\n[upsample]\nstride=1\nscale=9\n[conv]\nfilters=8\n"
    assert_equal_to_darknet(f"{body}activation={activation}", tmp_path, ((6, 5),))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_convolutions_of_any_size_and_stride(size, stride, tmp_path):
    body = f"[conv]\nfilters=5\nsize={size}\nstride={stride}\npad=1\nactivation=linear"
    assert_equal_to_darknet(body, tmp_path, ODD if size % 2 else ODD[:3])


@pytest.mark.parametrize("options", [
    "size=3", "size=3\npadding=1", "size=3\npadding=2\nstride=2", "size=2\nstride=2", "size=5\npadding=1",
    "size=1\npadding=1", "size=1\npadding=1\nstride=2",
])  # fmt: skip
def test_convolutions_of_other_padding(options, tmp_path):
    assert_equal_to_darknet(f"[conv]\nfilters=4\nactivation=linear\n{options}", tmp_path, ODD[:3])


@pytest.mark.parametrize("options", ["batch_normalize=1\nactivation=linear", "batch_normalize=1\nactivation=leaky",
                                     "batch_normalize=1\nsize=3\nstride=2\npad=1\nactivation=mish", ""])  # fmt: skip
def test_convolutions_with_batch_norm_and_without_any_option(options, tmp_path):
    assert_equal_to_darknet(f"[conv]\nfilters=6\n{options}", tmp_path, ODD)


@pytest.mark.parametrize("filters, groups, stride, batch_normalize", [
    (8, 2, 1, 0), (12, 4, 2, 1), (8, 8, 1, 1), (8, 8, 2, 0), (24, 8, 1, 0), (16, 8, 2, 1),
])  # fmt: skip
def test_convolutions_in_groups_down_to_one_channel_each(filters, groups, stride, batch_normalize, tmp_path):
    options = f"filters={filters}\ngroups={groups}\nstride={stride}\nbatch_normalize={batch_normalize}"
    assert_equal_to_darknet(f"{WIDE}[conv]\n{options}\nsize=3\npad=1\nactivation=leaky", tmp_path, ODD)


def test_a_convolution_of_one_channel_each_straight_from_the_picture(tmp_path):
    assert_equal_to_darknet("[conv]\nfilters=3\ngroups=3\nsize=3\npad=1\nactivation=linear", tmp_path, ODD)


@pytest.mark.parametrize("options", [
    "size=2\nstride=2", "size=2\nstride=1", "stride=2", "", "size=3\nstride=2", "size=3\nstride=1", "size=5\nstride=1",
    "size=13\nstride=1", "size=4\nstride=2", "size=3\nstride=3", "size=2\nstride=3", "size=2\nstride=2\npadding=0",
    "size=3\nstride=2\npadding=0", "size=3\nstride=2\npadding=1", "size=5\nstride=2\npadding=3", "size=4\nstride=1",
])  # fmt: skip
def test_max_pooling(options, tmp_path):
    sizes = ODD[:3] if "padding" in options else ODD
    assert_equal_to_darknet(f"{WIDE}[maxpool]\n{options}", tmp_path, sizes)


def test_average_pooling_is_over_the_whole_map(tmp_path):
    assert_equal_to_darknet(f"{WIDE}[avgpool]", tmp_path, ODD)
    assert_equal_to_darknet(f"{WIDE}[avgpool]\n[conv]\nfilters=3\nactivation=linear", tmp_path, ODD)


@pytest.mark.parametrize("options", ["stride=2", "stride=3", "", "stride=1", "stride=2\nscale=0.5", "scale=-3"])
def test_upsampling(options, tmp_path):
    assert_equal_to_darknet(f"{WIDE}[upsample]\n{options}", tmp_path, ODD)


@pytest.mark.parametrize("options", [
    "layers=-1", "layers=0", "layers=-3", "layers=-1,-3", "layers=-2, 0, 2", "layers=-1,-1",
    "layers=-1\ngroups=2\ngroup_id=0", "layers=-1\ngroups=2\ngroup_id=1", "layers=-1\ngroups=4\ngroup_id=2",
    "layers=-1,1\ngroups=2\ngroup_id=1", "layers=0,-1\ngroups=2",
])  # fmt: skip
def test_routes(options, tmp_path):
    # the second route keeps what the first leaves out, as nothing may lead nowhere
    body = f"{WIDE}[conv]\nfilters=4\nactivation=leaky\n[conv]\nfilters=8\nactivation=relu\n[route]\n{options}\n"
    assert_equal_to_darknet(f"{body}[route]\nlayers=-1,-2", tmp_path, ODD)


@pytest.mark.parametrize("options", ["from=-2", "from=0", "from=-3\nactivation=leaky", "from=0,1\nactivation=mish",
                                     "from=-2\nactivation=linear", "from=-2\nactivation=logistic"])  # fmt: skip
def test_shortcuts(options, tmp_path):
    body = f"{WIDE}[conv]\nfilters=8\nactivation=leaky\n[conv]\nfilters=8\nactivation=linear\n[shortcut]\n{options}"
    assert_equal_to_darknet(body, tmp_path, ODD)


@pytest.mark.parametrize("filters, stride", [(4, 2), (8, 2), (64, 2), (9, 3), (16, 4), (3, 1)])
def test_reorganisation(filters, stride, tmp_path):
    body = f"[conv]\nfilters={filters}\nactivation=linear\n[reorg]\nstride={stride}"
    assert_equal_to_darknet(body, tmp_path, ((12, 12), (24, 12), (12, 36)))


def test_dropout_changes_nothing_where_nothing_is_trained(tmp_path):
    assert_equal_to_darknet(f"{WIDE}[dropout]\nprobability=.5\n[conv]\nfilters=3\nactivation=linear", tmp_path, ODD)


YOLO_HEAD = "[conv]\nfilters=16\nactivation=linear\n[yolo]\nmask=1,2\nanchors=1,2,3,4,5,6\nnum=3\nclasses=3\n"
REGION_HEAD = "[conv]\nfilters=27\nactivation=linear\n[region]\nanchors=1,2,3,4,5,6\nnum=3\nclasses=4\nsoftmax=1\n"
NEW_COORDS_HEAD = YOLO_HEAD.replace("linear", "logistic") + "new_coords=1\nscale_x_y=2.0\n"
DOWN = "[conv]\nfilters=8\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"


@pytest.mark.parametrize("head", [YOLO_HEAD, REGION_HEAD, NEW_COORDS_HEAD])
def test_heads_give_their_numbers_before_any_activation(head, tmp_path):
    assert_equal_to_darknet(DOWN + head, tmp_path)


def test_two_heads_of_one_network(tmp_path):
    body = f"{DOWN}{DOWN}{YOLO_HEAD}[route]\nlayers=-3\n[upsample]\nstride=2\n[route]\nlayers=-1,0\n{YOLO_HEAD}"
    assert_equal_to_darknet(body, tmp_path)


def test_a_passage_as_of_yolov2(tmp_path):
    small = "[conv]\nfilters=4\nactivation=leaky\n"
    passage = f"[route]\nlayers=-3\n{small}[reorg]\nstride=2\n[route]\nlayers=-1,-4\n"
    assert_equal_to_darknet(f"{DOWN}[maxpool]\nsize=2\nstride=2\n{WIDE}{passage}{REGION_HEAD}", tmp_path)


def random_body(rng):
    """Some sections one behind the other, of any kind that fits."""
    shapes, lines = [(16, 24, 3)], []
    for _ in range(rng.randint(3, 9)):
        height, width, channels = shapes[-1]
        same = [number for number, shape in enumerate(shapes[1:]) if shape[:2] == (height, width)]
        equal = [number for number in same if shapes[1 + number] == shapes[-1]]
        size, stride = rng.randint(1, min(5, height, width)), rng.randint(1, 2)
        kind = rng.choice("conv conv conv maxpool upsample route shortcut reorg dropout".split())
        if kind == "reorg" and (height % 2 or width % 2 or channels % 4) or kind in ("route", "shortcut") and not equal:
            kind = "conv"
        if kind == "conv":
            groups = rng.choice([n for n in (1, 2, 3, 4, channels) if channels % n == 0])
            channels = groups * rng.randint(1, max(1, 12 // groups))
            lines += [f"[conv]\nsize={size}\nstride={stride}\npad=1\nfilters={channels}\ngroups={groups}"]
            lines += [f"batch_normalize={rng.randint(0, 1)}\nactivation={rng.choice([*ACTIVATIONS])}"]
            height, width = (1 + (side + size // 2 * 2 - size) // stride for side in (height, width))
        elif kind == "maxpool":
            padding = rng.randrange(size)
            lines += [f"[maxpool]\nsize={size}\nstride={stride}\npadding={padding}"]
            height, width = (1 + (side + padding - size) // stride for side in (height, width))
        elif kind == "upsample" and height < 32:
            lines += [f"[upsample]\nstride={stride}\nscale={rng.choice((1, 0.5))}"]
            height, width = height * stride, width * stride
        elif kind == "route":
            sources = [len(shapes) - 2, *rng.sample(same, rng.randint(0, min(2, len(same))))]
            groups = rng.choice([n for n in (1, 2, 4) if not any(shapes[1 + source][2] % n for source in sources)])
            lines += [f"[route]\nlayers={','.join(map(str, sources))}\ngroups={groups}\ngroup_id={groups - 1}"]
            channels = sum(shapes[1 + source][2] // groups for source in sources)
        elif kind == "shortcut":
            lines += [f"[shortcut]\nfrom={rng.choice(equal)}\nactivation={rng.choice([*ACTIVATIONS])}"]
        elif kind == "reorg":
            lines += ["[reorg]\nstride=2"]
            height, width, channels = height // 2, width // 2, channels * 4
        else:
            lines += ["[dropout]"]
        shapes.append((height, width, channels))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(30))
def test_sections_in_any_order(seed, tmp_path):
    assert_equal_to_darknet(random_body(random.Random(seed)), tmp_path, ((16, 24),))


BOTH = f"{DOWN}{DOWN}[dropout]\n{YOLO_HEAD}[route]\nlayers=-3\n[upsample]\nstride=2\n[route]\nlayers=-1,0\n{YOLO_HEAD}"


@pytest.fixture
def network(tmp_path):
    return imported(cfg(BOTH, 16, 24), tmp_path)[0]


def test_layers_are_named_after_the_lines_of_their_sections(network):
    names = {layer.name for layer in network.layers}
    for line in (4, 11):
        assert {f"line{line}_convolutional", f"line{line}_norm", f"line{line}_activation"} <= names
    # 4 + 7 + 7 = 18 [dropout], 19 [conv], 22 [yolo], 27 [route], 29 [upsample], 31 [route], 33 [conv], 36 [yolo]
    assert {"line18_dropout", "line22_yolo", "line29_upsample", "line31_route", "line36_yolo"} <= names
    assert list(network.output) == ["line22_yolo", "line36_yolo"]
    lines = cfg(BOTH).splitlines()
    for name in names:
        if name.startswith("line") and name.split("_")[1] not in ("norm", "activation", "pad", "group", "scale"):
            line, kind = name.removeprefix("line").split("_")
            assert lines[int(line) - 1] in (f"[{kind}]", f"[{kind[:4]}]")


def test_heads_know_their_anchors_and_their_stride(network):
    coarse, fine = network.get_layer("line22_yolo"), network.get_layer("line36_yolo")
    assert (coarse.stride, fine.stride) == (4, 2)
    assert coarse.anchors_px == fine.anchors_px == [[3.0, 4.0], [5.0, 6.0]]
    assert coarse.classes == 3 and coarse.class_activation == "sigmoid"


def test_the_input_is_a_picture_of_any_size(network):
    assert network.input_shape == (None, None, None, 3)
    assert network.output["line22_yolo"].shape == (None, None, None, 2, 8)
    result = network(pictures(64, 32, batch=1))
    assert result["line22_yolo"].shape == (1, 16, 8, 2, 8) and result["line36_yolo"].shape == (1, 32, 16, 2, 8)


def test_pictures_of_a_batch_do_not_see_one_another(network):
    batch = pictures(16, 24, batch=3)
    together = network(batch)
    for number in range(3):
        alone = network(batch[number : number + 1])
        for name in together:
            assert_near(together[name][number], np.asarray(alone[name][0]))


def test_it_survives_saving(network, tmp_path):
    network.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    for one, other in zip(network(pictures(16, 24)).values(), again(pictures(16, 24)).values()):
        np.testing.assert_array_equal(one, other)
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in network.layers]


@pytest.mark.parametrize("body", [
    "[conv]\nfilters=4\ngroups=1\nactivation=mish\n[reorg]\nstride=2\n[maxpool]\nsize=5\nstride=2",
    "[conv]\nfilters=8\nactivation=swish\n[conv]\nfilters=8\ngroups=4\nactivation=relu6\n[route]\nlayers=-1\ngroups=2",
    "[conv]\nfilters=4\nactivation=logistic\n[conv]\nfilters=8\ngroups=4\n[upsample]\nscale=2\n[avgpool]",
])  # fmt: skip
def test_every_kind_of_layer_survives_saving(body, tmp_path):
    model, _ = imported(cfg(body), tmp_path)
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(again(pictures()), model(pictures()))


def test_a_file_and_its_plan_give_the_same_network(tmp_path):
    text = cfg(BOTH, 16, 24)
    (tmp_path / "a.cfg").write_text(text)
    model, _ = imported(text, tmp_path, name="mine")
    again = darknet(str(tmp_path / "a.cfg"), weights=str(tmp_path / "a.weights"))
    assert (model.name, again.name) == ("mine", "darknet")
    for one, other in zip(model(pictures()).values(), again(pictures()).values()):
        np.testing.assert_array_equal(one, other)


def test_random_weights_without_a_file_are_usable():
    for value in darknet(plan(parse_cfg(cfg(BOTH))))(pictures()).values():
        assert np.isfinite(value).all()


def test_epsilon_of_the_batch_norms_is_darknets(tmp_path):
    text = cfg("[conv]\nbatch_normalize=1\nactivation=linear", 1, 1)
    weights = random_weights(text)
    weights[1].update(beta=[0], gamma=[1], mean=[0], variance=[0], kernel=[[[1]], [[0]], [[0]]])
    write_arrays(tmp_path / "a.weights", weights)
    white = np.full((1, 1, 1, 3), 255, np.float32)
    # 1 / sqrt(0 + 1e-5) = 316.23; OpenCV's reader has 1e-6 and 1000
    network = plan(parse_cfg(text))
    np.testing.assert_allclose(darknet(network, weights=tmp_path / "a.weights")(white), 316.2278, rtol=1e-5)
    other = darknet(network, weights=tmp_path / "a.weights", epsilon=1e-6)
    np.testing.assert_allclose(other(white), 1000, rtol=1e-5)


def test_one_training_step_changes_every_weight_and_stays_finite(tmp_path):
    model, _ = imported(cfg(DOWN + YOLO_HEAD), tmp_path)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.01), lambda truth, raw: keras.ops.mean(keras.ops.square(truth - raw)))
    history = model.fit(pictures(), {"line14_yolo": np.ones((2, 4, 4, 2, 8), np.float32)}, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert all(np.abs(weight.numpy() - old).max() > 0 for weight, old in zip(model.trainable_weights, before))


def test_other_classes_and_anchors_change_the_heads_alone(tmp_path):
    anchors = [[[1, 2]], [[3, 4], [5, 6], [7, 8]]]  # finest first
    model = darknet(plan(parse_cfg(cfg(BOTH, 16, 24))), classes=5, anchors_px=anchors)
    shapes = {name: tensor.shape[-2:] for name, tensor in model.output.items()}
    assert shapes == {"line22_yolo": (3, 10), "line36_yolo": (1, 10)}
    assert model.get_layer("line22_yolo").anchors_px == [[3, 4], [5, 6], [7, 8]]
    body = darknet(plan(parse_cfg(cfg(BOTH, 16, 24))))
    assert [w.shape for w in model.get_layer("line4_convolutional").weights] == [
        w.shape for w in body.get_layer("line4_convolutional").weights
    ]


def test_weights_with_other_heads_and_anchors_of_other_heads_are_refused(tmp_path):
    network = plan(parse_cfg(cfg(BOTH, 16, 24)))
    with pytest.raises(
        ValueError, match="`weights` include the heads of the .cfg and cannot be combined with `classes` or"
    ):
        darknet(network, classes=5, weights=tmp_path / "a.weights")
    with pytest.raises(ValueError, match="`anchors_px` must contain 2 lists of anchors, one per head, .* Received 1"):
        darknet(network, anchors_px=[[[1, 2]]])


def test_a_cfg_that_cannot_be_imported_is_refused_with_its_line(tmp_path):
    (tmp_path / "a.cfg").write_text(cfg("[conv]\nactivation=elu"))
    with pytest.raises(DarknetError, match=r"a.cfg, line 4: \[convolutional\] activation must be one of"):
        darknet(tmp_path / "a.cfg")
    with pytest.raises(DarknetError, match="Cannot read the .cfg file"):
        darknet(tmp_path / "absent.cfg")


def test_weights_of_another_network_are_refused(tmp_path):
    write_weights(tmp_path / "a.weights", cfg(DOWN))
    with pytest.raises(DarknetError, match=r"a.weights must contain .* They end within \[convolutional\] at line 11"):
        darknet(plan(parse_cfg(cfg(BOTH, 16, 24))), weights=tmp_path / "a.weights")


@pytest.mark.slow
def test_a_network_deeper_than_any_known_one_is_built(tmp_path):
    # 250 sections are 750 layers one behind the other; Keras walks them by recursion
    model = darknet(plan(parse_cfg(cfg("[conv]\nactivation=leaky\nbatch_normalize=1\n" * 250))))
    assert model.count_params() == 4 + 3 + 249 * 5
    model.save(tmp_path / "a.keras")
    assert keras.saving.load_model(tmp_path / "a.keras").count_params() == model.count_params()
