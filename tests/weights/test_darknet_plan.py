"""Shapes, sources and parameters of Darknet's sections, and everything that is refused before a weight exists."""

import os
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.weights.darknet_cfg import DarknetError, parse_cfg, read_cfg
from cnn_suite.weights.darknet_plan import plan
from cnn_suite.weights.darknet_steps import Convolution, Head, MaxPool
from tests.darknet_oracle import cfg, random_weights

REFERENCE = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "detection" / "darknet" / "reference_cfg"
YOLO = "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nanchors=1,2,3,4\nnum=2\nclasses=2\n"
REGION = YOLO.replace("yolo", "region")


def planned(body, height=8, width=8):
    """The steps of a network; the body begins at line 4."""
    return plan(parse_cfg(cfg(body, height, width), "a.cfg")).steps


def refused(body, text, height=8, width=8):
    with pytest.raises(DarknetError, match=text):
        planned(body, height, width)


def test_the_size_and_the_way_to_fit_a_picture_stand_in_net():
    network = plan(parse_cfg("[net]\nwidth=320\nheight=256\nletter_box=1\n[avgpool]\n"))
    assert network.size_hw == (256, 320) and network.letterbox
    assert not plan(parse_cfg(cfg("[avgpool]"))).letterbox


def test_a_convolution_pads_half_its_size_on_all_sides():
    # (9 + 2 * 1 - 3) // 2 + 1 = 5 and (12 + 2 - 3) // 2 + 1 = 6; 3 * 3 * 3 * 16 + 4 * 16 floats
    body = "[convolutional]\nfilters=16\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky"
    (step,) = planned(body, 9, 12)
    assert step.settings == Convolution(16, 3, 2, 1, 1, True, "leaky")
    assert (step.shape, step.sources, step.parameters, step.name) == ((5, 6, 16), (-1,), 496, "line4_convolutional")


def test_options_that_are_absent_are_darknets():
    convolution, pool = planned("[convolutional]\n[maxpool]")
    assert convolution.settings == Convolution(1, 1, 1, 0, 1, False, "logistic")
    assert pool.settings == MaxPool(1, 1, 0)
    assert planned("[maxpool]\nstride=2")[0].settings == MaxPool(2, 2, 1)


def test_pad_goes_before_padding():
    for options, padding in (("padding=3", 3), ("padding=3\npad=1", 2), ("padding=3\npad=0", 3), ("pad=1", 2), ("", 0)):
        assert planned(f"[convolutional]\nsize=5\n{options}")[0].settings.padding == padding


def test_max_pooling_has_its_padding_in_all_not_a_side():
    # (7 + 1 - 2) // 2 + 1 = 4; (8 + 1 - 2) // 2 + 1 = 4; without padding 3 and 4
    assert planned("[maxpool]\nsize=2\nstride=2", 7, 8)[0].shape == (4, 4, 3)
    assert planned("[maxpool]\nsize=2\nstride=2\npadding=0", 7, 8)[0].shape == (3, 4, 3)
    assert planned("[maxpool]\nsize=13\nstride=1", 7, 8)[0].shape == (7, 8, 3)


def test_routes_and_shortcuts_count_from_the_first_section_or_back_from_themselves():
    body = "[conv]\nfilters=4\n[conv]\nfilters=4\n[shortcut]\nfrom=-2\n[route]\nlayers=-1,0\n[route]\nlayers=-1\n"
    steps = planned(body + "groups=2")
    assert [step.sources for step in steps] == [(-1,), (0,), (1, 0), (2, 0), (3,)]
    assert [step.shape[2] for step in steps] == [4, 4, 4, 8, 4]


def test_reorganised_and_repeated_cells():
    steps = planned("[conv]\nfilters=8\n[reorg]\nstride=2\n[upsample]\nstride=4\n[avgpool]", 8, 12)
    assert [step.shape for step in steps] == [(8, 12, 8), (4, 6, 32), (16, 24, 32), (1, 1, 32)]


def test_anchors_of_a_region_count_cells_and_of_a_yolo_pixels():
    # 8 pixels over 4 cells: 2 pixels a cell
    down = "[maxpool]\nsize=2\nstride=2\n"
    assert planned(down + REGION)[-1].settings == Head(((2.0, 4.0), (6.0, 8.0)), 2, 2, 1.0, "sigmoid", False)
    assert planned(down + YOLO)[-1].settings == Head(((1.0, 2.0), (3.0, 4.0)), 2, 2, 1.0, "sigmoid", False)
    assert planned(down + REGION + "softmax=1")[-1].settings.class_activation == "softmax"


def test_a_mask_chooses_anchors_in_its_order():
    body = YOLO.replace("filters=14", "filters=7") + "mask=1\nscale_x_y=1.05"
    assert planned(body)[-1].settings == Head(((3.0, 4.0),), 2, 1, 1.05, "sigmoid", False)
    assert planned(YOLO + "mask=1,0")[-1].settings.anchors_px == ((3.0, 4.0), (1.0, 2.0))


def test_new_coords_come_after_a_logistic_convolution():
    assert planned(YOLO.replace("linear", "logistic") + "new_coords=1")[-1].settings.squared_sizes
    refused(YOLO + "new_coords=1", r"line 7: \[yolo\] must follow a .*activation=logistic")


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="CNN_SUITE_TEST_DATA does not name a folder with detection/darknet")
@pytest.mark.parametrize(
    "name, parameters",  # bytes of the official .weights files: 4 a parameter and 16 or 20 of header
    [("yolov3", 62001757), ("yolov3-tiny", 8858734), ("yolov4-tiny", 6062814), ("yolov2", 50983561)],
)
def test_the_published_networks_have_the_parameters_of_their_files(name, parameters):
    path = REFERENCE / f"{name}.cfg"
    assert plan(read_cfg(path)).parameters == parameters
    if name.endswith("tiny"):
        own = random_weights(path.read_text())
        assert sum(np.size(value) for part in own for value in part.values()) == parameters


@pytest.mark.parametrize("option", ["antialiasing", "share_index", "binary", "xnor", "bin_output", "flipped"])
def test_options_of_a_convolution_that_are_not_imported_are_refused(option):
    refused(f"[convolutional]\n{option}=1", rf"a.cfg, line 4: \[convolutional\] {option}=1 cannot be imported; only")
    planned(f"[convolutional]\n{option}=0")


def test_other_options_that_are_not_imported_are_refused():
    refused("[convolutional]\ndilation=2", "line 4: .* dilation=2 cannot be imported; only dilation=1 can")
    refused("[convolutional]\nstride_x=2", "line 4: .* stride_x=2 cannot be imported")
    refused("[maxpool]\nmaxpool_depth=1", "line 4: .* maxpool_depth=1 cannot be imported")
    refused("[maxpool]\nstride=2\nstride_y=1", "line 4: .* stride_y=1 cannot be imported")
    refused("[conv]\n[shortcut]\nfrom=-1\nweights_type=per_feature", "line 5: .* weights_type=per_feature cannot")
    refused("[reorg]\nreverse=1", "line 4: .* reverse=1 cannot be imported")
    refused(REGION + "coords=5", "line 7: .* coords=5 cannot be imported")
    refused(REGION + "background=1", "line 7: .* background=1 cannot be imported")
    refused(YOLO + "embedding_layer=3", "line 7: .* embedding_layer cannot be imported")


@pytest.mark.parametrize("option", ["tree=9k.tree", "map=coco9k.map"])
def test_a_softmax_tree_is_refused_by_name(option):
    refused(REGION + option, r"line 7: \[region\] .* cannot be imported: YOLO9000's softmax tree of classes")


def test_other_activations_are_refused_with_those_that_are_known():
    text = "activation must be one of linear, leaky, relu, relu6, mish, swish, logistic. Received 'elu'"
    refused("[convolutional]\nactivation=elu", "line 4: .*" + text)
    refused("[conv]\n[shortcut]\nfrom=-1\nactivation=elu", "line 5: .*" + text)


def test_net_must_say_a_size_and_have_three_channels():
    for text, message in (
        ("[net]\nwidth=8\n[avgpool]", r"line 1: \[net\] needs height: a whole number from 1 to 8192"),
        ("[net]\nheight=8\nwidth=0\n[avgpool]", "line 1: .* width must be a whole number from 1 to 8192. Received '0'"),
        ("[net]\nheight=9000\nwidth=8\n[avgpool]", "line 1: .* height must be a whole number from 1 to 8192"),
        ("[net]\nheight=8\nwidth=8\nchannels=1\n[avgpool]", "line 1: .* channels must be 3, .* Received 1"),
        ("[net]\nheight=8\nwidth=8", "line 1: .* is not followed by any section"),
        (cfg("[net]"), "line 4"),
    ):
        with pytest.raises(DarknetError, match=message):
            plan(parse_cfg(text))


@pytest.mark.parametrize("body, named", [
    ("[conv]\n[route]\nlayers=-2", "line 5: .* layers"), ("[conv]\n[route]\nlayers=1", "line 5: .* layers"),
    ("[conv]\n[route]\nlayers=-1,2", "line 5: .* layers"), ("[route]\nlayers=-1", "line 4: .* layers"),
    ("[route]\nlayers=0", "line 4: .* layers"), ("[conv]\n[shortcut]\nfrom=1", "line 5: .* from"),
    ("[shortcut]\nfrom=-1", "line 4: .* from"), ("[conv]\n[shortcut]\nfrom=-9", "line 5: .* from"),
    ("[conv]\n[route]\nlayers=1000000000000000000", "line 5: .* layers"),
])  # fmt: skip
def test_what_names_no_earlier_section_is_refused(body, named):
    refused(body, named)


def test_a_route_and_a_shortcut_without_sources_are_refused():
    refused("[conv]\n[route]", "line 5: .* needs layers")
    refused("[conv]\n[shortcut]", "line 5: .* needs from")


def test_maps_that_do_not_fit_together_are_refused():
    down = "[conv]\nfilters=4\n[conv]\nfilters=4\nstride=2\n"
    refused(down + "[route]\nlayers=-1,-2", "line 9: .* of the same height and width. Received 4x4x4, 8x8x4")
    refused(down + "[shortcut]\nfrom=-2", "line 9: .* same height, width and channels. Received 4x4x4, 8x8x4")
    refused("[conv]\nfilters=4\n[conv]\nfilters=5\n[shortcut]\nfrom=-2", "line 8: .* Received 8x8x5, 8x8x4")
    halves = "\n[route]\nlayers=-1\ngroups=2\n"
    refused("[conv]\nfilters=5" + halves, "line 6: .* groups must divide the channels of the maps. .* 2 for 8x8x5")
    refused("[conv]\nfilters=4" + halves + "group_id=2", "group_id must be .* from 0 to 1. Received '2'")
    refused("[conv]\nfilters=4\ngroups=2", "line 4: .* groups must divide the 3 channels before it and its 4 filters")
    refused("[conv]\nfilters=4\ngroups=3", "line 4: .* groups must divide the 3 channels before it and its 4 filters")
    refused("[reorg]\nstride=2", "line 4: .* Received 2 for 8x8x3")
    refused("[conv]\nfilters=4\n[reorg]\nstride=2", "line 6: .* Received 2 for 7x8x4", height=7)


def test_windows_larger_than_the_map_are_refused():
    refused("[conv]\nsize=9", "line 4: .* has windows of 9 cells, larger than the map of 8x8 before it")
    refused("[maxpool]\nsize=9\npadding=0", "line 4: .* has windows of 9 cells")


def test_a_head_needs_its_convolution():
    text = r"must follow a \[convolutional\] of 14 filters \(2 anchors times 5 \+ 2 classes\)"
    refused(YOLO.replace("filters=14", "filters=15"), "line 7: .*" + text)
    refused(YOLO.replace("linear", "leaky"), "line 7: .*" + text)
    refused(YOLO.replace("filters=14", "filters=14\nbatch_normalize=1"), "line 8: .*" + text)
    refused(YOLO.replace("filters=14", "filters=14\nsize=3\npad=1"), "line 9: .*" + text)
    refused(YOLO.replace("[yolo]", "[dropout]\n[yolo]"), "line 8: .*" + text)
    refused(YOLO[YOLO.index("[yolo]") :], "line 4: .*" + text)


def test_anchors_must_be_num_pairs_and_a_mask_must_be_of_them():
    refused(YOLO.replace("num=2", "num=3"), "line 7: .* anchors must be num=3 pairs of width and height. Received 4")
    refused(YOLO.replace("1,2,3,4", "1,2,3"), "line 7: .* Received 3 numbers")
    refused(YOLO.replace("1,2,3,4", "1,2,3,nan"), "line 7: .* anchors must be one or more numbers .*Received 'nan'")
    refused(YOLO + "mask=0,2", "line 7: .* mask must be one or more numbers from 0 to 1. Received '2'")


def test_cells_of_a_head_are_squares_of_whole_pixels():
    down = "[maxpool]\nsize=2\nstride=2\n"
    refused(down + YOLO, "line 10: .* Received 4x4 cells for an input of 7x8", height=7)


def test_heads_of_different_classes_are_refused():
    other = YOLO.replace("filters=14", "filters=16").replace("classes=2", "classes=3")
    body = "[conv]\nfilters=2\n" + YOLO + "[route]\nlayers=0\n"
    assert [step.settings.classes for step in planned(body + YOLO) if isinstance(step.settings, Head)] == [2, 2]
    refused(body + other, "line 18: .* classes must be 2, as in the head at line 9. Received 3. All heads")


def test_nothing_else_may_take_what_a_head_gives():
    for more in ("[conv]\n", "[route]\nlayers=-1", "[route]\nlayers=0", "[route]\nlayers=-2"):
        refused(
            YOLO + more, "line 11: .* uses the result of .* which is a head of the network and has no further outputs"
        )


def test_a_section_whose_result_nothing_takes_is_refused():
    # its floats would be read and lost: line 6 leads nowhere, as the route goes back to the first section
    refused("[conv]\nfilters=4\n[conv]\nfilters=4\n[route]\nlayers=0\n" + YOLO, "line 6")
    refused("[conv]\nfilters=4\n" + YOLO + "[route]\nlayers=0\n[conv]\nfilters=4", "line 1[35]")


@pytest.mark.parametrize("body", [
    "[conv]\nfilters=1000000000000000000", "[conv]\nfilters=65537", "[conv]\nfilters=0", "[conv]\nfilters=-3",
    "[conv]\nsize=0", "[conv]\nsize=-1", "[conv]\nsize=8193\npad=1", "[conv]\nstride=0", "[conv]\nstride=1e18",
    "[conv]\npadding=-1", "[conv]\npadding=99999", "[conv]\ngroups=0", "[conv]\nbatch_normalize=2",
    "[maxpool]\nstride=0", "[maxpool]\nsize=3\npadding=3", "[upsample]\nstride=0", "[upsample]\nstride=-2",
    "[upsample]\nscale=nan", "[reorg]\nstride=0", "[dropout]\nprobability=2", YOLO + "scale_x_y=0",
    YOLO.replace("classes=2", "classes=0"), YOLO.replace("num=2", "num=-2"), YOLO.replace("1,2,3,4", "0,2,3,4"),
])  # fmt: skip
def test_numbers_out_of_all_bounds_are_refused_with_the_line(body):
    refused(body, r"a.cfg, line \d+: \[\w+\] \w+ must be ")


@pytest.mark.parametrize("body", [
    "[upsample]\nstride=8192", "[upsample]\nstride=64\n[upsample]\nstride=64\n[upsample]\nstride=64",
    "[conv]\nfilters=65536\n[upsample]\nstride=32", "[conv]\nfilters=60000\n[route]\nlayers=-1,-1",
    "[conv]\nfilters=20000\n[conv]\nfilters=20000", "[conv]\nsize=8191\npad=1\nfilters=9",
    "[conv]\nfilters=8192\n[conv]\nfilters=8192\nsize=3\npad=1",
])  # fmt: skip
def test_networks_larger_than_any_known_one_are_refused_before_they_exist(body):
    refused(body, r"line \d+: .* (gives a map of|brings the network to) .* can be imported")
