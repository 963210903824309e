from __future__ import annotations

import json

import numpy as np
import pytest

from cnn_suite.runtime.media.demo_source import DemoSource
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.records import open_record_sink
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.style.style_run import Look, StyleRun

LABELS = ("wave", "scream", "wreck")
COLOURS = np.array([(200, 0, 0), (0, 200, 0), (0, 0, 200)], float)


class Painter:
    """Stands in for a stylizer: paints the mixture of three plain colours."""

    labels = LABELS

    def __init__(self):
        self.sizes = []

    def __call__(self, image_rgb, mixture=None, *, longest_side=None):
        self.sizes.append(longest_side)
        return np.full_like(image_rgb, np.round(np.asarray(mixture) @ COLOURS).astype(np.uint8))


class Kept:
    """A sink that keeps its pictures."""

    path = "kept.png"

    def __init__(self):
        self.pictures, self.closed = [], False

    def write(self, frame, detections, picture_rgb):
        assert len(detections) == 0
        self.pictures.append(picture_rgb)

    def close(self):
        self.closed = True


def frame(index=0, value=100, size_hw=(40, 50)):
    return Frame(index, np.full((*size_hw, 3), value, np.uint8), "a.png", index / 30)


def still(**arguments):
    return StyleRun(Painter(), **{"blend": 0.0, "follows_motion": False, "still": True, **arguments})


def handled(run, one):
    return run.handle(Result(one, run.stylise(one), 0.01))


def pressed(run, letter, *, paused=False):
    [key] = [key for key in run.keys() if letter in key.letters]
    return key.action(letter, paused)


def test_the_picture_itself_is_shown_and_written_without_text(tmp_path):
    sink = Kept()
    run = still(look=Look((0, 0.25, 0.75)), longest_side=33, output=RunOutput([sink]))
    shown = handled(run, frame())
    assert (shown == (0, 50, 150)).all() and shown.shape == (40, 50, 3)
    assert sink.pictures[0] is shown and run.stylizer.sizes == [33]
    run.output.close()
    assert sink.closed


def test_strength_blends_with_the_photograph_and_colours_can_be_kept():
    # three quarters of 200 and one of 100; and 0.299 * 200 = 59.8 as the brightness of a grey photograph
    assert (handled(still(look=Look((1, 0, 0), strength=0.75)), frame()) == (175, 25, 25)).all()
    assert (handled(still(look=Look((1, 0, 0), keeps_colours=True)), frame()) == 60).all()
    assert (handled(still(look=Look((1, 0, 0), strength=0.0)), frame()) == 100).all()


def test_records_say_the_frame_and_the_mixture(tmp_path):
    path = tmp_path / "r.jsonl"
    run = still(look=Look((0.75, 0, 0.25)), output=RunOutput(records=[open_record_sink(path)]))
    handled(run, frame(3))
    run.output.close()
    assert json.loads(path.read_text()) == {
        "frame": 3, "source": "a.png", "time_s": 0.1, "width": 50, "height": 40,
        "detections": [], "style": {"wave": 0.75, "wreck": 0.25},
    }  # fmt: skip
    assert run.output.written() == [f"written: {path}"]


def test_side_by_side_holds_in_files_and_key_b_only_in_the_window():
    sink = Kept()
    run = still(side_by_side=True, output=RunOutput([sink]))
    shown = handled(run, frame())
    assert shown.shape == (40, 100, 3) and (shown[:, :50] == 100).all() and (shown[:, 50:] == (200, 0, 0)).all()
    assert (sink.pictures[0] == shown).all()
    assert pressed(run, "b").shape == (40, 50, 3)
    assert handled(run, frame(1)).shape == (40, 50, 3) and sink.pictures[1].shape == (40, 100, 3)


def test_a_live_view_shows_the_newest_frame_beside_the_last_painted_one():
    run = still(side_by_side=True)
    assert (run.redraw(frame(0, 7)) == 7).all()  # nothing painted yet
    handled(run, frame(0, 100))
    assert (run.redraw(frame(1, 30))[:, :50] == 30).all()
    assert run.redraw(frame(2, 30, (20, 20)))[0, 0].tolist() == [100] * 3  # of another size: its own photograph


def test_keys_change_the_style_and_a_still_picture_is_painted_anew():
    run = still()
    handled(run, frame())
    for letter, colour in [("n", (0, 200, 0)), ("p", (200, 0, 0)), ("p", (0, 0, 200)), ("2", (0, 200, 0))]:
        assert (pressed(run, letter) == colour).all(), letter
    assert pressed(run, "9") is None and run.chosen.style == 1  # there is no ninth style
    assert pressed(run, "2") is None  # it is that style already
    assert (pressed(run, "c") == 117).all()  # 0.587 * 200 as grey


def test_what_moves_is_painted_anew_only_while_it_is_paused():
    run = still(still=False)
    handled(run, frame())
    assert pressed(run, "n") is None and run.chosen.style == 1
    assert (handled(run, frame(1)) == (0, 200, 0)).all()
    assert (pressed(run, "n", paused=True) == (0, 0, 200)).all()
    assert pressed(still(), "n") is None  # nothing handled yet


def test_pictures_painted_ahead_follow_a_key_that_was_pressed_before_they_are_shown():
    sink = Kept()
    run = still(output=RunOutput([sink]))
    ahead = Result(frame(1), run.stylise(frame(1)), 0.01)
    pressed(run, "n")
    assert (run.handle(ahead) == (0, 200, 0)).all() and (sink.pictures[0] == (0, 200, 0)).all()


def test_m_goes_from_style_to_style_in_quarters_round_and_round():
    run = still()
    seen = []
    for _ in range(13):
        pressed(run, "m")
        seen.append(run.chosen.weights)
    assert seen[:5] == [(0.75, 0.25, 0), (0.5, 0.5, 0), (0.25, 0.75, 0), (0, 1, 0), (0, 0.75, 0.25)]
    assert seen[8:] == [(0.25, 0, 0.75), (0.5, 0, 0.5), (0.75, 0, 0.25), (1, 0, 0), (0.75, 0.25, 0)]


def test_mixing_two_styles_reaches_the_other_one_and_comes_back():
    look = Look((0.0, 1.0))
    path = []
    for _ in range(8):
        look = look.mixed_on()
        path.append(look.weights[0])
    assert path == [0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]
    assert Look((1.0,)).mixed_on() == Look((1.0,))


def test_keys_keep_strength_and_colours_and_go_on_from_the_heaviest_style():
    look = Look((0.2, 0.5, 0.3), keeps_colours=True, strength=0.5)
    assert look.mixed_on() == Look((0, 0.75, 0.25), True, 0.5, step=1, leaving=1)
    assert look.mixed_on().alone(2) == Look((0, 0, 1), True, 0.5)


def test_the_overlay_names_the_mixture():
    run = still(look=Look((0.25, 0, 0.75), keeps_colours=True))
    assert run.overlay()[0] == "wave 25%, wreck 75%, colours kept"
    pressed(run, "1")
    assert run.overlay()[0] == "wave, colours kept" and "model" in run.overlay()[1]


def test_a_video_is_steadied_and_its_flicker_is_told_with_and_without():
    rng = np.random.default_rng(0)

    class Noisy(Painter):
        def __call__(self, image_rgb, mixture=None, *, longest_side=None):
            return np.clip(image_rgb + rng.normal(0, 20, image_rgb.shape), 0, 255).astype(np.uint8)

    run = StyleRun(Noisy())
    frames = (f for f in DemoSource() if f.index % 2 == 0)
    for _ in range(4):
        one = next(frames)
        handled(run, Frame(one.index, one.image_rgb[::2, ::2].copy(), "demo", one.time_s))
    assert run.flicker.mean < 0.6 * run.flicker_alone.mean and len(run.flicker.frames) == 3
    [line] = [line for line in run.summary() if line.startswith("flicker")]
    assert line == f"flicker: {run.flicker.mean:.2f} of 255 along the motion; each frame by itself: " + (
        f"{run.flicker_alone.mean:.2f}"
    )
    assert not any("found" in line for line in run.summary())


def test_a_change_of_style_begins_anew_and_counts_as_no_flicker():
    run = StyleRun(Painter())
    handled(run, frame(0))
    handled(run, frame(1))
    pressed(run, "n")
    assert (handled(run, frame(2)) == (0, 200, 0)).all()  # nothing of the style before
    assert run.flicker.frames == [0] == run.flicker_alone.frames


def test_frame_by_frame_video_tells_one_figure_and_pictures_none():
    run = StyleRun(Painter(), blend=0.0)
    for index in range(3):
        handled(run, frame(index))
    assert run.summary()[-1] == "flicker: 0.00 of 255 along the motion"
    one = still()
    handled(one, frame())
    assert not any("flicker" in line for line in one.summary())


@pytest.mark.parametrize("labels", [(), ("only",)])
def test_a_model_of_one_style_with_or_without_a_name_runs(labels):
    class One(Painter):
        def __call__(self, image_rgb, mixture=None, *, longest_side=None):
            assert mixture == (1.0,)
            return image_rgb

    One.labels = labels
    run = StyleRun(One(), blend=0.0, follows_motion=False, still=True)
    assert (handled(run, frame()) == 100).all()
    assert run.chosen.named(labels) == {labels[0] if labels else "style": 1.0}
    for letter in "np1m":
        assert pressed(run, letter) is None
