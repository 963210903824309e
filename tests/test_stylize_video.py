"""Tests of cnn_suite.stylize_video: a video painted from a file to a file, with a tiny network."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite import stylize_video as module
from cnn_suite.runtime.media.frames import Frame, SourceError
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.runtime.media.video_sink import VideoSink
from cnn_suite.runtime.style.kept_colours import painting_in_colours_of, with_colours_of
from cnn_suite.style_transfer.output_files import write_whole
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.stylize_video import stylize_video
from tests.small_perception import smooth_picture, tiny_perception

SIZE_HW, PAINTING = (32, 48), smooth_picture(2, (40, 30))
FEW = TransferSettings(iterations=5)


@pytest.fixture(scope="module")
def perception():
    return tiny_perception()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A video of four frames at 12 frames a second, and a painting."""
    video, painting = tmp_path / "film.avi", tmp_path / "painting.png"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 12, SIZE_HW[::-1])
    wide = smooth_picture(1, (SIZE_HW[0], SIZE_HW[1] + 6))
    for number in range(4):
        writer.write(np.ascontiguousarray(wide[:, 2 * number : 2 * number + SIZE_HW[1], ::-1]))
    writer.release()
    write_whole(painting, PAINTING)
    return video, painting


def frames_of(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1][..., ::-1])
    return frames


def test_every_frame_is_painted_and_the_figures_told(files, perception, tmp_path: Path) -> None:
    done, output = [], tmp_path / "new" / "out.avi"
    settings = TransferSettings(iterations=5, size=36)
    figures = stylize_video(
        files[0], [files[1]], output, settings, perception=perception, on_progress=lambda *part: done.append(part)
    )
    frames = frames_of(output)
    assert [frame.shape for frame in frames] == [(24, 36, 3)] * 4
    assert cv2.VideoCapture(str(output)).get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    told = {name: figures[name] for name in ("output", "width", "height", "frames", "ended")}
    assert told == {"output": output, "width": 36, "height": 24, "frames": 4, "ended": "done"}
    assert 0 < figures["flicker"] < 50 and figures["seconds"] > 0
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [file.name for file in output.parent.iterdir()] == ["out.avi"]


def test_it_ends_after_so_many_frames(files, perception, tmp_path: Path) -> None:
    done = []
    figures = stylize_video(
        files[0], [files[1]], tmp_path / "out.avi", FEW, perception=perception, max_frames=1,
        on_progress=lambda *part: done.append(part),
    )  # fmt: skip
    assert len(frames_of(tmp_path / "out.avi")) == 1
    assert (figures["frames"], figures["flicker"], done) == (1, None, [(1, 1)])


def test_luma_keeps_the_colours_of_every_frame(files, perception, tmp_path: Path, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(VideoSink, "write", lambda self, frame, none, picture: shown.append(picture))
    monkeypatch.setattr(VideoSink, "close", lambda self: self.path.touch())
    for colours in ("none", "luma"):
        settings = TransferSettings(iterations=5, colours=colours)
        stylize_video(files[0], [files[1]], tmp_path / "out.avi", settings, perception=perception, max_frames=2)
    filmed = frames_of(files[0])
    for plain, kept, frame in zip(shown[:2], shown[2:], filmed):
        assert np.array_equal(kept, with_colours_of(plain, frame, "luma"))


def test_paintings_get_the_colours_of_the_first_frame_and_their_weights() -> None:
    first = smooth_picture(4, SIZE_HW)
    plain = module._region([PAINTING, PAINTING], [1.0, 3.0], first, "luma")
    assert plain.weights == [1.0, 3.0] and np.array_equal(plain.paintings[0], PAINTING)
    matched = module._region([PAINTING], [2.0], first, "histogram")
    assert matched.weights == [2.0]
    assert np.array_equal(matched.paintings[0], painting_in_colours_of(PAINTING, first, "histogram"))


# Ends before the end


def test_interrupted_the_video_holds_what_was_painted(files, perception, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    output = tmp_path / "out.avi"
    figures = stylize_video(files[0], [files[1]], output, FEW, perception=perception, on_progress=interrupt)
    assert (figures["ended"], figures["frames"]) == ("interrupted", 2)
    assert len(frames_of(output)) == 2
    assert len(list(tmp_path.iterdir())) == 3


def test_an_interruption_before_there_is_a_frame_goes_through_and_leaves_nothing(
    files, perception, tmp_path: Path, monkeypatch
) -> None:
    from cnn_suite.style_transfer import video

    def interrupted(*args, **more):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(video, "paint_frames", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stylize_video(files[0], [files[1]], tmp_path / "out.avi", FEW, perception=perception)
    assert len(list(tmp_path.iterdir())) == 2


class Film:
    """Three frames at 10 a second, the last one 0.3 s late."""

    name, live, still, frame_rate, frame_count = "film", False, False, 10.0, None

    def __iter__(self):
        for number, time_s in enumerate((0.0, 0.1, 0.5)):
            yield Frame(number, smooth_picture(number, SIZE_HW), "film", time_s)

    def close(self) -> None:
        pass


def test_a_film_whose_rate_varies_plays_at_its_speed(files, perception, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "open_source", lambda name: Film())
    figures = stylize_video("film.mkv", [files[1]], tmp_path / "out.avi", FEW, perception=perception)
    assert figures["frames"] == 3 and len(frames_of(tmp_path / "out.avi")) == 6  # the second until 0.4 s


class BreaksOff:
    """A source of two frames where more were told."""

    name, live, still, frame_rate, frame_count = "film", False, False, 10.0, 9

    def __iter__(self):
        for number in range(2):
            yield Frame(number, smooth_picture(number, SIZE_HW), "film", 0.0)
        raise SourceError("It is cut off.")

    def close(self) -> None:
        self.closed = True


def test_of_a_video_that_is_cut_off_what_was_painted_is_kept_and_the_fault_told(
    files, perception, tmp_path: Path, monkeypatch
) -> None:
    source = BreaksOff()
    monkeypatch.setattr(module, "open_source", lambda name: source)
    with pytest.raises(SourceError, match="It is cut off"):
        stylize_video("film.avi", [files[1]], tmp_path / "out.avi", FEW, perception=perception)
    assert len(frames_of(tmp_path / "out.avi")) == 2
    assert source.closed


def test_what_was_there_stays_when_the_work_fails(files, perception, tmp_path: Path, monkeypatch) -> None:
    def fails(*args, **more):
        raise ValueError("out of paint")
        yield

    monkeypatch.setattr("cnn_suite.style_transfer.video.paint_frames", fails)
    output = tmp_path / "out.avi"
    output.write_bytes(b"before")
    with pytest.raises(ValueError, match="out of paint"):
        stylize_video(files[0], [files[1]], output, FEW, perception=perception)
    assert output.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 3


# Refusals


def test_wrong_outputs_and_sources_are_refused(files, tmp_path: Path) -> None:
    video, painting = files
    with pytest.raises(SinkError, match="out.png must be a video file that ends in one of .mp4"):
        stylize_video(video, [painting], tmp_path / "out.png")
    with pytest.raises(SinkError, match="would overwrite a file that is read"):
        stylize_video(video, [painting], video)
    with pytest.raises(ValueError, match="`max_frames` must be at least 1. Received 0"):
        stylize_video(video, [painting], tmp_path / "out.avi", max_frames=0)
    with pytest.raises(ValueError, match=r"weight must be above 0. Received \[nan\]"):
        stylize_video(video, [painting], tmp_path / "out.avi", painting_weights=[float("nan")])
    with pytest.raises(ValueError, match="1 paintings and 2 weights"):
        stylize_video(video, [painting], tmp_path / "out.avi", painting_weights=[1.0, 2.0])
    with pytest.raises(ValueError, match="Expected a video file. Received .*painting.png"):
        stylize_video(painting, [painting], tmp_path / "out.avi")
    with pytest.raises(SourceError, match="There is no source"):
        stylize_video(tmp_path / "none.avi", [painting], tmp_path / "out.avi")
    with pytest.raises(FileNotFoundError, match="The picture .* does not exist"):
        stylize_video(video, [tmp_path / "none.png"], tmp_path / "out.avi")
    with pytest.raises(FileNotFoundError, match="cnn-suite pull squeezenet1.1-notop"):
        stylize_video(video, [painting], tmp_path / "out.avi", weights=tmp_path / "none.h5")
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_wrong_is_told_before_tensorflow_is_imported(files, tmp_path: Path) -> None:
    files[0].write_bytes(files[0].read_bytes()[:200])
    program = (
        "import sys\nfrom cnn_suite.stylize_video import stylize_video\n"
        "try: stylize_video(sys.argv[1], sys.argv[2:3], sys.argv[3])\n"
        "except RuntimeError as error: print(error)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    words = [sys.executable, "-c", program, *map(str, files), str(tmp_path / "out.avi")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "film.avi" in done.stdout and "damaged" in done.stdout
