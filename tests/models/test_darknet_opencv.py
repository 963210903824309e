"""Small networks of every family against OpenCV 4's own Darknet reader."""

import numpy as np
import pytest

from cnn_suite.models.darknet import darknet
from tests.darknet_opencv import EPSILON, assert_heads_near, needs_darknet_reader, opencv_heads
from tests.darknet_oracle import OLD_HEADER, cfg, forward, write_weights

pytestmark = needs_darknet_reader

DOWN = "[convolutional]\nfilters=16\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"
NARROW = "[convolutional]\nfilters=8\nsize=1\nstride=1\nbatch_normalize=1\nactivation=leaky\n"
WIDE = "[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=linear\n"
YOLO = "[convolutional]\nfilters=16\nsize=1\nactivation=linear\n[yolo]\nmask=0,1\nanchors=1,2,3,4\nnum=2\nclasses=3\n"
REGION = "[region]\nanchors=1,2,3,4,5,6\nnum=3\nclasses=4\nsoftmax=1\n"
HALVES = "[maxpool]\nsize=2\nstride=2\n"


def route(options):
    return f"[route]\nlayers={options}\n"


def pool(size):
    return f"[maxpool]\nsize={size}\nstride=1\n"


NETWORKS = {
    "v2": [DOWN, HALVES, WIDE, route(-3), NARROW, "[reorg]\nstride=2\n", route("-1,-4")]
    + ["[convolutional]\nfilters=27\nsize=1\nactivation=linear\n", REGION],
    "v3": [DOWN, NARROW, WIDE, "[shortcut]\nfrom=-3\nactivation=linear\n", DOWN, YOLO, route(-3)]
    + ["[upsample]\nstride=2\n", route("-1,0"), YOLO],
    "v3-tiny": [DOWN, HALVES, WIDE, pool(2), YOLO],
    "v4-tiny": [DOWN, route("-1\ngroups=2\ngroup_id=1"), WIDE, route("-1,-2"), YOLO],
    "v4": [DOWN.replace("leaky", "mish"), pool(5), route(-2), pool(9), route("-1,-3,-4"), NARROW, YOLO],
    "fastest": [DOWN, WIDE + "groups=16\n", NARROW, "[dropout]\nprobability=.15\n", WIDE, YOLO],
    "swish": [DOWN.replace("leaky", "swish"), NARROW.replace("leaky", "logistic"), WIDE, YOLO],
}


@pytest.mark.parametrize("header", ["new", "old"])
@pytest.mark.parametrize("name", NETWORKS)
def test_heads_equal_those_of_opencv(name, header, tmp_path):
    text, paths = cfg("".join(NETWORKS[name]), 24, 40), (tmp_path / "a.cfg", tmp_path / "a.weights")
    paths[0].write_text(text)
    weights = write_weights(paths[1], text, 1, **({"header": OLD_HEADER} if header == "old" else {}))
    picture = np.random.default_rng(0).integers(0, 256, (1, 24, 40, 3)).astype(np.float32)
    expected = opencv_heads(*paths, picture)
    assert_heads_near(darknet(paths[0], weights=paths[1], epsilon=EPSILON)(picture), expected, 1e-5)
    # and the naive forward, with the epsilon of Darknet
    assert_heads_near(forward(text, weights, picture), expected, 1e-4)
