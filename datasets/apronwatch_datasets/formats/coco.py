"""COCO's labels: JSON documents of many images, boxes and polygons in pixels.

`images` (`id`, `file_name`, `width`, `height`), `categories` (`id`, `name`), `annotations` (`image_id`,
`category_id`, `bbox` as left, top, width, height, `segmentation` as polygons or a run-length mask, `iscrowd`).
Facts: cocodataset.org/#format-data; cocodataset/cocoapi, `PythonAPI/pycocotools/coco.py`.

The format leaves members of one's own to anyone. Read and written here: `difficult` and
`oriented` (the box is turned with the object, also where it lies upright) of an annotation; `gsd_m`,
`time` (of acquisition, ISO 8601) and `place` of an image. `date_captured` is passed over: some tools write the date
of their export there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import areas, envelopes, min_area_boxes
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.formats.texts import DECIMALS, finite, read_json
from apronwatch_datasets.records import LabelledImage, Objects, horizontal_boxes
from apronwatch_datasets.source import Log, SourceObjects

_SAME_PX = 0.01
"""A polygon whose corners lie this near those of its annotation's box is that box, drawn as a polygon."""


@dataclass(frozen=True, eq=False)
class CocoImage:
    """One image of a document.

    Attributes:
        file_name: as written.
        objects: its annotations; `lines` counts the annotations of the document from 1.
        width, height: as written; None where they are not.
        gsd_m, time, place: where the document says.
    """

    file_name: str
    objects: SourceObjects
    width: int | None
    height: int | None
    gsd_m: float | None
    time: datetime | None
    place: str | None


@dataclass(frozen=True, eq=False)
class CocoFile:
    """One document.

    Attributes:
        images: in its order.
        categories: names of the classes, in its order.
    """

    images: tuple[CocoImage, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    """One annotation that can be read; `drawn`: with a polygon; `upright`: it is no more than its box."""

    polygon: Polygons
    name: str
    drawn: bool
    upright: bool
    difficult: bool
    ignore: bool
    line: int


def read_coco(path: Path, log: Log) -> CocoFile | None:
    """One document. An annotation that cannot be read, or of no image, is noted and lost.

    A polygon of four corners is the object's box; around any other the smallest box is laid. Where every polygon
    of a document is just its annotation's upright box, as some tools export them, the boxes are horizontal.

    Returns:
        None, with a fault noted, where it is no such document.
    """
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        log.add(FaultKind.UNREADABLE_LABELS, path, f"no JSON: {error}", Mending.FILE_LEFT_OUT)
        return None
    if not _is_coco(document):
        log.stray(
            path,
            "no COCO document: it lacks images (id, file_name), annotations or categories (id)",
        )
        return None
    categories = {entry.get("id"): str(entry.get("name")) for entry in document["categories"]}
    rows: dict[Any, list[_Row]] = {entry.get("id"): [] for entry in document["images"]}
    for line, annotation in enumerate(document["annotations"], start=1):
        image_id, category_id = annotation.get("image_id"), annotation.get("category_id")
        name = None
        try:
            name = categories.get(_id(category_id), f"{category_id}")
            if _id(image_id) not in rows:
                raise ValueError(f"an annotation of image {image_id!r:.60}, which is not listed")
            rows[image_id].append(_row(annotation, name, line))
        except ValueError as error:
            log.bad_line(path, line, str(error), name)
    turned = any(not row.upright for found in rows.values() for row in found)
    images = tuple(_image(entry, rows[entry.get("id")], turned) for entry in document["images"])
    return CocoFile(images, tuple(categories.values()))


def _id(value: Any) -> int | float | str:
    """An id, which may be looked up. Raises `ValueError` where it is none."""
    if isinstance(value, int | float | str):
        return value
    raise ValueError(f"id {value!r:.60}; expected a number or a text")


def _is_coco(document: Any) -> bool:
    parts = ("images", "annotations", "categories")
    return (
        isinstance(document, dict)
        and all(isinstance(document.get(part), list) for part in parts)
        and all(isinstance(entry, dict) for part in parts for entry in document[part])
        and all(
            isinstance(entry.get("id"), int | float | str)
            for part in ("images", "categories")
            for entry in document[part]
        )
        and all(Path(str(entry.get("file_name", ""))).name for entry in document["images"])
    )


def _row(annotation: Mapping[str, Any], name: str, line: int) -> _Row:
    box = _box(annotation)
    points = _points(annotation.get("segmentation"))
    if points is None and box is None:
        raise ValueError("neither a box nor a polygon")
    return _Row(
        np.asarray(box) if points is None else _quadrilateral(points),
        name,
        points is not None,
        points is None or (box is not None and _same(points, box) and annotation.get("oriented") is not True),
        bool(annotation.get("difficult", False)),
        bool(annotation.get("iscrowd", False)),
        line,
    )


def _box(annotation: Mapping[str, Any]) -> Polygons | None:
    bbox = annotation.get("bbox")
    if not bbox:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise ValueError(f"bbox {bbox!r}; expected left, top, width, height")
    left, top, width, height = finite(bbox, "bbox")
    box: Polygons = horizontal_boxes(left, top, left + width, top + height)[0]
    return box


def _points(segmentation: Any) -> NDArray[np.float64] | None:
    """Corners (P, 2) of all polygons; None where there are none, or a run-length mask: its box is enough."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    rings = [segmentation] if not isinstance(segmentation[0], list) else segmentation
    numbers = [finite(ring, "segmentation") for ring in rings if isinstance(ring, list)]
    if any(len(ring) % 2 or len(ring) < 6 for ring in numbers):
        raise ValueError("a segmentation of fewer than three corners, or of half a corner")
    return np.concatenate([np.array(ring).reshape(-1, 2) for ring in numbers])


def _quadrilateral(points: NDArray[np.float64]) -> Polygons:
    if len(points) == 5 and (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) == 4:
        return points
    # The hull has the same smallest box and far fewer corners than a traced outline. Of one point it is that point.
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(points)))
    box: Polygons = min_area_boxes(np.concatenate([hull, hull[:1]])[None])[0]
    return box


def _same(points: NDArray[np.float64], box: Polygons) -> bool:
    if len(points) not in (4, 5):
        return False
    distances = np.linalg.norm(points[:, None] - box[None], axis=-1)
    return bool((distances.min(axis=0) <= _SAME_PX).all() and (distances.min(axis=1) <= _SAME_PX).all())


def _image(entry: Mapping[str, Any], rows: Sequence[_Row], turned: bool) -> CocoImage:
    return CocoImage(
        str(entry.get("file_name")),
        SourceObjects.of(
            [row.polygon for row in rows],
            [row.name for row in rows],
            oriented=[row.drawn and turned for row in rows],
            difficult=[row.difficult for row in rows],
            ignore=[row.ignore for row in rows],
            lines=[row.line for row in rows],
            sided=[not row.drawn for row in rows],
        ),
        _pixels(entry.get("width")),
        _pixels(entry.get("height")),
        _gsd_m(entry.get("gsd_m")),
        _time(entry.get("time")),
        entry["place"] if isinstance(entry.get("place"), str) else None,
    )


def _pixels(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _gsd_m(value: Any) -> float | None:
    try:
        gsd_m = finite([value], "gsd_m")[0] if isinstance(value, int | float) else 0.0
    except ValueError:
        return None
    return gsd_m if gsd_m > 0 else None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


@dataclass(frozen=True, eq=False)
class Labels:
    """What `write_coco` writes of one image.

    Attributes:
        file_name: where the image lies, as the document names it.
        image: its size, GSD, time, place.
        objects: what is written.
        classes: (N,) indices into the categories.
    """

    file_name: str
    image: LabelledImage
    objects: Objects
    classes: NDArray[np.integer]


def write_coco(path: Path, labels: Sequence[Labels], categories: Sequence[str]) -> None:
    """One document: boxes turned with their objects as polygons of four corners, horizontal ones as boxes alone.

    Args:
        path: the file; its folder exists.
        labels: of each image.
        categories: names of the classes; ids count from 1.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, label in enumerate(labels, start=1):
        images.append(_image_entry(image_id, label))
        annotations += _annotations(image_id, label, len(annotations))
    document = {
        "images": images,
        "categories": [{"id": k, "name": name} for k, name in enumerate(categories, start=1)],
        "annotations": annotations,
    }
    path.write_text(json.dumps(document, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def _image_entry(image_id: int, label: Labels) -> dict[str, Any]:
    image = label.image
    entry = {
        "id": image_id,
        "file_name": label.file_name,
        "width": image.width,
        "height": image.height,
        "gsd_m": image.gsd_m,
        "time": None if image.time is None else image.time.isoformat(),
        "place": image.place,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _annotations(image_id: int, label: Labels, before: int) -> list[dict[str, Any]]:
    objects = label.objects
    corners = objects.polygons.round(DECIMALS)
    hulls, sizes = envelopes(corners), areas(corners)
    made = []
    for k in range(len(objects)):
        x0, y0, x1, y1 = hulls[k].tolist()
        annotation = {
            "id": before + k + 1,
            "image_id": image_id,
            "category_id": int(label.classes[k]) + 1,
            "bbox": [x0, y0, round(x1 - x0, DECIMALS), round(y1 - y0, DECIMALS)],
            "area": round(float(sizes[k]), DECIMALS),
            "segmentation": [corners[k].reshape(-1).tolist()] if objects.oriented[k] else [],
            "iscrowd": int(objects.ignore[k]),
        }
        # A turned box may happen to lie upright: its polygon alone would be taken for a drawing of its `bbox`.
        own = {"oriented": bool(objects.oriented[k]), "difficult": bool(objects.difficult[k])}
        made.append(annotation | {name: True for name, holds in own.items() if holds})
    return made
