"""DOTA label text (`labelTxt`): two header lines, then corners, class and `difficult`, in pixels.

Two things are ours. `difficult` is 2 for a box cut by the edge of the scene, as DOTA's own splitter has it,
and 0 for others. The score follows as an eleventh field; DOTA's readers take ten and ignore it.
Facts of the format: CAPTAIN-WHU/DOTA_devkit, `dota_utils.py` (`parse_dota_poly`) and `ImgSplit.py`.
"""

from pathlib import Path

import numpy as np

from apronwatch.detections import Detections
from apronwatch.interchange.tables import class_ids, in_pixels, pixel_unit, required, short, understood
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES

_CUT = 2
_FIRST_FIELDS = 9  # eight coordinates and the class; shorter lines are headers


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """The lines; the source is the sensor. The format has no place for provenance."""
    scene = required(info, "DOTA")
    corners = in_pixels(detections, scene).reshape(-1, 8)
    source = "".join((scene.sensor or "null").split())
    lines = [f"imagesource:{source}", f"gsd:{scene.gsd_m!r}"]
    for k, box in enumerate(corners.tolist()):
        numbers = " ".join(f"{value:.4f}" for value in box)
        difficult = _CUT if detections.truncated[k] else 0
        lines.append(f"{numbers} {CLASSES[detections.classes[k]]} {difficult} {short(detections.scores[k])}")
    return ("\n".join(lines) + "\n").encode()


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The boxes of one label file; labels without a score have score 1. See `interchange.read`."""
    with understood(path, "DOTA label file"):
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        boxes = [row for row in rows if len(row) >= _FIRST_FIELDS]
        gsd = next((row[0].removeprefix("gsd:") for row in rows if row and row[0].startswith("gsd:")), "null")
        return Detections(
            np.array([row[:8] for row in boxes], dtype=np.float64),
            np.array([float(row[10]) if len(row) > 10 else 1.0 for row in boxes], dtype=np.float32),
            class_ids([row[8] for row in boxes], path),
            np.array([len(row) > _FIRST_FIELDS and int(row[9]) == _CUT for row in boxes], dtype=np.bool_),
            unit_m=pixel_unit(None if gsd == "null" else float(gsd), info, path),
        )
