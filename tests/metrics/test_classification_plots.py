"""Plots hold what they were given: the tests read texts, bars and pictures back from the figures."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cnn_suite.metrics import classification_plots
from cnn_suite.metrics.calibration import reliability_table
from cnn_suite.metrics.classification import classification_metrics

LABELS = ["cat", "dog", "owl"]
# Predictions 0, 0, 1, 2, 1: pictures 2 and 3 are mistakes, the first of them with 0.7, the second with 0.5.
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
TRUTH = np.array([0, 0, 0, 1, 1])
NAMES = [f"{number}.png" for number in range(5)]


def grey(index):
    return np.full((6, 8, 1), 90 + index, np.uint8)


@pytest.fixture
def metrics():
    return classification_metrics(PROBABILITIES, TRUTH)


def many(classes):
    truth = np.arange(classes)
    return classification_metrics(np.eye(classes)[np.roll(truth, 1)], truth)


def test_confusion_figure_writes_counts_names_and_accuracy(metrics):
    axes = classification_plots.confusion_figure(metrics, LABELS).axes[0]
    counts = {(text.get_position()): text.get_text() for text in axes.texts}
    assert counts == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (2, 1): "1"}  # (column, row); empty cells stay empty
    assert [text.get_text() for text in axes.get_yticklabels()] == LABELS
    assert [text.get_text() for text in axes.get_xticklabels()] == LABELS
    assert axes.get_title().startswith("Accuracy 0.6000 on 5 pictures\n95 %: 0.2307 to 0.8824")
    # the root of the share: two of three cats are right
    assert axes.images[0].get_array()[0, 0] == pytest.approx(np.sqrt(2 / 3))


def test_confusion_figure_of_many_classes_leaves_out_numbers_and_then_names():
    thirty = classification_plots.confusion_figure(many(30), [str(k) for k in range(30)]).axes[0]
    assert len(thirty.texts) == 30
    hundred = classification_plots.confusion_figure(many(100), [str(k) for k in range(100)]).axes[0]
    assert (len(hundred.texts), len(hundred.get_yticklabels())) == (0, 100)
    axes = classification_plots.confusion_figure(many(201), [f"class {k}" for k in range(201)]).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()][:3] == ["class 0", "class 3", "class 6"]


@pytest.mark.parametrize("classes", [1, 2, 12, 13, 31])
def test_every_text_of_a_confusion_figure_lies_inside_it(classes):
    labels = ["a name that is longer than the place for it"] * classes
    figure = classification_plots.confusion_figure(many(classes), labels)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes, (width, height) = figure.axes[0], canvas.get_width_height()
    for text in [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


def test_long_names_are_cut_at_their_end_and_dollars_are_no_formulas(metrics):
    labels = ["a name that is longer than the place for it", "$b$", "c_d"]
    figure = classification_plots.confusion_figure(metrics, labels)
    ticks = figure.axes[0].get_yticklabels()
    assert [text.get_text() for text in ticks] == ["a name that is longer t…", "$b$", "c_d"]
    assert not any(text.get_parse_math() for text in ticks)


def test_reliability_figure_draws_accuracy_gaps_and_shares():
    # bins of 0.25: one picture at 0.4 that is right, three at 0.9 of which one is right
    table = reliability_table(np.array([0.4, 0.9, 0.9, 0.9]), np.array([1, 1, 0, 0], bool), bins=4)
    upper, lower = classification_plots.reliability_figure(table).axes
    accuracy, gaps = upper.containers
    assert [(bar.get_x(), bar.get_height()) for bar in accuracy] == [(0.25, 1), (0.75, pytest.approx(1 / 3))]
    # from 0.4 up to 1, and from 1/3 up to 0.9
    assert [(bar.get_y(), bar.get_height()) for bar in gaps] == [
        pytest.approx((0.4, 0.6)),
        pytest.approx((1 / 3, 0.9 - 1 / 3)),
    ]
    assert [bar.get_height() for bar in lower.containers[0]] == [0, 0.25, 0, 0.75]
    # 1/4 * 0.6 + 3/4 * 0.5667
    assert upper.get_title() == "Reliability: calibration error (ECE) 0.5750"
    assert lower.get_title(loc="left") == "4 pictures"


def test_worst_mistakes_are_wrong_pictures_by_falling_confidence():
    assert classification_plots.worst_mistakes(PROBABILITIES, TRUTH).tolist() == [2, 3]
    assert classification_plots.worst_mistakes(PROBABILITIES, TRUTH, 1).tolist() == [2]
    even = np.tile([0.9, 0.1], (3, 1))
    assert classification_plots.worst_mistakes(even, np.array([1, 0, 1])).tolist() == [0, 2]  # ties in their order


def test_mistakes_figure_shows_picture_truth_prediction_confidence_and_name():
    figure = classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, grey, NAMES)
    assert [axes.get_title() for axes in figure.axes] == ["cat", "dog"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["dog 0.700", "owl 0.500"]
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["2.png", "3.png"]
    shown = figure.axes[0].images[0].get_array()
    assert (shown.shape, shown.min(), shown.max()) == ((6, 8, 3), 92, 92)


def test_mistakes_figure_needs_no_names_and_takes_colour_pictures():
    def red(index):
        return np.full((5, 4, 3), (250, 0, 0), np.uint8)

    figure = classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, red, most=1)
    assert [len(axes.texts) for axes in figure.axes] == [0]
    assert figure.axes[0].images[0].get_array()[0, 0].tolist() == [250, 0, 0]


def test_long_paths_are_cut_at_their_beginning():
    names = ["folder/with/a/long/path/7.png"] * 5
    figure = classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, grey, names, most=1)
    assert figure.axes[0].texts[0].get_text().endswith("path/7.png")
    assert len(figure.axes[0].texts[0].get_text()) == 24


def test_only_the_chosen_pictures_are_loaded():
    loaded = []

    def load(index):
        loaded.append(index)
        return grey(index)

    classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, load)
    assert loaded == [2, 3]


def test_mistakes_figure_without_mistakes_says_so():
    figure = classification_plots.mistakes_figure(PROBABILITIES, PROBABILITIES.argmax(1), LABELS, grey)
    assert not figure.axes
    assert figure.texts[-1].get_text() == "No picture is misclassified."


def test_labels_and_names_that_do_not_fit_are_refused(metrics):
    with pytest.raises(ValueError, match="`labels` must name all 3 classes. Received 2 labels"):
        classification_plots.confusion_figure(metrics, LABELS[:2])
    with pytest.raises(ValueError, match="`labels` must name all 3 classes. Received 4 labels"):
        classification_plots.mistakes_figure(PROBABILITIES, TRUTH, [*LABELS, "emu"], grey)
    with pytest.raises(ValueError, match="`names` must name all 5 pictures. Received 4 names"):
        classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, grey, NAMES[1:])


def test_write_classification_plots_makes_the_folder_and_readable_pictures(metrics, tmp_path):
    history = tmp_path / "history.csv"
    history.write_text("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,2.0,0.4,2.1\n1,0.6,1.5,0.5,1.7\n")
    folder = tmp_path / "deep" / "plots"
    mistakes = classification_plots.mistakes_figure(PROBABILITIES, TRUTH, LABELS, grey, NAMES)
    files = classification_plots.write_classification_plots(folder, metrics, LABELS, mistakes, history)
    names = ["confusion_matrix.png", "most_confused.png", "reliability.png", "training_curves.png"]
    assert sorted(path.name for path in files) == names
    for path in files:
        assert cv2.imread(str(path)).std() > 0
    without = classification_plots.write_classification_plots(tmp_path, metrics, LABELS)
    assert [path.name for path in without] == ["confusion_matrix.png", "reliability.png"]


def test_missing_matplotlib_names_the_extra(metrics, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"Install it with `pip install 'cnn_suite\[plots\]'`"):
        classification_plots.confusion_figure(metrics, LABELS)


def test_importing_the_module_imports_no_matplotlib():
    program = "import sys, cnn_suite.metrics.classification_plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
