"""COCO detection JSON: one image, our five categories, boxes as polygons in pixels with their scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from apronwatch.detections import Detections, Polygons
from apronwatch.errors import DetectionsUnreadable
from apronwatch.interchange.files import public_name
from apronwatch.interchange.tables import (
    class_ids,
    in_pixels,
    pixel_unit,
    provenance,
    required,
    short,
    understood,
)
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES, superclass_ids

_IMAGE_ID = 1
_SUPERCATEGORIES = ("aircraft", "vehicle", "vessel")
_DECIMALS = 4


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """The document; category ids are 1 to 5 in the order of `taxonomy.CLASSES`."""
    scene = required(info, "COCO")
    corners = in_pixels(detections, scene).round(_DECIMALS)
    document = {
        "info": {
            "description": "Detections by Apronwatch",
            "apronwatch": provenance(detections, scene, model),
        },
        "images": [_image(scene)],
        "categories": _categories(),
        "annotations": _annotations(detections, corners),
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def _image(scene: SceneInfo) -> dict[str, Any]:
    image = {
        "id": _IMAGE_ID,
        "file_name": public_name(scene.path),
        "width": scene.width,
        "height": scene.height,
        "gsd_m": scene.gsd_m,
    }
    if scene.time is not None:
        image["date_captured"] = scene.time.isoformat()
    return image


def _categories() -> list[dict[str, Any]]:
    groups = superclass_ids(np.arange(len(CLASSES)))
    return [
        {"id": number, "name": name, "supercategory": _SUPERCATEGORIES[group]}
        for number, (name, group) in enumerate(zip(CLASSES, groups, strict=True), start=1)
    ]


def _annotations(detections: Detections, corners: Polygons) -> list[dict[str, Any]]:
    low, high = corners.min(axis=1), corners.max(axis=1)
    bboxes = np.concatenate([low, high - low], axis=1).round(_DECIMALS).tolist()
    x, y = corners[..., 0], corners[..., 1]
    areas = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1) / 2
    return [
        {
            "id": k + 1,
            "image_id": _IMAGE_ID,
            "category_id": int(detections.classes[k]) + 1,
            "bbox": bboxes[k],
            "segmentation": [corners[k].ravel().tolist()],
            "area": round(float(areas[k]), _DECIMALS),
            "iscrowd": 0,
            "score": short(detections.scores[k]),
            "truncated": bool(detections.truncated[k]),
        }
        for k in range(len(detections))
    ]


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The boxes of a COCO file of one image whose segmentations have four corners; see `interchange.read`."""
    with understood(path, "COCO file of oriented boxes"):
        document = json.loads(path.read_bytes())
        images = document["images"]
        if len(images) != 1:
            raise DetectionsUnreadable(f"{path} describes {len(images)} images, expected one scene; split it")
        names = {category["id"]: category["name"] for category in document["categories"]}
        found = document["annotations"]
        return Detections(
            np.array([np.reshape(one["segmentation"][0], (4, 2)) for one in found], dtype=np.float64),
            np.array([one.get("score", 1.0) for one in found], dtype=np.float32),
            class_ids([names[one["category_id"]] for one in found], path),
            np.array([one.get("truncated", False) for one in found], dtype=np.bool_),
            unit_m=pixel_unit(images[0].get("gsd_m"), info, path),
        )
