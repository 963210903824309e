"""`cnn-suite stylize`: a photograph in the style of paintings, by optimising its pixels.

The pictures are read and checked first, and TensorFlow is imported only after that, so that a wrong name is answered at
once. The output is written whole: at the end, or where the work is interrupted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnn_suite.progress import OnProgress
from cnn_suite.runtime.interrupts import signals_held_back
from cnn_suite.runtime.media.output_paths import FilesInUse, check_writable
from cnn_suite.runtime.media.picture_arrays import fitted_size_hw, resized
from cnn_suite.runtime.style.kept_colours import RESULT_MODES, with_colours_of
from cnn_suite.style_transfer.artwork import Artwork, read_all
from cnn_suite.style_transfer.checkpoint_form import is_checkpoint
from cnn_suite.style_transfer.output_files import check_picture_output, check_video_output, write_whole
from cnn_suite.style_transfer.settings import TransferSettings

if TYPE_CHECKING:
    from cnn_suite.style_transfer.perception import Perception
    from cnn_suite.style_transfer.state import PaintState, Progress

Watcher = Callable[["Progress"], bool]  # False where no more is wanted
_PARTS = 1000  # of the way, for a progress bar
_LAST_THINGS_S = 1.0  # of a time budget, for leaving
_WRITING_S = 3e-7  # and for writing a pixel of the result


class Beside(NamedTuple):
    """What is wanted beside the picture.

    Attributes:
        checkpoint: A file that keeps what is needed to continue later; it is removed when all is done.
        resume: Whether to continue from it.
        frames_video: A video file of how the picture comes to be; after `resume`, of the rest of the way.
        preview: Whether to show the picture in a window while it is painted.
        on_progress: Called with how many parts of all the work are done.
    """

    checkpoint: Path | None = None
    resume: bool = False
    frames_video: Path | None = None
    preview: bool = False
    on_progress: OnProgress | None = None


def stylize_picture(
    photo: str | Path,
    paintings: Sequence[str | Path],
    output: str | Path,
    settings: TransferSettings | None = None,
    *,
    painting_weights: Sequence[float] | None = None,
    masks: Sequence[str | Path] = (),
    backbone: str = "squeezenet",
    weights: str | Path | None = None,
    pooling: str = "max",
    perception: Perception | None = None,
    beside: Beside | None = None,
    started: float | None = None,
    while_importing: AbstractContextManager[Any] | None = None,
) -> dict[str, Any]:
    """Paint a photograph in the style of one or several paintings, and write the picture.

    Args:
        photo: The photograph.
        paintings: The paintings.
        output: The picture file to write.
        settings: How it is painted; None for the usual way.
        painting_weights: How much each painting counts; equally where None.
        masks: A mask for each painting: where it is used. None of them for everywhere.
        backbone: The network that sees, see `load_perception`.
        weights: Its weights file; None for the one that was pulled.
        pooling: "max" or "average".
        perception: A network of one's own instead of these three.
        beside: Checkpoint, video, preview and progress; None for none of them.
        started: When the time budget began, on the clock of `time.monotonic`; None for the moment of the call.
        while_importing: Entered while TensorFlow is imported.

    Returns:
        Figures: `output`, `width`, `height`, `ended` ("done", "interrupted", or "closed" with the preview), costs at
        the `start` and at the `end`, `style_error_down` (a share), `iterations`, `sizes` that were painted out of
        `sizes_planned`, and `seconds`.

    Raises:
        FileNotFoundError: If a picture, the network's weights or the checkpoint is missing.
        ValueError: If a picture, mask, weight or the checkpoint cannot be used.
        OSError: If something cannot be written.
        KeyboardInterrupt: If that comes before there is a picture; after that, the best one so far is written.
    """
    started = time.monotonic() if started is None else started
    settings, beside, output = settings or TransferSettings(), beside or Beside(), Path(output)
    _check_files(output, FilesInUse([photo, *paintings, *masks, *([weights] if weights else [])]), beside)
    artwork = read_all(photo, paintings, painting_weights, masks, colours=settings.colours)
    with while_importing or nullcontext():
        from cnn_suite.style_transfer.painter import paint
        from cnn_suite.style_transfer.perception import load_perception
    perception = perception or load_perception(backbone, weights, pooling=pooling)
    request = _request(artwork, settings, perception)
    state = _resumed(beside, request)
    size_hw = _size_hw(artwork, settings)
    finish = _finish(artwork.photo, settings.colours)
    deadline = _deadline(settings, size_hw, started, state)
    steps = paint(perception, artwork.photo, _regions(artwork), settings, state=state, deadline=deadline)
    with ExitStack() as cleanup:
        cleanup.callback(steps.close)
        watching = _Watching(beside, request, size_hw, finish, output, cleanup)
        last, ended = _followed(steps, watching)
        picture = finish(resized(last.picture(), size_hw))
        write_whole(output, picture)
        watching.end(last, picture, is_done=ended == "done")
    return _figures(output, size_hw, last, ended, time.monotonic() - started)


class _Watching:
    """Everything that continues beside an optimisation, as one."""

    def __init__(
        self,
        beside: Beside,
        request: dict[str, Any],
        size_hw: tuple[int, int],
        finish: Callable[[np.ndarray], np.ndarray],
        output: Path,
        cleanup: ExitStack,
    ) -> None:
        from cnn_suite.runtime.window import open_window
        from cnn_suite.style_transfer.progress_video import ProgressVideo
        from cnn_suite.style_transfer.watchers import Checkpoints, Film, Preview

        self._on_progress = beside.on_progress
        self._watchers: list[Watcher] = []
        self._checkpoints = Checkpoints(beside.checkpoint, request) if beside.checkpoint else None
        self._video = ProgressVideo(beside.frames_video, size_hw) if beside.frames_video else None
        if self._checkpoints is not None:
            self._watchers.append(self._checkpoints)
        if self._video is not None:
            cleanup.callback(self._video.discard)
            self._watchers.append(Film(self._video, finish))
        window = open_window("stylize", headless=False, output=str(output)) if beside.preview else None
        if window is not None:
            cleanup.callback(window.close)
            self._watchers.append(Preview(window, finish))

    def __call__(self, progress: Progress) -> bool:
        """Tell all of them; False where one wants no more."""
        if self._on_progress is not None:
            self._on_progress(round(progress.share * _PARTS), _PARTS)
        return all([watcher(progress) for watcher in self._watchers])

    def end(self, last: Progress, picture: np.ndarray, *, is_done: bool) -> None:
        """The picture is written: close the video; remove the checkpoint, or keep it where there is more to do."""
        if self._video is not None:
            self._video.close(picture)
        if self._checkpoints is not None and is_done:
            self._checkpoints.path.unlink(missing_ok=True)
        elif self._checkpoints is not None:
            self._checkpoints.write(last)


def _followed(steps: Iterator[Progress], watching: Watcher) -> tuple[Progress, str]:
    """Take one step after the other; a signal takes effect between two of them.

    Returns:
        The last progress, and how it ended.
    """
    last = None
    try:
        while True:
            with signals_held_back():
                progress = next(steps, None)
                last = progress or last
            if progress is None:
                break
            if not watching(progress):
                return progress, "closed"
    except KeyboardInterrupt:
        if last is None:
            raise
        return last, "interrupted"
    assert last is not None  # `paint` yields at least once
    return last, "done"


def _check_files(output: Path, files: FilesInUse, beside: Beside) -> None:
    check_picture_output(output, files)
    if beside.frames_video is not None:
        check_video_output(beside.frames_video, files, "frames")
    if beside.checkpoint is not None:
        files.claim(beside.checkpoint, "checkpoint")
        _check_checkpoint(beside.checkpoint, beside.resume)
        check_writable(beside.checkpoint)
    elif beside.resume:
        raise ValueError("--resume needs a checkpoint to resume from. Add --checkpoint FILE.")


def _check_checkpoint(path: Path, resume: bool) -> None:
    if resume and not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path} to resume from. Omit --resume to start.")
    if resume or not path.exists():
        return
    if not is_checkpoint(path):
        raise ValueError(f"Checkpoint {path} would overwrite a file that is not a checkpoint. Choose another name.")
    raise ValueError(f"There is a checkpoint {path} of an unfinished transfer. Continue with --resume, or delete it.")


def _resumed(beside: Beside, request: dict[str, Any]) -> PaintState | None:
    from cnn_suite.style_transfer.checkpoint import read_checkpoint

    return read_checkpoint(beside.checkpoint, request) if beside.resume and beside.checkpoint else None


def _request(artwork: Artwork, settings: TransferSettings, perception: Perception) -> dict[str, Any]:
    """All that decides what comes out, in short."""
    from cnn_suite.style_transfer.checkpoint import digest

    arrays = perception.features.get_weights()
    network = {"content": perception.content, "style": perception.style, "weights": [digest(x) for x in arrays]}
    return {
        "photo": digest(artwork.photo),
        "paintings": [digest(painting) for painting in artwork.paintings],
        "masks": [digest(mask) for mask in artwork.masks],
        "painting weights": artwork.weights,
        "network": f"{perception.name} {digest(np.array(str(network)))}",
        **settings.as_dict(),
    }


def _regions(artwork: Artwork) -> list[Any]:
    from cnn_suite.style_transfer.targets import Region

    if not artwork.masks:
        return [Region(artwork.paintings, artwork.weights)]
    return [
        # A region counts by the mean of its mask, and its Gram matrix is divided by that: a paler mask counts less.
        Region([painting], [1.0], mask * (weight / max(artwork.weights)))
        for painting, weight, mask in zip(artwork.paintings, artwork.weights, artwork.masks)
    ]


def _finish(photo: np.ndarray, colours: str) -> Callable[[np.ndarray], np.ndarray]:
    """What is still done to a picture of any size before it is shown or written."""
    if colours not in RESULT_MODES:
        return lambda picture: picture
    return lambda picture: with_colours_of(picture, resized(photo, (picture.shape[0], picture.shape[1])), colours)


def _size_hw(artwork: Artwork, settings: TransferSettings) -> tuple[int, int]:
    height, width = artwork.photo.shape[:2]
    return (height, width) if settings.size is None else fitted_size_hw((height, width), settings.size)


def _deadline(
    settings: TransferSettings, size_hw: tuple[int, int], started: float, state: PaintState | None
) -> float | None:
    """When the last iteration must be done. What was used before a break counts, its start-up does not."""
    if settings.seconds is None:
        return None
    deadline = started + settings.seconds - _LAST_THINGS_S - _WRITING_S * size_hw[0] * size_hw[1]
    if state is None or state.seconds_left is None:
        return deadline
    return min(deadline, time.monotonic() + state.seconds_left)


def _figures(output: Path, size_hw: tuple[int, int], last: Progress, ended: str, seconds: float) -> dict[str, Any]:
    start, end = last.first_costs, last.best_costs
    if max(last.size_hw) < max(size_hw):
        print(
            f"The picture was painted at {last.size_hw[1]} x {last.size_hw[0]} pixels and enlarged to "
            f"{size_hw[1]} x {size_hw[0]}: the time limit was reached.",
            file=sys.stderr,
        )
    return {
        "output": output,
        "width": size_hw[1],
        "height": size_hw[0],
        "ended": ended,
        "start": start._asdict(),
        "end": end._asdict(),
        "style_error_down": 1 - end.style / start.style if start.style else 0.0,
        "iterations": last.iteration,
        "sizes": last.scale + 1,
        "sizes_planned": last.scales,
        "seconds": seconds,
    }
