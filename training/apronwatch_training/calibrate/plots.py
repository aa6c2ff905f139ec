"""Pictures of a calibration: what a score is worth, and how many objects of each size are found."""

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import beta

from apronwatch.calibration import LEAST_OBJECTS, ClassCalibration
from apronwatch.interchange.files import save
from apronwatch_training.calibrate.measuring import Measured
from apronwatch_training.calibrate.samples import Sample
from apronwatch_training.uncertainty import LEVEL, wilson

DPI = 150
_BINS = 8
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#8a8a8a"
_SIGMAS = 1.645
"""Half width of a normal 90 % interval."""


def draw_calibration(measured: Measured, title: str, out: Path) -> None:
    """Write one PNG: for each class a reliability diagram and its recall by size.

    Raises:
        OutputInvalid: `out` cannot be written.
    """
    rows = len(measured.samples)
    figure = Figure(figsize=(12, 0.8 + 4.6 * rows), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(rows, 2, squeeze=False)
    for (left, right), sample in zip(axes, measured.samples, strict=True):
        fitted = measured.calibration.classes[sample.class_name]
        _reliability(left, sample, fitted)
        _recall(right, sample, fitted)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png", metadata={"Software": None})
    save(out, drawn.getvalue())


def _reliability(axes: Axes, sample: Sample, fitted: ClassCalibration) -> None:
    """The share of true detections per bin of the score, with the curve and its 90 % band."""
    left = max(0.0, sample.threshold - 0.05)
    at = np.linspace(sample.threshold, 1.0, 200)
    curve = fitted.scores.probability(at)
    spread = _SIGMAS * np.sqrt([fitted.scores.sum_variance([score]) for score in at])
    axes.plot([left, 1], [left, 1], color=_GREY, linewidth=0.8, linestyle=":")
    axes.fill_between(
        at, np.clip(curve - spread, 0, 1), np.clip(curve + spread, 0, 1), color=_BLUE, alpha=0.18
    )
    axes.plot(at, curve, color=_BLUE, label=f"{fitted.scores.kind} curve, 90 % band")
    _points(axes, sample)
    axes.axvline(sample.threshold, color=_GREY, linewidth=0.8)
    axes.set(xlim=(left, 1.0), ylim=(-0.16, 1.05), xlabel="score", ylabel="share of true detections")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, fontsize=8, frameon=False)
    scores = fitted.scores
    kind = "real" if scores.real else "drawn"
    axes.set_title(
        f"{sample.class_name}: {scores.n_labels} detections, {scores.n_true} true, {scores.n_places} {kind} places; "
        f"spread of places {fitted.places.words}",
        fontsize=10,
    )


def _points(axes: Axes, sample: Sample) -> None:
    """Bins of equal width from the threshold up; those without a detection are left out."""
    edges = np.linspace(sample.threshold, 1.0, _BINS + 1)
    index = np.clip(np.searchsorted(edges, sample.scores, side="right") - 1, 0, _BINS - 1)
    for k in np.unique(index):
        here = index == k
        n, hits = int(here.sum()), int(sample.true[here].sum())
        limits = wilson(hits, n) or (0.0, 1.0)
        x = float(sample.scores[here].mean())
        axes.vlines(x, *limits, color=_ORANGE, linewidth=1.6)
        axes.plot(x, hits / n, "o", color=_ORANGE, markersize=5)
        middle = (edges[k] + edges[k + 1]) / 2
        axes.annotate(f"{hits}\nof {n}", (middle, -0.14), ha="center", va="bottom", fontsize=7)
    axes.plot([], [], "o-", color=_ORANGE, label="seen, with Wilson's 90 % interval")


def _recall(axes: Axes, sample: Sample, fitted: ClassCalibration) -> None:
    """Recall per size bin as a bar of its 90 % interval, the number of objects beside it."""
    recall = fitted.recall
    low, high = _limits(recall.beta())
    edges = ["", *(f"{edge:g}" for edge in recall.edges_px), ""]
    for k, (found, objects) in enumerate(zip(recall.found, recall.objects, strict=True)):
        axes.vlines(k, low[k], high[k], color=_BLUE, linewidth=5, alpha=0.35)
        if objects:
            axes.plot(k, found / objects, "o", color=_BLUE, markersize=6)
        axes.annotate(
            f"{found} of {objects}",
            (k, 0.03),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=8,
        )
    axes.set_xticks(
        range(len(recall.found)), [_name(edges[k], edges[k + 1]) for k in range(len(recall.found))]
    )
    bottom = max(-0.1, float(low.min()) - 0.25)
    axes.set(xlim=(-0.6, len(recall.found) - 0.4), ylim=(bottom, 1.02), ylabel="recall at the threshold")
    axes.set_xlabel("length in pixels of the pass that reports the class; bars: 90 % interval")
    axes.grid(axis="y", alpha=0.25)
    said = f"; {fitted.refusal.replace('_', ' ')}" if fitted.refusal else ""
    few = f", bins of {LEAST_OBJECTS} or more" if len(recall.found) > 1 else ""
    axes.set_title(f"{sample.class_name}: recall{few}{said}", fontsize=10)


def _limits(parameters: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = parameters.T
    return beta.ppf((1 - LEVEL) / 2, a, b), beta.ppf((1 + LEVEL) / 2, a, b)


def _name(low: str, high: str) -> str:
    if not low:
        return f"below {high}" if high else "all"
    return f"{low} to {high}" if high else f"{low} and more"
