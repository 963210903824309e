from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cnn_suite.results import Detections, ModelCard


def two() -> Detections:
    return Detections([[0, 0, 10, 20], [5, 5, 6, 9]], [0.9, 0.4], [1, 0], ("cat", "dog"), np.array([7, -1]))


def test_detections_have_fixed_types_and_length():
    found = two()
    assert (len(found), found.xyxy_px.dtype, found.confidence.dtype) == (2, np.float32, np.float32)
    assert (found.class_id.dtype, found.track_id.dtype, found.names) == (np.int32, np.int32, ["dog", "cat"])


@pytest.mark.parametrize("index", [[True, False], np.array([True, False]), [0], np.array([0]), slice(0, 1), 0, -2])
def test_detections_are_indexed_by_mask_integers_slice_and_number(index):
    one = two()[index]
    assert (len(one), one.names, one.track_id.tolist(), one.labels) == (1, ["dog"], [7], ("cat", "dog"))


def test_detections_are_reordered_by_integers():
    assert two()[[1, 0]].names == ["cat", "dog"]


@pytest.mark.parametrize("index", [[], [False, False], slice(0, 0)])
def test_choosing_none_leaves_empty_detections(index):
    assert len(two()[index]) == 0


def test_mirrored_detections_are_as_far_from_the_other_edge():
    found = Detections(np.array([[10, 5, 30, 25]]), np.ones(1), np.zeros(1, int), ("face",), np.array([7]))
    mirrored = found.mirrored(100)
    assert mirrored.xyxy_px.tolist() == [[70, 5, 90, 25]] and mirrored.track_id.tolist() == [7]
    assert mirrored.mirrored(100).xyxy_px.tolist() == found.xyxy_px.tolist()


def test_empty_detections_keep_their_labels():
    assert (len(Detections.empty(["a"])), Detections.empty(["a"]).labels, Detections.empty().names) == (0, ("a",), [])
    assert len(Detections([], [], [])) == 0


def test_without_labels_the_names_are_the_class_numbers():
    assert Detections([[0, 0, 1, 1]], [1], [12]).names == ["12"]


def test_a_single_index_past_the_end_says_how_many_there_are():
    with pytest.raises(IndexError, match="There are 2 detections. Received index 2"):
        two()[2]


def test_detections_cannot_be_changed():
    found = two()
    with pytest.raises(ValueError, match="read-only"):
        found.xyxy_px[0, 0] = 3
    with pytest.raises(AttributeError):
        found.labels = ()


def test_detections_do_not_freeze_the_array_they_were_made_of():
    boxes = np.zeros((1, 4), np.float32)
    Detections(boxes, [1], [0])
    boxes[0, 0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xyxy_px": np.zeros((2, 5))}, r"`xyxy_px` must have shape \(n, 4\).*Received shape \(2, 5\)"),
        ({"xyxy_px": [[4, 0, 2, 1], [0, 0, 1, 1]]}, "x0 <= x1 and y0 <= y1.*as box 0"),
        ({"xyxy_px": [[0, 0, np.nan, 1], [0, 0, 1, 1]]}, "`xyxy_px` must be finite"),
        ({"confidence": [0.1]}, r"`confidence` must have shape \(2,\).*Received shape \(1,\)"),
        ({"confidence": [0.1, 1.2]}, r"`confidence` must lie in \[0, 1\].*to 1.2"),
        ({"class_id": [0.0, 1.0]}, "`class_id` must hold whole numbers.*float64"),
        ({"class_id": [0, 2]}, "`class_id` must be 0 to 1.*to 2"),
        ({"class_id": [0, -1]}, "`class_id` must be 0 to 1.*from -1"),
        ({"track_id": [1, 2, 3]}, r"`track_id` must have shape \(2,\)"),
    ],
)
def test_wrong_detections_are_refused_with_what_was_expected(change, message):
    arguments = {"xyxy_px": np.zeros((2, 4)), "confidence": [0, 1], "class_id": [0, 1], "labels": ("a", "b")}
    with pytest.raises(ValueError, match=message):
        Detections(**arguments | change)


def test_a_card_reads_back_as_written_with_unknown_keys_kept(tmp_path):
    card = ModelCard("m", "detection", ("a", "ü"), thresholds={"iou": 0.5}, extra={"note": [1, 2]})
    path = card.write(tmp_path / "new")
    assert ModelCard.read(tmp_path / "new") == card
    assert json.loads(path.read_text(encoding="utf-8"))["note"] == [1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["card.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "must hold one JSON object. Received a list"),
        ('{"name": "m", "task": "detection"}', "lacks the key 'labels'"),
        ('{"name": "m", "task": "detection", "labels": "a"}', "key 'labels' must be a list. Received 'a'"),
    ],
)
def test_a_damaged_card_is_refused_with_its_path(tmp_path, text, message):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        ModelCard.read(tmp_path)
    assert "card.json" in str(caught.value)


def test_a_missing_card_says_what_a_model_folder_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no card.json. A model folder is what `cnn-suite export` writes"):
        ModelCard.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ModelCard.read(tmp_path / "none")


def test_results_import_nothing_but_numpy():
    heavy = "[m for m in ('tensorflow', 'keras', 'pydantic', 'cv2', 'scipy') if m in sys.modules]"
    code = f"import sys, cnn_suite.results, cnn_suite.ops.numpy_boxes; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
