import numpy as np
import pytest

from cnn_suite.data.boxes.landmarks_csv import box_of_points, is_landmarks_csv, read_landmarks_csv, split_of_person

HEADER = "image,person,x0,y0,x1,y1"
TRAIN, TEST = "Ann", "Bob"  # their hashes put them there, see test_splits_follow_the_hash


@pytest.fixture
def faces(tmp_path, picture):
    """A function that writes rows to landmarks.csv, and the pictures they name."""

    def write(*rows, pictures=True, header=HEADER):
        (tmp_path / "landmarks.csv").write_text("\n".join([header, *rows]) + "\n")
        for name in {row.split(",")[0] for row in rows if row} if pictures else ():
            picture(tmp_path / "images" / name)
        return tmp_path

    return write


def only_fault(data):
    (fault,) = data.faults
    return fault


def test_the_box_is_that_of_the_points_widened_by_the_margins():
    points = np.array([[20.0, 10.0], [40.0, 30.0], [30.0, 20.0]])
    # 20 px wide and high: 0.1, 0.2, 0.3, 0.4 of it on the left, top, right and bottom
    assert box_of_points(points, (0.1, 0.2, 0.3, 0.4), (100, 100)) == pytest.approx((18, 6, 46, 38))


def test_the_box_is_clipped_to_the_picture():
    points = np.array([[0.0, 10.0], [50.0, 39.0]])
    assert box_of_points(points, (1, 1, 1, 1), (40, 60)) == (0, 0, 60, 40)


def test_a_row_becomes_a_face(faces):
    data = read_landmarks_csv(faces(f"a.jpg,{TRAIN},15,10,30,20"), margins=(0, 0, 0, 1))
    (picture,) = data.pictures("train")
    np.testing.assert_allclose(picture.boxes, [[15 / 60, 10 / 40, 30 / 60, 30 / 40]])
    assert data.labels == ("face",) and data.faults == () and data.format == "landmarks_csv"


def test_the_label_can_be_named(faces):
    assert read_landmarks_csv(faces(f"a.jpg,{TRAIN},15,10,30,20"), labels=["head"]).labels == ("head",)


def test_several_labels_are_refused(faces):
    with pytest.raises(ValueError, match="Landmarks describe one class. Received 2 labels: a, b"):
        read_landmarks_csv(faces(f"a.jpg,{TRAIN},15,10,30,20"), labels=["a", "b"])


def test_a_folder_without_such_a_csv_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n")
    assert not is_landmarks_csv(tmp_path)
    with pytest.raises(ValueError, match="contains no CSV whose columns start with image, person, x0, y0"):
        read_landmarks_csv(tmp_path)


def test_splits_follow_the_hash_of_the_person():
    assert [split_of_person(name) for name in (TRAIN, TEST)] == ["train", "test"]
    shares = [split_of_person(f"person {number}") for number in range(2000)]
    assert [shares.count(name) / 2000 for name in ("train", "val", "test")] == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_nobody_stands_in_two_splits(faces):
    rows = [f"{number}_{shot}.jpg,person {number},5,5,30,30" for number in range(30) for shot in range(2)]
    data = read_landmarks_csv(faces(*rows))
    people = {split: {p.path.name.split("_")[0] for p in pictures} for split, pictures in data.splits.items()}
    assert sum(len(names) for names in people.values()) == 30
    assert all(people.values())


def test_two_agreeing_annotations_of_a_face_are_averaged_and_the_data_says_so(faces):
    root = faces(f"a.jpg,{TRAIN},10,10,30,30", f"a.jpg,{TRAIN},12,10,32,30")
    data = read_landmarks_csv(root, margins=(0, 0, 0, 0))
    np.testing.assert_allclose(data.pictures("train")[0].boxes_px, [[11, 10, 31, 30]], atol=1e-5)
    assert "1 pictures annotate the same face more than once: points that agree are averaged." in data.notes


def test_two_disagreeing_annotations_of_a_face_are_a_fault(faces):
    data = read_landmarks_csv(faces(f"a.jpg,{TRAIN},10,10,30,30", f"a.jpg,{TRAIN},25,10,45,30"))
    fault = only_fault(data)
    # the boxes share 5 of 35 px: IoU 1 / 7
    assert (fault.kind, fault.line) == ("disputed", 3)
    assert "is already annotated on line 2 and the two boxes overlap by only 0.14" in fault.message
    assert data.pictures("train") == ()


def test_a_disputed_face_hides_no_other_fault_of_its_picture(faces):
    root = faces(f"a.jpg,{TRAIN},10,10,30,30", f"a.jpg,{TRAIN},25,10,45,30", "a.jpg,Cy,5,5,20,5")
    data = read_landmarks_csv(root)
    assert [(fault.kind, fault.line) for fault in data.faults] == [("disputed", 3), ("zero_area", 4)]
    assert data.pictures("train") == ()


def test_two_people_of_one_split_are_two_faces(faces):
    people = [name for name in (f"person {number}" for number in range(20)) if split_of_person(name) == "train"][:2]
    root = faces(f"a.jpg,{people[0]},5,5,15,15", f"a.jpg,{people[1]},30,5,45,15")
    data = read_landmarks_csv(root)
    assert data.faults == () and len(data.pictures("train")[0].boxes) == 2


def test_two_people_of_different_splits_in_one_picture_are_a_fault(faces):
    data = read_landmarks_csv(faces(f"a.jpg,{TRAIN},5,5,15,15", f"a.jpg,{TEST},30,5,45,15"))
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("people_of_two_splits", 3)
    assert f"shows {TRAIN} of the split 'train' and {TEST} of the split 'test'" in fault.message


def test_a_missing_picture_names_its_row(faces):
    fault = only_fault(read_landmarks_csv(faces(f"a.jpg,{TRAIN},5,5,15,15", pictures=False)))
    assert (fault.kind, fault.line) == ("missing_picture", 2) and "images/a.jpg does not exist" in fault.message


def test_a_row_of_the_wrong_length_names_its_line(faces):
    fault = only_fault(read_landmarks_csv(faces(f"a.jpg,{TRAIN},5,5,15")))
    assert (fault.kind, fault.line) == ("malformed", 2)
    assert "the row has 5 columns, the header 6; expected image, person and pairs x, y" in fault.message


def test_a_word_among_the_numbers_names_its_line(faces):
    data = read_landmarks_csv(faces("", f"a.jpg,{TRAIN},5,left,15,15"))
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("malformed", 3) and "a coordinate is not a number" in fault.message
    assert data.pictures("train") == ()


def test_nan_names_its_line(faces):
    fault = only_fault(read_landmarks_csv(faces(f"a.jpg,{TRAIN},5,nan,15,15")))
    assert (fault.kind, fault.line) == ("not_finite", 2) and "a coordinate is not finite" in fault.message


def test_points_on_one_line_have_no_area(faces):
    fault = only_fault(read_landmarks_csv(faces(f"a.jpg,{TRAIN},5,5,15,5")))
    assert (fault.kind, fault.line) == ("zero_area", 2)


def test_the_same_picture_under_two_people_is_a_leak(faces):
    root = faces(f"a.jpg,{TRAIN},5,5,15,15", f"b.jpg,{TEST},5,5,15,15")
    (root / "images/b.jpg").write_bytes((root / "images/a.jpg").read_bytes())
    fault = only_fault(read_landmarks_csv(root))
    assert (fault.kind, fault.line) == ("leak", 2) and "is identical to" in fault.message
