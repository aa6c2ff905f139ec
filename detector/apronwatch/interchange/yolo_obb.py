"""YOLO-OBB label text: class index and four corners as shares of the image's width and height.

The rows are labels, as training reads them: Ultralytics (8.4, `verify_image_label`) refuses a further field:
neither score nor truncation nor provenance has a place. Corners of cut boxes may lie outside 0 to 1.
"""

from pathlib import Path

import numpy as np

from apronwatch.detections import Detections
from apronwatch.errors import DetectionsUnreadable
from apronwatch.interchange.tables import in_pixels, required, understood
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """The rows; class indices are those of `taxonomy.CLASSES`, from 0."""
    scene = required(info, "YOLO-OBB")
    corners = in_pixels(detections, scene)
    shares = (corners / (scene.width, scene.height)).reshape(-1, 8)
    rows = [
        f"{class_id} " + " ".join(f"{share:.10f}" for share in box)
        for class_id, box in zip(detections.classes.tolist(), shares.tolist(), strict=True)
    ]
    return "".join(f"{row}\n" for row in rows).encode()


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The boxes of one label file, all with score 1; `info` gives the size of the image."""
    if info is None:
        raise DetectionsUnreadable(f"{path} holds shares of an image of unknown size; give its scene")
    with understood(path, "YOLO-OBB label file"):
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        shares = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 4, 2)
        classes = np.array([row[0] for row in rows], dtype=np.int16)
        if ((classes < 0) | (classes >= len(CLASSES))).any():
            raise ValueError(f"classes {sorted(set(classes.tolist()))}, expected 0 to {len(CLASSES) - 1}")
        return Detections(
            shares * (info.width, info.height),
            np.ones(len(rows), dtype=np.float32),
            classes,
            unit_m=info.gsd_m,
        )
