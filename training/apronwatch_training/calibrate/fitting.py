"""Fits of what `apronwatch.calibration` holds, from detections and objects of validation places.

Splitting by place is the caller's: none of these places may have taught the model.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

from apronwatch.calibration import (
    LEAST_OBJECTS,
    Kind,
    RecallCalibration,
    ScoreCalibration,
    score_features,
)

PLATT_BELOW = 300
ISOTONIC_ABOVE = 2000
"""Numbers of labels: the more there are, the freer the curve may be."""

LENGTH_QUANTILES = (0.05, 0.95)
"""Between which the objects' lengths are taken to be calibrated: a single one at either end tells next to nothing."""

_IDENTITY: dict[str, list[float]] = {"platt": [1.0, 0.0], "beta": [1.0, 1.0, 0.0]}
_RIDGE = 1e-6


def fit_scores(
    scores: ArrayLike, true: ArrayLike, places: Sequence[str], *, real: bool, kind: Kind | None = None
) -> ScoreCalibration:
    """The calibration of detections whose truth is known: Platt, beta or isotonic by the number of labels.

    Args:
        scores: (N,) raw scores, at or above the operating threshold.
        true: (N,) whether each is a true object.
        places: (N,) the place of each.
        real: they were seen on real images.
        kind: instead of what the number of labels suggests.

    Raises:
        ValueError: no detections at all.
    """
    s, truth = np.asarray(scores, dtype=np.float64), np.asarray(true, dtype=np.bool_)
    if not len(s) == len(truth) == len(places) or len(s) == 0:
        raise ValueError(
            f"{len(s)} scores, {len(truth)} truths, {len(places)} places: expected as many, at least 1"
        )
    chosen = kind or _kind(len(s))
    n_true, n_places = int(truth.sum()), len(set(places))
    if chosen == "isotonic":
        steps, values, labels = _isotonic(s, truth)
        return ScoreCalibration(
            chosen, values, len(s), n_true, n_places, real, steps=steps, step_labels=labels
        )
    theta, covariance = _logistic(chosen, s, truth)
    return ScoreCalibration(
        chosen,
        tuple(theta.tolist()),
        len(s),
        n_true,
        n_places,
        real,
        covariance=tuple(tuple(row) for row in covariance.tolist()),
    )


def fit_recall(
    found: ArrayLike,
    lengths_px: ArrayLike,
    places: Sequence[str],
    *,
    real: bool,
    edges_px: Sequence[float] = (),
) -> RecallCalibration:
    """Recall by size bin, of labelled objects with their length in pixels of the tile pass and their place.

    A bin of fewer than `LEAST_OBJECTS` is joined with the next larger one, the last with the one before.

    Args:
        found: (N,) whether a detection that counts was matched to each object.
        lengths_px: (N,) lengths of the objects.
        places: (N,) the place of each.
        real: on real images.
        edges_px: rising lengths that part the bins.
    """
    hit, lengths = np.asarray(found, dtype=np.bool_), np.asarray(lengths_px, dtype=np.float64)
    edges = _joined(lengths, list(edges_px))
    bins = np.searchsorted(edges, lengths, side="right")
    low, high = np.quantile(lengths, LENGTH_QUANTILES).tolist() if len(lengths) else (0.0, 0.0)
    return RecallCalibration(
        found=tuple(np.bincount(bins[hit], minlength=len(edges) + 1).tolist()),
        missed=tuple(np.bincount(bins[~hit], minlength=len(edges) + 1).tolist()),
        n_places=len(set(places)),
        real=real,
        lengths_px=(low, high) if len(lengths) else None,
        edges_px=tuple(edges),
    )


def _kind(n_labels: int) -> Kind:
    if n_labels < PLATT_BELOW:
        return "platt"
    return "beta" if n_labels <= ISOTONIC_ABOVE else "isotonic"


def _logistic(
    kind: Kind, s: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parameters with rising curves only, and their covariance from the Fisher information.

    Labels are moved off 0 and 1 as in Platt (1999), so that scores that part true from false stay finite.
    """
    n_true, n_false = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (n_true + 1) / (n_true + 2), 1 / (n_false + 2))
    x = score_features(kind, s)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        linear = x @ theta
        return float(np.sum(np.logaddexp(0, linear) - target * linear)), x.T @ (expit(linear) - target)

    bounds = [(0.0, None)] * (x.shape[1] - 1) + [(None, None)]
    theta = minimize(loss, _IDENTITY[kind], jac=True, method="L-BFGS-B", bounds=bounds).x
    p = expit(x @ theta)
    information = x.T @ (x * (p * (1 - p))[:, None]) + _RIDGE * np.eye(x.shape[1])
    free = np.append(theta[:-1] > 0, True)  # a parameter at its bound stays there
    covariance = np.zeros_like(information)
    covariance[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
    return theta, covariance


def _isotonic(
    s: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, ...]]:
    """Least score, probability and labels of each step; a step of only true labels stays short of certain."""
    levels, index = np.unique(s, return_inverse=True)
    labels = np.bincount(index)
    fit = isotonic_regression(np.bincount(index, weights=truth) / labels, weights=labels)
    first = fit.blocks[:-1]
    per_step = np.add.reduceat(labels, first)
    true = np.add.reduceat(np.bincount(index, weights=truth), first)
    values = np.maximum.accumulate((true + 0.5) / (per_step + 1))
    return tuple(levels[first].tolist()), tuple(values.tolist()), tuple(per_step.tolist())


def _joined(lengths_px: NDArray[np.float64], edges: list[float]) -> list[float]:
    """The edges that remain once every bin holds enough objects."""
    while edges:
        sizes = np.bincount(np.searchsorted(edges, lengths_px, side="right"), minlength=len(edges) + 1)
        small = np.flatnonzero(sizes < LEAST_OBJECTS)
        if len(small) == 0:
            break
        edges = (
            edges[: max(0, min(int(small[0]), len(edges) - 1))]
            + edges[min(int(small[0]), len(edges) - 1) + 1 :]
        )
    return edges
