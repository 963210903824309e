"""`cnn-suite stylize VIDEO`: a video in the style of paintings, frame by frame by optimising its pixels, steadily.

As in `stylize`, everything is checked before TensorFlow is imported, and the output, a video without sound, is whole
under its name: at the end, or with what was painted where the work is interrupted or the source breaks off.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_suite.progress import OnProgress
from cnn_suite.runtime.interrupts import signals_held_back
from cnn_suite.runtime.media.frames import Frame, FrameSource, SourceError, open_source
from cnn_suite.runtime.media.output_paths import FilesInUse
from cnn_suite.runtime.style.flicker import Flicker
from cnn_suite.runtime.style.kept_colours import PAINTING_MODES, RESULT_MODES, painting_in_colours_of, with_colours_of
from cnn_suite.style_transfer.artwork import checked_weights
from cnn_suite.style_transfer.output_files import WholeVideo, check_video_output
from cnn_suite.style_transfer.picture_input import read_artwork
from cnn_suite.style_transfer.settings import TransferSettings

if TYPE_CHECKING:
    from cnn_suite.style_transfer.perception import Perception
    from cnn_suite.style_transfer.targets import Region
    from cnn_suite.style_transfer.video import PaintedFrame


def stylize_video(
    video: str | Path,
    paintings: Sequence[str | Path],
    output: str | Path,
    settings: TransferSettings | None = None,
    *,
    painting_weights: Sequence[float] | None = None,
    max_frames: int | None = None,
    backbone: str = "squeezenet",
    weights: str | Path | None = None,
    pooling: str = "max",
    perception: Perception | None = None,
    on_progress: OnProgress | None = None,
    started: float | None = None,
    while_importing: AbstractContextManager[Any] | None = None,
) -> dict[str, Any]:
    """Paint a video in the style of one or several paintings, and write it.

    Args:
        video: A video file.
        paintings: The paintings.
        output: The video file to write; where OpenCV cannot write its kind, an .avi of that name.
        settings: How it is painted, see `cnn_suite.style_transfer.video.paint_frames`; None for the usual way.
        painting_weights: How much each painting counts; equally where None.
        max_frames: After how many frames to end; None for all.
        backbone: The network that sees, see `load_perception`.
        weights: Its weights file; None for the one that was pulled.
        pooling: "max" or "average".
        perception: A network of one's own instead of these three.
        on_progress: Called with how many frames are done, of how many.
        started: When the work began, on the clock of `time.monotonic`; None for the moment of the call.
        while_importing: Entered while TensorFlow is imported.

    Returns:
        Figures: `output`, `width`, `height`, `ended` ("done" or "interrupted"), `frames`, `flicker` (mean change of
        what should not change, 0..255; None for a single frame) and `seconds`.

    Raises:
        FileNotFoundError: If a painting or the network's weights are missing.
        SourceError: If the video cannot be read; what was painted until it broke off is written.
        ValueError: If a painting, a weight or the video is not of its kind.
        OSError: If something cannot be written.
        KeyboardInterrupt: If that comes before there is a frame; after that, what was painted is written.
    """
    started = time.monotonic() if started is None else started
    settings, output = settings or TransferSettings(), Path(output)
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"`max_frames` must be at least 1. Received {max_frames}.")
    counts = checked_weights(painting_weights, len(paintings))
    files = FilesInUse([video, *paintings])
    check_video_output(output, files)
    pictures = [read_artwork(path) for path in paintings]
    with ExitStack() as cleanup:
        source = _opened(video)
        cleanup.callback(source.close)
        times_s: list[float] = []
        frames = _pictures(islice(source, max_frames), times_s)
        first = next(frames)  # a damaged video ends here
        with while_importing or nullcontext():
            from cnn_suite.style_transfer.perception import load_perception
            from cnn_suite.style_transfer.video import paint_frames
        perception = perception or load_perception(backbone, weights, pooling=pooling)
        regions = [_region(pictures, counts, first, settings.colours)]
        writing = _PaintedVideo(output, source.frame_rate, settings.colours)
        cleanup.callback(writing.video.discard)
        check_video_output(writing.video.path, files)
        steps = paint_frames(perception, chain([first], frames), regions, settings)
        ended = _followed(steps, times_s, writing, _total(source, max_frames), on_progress)
    return {**writing.figures(), "ended": ended, "seconds": time.monotonic() - started}


class _PaintedVideo:
    """The video while it is written, and its figures."""

    def __init__(self, output: Path, frame_rate: float, colours: str) -> None:
        self.video = WholeVideo(output, frame_rate)
        self._colours, self._flicker = colours, Flicker()
        self._size_hw = (0, 0)

    def add(self, painted: PaintedFrame, time_s: float) -> None:
        """The next frame, and when it comes."""
        picture = painted.picture
        if self._colours in RESULT_MODES:
            picture = with_colours_of(picture, painted.frame, self._colours)
        self._flicker.add(picture, painted.motion)
        self.video.write(picture, time_s)
        self._size_hw = picture.shape[0], picture.shape[1]

    def figures(self) -> dict[str, Any]:
        """What can be told of it."""
        height, width = self._size_hw
        return {
            "output": self.video.path,
            "width": width,
            "height": height,
            "frames": self.video.frames,
            "flicker": self._flicker.mean,
        }


def _pictures(frames: Iterable[Frame], times_s: list[float]) -> Iterator[np.ndarray]:
    """The frames' pictures; their times are added to `times_s`, as painting knows none."""
    for frame in frames:
        times_s.append(frame.time_s)
        yield frame.image_rgb


def _followed(
    steps: Iterable[PaintedFrame],
    times_s: Sequence[float],
    writing: _PaintedVideo,
    total: int | None,
    on_progress: OnProgress | None,
) -> str:
    """Write one frame after the other; what there is stays when the work ends early.

    Args:
        steps: The painted frames.
        times_s: When each comes; there are as many as frames were read so far.
        writing: Takes them.
        total: How many there will be; None where that is not known.
        on_progress: Called with how many are done, of how many.

    Returns:
        How it ended.
    """
    try:
        for painted in steps:
            with signals_held_back():
                writing.add(painted, times_s[writing.video.frames])
            if on_progress is not None:
                on_progress(writing.video.frames, total or writing.video.frames)
    except (KeyboardInterrupt, SourceError) as end:
        if writing.video.frames:
            _close(writing.video)
        if isinstance(end, SourceError) or not writing.video.frames:
            raise
        return "interrupted"
    _close(writing.video)
    return "done"


def _close(video: WholeVideo) -> None:
    with signals_held_back():
        video.close()


def _opened(video: str | Path) -> FrameSource:
    source = open_source(str(video))
    if source.live or source.still:
        source.close()
        raise ValueError(f"Expected a video file. Received {video}. Use `python apps/stylize.py` for cameras.")
    return source


def _region(paintings: Sequence[np.ndarray], weights: Sequence[float], first: np.ndarray, colours: str) -> Region:
    from cnn_suite.style_transfer.targets import Region

    if colours in PAINTING_MODES:
        paintings = [painting_in_colours_of(painting, first, colours) for painting in paintings]
    return Region(paintings, weights)


def _total(source: FrameSource, max_frames: int | None) -> int | None:
    """How many frames there will be, where that is known."""
    counts = [count for count in (source.frame_count, max_frames) if count is not None]
    return min(counts, default=None)
