"""Operating scores that count with the least error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apronwatch_training.evaluate.scoring import ClassScene, ClassScore

CANDIDATES = tuple(round(0.05 + 0.01 * k, 2) for k in range(91))
"""0.05 … 0.95; detections are kept from 0.05 on."""


@dataclass(frozen=True)
class CountsAt:
    """Errors of the scenes' counts at one threshold, as shares of the objects.

    Attributes:
        threshold: a detection counts from here.
        wape: sum of absolute errors over the sum of labels.
        bias: sum of errors over the sum of labels; positive is too many.
    """

    threshold: float
    wape: float
    bias: float


@dataclass(frozen=True)
class Choice:
    """The best threshold of a class beside the present one, and what it was chosen on."""

    class_name: str
    scenes: int
    objects: int
    best: CountsAt
    before: CountsAt


def best(scores: Sequence[ClassScore]) -> list[Choice]:
    """The threshold of least WAPE for each class with objects; of equals the least biased, then the higher one."""
    scenes: dict[str, list[ClassScene]] = {}
    for score in scores:
        scenes.setdefault(score.class_name, []).extend(score.scenes)
    return [_choice(name, found) for name, found in scenes.items() if sum(s.labelled for s in found)]


def _choice(name: str, scenes: Sequence[ClassScene]) -> Choice:
    now = scenes[0].looked.thresholds[name]
    judged = [s.matches.scores[s.matches.judged] for s in scenes]
    labelled = np.array([s.labelled for s in scenes])
    tried = [_counts_at(t, judged, labelled) for t in CANDIDATES]
    chosen = min(tried, key=lambda c: (c.wape, abs(c.bias), -c.threshold))
    return Choice(name, len(scenes), int(labelled.sum()), chosen, _counts_at(now, judged, labelled))


def _counts_at(
    threshold: float, scores: Sequence[NDArray[np.float64]], labelled: NDArray[np.int64]
) -> CountsAt:
    error = np.array([int((s >= threshold).sum()) for s in scores]) - labelled
    total = float(labelled.sum())
    return CountsAt(threshold, float(np.abs(error).sum()) / total, float(error.sum()) / total)
