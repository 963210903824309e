"""Tests of cnn_suite.stylize: a photograph painted from files to a file, with a tiny network."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite import stylize as module
from cnn_suite.runtime.style.kept_colours import with_colours_of
from cnn_suite.style_transfer import scales
from cnn_suite.style_transfer.output_files import write_whole
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.stylize import Beside, stylize_picture
from tests.small_perception import smooth_picture, tiny_perception

PHOTO, PAINTING = smooth_picture(1, (32, 48)), smooth_picture(2, (40, 30))
FEW = TransferSettings(iterations=6)


@pytest.fixture(scope="module")
def perception():
    return tiny_perception()


@pytest.fixture(autouse=True)
def _painted_as_small_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "COARSEST", 48)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    photo, painting = tmp_path / "photo.png", tmp_path / "painting.png"
    write_whole(photo, PHOTO)
    write_whole(painting, PAINTING)
    return photo, painting


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_a_picture_of_the_wanted_size_is_written_and_its_figures_told(files, perception, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.png"
    parts = []
    figures = stylize_picture(
        files[0], [files[1]], output, TransferSettings(iterations=12, size=36), perception=perception,
        beside=Beside(frames_video=tmp_path / "way.mp4", on_progress=lambda done, total: parts.append(done / total)),
    )  # fmt: skip
    assert read(output).shape == (24, 36, 3)
    assert (figures["height"], figures["width"], figures["iterations"], figures["ended"]) == (24, 36, 12, "done")
    assert figures["style_error_down"] == pytest.approx(1 - figures["end"]["style"] / figures["start"]["style"])
    assert figures["style_error_down"] > 0.1
    assert parts == sorted(parts) and parts[-1] == 1
    assert (tmp_path / "way.mp4").stat().st_size > 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new", "painting.png", "photo.png", "way.mp4"]
    assert [file.name for file in output.parent.iterdir()] == ["out.png"]


def test_luma_keeps_the_photographs_colours(files, perception, tmp_path: Path) -> None:
    plain, kept = tmp_path / "plain.png", tmp_path / "kept.png"
    stylize_picture(files[0], [files[1]], plain, FEW, perception=perception)
    stylize_picture(files[0], [files[1]], kept, TransferSettings(iterations=6, colours="luma"), perception=perception)
    assert np.array_equal(read(kept), with_colours_of(read(plain), PHOTO, "luma"))


def test_masks_and_weights_reach_the_regions(files, perception, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    write_whole(mask, np.full((32, 48, 3), 255, np.uint8))
    artwork = module.read_all(files[0], [files[1]] * 2, [1.0, 2.0], [mask, mask])
    regions = module._regions(artwork)
    assert [region.mask.max() for region in regions] == [0.5, 1.0]
    assert [len(region.paintings) for region in regions] == [1, 1]
    both = module._regions(artwork._replace(masks=[]))
    assert len(both) == 1 and both[0].weights == [1.0, 2.0]


def interrupting(after: int):
    """What is told about progress, until it raises what Ctrl-C raises."""

    def on_progress(done: int, total: int) -> None:
        nonlocal after
        after -= 1
        if not after:
            raise KeyboardInterrupt

    return on_progress


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_interrupted_and_resumed_the_final_cost_is_that_of_the_uninterrupted_run(
    files, perception, tmp_path: Path, optimizer: str
) -> None:
    settings = TransferSettings(iterations=30, optimizer=optimizer)
    whole = stylize_picture(files[0], [files[1]], tmp_path / "whole.png", settings, perception=perception)
    output, checkpoint = tmp_path / "out.png", tmp_path / "paused.npz"
    paused = stylize_picture(
        files[0], [files[1]], output, settings, perception=perception,
        beside=Beside(checkpoint, on_progress=interrupting(12)),
    )  # fmt: skip
    assert (paused["ended"], paused["iterations"]) == ("interrupted", 12)
    assert read(output).shape == PHOTO.shape  # the best so far
    assert checkpoint.exists()
    resumed = stylize_picture(
        files[0], [files[1]], output, settings, perception=perception, beside=Beside(checkpoint, resume=True)
    )
    assert (resumed["ended"], resumed["iterations"]) == ("done", 30)
    assert resumed["start"] == whole["start"]
    # L-BFGS loses its memory of curvature, which tells in so few iterations.
    assert resumed["end"]["total"] <= whole["end"]["total"] * (1.01 if optimizer == "adam" else 1.1)
    assert not checkpoint.exists()


def test_a_checkpoint_of_another_photograph_or_setting_is_refused(files, perception, tmp_path: Path) -> None:
    checkpoint = tmp_path / "paused.npz"
    stylize_picture(
        files[0], [files[1]], tmp_path / "out.png", FEW, perception=perception,
        beside=Beside(checkpoint, on_progress=interrupting(2)),
    )  # fmt: skip
    again = Beside(checkpoint, resume=True)
    with pytest.raises(ValueError, match=r"a different transfer \(photo: .* then, .* now; beta: 10.0 then, 5.0 now\)"):
        stylize_picture(
            files[1], [files[1]], tmp_path / "other.png", TransferSettings(iterations=6, beta=5.0),
            perception=perception, beside=again,
        )  # fmt: skip
    with pytest.raises(ValueError, match="a different transfer .network: tiny"):
        stylize_picture(files[0], [files[1]], tmp_path / "o.png", FEW, perception=tiny_perception(9), beside=again)
    with pytest.raises(ValueError, match="There is a checkpoint .*paused.npz of an unfinished transfer"):
        stylize_picture(files[0], [files[1]], tmp_path / "o.png", FEW, perception=perception, beside=Beside(checkpoint))
    assert not (tmp_path / "other.png").exists() and not (tmp_path / "o.png").exists()


def test_an_interruption_before_there_is_a_picture_goes_through(files, perception, tmp_path: Path) -> None:
    def interrupted(*args, **more):
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        module._followed(interrupted(), lambda progress: True)


def test_a_signal_takes_effect_between_two_iterations() -> None:
    done = []

    def steps():
        for number in range(3):
            if number == 1:
                signal.raise_signal(signal.SIGINT)
            done.append(number)
            yield number + 10

    assert module._followed(steps(), lambda progress: True) == (11, "interrupted")
    assert done == [0, 1]


def test_a_closed_preview_ends_the_work_with_the_picture_so_far(files, perception, tmp_path, monkeypatch) -> None:
    from cnn_suite.runtime import window

    class Closed:
        paused = False

        def show(self, picture):
            self.shape = picture.shape

        def poll(self):
            return False

        def close(self):
            self.closed = True

    closed = Closed()
    monkeypatch.setattr(window, "open_window", lambda *args, **more: closed)
    figures = stylize_picture(
        files[0], [files[1]], tmp_path / "out.png", FEW, perception=perception, beside=Beside(preview=True)
    )
    assert (figures["ended"], figures["iterations"]) == ("closed", 1)
    assert closed.closed and closed.shape == PHOTO.shape
    assert (tmp_path / "out.png").exists()


def test_a_short_time_gives_a_coarse_picture_enlarged_and_says_so(files, perception, tmp_path: Path, capsys) -> None:
    settings = TransferSettings(seconds=1, size=512, scales=4)
    figures = stylize_picture(
        files[0], [files[1]], tmp_path / "out.png", settings, perception=perception, started=time.monotonic() - 5
    )
    assert read(tmp_path / "out.png").shape == (341, 512, 3)
    assert (figures["sizes"], figures["sizes_planned"]) == (1, 4)
    assert "was painted at 64 x 43 pixels and enlarged to 512 x 341" in capsys.readouterr().err


def test_a_time_budget_is_kept_from_when_it_started(files, perception, tmp_path: Path) -> None:
    began = time.monotonic()
    figures = stylize_picture(
        files[0], [files[1]], tmp_path / "out.png", TransferSettings(seconds=6.2), perception=perception,
        started=began - 3,
    )  # fmt: skip
    assert time.monotonic() - began < 5  # 3.2 on an idle machine, 6.2 if it began at the call
    assert figures["iterations"] > 1
    assert figures["seconds"] == pytest.approx(time.monotonic() - began + 3, abs=0.2)


@pytest.mark.parametrize("left", [None, 0.5, 100.0])
def test_a_resumed_run_has_the_time_that_was_left(left: float | None) -> None:
    from types import SimpleNamespace

    now = time.monotonic()
    deadline = module._deadline(TransferSettings(seconds=10), (100, 100), now, SimpleNamespace(seconds_left=left))
    assert deadline == pytest.approx(now + (0.5 if left == 0.5 else 10 - 1.0 - 0.003), abs=0.05)
    assert module._deadline(TransferSettings(), (100, 100), now, None) is None


def test_what_is_wrong_is_told_before_tensorflow_is_imported_and_nothing_is_written(files, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(files[1].read_bytes()[:-40])
    program = (
        "import sys\nfrom cnn_suite.stylize import stylize_picture\n"
        "try: stylize_picture(*sys.argv[1:2], sys.argv[2:3], sys.argv[3])\n"
        "except ValueError as error: print(error)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    words = [sys.executable, "-c", program, str(files[0]), str(tmp_path / "cut.png"), str(tmp_path / "out.png")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cut.png" in done.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cut.png", "painting.png", "photo.png"]


def test_missing_weights_are_told_with_the_line_to_type(files, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cnn-suite pull squeezenet1.1-notop"):
        stylize_picture(files[0], [files[1]], tmp_path / "out.png", weights=tmp_path / "none.h5")
    assert not (tmp_path / "out.png").exists()


def test_resume_needs_a_checkpoint_that_is_there(files, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--resume needs a checkpoint to resume from. Add --checkpoint FILE"):
        stylize_picture(files[0], [files[1]], tmp_path / "out.png", beside=Beside(resume=True))
    with pytest.raises(FileNotFoundError, match="There is no checkpoint .*Omit --resume to"):
        stylize_picture(files[0], [files[1]], tmp_path / "out.png", beside=Beside(tmp_path / "none.npz", resume=True))


def test_the_output_may_not_be_an_input(files) -> None:
    with pytest.raises(OSError, match="would overwrite a file that is read"):
        stylize_picture(files[0], [files[1]], files[1])


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ({"checkpoint": "out.png"}, "Checkpoint .*out.png would overwrite the output"),
        ({"checkpoint": "photo.png"}, "Checkpoint .*photo.png would overwrite a file that is read"),
        ({"checkpoint": "photo.png", "resume": True}, "Checkpoint .*photo.png would overwrite a file that is read"),
        ({"checkpoint": "letter.txt"}, "letter.txt would overwrite a file that is not a checkpoint. Choose another"),
        ({"frames_video": "painting.png"}, "Frames .*painting.png must be a video"),
        ({"frames_video": "a.mp4", "checkpoint": "a.mp4"}, "Checkpoint .*a.mp4 would overwrite the frames"),
    ],
)
def test_what_is_written_beside_the_picture_has_a_file_of_its_own(files, tmp_path: Path, beside, text: str) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ada")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    beside = {name: tmp_path / value if isinstance(value, str) else value for name, value in beside.items()}
    with pytest.raises((OSError, ValueError), match=text):
        stylize_picture(files[0], [files[1]], tmp_path / "out.png", beside=Beside(**beside))
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
