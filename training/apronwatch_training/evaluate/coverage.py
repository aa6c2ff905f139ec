"""Whether the intervals that the product gives to counts hold the labelled numbers of whole scenes.

The interval of a scene is the product's own, of the whole picture as one zone, with two differences, so that interval
and label speak of the same objects. Detections that are not judged (on ground to ignore, or of a difficult object) are
left out, as such objects are of the labelled number. And nothing is added for ground that the picture does not show:
no label tells what stands there.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apronwatch.counts import UNSEEN_UP_TO, Status, word_of
from apronwatch.engines import ModelSpec
from apronwatch.intervals import LEVEL, SIZES_HARDLY_CALIBRATED, Interval, interval
from apronwatch_training.evaluate.count_errors import count_errors
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.evaluate.matching import Matches
from apronwatch_training.uncertainty import wilson


@dataclass(frozen=True)
class Coverage:
    """How the intervals of one class's scenes did. None stands for what is not defined without an interval.

    Attributes:
        level: probability that an interval is to hold the truth with.
        scenes: all of the class.
        intervals: scenes with an interval of two limits.
        held: of these, those whose labelled number lies in it, limits included.
        coverage: held over intervals.
        coverage_limits: Wilson's interval of that share, of probability `level`. Scenes of one place resemble each
            other, so with few places the truth is wider.
        interval_score: mean over the intervals, see `CountErrors`; smaller is better.
        mean_width: mean of high minus low.
        refused: reason -> scenes that have no interval, or a lower limit alone, for it.
        calibrated_here: `dataset/place` of the scenes at which the calibration itself was measured: there intervals
            look better than they are.
    """

    level: float
    scenes: int
    intervals: int
    held: int
    coverage: float | None
    coverage_limits: tuple[float, float] | None
    interval_score: float | None
    mean_width: float | None
    refused: Mapping[str, int]
    calibrated_here: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        limits = list(self.coverage_limits) if self.coverage_limits else None
        return {
            **asdict(self),
            "coverage_limits": limits,
            "refused": dict(self.refused),
            "calibrated_here": list(self.calibrated_here),
        }


def scene_interval(looked: Looked, class_name: str, matches: Matches, model: ModelSpec) -> Interval:
    """The product's interval for one class in one scene, of the judged detections.

    Args:
        looked: the scene.
        class_name: which; one that the model may report here.
        matches: of the class's detections, in the order of `looked.of`.
        model: the weights, with their calibration if there is one.

    Raises:
        ModelInvalid: the calibration cannot be read, or is of other weights.
    """
    if looked.observed_fraction <= UNSEEN_UP_TO:
        return Interval(None, None, None, reasons=(Status.UNSEEN.value,))
    threshold = looked.thresholds[class_name]
    counted = matches.judged & (matches.scores >= threshold)
    return interval(
        matches.scores[counted],
        looked.lengths_m_of(class_name)[counted] / model.classes[class_name].pass_gsd_m,
        model.calibration.classes.get(class_name) if model.calibration else None,
        1.0,
        threshold=threshold,
        real_image=not looked.drawn,
        saturated=looked.saturated,
    )


def limits_of(intervals: Sequence[Interval]) -> tuple[list[float], list[float]]:
    """Lower and upper limits (N,); NaN for both where an interval lacks one."""
    whole = [each.low is not None and each.high is not None for each in intervals]
    low = [float(each.low or 0) if ok else np.nan for each, ok in zip(intervals, whole, strict=True)]
    high = [float(each.high or 0) if ok else np.nan for each, ok in zip(intervals, whole, strict=True)]
    return low, high


def coverage(
    labelled: Sequence[int], intervals: Sequence[Interval], calibrated_here: Iterable[str] = ()
) -> Coverage:
    """Compare intervals with the truth.

    Args:
        labelled: (N,) labelled numbers.
        intervals: (N,) of the same scenes.
        calibrated_here: places among them at which the calibration was measured.

    Raises:
        ValueError: the lengths differ.
    """
    low, high = limits_of(intervals)
    found = count_errors(labelled, labelled, low, high, level=LEVEL)
    held = sum(a <= y <= b for y, a, b in zip(labelled, low, high, strict=True))
    said = (reason for each in intervals for reason in each.reasons)
    refused = Counter(r for r in said if word_of(r) != SIZES_HARDLY_CALIBRATED)  # it refuses nothing
    return Coverage(
        level=LEVEL,
        scenes=len(intervals),
        intervals=found.intervals,
        held=held,
        coverage=found.coverage,
        coverage_limits=wilson(held, found.intervals, LEVEL),
        interval_score=found.interval_score,
        mean_width=float(np.nanmean(np.subtract(high, low))) if found.intervals else None,
        refused=dict(sorted(refused.items())),
        calibrated_here=tuple(sorted(calibrated_here)),
    )


def provenance(calibration: Path) -> dict[str, Any]:
    """What the file of a calibration tells of how it was made; nothing where it tells nothing."""
    told: dict[str, Any] = json.loads(calibration.read_text(encoding="utf-8"))
    return dict(told.get("provenance", {}))


def calibration_places(calibration: Path | None, class_name: str) -> frozenset[str]:
    """`dataset/place` of each place at which a class was calibrated, as the file of the calibration, if any, tells."""
    if calibration is None:
        return frozenset()
    return frozenset(provenance(calibration).get("places", {}).get(class_name, ()))
