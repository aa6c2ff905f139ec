"""A model's figures over whole scenes: per class found, missed and false, and how far its counts are off."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines import ModelSpec
from apronwatch.intervals import Interval
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.stats import longer_sides
from apronwatch_training.evaluate.average_precision import (
    IOUS,
    AveragePrecisions,
    BinPrecision,
    BinRecall,
    OperatingPoint,
    area_ap,
    average_precisions,
    operating_point,
    precision_by,
    precision_recall,
    recall_by,
)
from apronwatch_training.evaluate.box_errors import BoxErrors, Pairs, box_errors
from apronwatch_training.evaluate.count_errors import CountErrors, count_errors
from apronwatch_training.evaluate.coverage import (
    Coverage,
    calibration_places,
    coverage,
    limits_of,
    scene_interval,
)
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
        by_centre: by the centre match, where the labels are oriented too; None otherwise.
        interval: of the count; None if no model was given to take it from.
    """

    class_name: str
    looked: Looked
    truth: Truth
    matches: Matches
    by_iou: tuple[Matches, ...]
    counted: int
    labelled: int
    by_centre: Matches | None
    interval: Interval | None

    @property
    def place(self) -> str:
        """Dataset and place, unique among all datasets."""
        return f"{self.looked.dataset}/{self.looked.image.place}"

    def to_dict(self) -> dict[str, Any]:
        """The counts, as JSON types."""
        there = self.interval
        return {
            "dataset": self.looked.dataset,
            "image": self.looked.image.name,
            "place": self.looked.image.place,
            "gsd_m": self.looked.gsd_m,
            "drawn": self.looked.drawn,
            "labelled": self.labelled,
            "counted": self.counted,
            "estimate": there.estimate if there else None,
            "low": there.low if there else None,
            "high": there.high if there else None,
            "reasons": list(there.reasons) if there else [],
        }


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
        precision_by_length_m: precision at that threshold, by the length of the boxes themselves.
        counts: errors of the scenes' counts against their labels.
        coverage: of the counts' intervals; None if no model was given to take them from.
        boxes: errors of direction and length; empty for horizontal labels, which tell neither.
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
    precision_by_length_m: tuple[BinPrecision, ...]
    counts: CountErrors
    coverage: Coverage | None
    boxes: tuple[BoxErrors, ...]
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
            "precision_by_length_m": [b.to_dict() for b in self.precision_by_length_m],
            "counts": self.counts.to_dict(),
            "intervals": self.coverage.to_dict() if self.coverage else None,
            "boxes": [b.to_dict() for b in self.boxes],
            "per_scene": [s.to_dict() for s in self.scenes],
        }


def score(looked: Sequence[Looked], model: ModelSpec | None = None) -> list[ClassScore]:
    """Figures per class and rule, for the classes that some scene labels completely and the model may report.

    A class in scenes of both kinds of label gives two.

    Args:
        looked: whole scenes.
        model: whose calibration gives the counts their intervals; None where these are not wanted.

    Raises:
        ModelInvalid: the calibration of `model` cannot be read, or is of other weights.
    """
    found = []
    turned = _turned(looked)
    for name in CLASSES:
        shown = [s for s in looked if name in s.image.annotated and name in s.reported]
        for oriented, rule in ((True, "iou"), (False, "centre")):
            scenes = [s for s in shown if _is_oriented(s, turned) == oriented]
            if scenes:
                found.append(_scored(name, rule, [_matched(s, name, rule, model) for s in scenes], model))
    return found


def _is_oriented(looked: Looked, turned: Mapping[str, bool]) -> bool:
    """Whether a scene's labels are turned with their objects: most of them.

    A scene without objects is what most objects of its dataset are: its false alarms belong to their row.
    """
    objects = looked.image.objects
    return bool(objects.oriented.mean() > 0.5) if len(objects) else turned.get(looked.dataset, True)


def _turned(looked: Sequence[Looked]) -> dict[str, bool]:
    """Whether most labels of each dataset are turned with their objects; datasets without any label are missing."""
    flags: dict[str, list[NDArray[np.bool_]]] = {}
    for scene in looked:
        if len(scene.image.objects):
            flags.setdefault(scene.dataset, []).append(scene.image.objects.oriented)
    return {dataset: bool(np.concatenate(of).mean() > 0.5) for dataset, of in flags.items()}


def _matched(looked: Looked, name: str, rule: str, model: ModelSpec | None) -> ClassScene:
    truth = Truth.labelled(looked.image.objects, CLASSES.index(name))
    found = looked.of(name)
    by_iou = tuple(match_by_iou(found.polygons, found.scores, truth, IOUS)) if rule == "iou" else ()
    by_centre = match_by_centre(found.polygons, found.scores, truth)
    matches = by_iou[0] if by_iou else by_centre
    return ClassScene(
        class_name=name,
        looked=looked,
        truth=truth,
        matches=matches,
        by_iou=by_iou,
        counted=int((matches.judged & (matches.scores >= looked.thresholds[name])).sum()),
        labelled=matches.to_find,
        by_centre=by_centre if by_iou else None,
        interval=scene_interval(looked, name, matches, model) if model else None,
    )


def _scored(name: str, rule: str, scenes: Sequence[ClassScene], model: ModelSpec | None) -> ClassScore:
    matches = Matches.concatenate([s.matches for s in scenes])
    threshold = scenes[0].looked.thresholds[name]
    lengths_px = _joined([longer_sides(s.truth.polygons) for s in scenes])
    gsds = _joined([np.full(len(s.truth.polygons), s.looked.gsd_m) for s in scenes])
    found_m = _joined([s.looked.lengths_m_of(name) for s in scenes])
    labelled, intervals = [s.labelled for s in scenes], [s.interval for s in scenes if s.interval]
    limits = limits_of(intervals) if model else (None, None)
    return ClassScore(
        class_name=name,
        rule=rule,
        places=len({(s.looked.dataset, s.looked.image.place) for s in scenes}),
        ap=area_ap(precision_recall(matches)),
        precisions=_precisions(scenes) if rule == "iou" else None,
        operating=operating_point(matches, threshold),
        by_length_px=tuple(recall_by(matches, lengths_px, LENGTH_EDGES_PX, threshold)),
        by_length_m=tuple(recall_by(matches, lengths_px * gsds, LENGTH_EDGES_M, threshold)),
        by_gsd=tuple(recall_by(matches, gsds, GSD_EDGES_M, threshold)),
        precision_by_length_m=tuple(precision_by(matches, found_m, LENGTH_EDGES_M, threshold)),
        counts=count_errors(labelled, [s.counted for s in scenes], *limits),
        coverage=coverage(labelled, intervals, _calibrated_here(scenes, name, model)) if model else None,
        boxes=_boxes(scenes, name) if rule == "iou" else (),
        scenes=tuple(scenes),
    )


def _precisions(scenes: Sequence[ClassScene]) -> AveragePrecisions:
    return average_precisions(
        [Matches.concatenate(each) for each in zip(*(s.by_iou for s in scenes), strict=True)]
    )


def _boxes(scenes: Sequence[ClassScene], name: str) -> tuple[BoxErrors, ...]:
    """By the centre match, which asks little of a box, and by the overlap of the labels' own rule."""
    by_centre = [Pairs.of(s.looked, name, s.truth, s.by_centre) for s in scenes if s.by_centre]
    by_iou = [Pairs.of(s.looked, name, s.truth, s.matches) for s in scenes]
    return (
        *box_errors(Pairs.concatenate(by_centre), "centre"),
        *box_errors(Pairs.concatenate(by_iou), "iou"),
    )


def _calibrated_here(scenes: Sequence[ClassScene], name: str, model: ModelSpec) -> set[str]:
    return {s.place for s in scenes} & calibration_places(model.calibration_path, name)


def _joined(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.zeros(0)
