"""What comes out of a run: pictures, records, and a line on the terminal that says how far it is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame, FrameSource
from cnn_suite.runtime.media.output_paths import FilesInUse
from cnn_suite.runtime.media.records import RecordSink, open_record_sink
from cnn_suite.runtime.media.sinks import PictureSink, SnapshotSink, close_all, open_picture_sink
from cnn_suite.runtime.statistics import ProgressLine, RunStatistics


@dataclass(frozen=True)
class RunOutput:
    """Where the results of a run go.

    Args:
        pictures: Take the pictures.
        records: Take the results.
        progress: Shows how far the run is; None for nothing.
    """

    pictures: Sequence[PictureSink] = ()
    records: Sequence[RecordSink] = ()
    progress: ProgressLine | None = None

    def take(
        self,
        frame: Frame,
        detections: Detections,
        picture_rgb: np.ndarray,
        statistics: RunStatistics,
        more: Mapping[str, Any] | None = None,
        each: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Writes one frame's results.

        Args:
            frame: The frame.
            detections: What was found in it.
            picture_rgb: What was made of it, `uint8 (height, width, 3)`.
            statistics: Of the run, this frame included.
            more: Further keys of the frame's record.
            each: Further keys of every detection's record.
        """
        for record in self.records:
            record.write(frame, detections, more or {}, each)
        for sink in self.pictures:
            sink.write(frame, detections, picture_rgb)
        if self.progress is not None:
            self.progress.update(statistics.frames, statistics.frame_rate)

    def close(self) -> None:
        """Closes every file, so that what was written can be read and played."""
        progress = [] if self.progress is None else [self.progress]  # cannot be cleared on a terminal that is gone
        close_all([*progress, *self.pictures, *self.records])

    def written(self) -> list[str]:
        """One line that names what was written; none where nothing was."""
        paths = [sink.path for sink in self.pictures if sink.is_written] + [sink.path for sink in self.records]
        return [f"written: {', '.join(map(str, paths))}"] if paths else []


def open_output(arguments: argparse.Namespace, source: FrameSource, *, shown: bool) -> RunOutput:
    """The outputs that an app's flags `--output`, `--snapshot` and `--results` name.

    Args:
        arguments: The app's command line.
        source: Where its frames come from.
        shown: Whether a window shows how far the run is, so that the terminal need not.

    Raises:
        SinkError: If one of them cannot be written, or would overwrite the source or another of them.
    """
    files = FilesInUse(source.files)
    pictures: list[PictureSink] = [open_picture_sink(arguments.output, source, files)] if arguments.output else []
    if arguments.snapshot:
        pictures.append(SnapshotSink(arguments.snapshot))
        files.claim(pictures[-1].path, "snapshot")
    records = [open_record_sink(arguments.results)] if arguments.results else []
    progress = ProgressLine(arguments.max_frames or source.frame_count, quiet=arguments.quiet or shown)
    return RunOutput(pictures, records, progress)
