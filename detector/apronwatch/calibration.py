"""What a model's scores and its recall are worth, as measured on labelled places that it never learned from.

Fitting belongs to training; here are the fitted values, what they say of new scores, and how sure they are.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter
from scipy.special import expit, stdtrit

Kind = Literal["platt", "beta", "isotonic"]

LEAST_OBJECTS = 30
"""Recall measured on fewer labelled objects says too little to correct a count with."""

LEAST_RECALL = 0.2
"""Below this recall more than four of five objects would be guesses; no count is corrected by that."""

MOST_DEVIATION = 0.5
"""Where places are taken to differ by more (standard deviation of the logarithm: a factor of 1.65), a count at a new
one says too little."""

_FACTORS = 256
"""Equally likely values that stand for the factor of a place; the outermost are its quantiles at 0.2 and 99.8 %."""

_EDGE = 1e-6
"""Scores of exactly 0 and 1 have no logit."""


class Refusal(StrEnum):
    """Reasons why a count carries no interval."""

    UNCALIBRATED = "uncalibrated"
    OTHER_THRESHOLD = "calibrated_at_another_threshold"
    SYNTHETIC_ONLY = "synthetic_only"
    RECALL_FROM_TOO_FEW = "recall_from_too_few"
    RECALL_TOO_LOW = "recall_too_low"
    PLACES_DIFFER = "places_differ_too_much"


@dataclass(frozen=True)
class ScoreCalibration:
    """From the score of a detection to the probability that it is a true object.

    Platt: logit p = A logit s + B. Beta (Kull et al. 2017, doi:10.1214/17-EJS1338SI): logit p = a ln s - b ln(1-s)
    + c. Isotonic: p is constant on steps of the score.

    Attributes:
        kind: the form of the curve.
        parameters: (A, B), (a, b, c), or the probability on each step.
        covariance: of the parameters of platt and beta; empty for isotonic.
        steps: least score of each isotonic step (the first one reaches down to 0); empty otherwise.
        step_labels: labels that each isotonic step rests on; empty otherwise.
        n_labels, n_true, n_places: detections it was fitted to, how many were true, from how many places.
        real: they were seen on real images.
    """

    kind: Kind
    parameters: tuple[float, ...]
    n_labels: int
    n_true: int
    n_places: int
    real: bool
    covariance: tuple[tuple[float, ...], ...] = ()
    steps: tuple[float, ...] = ()
    step_labels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        size = {"platt": 2, "beta": 3}.get(self.kind, len(self.steps))
        spread = (len(self.step_labels),) if self.kind == "isotonic" else np.shape(self.covariance)
        expected = (size,) if self.kind == "isotonic" else (size, size)
        if size == 0 or len(self.parameters) != size or spread != expected:
            raise ValueError(
                f"{self.kind} calibration of {len(self.parameters)} parameters with uncertainty of shape {spread}"
            )
        if not (self._rises() and self._is_sure_of_something() and 0 <= self.n_true <= self.n_labels):
            raise ValueError(
                f"{self.kind} calibration that cannot be: parameters {self.parameters}, covariance {self.covariance}, "
                f"steps {self.steps} of {self.step_labels} labels, {self.n_true} true of {self.n_labels}"
            )

    def _rises(self) -> bool:
        """No score is worth less than a lower one."""
        values = np.array(self.parameters)
        if self.kind == "isotonic":
            return bool(
                (np.diff(values) >= 0).all()
                and 0 <= values[0] <= values[-1] <= 1
                and (np.diff(self.steps) > 0).all()
            )
        return bool(np.isfinite(values).all() and (values[:-1] >= 0).all())

    def _is_sure_of_something(self) -> bool:
        """The uncertainty is that of a measurement: labels on each step, a covariance."""
        if self.kind == "isotonic":
            return min(self.step_labels) >= 1
        covariance = np.array(self.covariance)
        return bool(
            np.isfinite(covariance).all()
            and np.allclose(covariance, covariance.T)
            and np.linalg.eigvalsh(covariance)[0] >= -1e-9 * max(1.0, np.abs(covariance).max())
        )

    @property
    def true_share(self) -> float:
        """Share of the true ones among the detections that it was fitted to, short of none and of all."""
        return (self.n_true + 1) / (self.n_labels + 2)

    def probability(self, scores: ArrayLike) -> NDArray[np.float64]:
        """(N,) probabilities that detections of these scores (N,) are true objects."""
        if self.kind == "isotonic":
            return np.array(self.parameters)[self._step(scores)]
        linear: NDArray[np.float64] = expit(score_features(self.kind, scores) @ np.array(self.parameters))
        return linear

    def sum_variance(self, scores: ArrayLike, shares: ArrayLike = 1.0) -> float:
        """Variance of sum(share * probability) that comes from the fit alone, by the delta method.

        All detections of a scene lean on one curve, so its error does not average out over them.
        """
        weights = np.broadcast_to(np.asarray(shares, dtype=np.float64), np.shape(scores))
        if self.kind == "isotonic":
            p, labels = np.array(self.parameters), np.array(self.step_labels)
            per_step = np.bincount(self._step(scores), weights=weights, minlength=len(p))
            return float(per_step**2 @ (p * (1 - p) / (labels + 2)))
        p = self.probability(scores)
        gradient = (weights * p * (1 - p)) @ score_features(self.kind, scores)
        return float(gradient @ np.array(self.covariance) @ gradient)

    def _step(self, scores: ArrayLike) -> NDArray[np.intp]:
        after: NDArray[np.intp] = np.searchsorted(
            np.asarray(self.steps), np.asarray(scores, dtype=np.float64), side="right"
        )
        return np.maximum(after - 1, 0)

    def to_dict(self) -> dict[str, Any]:
        """As types of JSON and TOML; what is empty is left out."""
        return _plain(self)


def score_features(kind: Kind, scores: ArrayLike) -> NDArray[np.float64]:
    """(N, 2) or (N, 3) regressors of logit p in scores (N,), for `platt` and `beta`."""
    s = np.clip(np.asarray(scores, dtype=np.float64).reshape(-1), _EDGE, 1 - _EDGE)
    ones = np.ones_like(s)
    if kind == "platt":
        return np.stack([np.log(s) - np.log1p(-s), ones], axis=1)
    return np.stack([np.log(s), -np.log1p(-s), ones], axis=1)


@dataclass(frozen=True)
class RecallCalibration:
    """How many labelled objects the detections that count found, by length in pixels.

    Attributes:
        found, missed: objects per size bin, from the smallest.
        edges_px: lengths in pixels of the tile pass that part the bins, one fewer than bins; several bins hold at
            least `LEAST_OBJECTS` each.
        n_places: places the objects were labelled at.
        real: on real images.
        lengths_px: 5 % and 95 % quantiles of the objects' lengths in the same pixels; None where there is no object.
    """

    found: tuple[int, ...]
    missed: tuple[int, ...]
    n_places: int
    real: bool
    lengths_px: tuple[float, float] | None
    edges_px: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        told = len(self.found) == len(self.missed) == len(self.edges_px) + 1
        if not (told and min(*self.found, *self.missed) >= 0 and (np.diff(self.edges_px) > 0).all()):
            raise ValueError(f"recall in bins {self.found}, {self.missed}, edges {self.edges_px}")
        least = min(self.objects)
        if self.edges_px and least < LEAST_OBJECTS:
            raise ValueError(f"a size bin of {least} objects, at least {LEAST_OBJECTS} expected: join bins")
        low, high = self.lengths_px or (1.0, 1.0)
        if (self.lengths_px is None) != (sum(self.objects) == 0) or not 0 < low <= high < np.inf:
            raise ValueError(
                f"recall of {sum(self.objects)} objects whose lengths in pixels are {self.lengths_px}"
            )

    @property
    def objects(self) -> tuple[int, ...]:
        """Labelled objects per size bin."""
        return tuple(f + m for f, m in zip(self.found, self.missed, strict=True))

    @property
    def prior_shares(self) -> NDArray[np.float64]:
        """(B,) share of each bin among the labelled objects."""
        sizes = np.array(self.objects, dtype=np.float64)
        return np.asarray(sizes / sizes.sum())

    def beta(self) -> NDArray[np.float64]:
        """(B, 2) parameters of the Beta distribution of each bin's recall, from a uniform prior.

        Of objects alone: how recall differs from place to place is part of `PlaceSpread`.
        """
        return np.asarray(1 + np.array([self.found, self.missed], dtype=np.float64).T)

    def bin_of(self, lengths_px: ArrayLike) -> NDArray[np.intp]:
        """(N,) size bin of objects of these lengths in pixels."""
        bins: NDArray[np.intp] = np.searchsorted(
            np.asarray(self.edges_px), np.asarray(lengths_px, dtype=np.float64), side="right"
        )
        return bins

    def outside(self, lengths_px: ArrayLike) -> NDArray[np.bool_]:
        """(N,) whether objects of these lengths in pixels are shorter or longer than nearly all that were labelled."""
        lengths = np.asarray(lengths_px, dtype=np.float64)
        low, high = self.lengths_px or (np.inf, np.inf)
        return np.asarray((lengths < low) | (lengths > high))

    @property
    def refusal(self) -> str | None:
        """Why it may not correct a count, if so."""
        if sum(self.objects) < LEAST_OBJECTS:
            return Refusal.RECALL_FROM_TOO_FEW
        beta = self.beta()
        return Refusal.RECALL_TOO_LOW if (beta[:, 0] / beta.sum(axis=1)).min() < LEAST_RECALL else None

    def to_dict(self) -> dict[str, Any]:
        """As types of JSON and TOML; what is empty is left out."""
        return _plain(self)


@dataclass(frozen=True)
class Dispersion:
    """How much more the number of true detections of a scene varies than their probabilities say.

    Attributes:
        factor: of the variance, at least 1, at scenes like those it was measured on.
        at_variance: variance by the probabilities, sum p (1-p), of those scenes. What a scene shares (haze, its
            angle, the place) moves all its detections together, so that the factor grows with their number.
        n_scenes: validation scenes it was measured on.
    """

    factor: float = 1.0
    at_variance: float = 0.0
    n_scenes: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.factor < np.inf and 0 <= self.at_variance < np.inf):
            raise ValueError(
                f"dispersion of scenes: factor {self.factor} of the variance, at {self.at_variance}"
            )

    @classmethod
    def measured(cls, true: ArrayLike, expected: ArrayLike, variance: ArrayLike) -> Self:
        """The mean square of z = (true - expected) / sqrt(variance) over scenes, weighted by their variance.

        Unweighted, a scene whose detections are all but certain would rule the mean.

        Args:
            true: (S,) true detections per validation scene.
            expected: (S,) sum of p over its detections.
            variance: (S,) sum of p (1-p) over them.
        """
        v = np.asarray(variance, dtype=np.float64)
        residual = np.asarray(true, dtype=np.float64) - np.asarray(expected, dtype=np.float64)
        total = float(v.sum())
        if total == 0:
            return cls(n_scenes=len(v))
        return cls(max(1.0, float(residual @ residual) / total), float(v @ v) / total, len(v))

    def widened(self, variance: float) -> float:
        """The variance of the number of true detections of a scene, from that by their probabilities."""
        growth = max(1.0, variance / self.at_variance) if self.at_variance > 0 else 1.0
        return variance * (1 + (self.factor - 1) * growth)


@dataclass(frozen=True)
class PlaceSpread:
    """How far the number of objects of a scene at a new place lies from what the rest of the calibration says of it.

    No calibration has seen many places, and each has its own: jet bridges that look like aircraft, aircraft that
    look like none. The number is what the rest says, times exp(deviation * T), T by Student's law: the predictive
    distribution of random effects that few places tell of (Higgins et al. 2009, doi:10.1111/j.1467-985X.2008.00552.x).

    Attributes:
        deviation: of the logarithm, between places and between scenes of a place; 0: none.
        freedom: degrees of freedom of T, at least 2: the fewer, the less is known of the deviation itself.
        n_places: places that it was measured at, each left out of the rest in turn; 0: it is assumed.
    """

    deviation: float = 0.0
    freedom: float = 2.0
    n_places: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.deviation < np.inf and self.freedom >= 2):
            raise ValueError(
                f"spread of places: deviation {self.deviation}, {self.freedom} degrees of freedom"
            )

    @property
    def words(self) -> str:
        """The deviation, for tables."""
        return f"{self.deviation:.3f}" + ("" if self.n_places else " (assumed)")

    def factors(self) -> NDArray[np.float64]:
        """(Q,) equally likely factors, from the least; one of 1 where there is no deviation."""
        if self.deviation == 0:
            return np.ones(1)
        levels = (np.arange(_FACTORS) + 0.5) / _FACTORS
        return np.asarray(np.exp(self.deviation * stdtrit(self.freedom, levels)))


@dataclass(frozen=True)
class ClassCalibration:
    """All that turns the detections of one class into an honest count.

    Attributes:
        threshold: operating score it holds for; at another one neither scores' truth nor recall is known.
        scores: probability of truth.
        recall: share found.
        dispersion: of the number of true detections of a scene.
        places: what a place has of its own, beyond all of these.
    """

    threshold: float
    scores: ScoreCalibration
    recall: RecallCalibration
    dispersion: Dispersion = Dispersion()
    places: PlaceSpread = PlaceSpread()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"calibrated at the threshold {self.threshold}, 0 to 1 expected")

    @property
    def refusal(self) -> str | None:
        """Why it may correct no count at all, if so."""
        apart = Refusal.PLACES_DIFFER if self.places.deviation > MOST_DEVIATION else None
        return self.recall.refusal or apart

    def refusals(self, threshold: float, real_image: bool) -> tuple[str, ...]:
        """Every reason why it must not be used on an image, empty if it may."""
        synthetic = real_image and not (self.scores.real and self.recall.real)
        found = (
            Refusal.OTHER_THRESHOLD if abs(threshold - self.threshold) > _EDGE else None,
            Refusal.SYNTHETIC_ONLY if synthetic else None,
            self.refusal,
        )
        return tuple(reason for reason in found if reason)

    def to_dict(self) -> dict[str, Any]:
        """As types of JSON and TOML."""
        return {**asdict(self), "scores": self.scores.to_dict(), "recall": self.recall.to_dict()}


@dataclass(frozen=True)
class Calibration:
    """What is known of one file of weights, per class name; a class that is missing is uncalibrated."""

    model_sha256: str
    classes: dict[str, ClassCalibration]

    @property
    def hash(self) -> str:
        """SHA-256 over everything in it: part of the key of the counts that rest on it."""
        plain = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As types of JSON and TOML."""
        classes = {name: self.classes[name].to_dict() for name in sorted(self.classes)}
        return {"model_sha256": self.model_sha256, "classes": classes}

    @classmethod
    def from_dict(cls, told: Any) -> Self:
        """The calibration that `to_dict` described; what else the document has beside it is left alone.

        Raises:
            ValueError: it describes none; a key is missing or misspelt, a number cannot be.
        """
        found = TypeAdapter(cls).validate_python(told)
        for name, read in found.classes.items():
            if said := _differing(told["classes"][name], read.to_dict(), f"classes.{name}"):
                raise ValueError(said)
        return found


def _differing(told: Any, read: Any, where: str) -> str | None:
    """The first key that one of two documents has alone, or whose values differ."""
    if not (isinstance(told, dict) and isinstance(read, dict)):
        return None if told == read else f"{where}: {told} is read as {read}"
    for key in sorted(told.keys() | read.keys()):
        if key not in told or key not in read:
            return f"{where}.{key}: " + ("missing" if key not in told else "no such key")
        if said := _differing(told[key], read[key], f"{where}.{key}"):
            return said
    return None


def _plain(value: ScoreCalibration | RecallCalibration) -> dict[str, Any]:
    return {key: _lists(part) for key, part in asdict(value).items() if part != ()}


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, tuple) else value
