"""A small COCO folder of drawn pictures that say so themselves, whatever reads them."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2

from apronwatch.geometry import envelopes
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import LabelledImage


def write_pictures(root: Path) -> Path:
    """Two GeoTIFFs with the tag of drawn pictures, of 0.5 m; the first again as `unknown` and as `coarse` (2 m)."""
    write_fake(root / "drawn")
    first, second = load(adapter("synthetic"), root / "drawn", workers=1).images
    (root / "coco" / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for name, image, told in (
        ("one.tif", first, {}),
        ("two.tif", second, {}),
        ("unknown.png", first, {}),
        ("coarse.png", first, {"gsd_m": 2.0}),
    ):
        path = root / "coco" / "images" / name
        if path.suffix == ".tif":
            shutil.copy(image.path, path)
        else:
            assert cv2.imwrite(str(path), read_picture(image.path).rgb[..., ::-1])
        images.append(
            {"id": len(images), "file_name": name, "width": image.width, "height": image.height, **told}
        )
        annotations += [
            {"id": len(annotations) + k, "image_id": images[-1]["id"], **row}
            for k, row in enumerate(_annotations(image))
        ]
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / "coco" / "labels.json").write_text(json.dumps(document))
    return root / "coco"


def _annotations(image: LabelledImage) -> list[dict[str, Any]]:
    objects = image.objects.select(~image.objects.ignore)
    hulls = envelopes(objects.polygons)
    return [
        {"category_id": int(k), "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for k, (x0, y0, x1, y1) in zip(objects.classes, hulls.tolist(), strict=True)
    ]
