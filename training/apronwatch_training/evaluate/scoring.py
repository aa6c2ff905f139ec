"""A model's figures over whole scenes: per class found, missed and false, and how far its counts are off."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.records import Objects
from apronwatch_datasets.stats import longer_sides
from apronwatch_training.evaluate.average_precision import (
    IOUS,
    AveragePrecisions,
    BinRecall,
    OperatingPoint,
    area_ap,
    average_precisions,
    operating_point,
    precision_recall,
    recall_by,
)
from apronwatch_training.evaluate.count_errors import CountErrors, count_errors
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.evaluate.matching import Matches, Truth, match_by_centre, match_by_iou

LENGTH_EDGES_PX = (0.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, np.inf)
LENGTH_EDGES_M = (0.0, 10.0, 15.0, 20.0, 25.0, 35.0, 50.0, np.inf)
GSD_EDGES_M = (0.0, 0.25, 0.4, 0.6, 0.85, 1.2, np.inf)


@dataclass(frozen=True, eq=False)
class ClassScene:
    """One class in one scene.

    Attributes:
        class_name: which.
        looked: the scene.
        truth: its labelled objects of the class.
        matches: by the rule of the labels.
        by_iou: at each of `IOUS`, where the labels are oriented; empty otherwise.
        counted: detections that count and are not on ground to ignore.
        labelled: objects to count, the difficult ones left out.
    """

    class_name: str
    looked: Looked
    truth: Truth
    matches: Matches
    by_iou: tuple[Matches, ...]
    counted: int
    labelled: int


@dataclass(frozen=True, eq=False)
class ClassScore:
    """The figures of one class.

    Attributes:
        class_name: which.
        rule: `iou` (oriented labels: exact polygon IoU above 0.5) or `centre` (horizontal ones).
        places: how many places the scenes are of.
        ap: average precision under the rule, area under the curve.
        precisions: of oriented labels besides: AP50, AP50:95, VOC07.
        operating: at the threshold that counts.
        by_length_px, by_length_m, by_gsd: recall at that threshold.
        counts: errors of the scenes' counts against their labels.
        scenes: what it all was taken from.
    """

    class_name: str
    rule: str
    places: int
    ap: float | None
    precisions: AveragePrecisions | None
    operating: OperatingPoint
    by_length_px: tuple[BinRecall, ...]
    by_length_m: tuple[BinRecall, ...]
    by_gsd: tuple[BinRecall, ...]
    counts: CountErrors
    scenes: tuple[ClassScene, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, with a row for each scene."""
        return {
            "class": self.class_name,
            "rule": self.rule,
            "scenes": len(self.scenes),
            "places": self.places,
            "ap": self.ap,
            "oriented": asdict(self.precisions) if self.precisions else None,
            "operating_point": self.operating.to_dict(),
            "recall_by_length_px": [b.to_dict() for b in self.by_length_px],
            "recall_by_length_m": [b.to_dict() for b in self.by_length_m],
            "recall_by_gsd_m": [b.to_dict() for b in self.by_gsd],
            "counts": self.counts.to_dict(),
            "per_scene": [
                {
                    "dataset": s.looked.dataset,
                    "image": s.looked.image.name,
                    "place": s.looked.image.place,
                    "gsd_m": s.looked.gsd_m,
                    "labelled": s.labelled,
                    "counted": s.counted,
                }
                for s in self.scenes
            ],
        }


def score(looked: Sequence[Looked]) -> list[ClassScore]:
    """Figures per class and rule, for the classes that some scene labels completely and the model may report.

    A class in scenes of both kinds of label gives two.
    """
    found = []
    for name in CLASSES:
        shown = [s for s in looked if name in s.image.annotated and name in s.reported]
        for oriented, rule in ((True, "iou"), (False, "centre")):
            scenes = [s for s in shown if is_oriented(s.image.objects) == oriented]
            if scenes:
                found.append(_scored(name, rule, [_matched(s, name, rule) for s in scenes]))
    return found


def is_oriented(objects: Objects) -> bool:
    """Whether a scene's labels are turned with their objects: most of them. One without objects is."""
    return bool(objects.oriented.mean() > 0.5) if len(objects) else True


def _matched(looked: Looked, name: str, rule: str) -> ClassScene:
    truth = Truth.labelled(looked.image.objects, CLASSES.index(name))
    found = looked.of(name)
    by_iou = tuple(match_by_iou(found.polygons, found.scores, truth, IOUS)) if rule == "iou" else ()
    matches = by_iou[0] if by_iou else match_by_centre(found.polygons, found.scores, truth)
    counted = int((matches.judged & (matches.scores >= looked.thresholds[name])).sum())
    return ClassScene(name, looked, truth, matches, by_iou, counted, matches.to_find)


def _scored(name: str, rule: str, scenes: Sequence[ClassScene]) -> ClassScore:
    matches = Matches.concatenate([s.matches for s in scenes])
    threshold = scenes[0].looked.thresholds[name]
    lengths_px = _joined([longer_sides(s.truth.polygons) for s in scenes])
    gsds = _joined([np.full(len(s.truth.polygons), s.looked.gsd_m) for s in scenes])
    precisions = None
    if rule == "iou":
        precisions = average_precisions(
            [Matches.concatenate(each) for each in zip(*(s.by_iou for s in scenes), strict=True)]
        )
    return ClassScore(
        class_name=name,
        rule=rule,
        places=len({(s.looked.dataset, s.looked.image.place) for s in scenes}),
        ap=area_ap(precision_recall(matches)),
        precisions=precisions,
        operating=operating_point(matches, threshold),
        by_length_px=tuple(recall_by(matches, lengths_px, LENGTH_EDGES_PX, threshold)),
        by_length_m=tuple(recall_by(matches, lengths_px * gsds, LENGTH_EDGES_M, threshold)),
        by_gsd=tuple(recall_by(matches, gsds, GSD_EDGES_M, threshold)),
        counts=count_errors([s.labelled for s in scenes], [s.counted for s in scenes]),
        scenes=tuple(scenes),
    )


def _joined(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.zeros(0)
