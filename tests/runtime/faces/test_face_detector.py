"""The detector of faces with a network of our own in place of YuNet's, whose file is seen in tests/real_data."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.faces.face_detector import FaceDetector, Faces

# x, y, width, height, five points, confidence, of a picture in which 1 is a hundredth of the side.
FACE = [10, 20, 30, 40, 20, 30, 32, 31, 26, 40, 21, 50, 31, 51, 0.9]
SMALL = [70, 60, 5, 6, 71, 61, 74, 61, 72, 63, 71, 65, 74, 65, 0.95]


class Network:
    """Finds `found`, scaled to the picture, and notes what it was shown."""

    def __init__(self, found):
        self.found, self.shown, self.size = found, [], None

    def setInputSize(self, size):  # OpenCV's name
        self.size = size

    def detect(self, image_bgr):
        assert self.size == (image_bgr.shape[1], image_bgr.shape[0])
        self.shown.append(image_bgr)
        if self.found is None:
            return 1, None
        scale = np.array([*self.size] * 7 + [100]) / 100
        return 1, (np.array(self.found).reshape(-1, 15) * scale).astype(np.float32)


@pytest.fixture
def detector(tmp_path, monkeypatch):
    """Makes a detector of rows; `detector.created` are the arguments that OpenCV got."""

    def make(found, **options):
        path = tmp_path / "face.onnx"
        path.write_bytes(b"network")
        network = Network(None)
        make.created = []
        create = lambda *arguments: make.created.append(arguments) or network  # noqa: E731
        monkeypatch.setattr(cv2, "FaceDetectorYN", SimpleNamespace(create=create))
        found_by = FaceDetector(path, **options)
        network.found = found
        network.shown.clear()
        return found_by, network

    return make


def picture(height, width):
    return np.full((height, width, 3), (250, 100, 10), np.uint8)


# 200 x 100 pixels (width x height): a row in hundredths is twice as much in x, the same in y.
def test_boxes_are_corners_and_points_are_pairs_in_the_pictures_pixels(detector):
    find, _ = detector([FACE], longest_px=None)
    faces = find(picture(100, 200))
    np.testing.assert_allclose(faces.xyxy_px, [[20, 20, 80, 60]])
    np.testing.assert_allclose(faces.confidence, [0.9], rtol=1e-6)
    np.testing.assert_allclose(faces.points_px, [[[40, 30], [64, 31], [52, 40], [42, 50], [62, 51]]])


@pytest.mark.parametrize(
    ("size_hw", "longest_px", "seen_hw"),
    [((100, 200), 50, (25, 50)), ((333, 250), 640, (640, 480)), ((7, 3000), 100, (1, 100)), ((90, 80), None, (90, 80))],
)
def test_pictures_are_scaled_to_the_longest_side_and_answers_scaled_back(detector, size_hw, longest_px, seen_hw):
    find, network = detector([FACE, SMALL], longest_px=longest_px)
    faces = find(picture(*size_hw))
    assert network.shown[0].shape[:2] == seen_hw
    height, width = size_hw
    expected = np.array([[70, 60, 75, 66], [10, 20, 40, 60]]) * [width, height, width, height] / 100
    np.testing.assert_allclose(faces.xyxy_px, expected, rtol=1e-5)
    np.testing.assert_allclose(faces.points_px[1, 0], [0.2 * width, 0.3 * height], rtol=1e-5)


def test_the_network_sees_blue_first_and_the_picture_stays(detector):
    find, network = detector([FACE])
    image = picture(64, 64)
    find(image)
    assert (network.shown[0] == (10, 100, 250)).all() and (image == (250, 100, 10)).all()


def test_the_surest_face_comes_first_and_the_largest_is_told(detector):
    find, _ = detector([FACE, SMALL])
    faces = find(picture(100, 100))
    assert len(faces) == 2
    np.testing.assert_allclose(faces.confidence, [0.95, 0.9], rtol=1e-6)
    assert faces.largest() == 1


def test_of_faces_of_one_size_the_surest_is_the_largest():
    faces = Faces(np.array([[0, 0, 4, 6], [9, 9, 15, 13]]), np.array([0.9, 0.8]), np.zeros((2, 5, 2)))
    assert faces.largest() == 0


@pytest.mark.parametrize("found", [None, []])
def test_a_picture_without_faces_gives_none(detector, found):
    faces = detector(found)[0](picture(50, 60))
    assert len(faces) == 0 and faces.largest() is None
    assert (faces.xyxy_px.shape, faces.confidence.shape, faces.points_px.shape) == ((0, 4), (0,), (0, 5, 2))
    assert len(faces.detections) == 0 and faces.detections.labels == ("face",)


def test_faces_are_detections_too(detector):
    found = detector([FACE], longest_px=None)[0](picture(100, 100)).detections
    assert found.names == ["face"]
    np.testing.assert_allclose(found.xyxy_px, [[10, 20, 40, 60]])


def test_a_confidence_a_rounding_above_one_is_one(detector):
    faces = detector([[*FACE[:-1], 1.0000001]])[0](picture(100, 100))
    assert faces.confidence[0] == 1 and len(faces.detections) == 1


def test_thresholds_reach_opencv(detector):
    detector([FACE], confidence=0.7, iou=0.2)
    path, config, _, confidence, iou, most = detector.created[0]
    assert (path[-9:], config, confidence, iou, most) == ("face.onnx", "", 0.7, 0.2, 5000)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no face detector .*nowhere.onnx. Expected face_detection_yunet"):
        FaceDetector(tmp_path / "nowhere.onnx")


def field(number, value):
    """A field of a protocol buffer: bytes, text or a number below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    value = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(value)]) + value


def other_network():
    """An ONNX file that is whole and no YuNet: the positive part of a picture of 64 x 64."""
    sides = b"".join(field(1, field(1, side)) for side in (1, 3, 64, 64))
    tensor = field(2, field(1, field(1, 1) + field(2, sides)))
    node = field(1, field(1, "input") + field(2, "output") + field(4, "Relu"))
    graph = node + field(2, "graph") + field(11, field(1, "input") + tensor) + field(12, field(1, "output") + tensor)
    return field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph)


@pytest.mark.parametrize("content", [b"", b"no network\n" * 20, other_network()], ids=["empty", "text", "another"])
def test_a_damaged_file_and_another_network_are_refused(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    text = rf"broken.onnx \({len(content)} bytes\) is damaged or not YuNet: .*Expected\s+face_detection_yunet_2023mar"
    with pytest.raises(ValueError, match=f"(?s){text}"):
        FaceDetector(path)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"confidence": 1.5}, r"`confidence` must be in \[0, 1\]. Received 1.5"),
        ({"iou": -0.1}, r"`iou` must be in \[0, 1\]. Received -0.1"),
        ({"longest_px": 0}, "`longest_px` must be at least 1 pixel, or None. Received 0"),
    ],
)
def test_numbers_that_are_none_are_refused(detector, options, text):
    with pytest.raises(ValueError, match=text):
        detector([FACE], **options)


def test_what_is_no_picture_is_refused(detector):
    find, _ = detector([FACE])
    with pytest.raises(ValueError, match="`image_rgb` must be uint8 of shape .height, width, 3.. Received float32"):
        find(np.zeros((8, 8, 3), np.float32))
