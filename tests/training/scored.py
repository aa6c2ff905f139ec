"""Scenes that were looked at, made by hand: labels, detections, and nothing on a disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apronwatch.detections import Detections
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.records import LabelledImage, Objects, horizontal_boxes
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.sources import is_drawn

THRESHOLD = 0.3
STEP_PX = 100.0


def looked(
    found: Sequence[float],
    *,
    missed: int = 0,
    false: Sequence[float] = (),
    dataset: str = "dota",
    place: str = "a",
    gsd_m: float = 0.5,
    side_px: float = 40.0,
    oriented: bool = False,
) -> Looked:
    """Planes in a row: found at these scores, then missed ones, and detections of nothing in a row below."""
    at = np.arange(len(found) + missed) * STEP_PX
    boxes = horizontal_boxes(at, 0 * at, at + side_px, 0 * at + side_px)
    below = np.arange(len(false)) * STEP_PX
    wrong = horizontal_boxes(below, 0 * below + 500, below + side_px, 0 * below + 500 + side_px)
    plane = CLASSES.index("plane")
    objects = Objects.of(boxes, ["aircraft"] * len(boxes), [plane] * len(boxes), oriented=oriented)
    detections = Detections(
        np.concatenate([boxes[: len(found)], wrong]),
        np.array([*found, *false], dtype=np.float32),
        np.full(len(found) + len(false), plane, dtype=np.int16),
    )
    image = LabelledImage(
        f"{place}-{len(found)}",
        Path("none.png"),
        None,
        4000,
        1000,
        gsd_m,
        None,
        place,
        objects,
        frozenset({"plane"}),
    )
    return Looked(
        dataset,
        image,
        gsd_m,
        detections,
        frozenset({"plane"}),
        {"plane": THRESHOLD},
        lengths_m=np.full(len(detections), side_px * gsd_m),
        observed_fraction=1.0,
        saturated=False,
        drawn=is_drawn(dataset, place),
    )
