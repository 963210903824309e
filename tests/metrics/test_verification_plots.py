"""Plots hold what they were given: the tests read curves, points, bars and texts back from the figures."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.stats import norm

from cnn_suite.metrics import verification_plots
from cnn_suite.metrics.verification import equal_error_rate, roc, tar_at_far
from cnn_suite.metrics.verification_plots import det_figure, distance_figure, roc_figure, write_verification_plots

# One person at 1, 2, 3, 5; different people at 3, 4, 5, 6: FAR and TAR rise as in test_verification.py.
DISTANCES = np.array([1, 3, 2, 4, 3, 5, 5, 6], float)
SAME = np.array([1, 0, 1, 0, 1, 1, 0, 0], bool)
FIGURES = [roc_figure, det_figure, distance_figure]


def many(genuine=3_000, impostors=40_000, seed=0):
    rng = np.random.default_rng(seed)
    distances = np.concatenate([rng.normal(0, 1, genuine), rng.normal(3, 1, impostors)])
    return distances, np.arange(len(distances)) < genuine


def marked(figure):
    """Where the threshold is drawn on a curve."""
    (point,) = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    return point.get_xdata()[0], point.get_ydata()[0], point.get_label()


def test_roc_of_a_small_set_by_hand():
    axes = roc_figure(DISTANCES, SAME).axes[0]
    x, y = axes.lines[0].get_data()
    assert (list(x), list(y)) == ([0.25, 0.5, 0.75, 1], [0.75, 0.75, 1, 1])  # what lies at FAR 0 is left of the axis
    assert axes.get_xscale() == "log" and axes.get_xlim() == (0.25, 1)
    assert axes.get_title() == "ROC: 4 genuine pairs, 4 impostor pairs"
    assert len(axes.lines) == 1 and axes.get_legend() is None


def test_det_of_a_small_set_by_hand():
    axes = det_figure(DISTANCES, SAME).axes[0]
    # FAR 1/4, 1/2 with FRR 1/4 each; at 0 and 1 the axes have no place.
    np.testing.assert_allclose(axes.lines[0].get_data(), norm.ppf([[0.25, 0.5], [0.25, 0.25]]))
    equal = axes.lines[1]
    np.testing.assert_allclose(equal.get_data(), np.full((2, 1), norm.ppf(0.25)))
    assert axes.get_title() == "DET: equal error rate 25.00 %"


def test_ticks_of_det_are_percentages_at_their_probits():
    axes = det_figure(*many()).axes[0]
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        places, texts = axis.get_ticklocs(), [tick.get_text() for tick in axis.get_ticklabels()]
        assert len(texts) >= 5
        np.testing.assert_allclose(norm.cdf(places) * 100, [float(text) for text in texts])
        assert min(places) >= limits[0] and max(places) <= limits[1]


def test_two_normal_distributions_make_a_straight_line_of_slope_minus_one():
    x, y = det_figure(*many()).axes[0].lines[0].get_data()
    middle = (np.abs(x) < 2) & (np.abs(y) < 2)
    assert middle.sum() > 50
    # FAR = cdf(t - 3) and FRR = cdf(-t).
    np.testing.assert_allclose(np.polyfit(x[middle], y[middle], 1), [-1, -3], atol=0.15)


def test_long_curves_are_thinned_to_points_that_lie_on_them():
    distances, same = many()
    curve = roc(distances, same)
    x, y = roc_figure(distances, same).axes[0].lines[0].get_data()
    assert 1_000 < len(x) < 10_000 < len(curve.far)
    assert set(zip(x, y)) <= set(zip(curve.far, curve.tar))
    assert x[0] == 1 / 40_000 and (x[-1], y[-1]) == (1, 1)
    for far in (1e-4, 1e-3, 1e-2, 0.1):  # no gap where it is looked at
        assert np.abs(np.log10(x / far)).min() < 0.05


@pytest.mark.parametrize("far", [1e-3, 1e-2, 0.1])
def test_the_threshold_is_marked_where_its_rates_are(far):
    distances, same = many()
    point = tar_at_far(distances, same, far)
    x, y, label = marked(roc_figure(distances, same, point.threshold))
    assert (x, y) == (point.far, point.tar)
    assert label == f"threshold {point.threshold:.4g}: FAR {point.far:.3g}, TAR {point.tar:.4f}"
    x, y, _ = marked(det_figure(distances, same, point.threshold))
    assert (norm.cdf(x), norm.cdf(y)) == pytest.approx((point.far, 1 - point.tar))


@pytest.mark.parametrize("threshold", [-1.0, 0.5, 7.0])  # nothing, nothing and everything is accepted
@pytest.mark.parametrize("figure", [roc_figure, det_figure])
def test_thresholds_without_errors_are_marked_at_the_border(figure, threshold):
    x, y, _ = marked(drawn := figure(DISTANCES, SAME, threshold))
    assert np.isfinite([x, y]).all()
    FigureCanvasAgg(drawn).draw()


def filled(figure, label):
    (patch,) = [patch for patch in figure.axes[0].patches if patch.get_label() == label]
    return patch.get_data()


def test_histograms_of_a_small_set_by_hand():
    figure = distance_figure(DISTANCES, SAME, bins=5)
    values, edges, _ = filled(figure, "same person")
    assert (values.tolist(), edges.tolist()) == ([0.25, 0.25, 0.25, 0, 0.25], [1, 2, 3, 4, 5, 6])
    values, _, _ = filled(figure, "different people")
    assert values.tolist() == [0, 0, 0.25, 0.25, 0.5]  # the last bar has its upper end, too
    assert figure.axes[0].get_xlabel() == "distance (squared)" and not figure.axes[0].lines
    assert distance_figure(DISTANCES, SAME, measure="cosine").axes[0].get_xlabel() == "distance (cosine)"


def test_what_is_accepted_wrongly_is_filled_up_to_the_threshold():
    figure = distance_figure(DISTANCES, SAME, 4.5, bins=5)
    values, edges, _ = filled(figure, "false accepts")
    assert (values.tolist(), edges.tolist()) == ([0, 0, 0.25, 0.25], [1, 2, 3, 4, 4.5])
    assert figure.axes[0].lines[0].get_xdata() == [4.5, 4.5]
    assert figure.axes[0].get_title().endswith("threshold 4.5: FAR 0.5, TAR 0.7500")


@pytest.mark.parametrize("threshold", [0.5, 1.0, 6.0, 9.0])
def test_thresholds_outside_all_distances_are_drawn(threshold):
    figure = distance_figure(DISTANCES, SAME, threshold, bins=5)
    assert figure.axes[0].lines[0].get_xdata() == [threshold, threshold]
    labels = [patch.get_label() for patch in figure.axes[0].patches]
    assert ("false accepts" in labels) == (threshold > 1)
    FigureCanvasAgg(figure).draw()


def test_areas_are_one_and_the_filled_one_is_the_far():
    distances, same = many()
    edges = np.histogram_bin_edges(distances, 80)
    figure = distance_figure(distances, same, edges[30])  # at the border of a bar there is nothing between
    for label, area in (("same person", 1), ("different people", 1), ("false accepts", None)):
        values, ends, _ = filled(figure, label)
        expected = np.mean(distances[~same] < edges[30]) if area is None else area
        assert values @ np.diff(ends) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("distances", "same"),
    [
        ([1.0, 2.0], [True, False]),
        ([2.0, 1.0], [True, False]),  # all wrong
        ([1.0, 1.0, 1.0], [True, False, False]),  # all tied
    ],
)
@pytest.mark.parametrize("figure", FIGURES)
def test_the_fewest_pairs_are_drawn(figure, distances, same):
    drawn = figure(np.array(distances), np.array(same), 1.5)
    FigureCanvasAgg(drawn).draw()
    assert drawn.axes[0].get_title()


@pytest.mark.parametrize("figure", FIGURES)
def test_every_text_lies_inside_the_figure(figure):
    distances, same = many()
    drawn = figure(distances, same, equal_error_rate(distances, same).threshold)
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    axes, (width, height) = drawn.axes[0], canvas.get_width_height()
    for text in [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_legend().get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


@pytest.mark.parametrize("figure", FIGURES)
def test_pairs_that_tell_nothing_are_refused(figure):
    with pytest.raises(ValueError, match="pairs of the same person and pairs of different people. Received 2 and 0"):
        figure(np.array([1.0, 2.0]), np.array([True, True]))


def test_write_verification_plots_makes_the_folder_and_readable_pictures(tmp_path):
    files = write_verification_plots(tmp_path / "deep" / "plots", *many(300, 2_000), 1.5, measure="cosine")
    assert sorted(path.name for path in files) == ["det.png", "distances.png", "roc.png"]
    for path in files:
        assert cv2.imread(str(path)).std() > 0


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"Install it with `pip install 'cnn_suite\[plots\]'`"):
        verification_plots.roc_figure(DISTANCES, SAME)


def test_importing_the_module_imports_no_matplotlib():
    program = "import sys, cnn_suite.metrics.verification_plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
