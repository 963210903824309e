from __future__ import annotations

import pytest

from cnn_suite.runtime.model_files.model_folders import find_model


def make(root, name):
    (root / name).mkdir(parents=True)
    (root / name / "card.json").write_text("{}")
    return root / name


def test_a_folder_is_taken_as_it_is(tmp_path):
    assert find_model(str(make(tmp_path, "m")), roots=()) == tmp_path / "m"


@pytest.mark.parametrize("model", ["face_yolo", "saved_models/face_yolo"])
def test_a_name_is_looked_up_in_the_first_root_that_has_it(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    first, second = tmp_path / "a", tmp_path / "b"
    make(second, "face_yolo")
    assert find_model(model, roots=(first, second)) == second / "face_yolo"
    make(first, "face_yolo")
    assert find_model(model, roots=(first, second)) == first / "face_yolo"


def test_an_unknown_name_lists_the_known_and_the_nearest(tmp_path):
    make(tmp_path, "face_yolo")
    make(tmp_path, "bccd_yolo")
    with pytest.raises(
        FileNotFoundError, match=r"no model 'face_yolo2'.*\(bccd_yolo, face_yolo\). Did you mean 'face_yolo'"
    ):
        find_model("face_yolo2", roots=(tmp_path,))


def test_where_there_is_no_model_at_all_that_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="none found"):
        find_model("x", roots=(tmp_path,))


def test_what_was_pulled_is_found_by_its_name_after_the_project_s_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    pulled = make(tmp_path / "home" / "models", "yolo-fastest-1.1-xl")
    assert find_model("yolo-fastest-1.1-xl") == pulled
    own = make(tmp_path / "saved_models", "yolo-fastest-1.1-xl")
    assert find_model("yolo-fastest-1.1-xl").resolve() == own


def test_a_detector_that_was_not_pulled_yet_is_answered_with_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="Download it with `cnn-suite pull yolov4-tiny`"):
        find_model("yolov4-tiny", roots=(tmp_path,))
    with pytest.raises(FileNotFoundError, match="Did you mean 'yolov4-tiny'"):
        find_model("yolo4-tiny", roots=(tmp_path,))
