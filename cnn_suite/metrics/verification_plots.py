"""Plots of verification: ROC, DET, and the distances of pictures of the same and of different people.

Every function returns a matplotlib `Figure` without a window, so no display is needed. matplotlib comes
with the extra `cnn_suite[plots]` and is imported only when something is drawn.

Source: Martin et al. 1997, The DET Curve in Assessment of Detection Task Performance (probit axes, on which distances
of two normal distributions make a straight line).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnn_suite.metrics.plotting import COLOURS, label_axes, new_figure, save_figure
from cnn_suite.metrics.verification import Roc, checked_pairs, equal_error_rate, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE = COLOURS[0], COLOURS[1]
_POINTS = 2000  # of a curve; more cannot be seen
_RATES = (1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


def roc_figure(distances: np.ndarray, same: np.ndarray, threshold: float | None = None) -> Figure:
    """True accepts against false accepts, these on a logarithmic axis that ends where one pair is accepted.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`, whether the pair is of one person.
        threshold: Marked on the curve; None for none.

    Raises:
        ValueError: As `roc`.
    """
    distances, same = checked_pairs(distances, same)
    impostors = int((~same).sum())
    curve = _thinned(roc(distances, same))
    figure = new_figure(4.8, 4.2)
    axes = figure.add_subplot()
    seen = curve.far > 0  # what no false accept costs lies beyond the left end
    axes.plot(curve.far[seen], curve.tar[seen], color=_BLUE)
    axes.set_xscale("log")
    axes.set(xlim=(1 / impostors if impostors > 1 else 0.1, 1), ylim=(0, 1.01))
    _mark(axes, distances, same, threshold, lambda far, tar: (max(far, 1 / impostors), tar))
    title = f"ROC: {int(same.sum()):,} genuine pairs, {impostors:,} impostor pairs"
    label_axes(axes, "false accept rate (FAR)", "true accept rate (TAR)", title)
    return figure


def det_figure(distances: np.ndarray, same: np.ndarray, threshold: float | None = None) -> Figure:
    """False rejects against false accepts on probit axes, with the point where both are equal.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.
        threshold: Marked on the curve; None for none.

    Raises:
        ValueError: As `roc`.
    """
    from scipy.stats import norm

    distances, same = checked_pairs(distances, same)
    genuine, impostors = int(same.sum()), int((~same).sum())
    curve, equal = _thinned(roc(distances, same)), equal_error_rate(distances, same).rate
    frr = 1 - curve.tar
    seen = (curve.far > 0) & (curve.far < 1) & (frr > 0) & (frr < 1)  # 0 and 1 lie infinitely far away
    figure = new_figure(4.8, 4.6)
    axes = figure.add_subplot()
    axes.plot(norm.ppf(curve.far[seen]), norm.ppf(frr[seen]), color=_BLUE)
    least = [min(1 / (2 * count), 0.1) for count in (impostors, genuine)]  # half a pair: below it nothing was counted
    ends = [(float(norm.ppf(low)), float(norm.ppf(max(0.6, 1.2 * min(equal, 0.8))))) for low in least]
    axes.set(xlim=ends[0], ylim=ends[1])
    ticks = {float(norm.ppf(rate)): f"{100 * rate:g}" for rate in _RATES}
    for axis, (low, high) in zip((axes.xaxis, axes.yaxis), ends):
        shown = {place: text for place, text in ticks.items() if low <= place <= high}
        axis.set_ticks(list(shown), list(shown.values()), fontsize=8)
    if 0 < equal < 1:
        place = float(norm.ppf(equal))
        axes.plot([place], [place], "o", color=_BLUE, markersize=5, label="both rates equal")

    def place_of(far: float, tar: float) -> tuple[float, float]:
        rates = zip((far, 1 - tar), least)
        x, y = (float(norm.ppf(min(max(rate, low), 1 - low))) for rate, low in rates)
        return x, y

    _mark(axes, distances, same, threshold, place_of)
    label_axes(axes, "false accepts, %", "false rejects, %", f"DET: equal error rate {100 * equal:.2f} %")
    return figure


def distance_figure(
    distances: np.ndarray, same: np.ndarray, threshold: float | None = None, *, measure: str = "squared", bins: int = 80
) -> Figure:
    """Histograms of the distances of one person's pictures and of two people's, each of area 1.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.
        threshold: Drawn as a line, with false accepts filled; None for none.
        measure: What the distances are, for the axis.
        bins: Number of bars.

    Raises:
        ValueError: As `roc`.
    """
    distances, same = checked_pairs(distances, same)
    edges = np.histogram_bin_edges(distances, bins)
    figure = new_figure(5.6, 3.8)
    axes = figure.add_subplot()
    for kind, colour, label in ((same, _BLUE, "same person"), (~same, _ORANGE, "different people")):
        heights, _ = np.histogram(distances[kind], edges, density=True)
        axes.stairs(heights, edges, color=colour, fill=True, alpha=0.25)
        axes.stairs(heights, edges, color=colour, linewidth=1.2, label=label)
    title = f"{int(same.sum()):,} genuine pairs, {int((~same).sum()):,} impostor pairs"
    if threshold is not None:
        far, tar = (float(np.mean(distances[kind] < threshold)) for kind in (~same, same))
        end = min(threshold, edges[-1])
        below = np.append(edges[edges < end], end)
        if len(below) > 1:  # the bar that the threshold cuts is filled up to it
            axes.stairs(heights[: len(below) - 1], below, color=_ORANGE, fill=True, label="false accepts")
        axes.axvline(threshold, color="#444444", linestyle="--", linewidth=1)
        title += f"\nthreshold {threshold:.4g}: FAR {far:.3g}, TAR {tar:.4f}"
    label_axes(axes, f"distance ({measure})", "density", title)
    axes.legend(frameon=False, fontsize=8)
    return figure


def write_verification_plots(
    folder: Path,
    distances: np.ndarray,
    same: np.ndarray,
    threshold: float | None = None,
    *,
    measure: str = "squared",
) -> list[Path]:
    """Draws everything of this module into `folder`, which is made if needed; arguments as above.

    Returns:
        The files: roc.png, det.png and distances.png.
    """
    figures = {
        "roc": roc_figure(distances, same, threshold),
        "det": det_figure(distances, same, threshold),
        "distances": distance_figure(distances, same, threshold, measure=measure),
    }
    return [save_figure(figure, folder / f"{name}.png") for name, figure in figures.items()]


def _thinned(curve: Roc) -> Roc:
    """At most some thousand points of a curve, close together where few are accepted or few rejected."""
    if len(curve.far) <= _POINTS:
        return curve
    low, high = np.geomspace(1e-9, 0.5, _POINTS), 1 - np.geomspace(0.5, 1e-9, _POINTS)
    wanted = np.concatenate([low, high])
    places = [np.searchsorted(rates, wanted).clip(max=len(rates) - 1) for rates in (curve.far, curve.tar)]
    kept = np.unique(np.concatenate([*places, [0, len(curve.far) - 1]]))
    return Roc(*(values[kept] for values in curve))


def _mark(
    axes: Axes,
    distances: np.ndarray,
    same: np.ndarray,
    threshold: float | None,
    place: Callable[[float, float], tuple[float, float]],
) -> None:
    """A point for the threshold, where `place` says for its FAR and TAR."""
    if threshold is not None:
        far, tar = (float(np.mean(distances[kind] < threshold)) for kind in (~same, same))
        x, y = place(far, tar)
        label = f"threshold {threshold:.4g}: FAR {far:.3g}, TAR {tar:.4f}"
        axes.plot([x], [y], "D", color=_ORANGE, markersize=6, clip_on=False, label=label)
        axes.legend(frameon=False, fontsize=8)
