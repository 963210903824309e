"""A Darknet detector as a model folder: it answers like its network, keeps its names, and begins a training."""

import numpy as np
import pytest

from cnn_suite.config import ConfigError, load_config
from cnn_suite.convert import convert_darknet
from cnn_suite.export import export_model
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.trained import load_trained
from cnn_suite.weights.darknet_cfg import DarknetError

CFG = """[net]
width=96
height=64
letter_box={letter_box}
[convolutional]
filters=4
size=3
stride=8
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=16
size=1
activation=linear
[yolo]
anchors=10,20, 30,40
num=2
classes=3
"""
VALUES = 4 * (4 + 27) + 16 * (1 + 4)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Folder with a .cfg, its .weights and names."""
    folder = tmp_path_factory.mktemp("darknet")
    (folder / "net.cfg").write_text(CFG.format(letter_box=0))
    values = np.abs(np.random.default_rng(0).normal(size=VALUES)).astype("<f4")
    (folder / "net.weights").write_bytes(np.array([0, 2, 0, 0, 0], "<i4").tobytes() + values.tobytes())
    (folder / "net.names").write_text("cat\ntraffic light\n dog \n\n")
    return folder


@pytest.fixture(scope="module")
def converted(files):
    return convert_darknet(
        files / "net.cfg", files / "net.weights", files / "small", names=files / "net.names", formats=("litert",)
    )


def test_the_folder_is_one_of_ours(converted):
    card = ModelCard.read(converted)
    assert (card.name, card.task, card.labels) == ("small", "detection", ("cat", "traffic light", "dog"))
    assert card.input["network_size_hw"] == [64, 96]
    assert card.input["resizing"] == "stretch, inside the graph"
    assert card.model["parameters"] == VALUES
    assert (converted / "network.cfg").read_text() == CFG.format(letter_box=0)
    picture = np.full((50, 40, 3), 200, np.uint8)
    found = load_detector(converted)(picture, confidence=0.0)
    assert len(found) and set(found.names) <= set(card.labels)


def test_its_network_is_read_like_a_trained_one(converted):
    trained = load_trained(converted)
    assert trained.config == load_config(converted / "config.yaml")
    assert trained.config.model.builder == "darknet"


def test_letter_box_of_the_cfg_is_kept(files):
    (files / "boxed.cfg").write_text(CFG.format(letter_box=1))
    folder = convert_darknet(files / "boxed.cfg", files / "net.weights", files / "boxed", formats=("litert",))
    card = ModelCard.read(folder)
    assert card.input["resizing"] == "letterbox, inside the graph"
    assert card.labels == ("0", "1", "2")  # no names were given


def test_names_must_be_as_many_as_classes(files):
    (files / "two.names").write_text("a\nb\n")
    with pytest.raises(DarknetError, match="two.names must contain 3 names, one per line. It contains 2."):
        convert_darknet(files / "net.cfg", files / "net.weights", files / "x", names=files / "two.names")
    assert not (files / "x").exists()


def test_a_name_for_two_classes_is_refused(files):
    (files / "twice.names").write_text("cat\ndog\ncat\n")
    with pytest.raises(DarknetError, match="twice.names must name every class differently. It contains 'cat' 2 times"):
        convert_darknet(files / "net.cfg", files / "net.weights", files / "x", names=files / "twice.names")
    assert not (files / "x").exists()


def test_names_may_begin_with_a_byte_order_mark(files):
    (files / "marked.names").write_text("cat\nbus\ndog\n", encoding="utf-8-sig")
    folder = convert_darknet(
        files / "net.cfg", files / "net.weights", files / "marked", names=files / "marked.names", formats=("litert",)
    )
    assert ModelCard.read(folder).labels == ("cat", "bus", "dog")


def test_names_that_are_not_there_are_named(files):
    with pytest.raises(DarknetError, match="Cannot read the class names from .*no.names"):
        convert_darknet(files / "net.cfg", files / "net.weights", files / "x", names=files / "no.names")


def test_an_8_bit_file_of_an_imported_network_needs_pictures_of_its_own(files):
    folder = convert_darknet(files / "net.cfg", files / "net.weights", files / "plain", formats=("litert",))
    with pytest.raises(ConfigError, match="calibrated on training pictures, and .*config.yaml names none. Enter data"):
        export_model(folder, folder, int8=True)


def test_names_in_another_encoding_are_refused_with_their_line(files):
    (files / "latin.names").write_text("cat\nbus\ncaf\u00e9\n", encoding="latin-1")
    with pytest.raises(DarknetError, match="latin.names must be UTF-8 text; line 3 is not. Save it in that encoding"):
        convert_darknet(files / "net.cfg", files / "net.weights", files / "x", names=files / "latin.names")


def test_a_network_without_a_head_is_no_detector(files):
    (files / "body.cfg").write_text(CFG.format(letter_box=0).partition("[yolo]")[0])
    with pytest.raises(DarknetError, match=r"body.cfg has neither \[yolo\] nor \[region\]"):
        convert_darknet(files / "body.cfg", files / "net.weights", files / "x")


def test_a_folder_that_no_model_may_be_named_after_is_refused(files):
    text = "^net.cfg cannot be converted into the folder .*my net. name: must match the pattern .* Received 'my net'.$"
    with pytest.raises(ConfigError, match=text):
        convert_darknet(files / "net.cfg", files / "net.weights", files / "my net")


def test_a_network_for_pictures_of_other_sides_than_multiples_of_32_is_refused(files):
    (files / "odd.cfg").write_text(CFG.format(letter_box=0).replace("height=64", "height=72"))
    text = r"^odd.cfg cannot .*image_size_hw: both sides must be multiples of 32, received \(72, 96\)$"
    with pytest.raises(ConfigError, match=text):
        convert_darknet(files / "odd.cfg", files / "net.weights", files / "x")


def test_the_folder_one_stands_in_has_a_name_too(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = convert_darknet(files / "net.cfg", files / "net.weights", ".", formats=("litert",))
    assert ModelCard.read(folder).name == tmp_path.name


def test_a_converted_network_is_where_a_training_begins(converted, files, tmp_path, monkeypatch):
    from cnn_suite.train import train

    monkeypatch.chdir(tmp_path)
    (tmp_path / "fine.yaml").write_text(
        f"""
name: fine
data: {{format: shapes, resize: stretch, batch_size: 4, shapes: {{train: 8, val: 4, size_hw: [64, 64]}}}}
model: {{builder: darknet, cfg: {converted}, pretrained: {converted}, image_size_hw: [64, 64]}}
loss: {{box_loss: ciou}}
training: {{epochs: 1, evaluate_every: 1}}
"""
    )
    run = train(load_config(tmp_path / "fine.yaml"), quiet=True)
    assert load_trained(run).config.data.labels != ("cat", "traffic light", "dog")


def test_the_command_says_where_the_folder_is(files, capsys):
    from cnn_suite.cli import main

    status = main([
        "convert", str(files / "net.cfg"), str(files / "net.weights"), "--names", str(files / "net.names"),
        "--output", str(files / "by_command"), "--formats", "litert",
    ])  # fmt: skip
    assert status == 0
    assert capsys.readouterr().out == f"Model folder: {files / 'by_command'}\n"


def test_the_command_ends_with_the_fault_in_plain_words(files, capsys):
    from cnn_suite.cli import main

    (files / "short.weights").write_bytes((files / "net.weights").read_bytes()[:-8])
    status = main(["convert", str(files / "net.cfg"), str(files / "short.weights"), "--output", str(files / "none")])
    assert status == 1
    assert "short.weights must contain 204 values for net.cfg. It contains 202." in capsys.readouterr().err
