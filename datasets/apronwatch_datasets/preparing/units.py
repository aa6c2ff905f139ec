"""One image made into tiles, in a process of its own; what was made is told by a record beside them.

A unit is written whole or not at all: the record comes last, each file appears by renaming.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.pictures import Picture, open_picture, read_picture
from apronwatch_datasets.preparing.cutting import Cutter, TileLabels, scaled
from apronwatch_datasets.preparing.files import HASHES, Folder
from apronwatch_datasets.preparing.landmarks import landmarks_of
from apronwatch_datasets.preparing.options import Options
from apronwatch_datasets.preparing.windows import View, view_label, views_of
from apronwatch_datasets.records import LabelledImage, Objects

GREY = 114
"""Beyond the border of an image smaller than a tile: the level with which Ultralytics pads too."""

_ENCODING = {
    "png": (cv2.IMWRITE_PNG_COMPRESSION, 1),
    "jpg": (cv2.IMWRITE_JPEG_QUALITY, 95),
}


@dataclass(frozen=True, eq=False)
class Unit:
    """One image to cut.

    Attributes:
        name: unique; its tiles' names begin with it.
        dataset: which of the sources it is of.
        licence: of that dataset.
        image: with its labels.
        options: how to cut.
        folder: where to.
    """

    name: str
    dataset: str
    licence: str
    image: LabelledImage
    options: Options
    folder: Folder


def make(unit: Unit) -> str:
    """Cut one image, unless that was done already with the same bytes; gives the unit's name.

    Raises:
        DatasetInvalid: the image is no longer what it was when it was checked.
        ApronwatchError: it cannot be read, or a tile cannot be written.
    """
    # The processes share the cores among them.
    cv2.setNumThreads(1)
    sha256 = source_sha256(unit.image.path)
    if _is_made(unit, sha256):
        return unit.name
    picture = read_picture(unit.image.path)
    if picture.valid.shape != (unit.image.height, unit.image.width):
        raise DatasetInvalid(
            f"{unit.image.path}: {picture.valid.shape[1]} x {picture.valid.shape[0]} pixels, "
            f"{unit.image.width} x {unit.image.height} when it was checked; let nothing change the dataset meanwhile"
        )
    record = _record(unit, picture, sha256)
    unit.folder.write(unit.folder.part(unit.name), json.dumps(record, sort_keys=True).encode())
    return unit.name


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def source_sha256(path: Path) -> str:
    """SHA-256 of an image file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_made(unit: Unit, sha256: str) -> bool:
    part = unit.folder.part(unit.name)
    if not part.is_file():
        return False
    record = unit.folder.told(part)
    files = (path for tile in record["tiles"] for path in unit.folder.staged(tile["tile"]))
    return record["source_sha256"] == sha256 and all(path.is_file() for path in files)


def _record(unit: Unit, picture: Picture, sha256: str) -> dict[str, Any]:
    """Writes the tiles and tells of them."""
    image, options = unit.image, unit.options
    views, too_coarse = views_of(image, options)
    fates = {view_label(gsd): _fates(image.objects, "too_coarse") for gsd in too_coarse}
    tiles, known_by = [], {}
    for view in views:
        seen = _resampled(picture, view)
        known_by[view.label] = landmarks_of(seen.rgb, seen.valid).to_dict()
        objects = scaled(image.objects, (image.width, image.height), view)
        cutter = Cutter(objects, view, options.min_px)
        labelled = np.zeros(len(objects), dtype=np.bool_)
        for x0, y0 in view.windows():
            labels = cutter.cut(x0, y0)
            labelled[labels.index] = True
            tile = _tile(unit, view, seen, (x0, y0), labels, objects)
            if tile is not None:
                tiles.append(tile)
        fates[view.label] = _tally(objects, cutter.too_small, labelled)
    return {
        "name": unit.name,
        "dataset": unit.dataset,
        "place": image.place,
        "drawn": picture.says_drawn,
        "licence": unit.licence,
        "source_image": image.name,
        "source_sha256": sha256,
        "native_gsd_m": image.gsd_m,
        "time": None if image.time is None else image.time.isoformat(),
        "unknown_classes": _unknown(image),
        "footprint": _footprint(image.path),
        "too_coarse": [view_label(gsd) for gsd in too_coarse],
        "landmarks": known_by,
        "fates": fates,
        "tiles": tiles,
    }


def _resampled(picture: Picture, view: View) -> Picture:
    """The picture in the pixels of a view: area average when shrinking, cubic when enlarging."""
    height, width = picture.valid.shape
    rgb, valid = picture.rgb, picture.valid
    if (view.width, view.height) != (width, height):
        way = cv2.INTER_AREA if view.width <= width else cv2.INTER_CUBIC
        rgb = cv2.resize(rgb, (view.width, view.height), interpolation=way).astype(np.uint8, copy=False)
        nearest = cv2.resize(
            valid.astype(np.uint8), (view.width, view.height), interpolation=cv2.INTER_NEAREST
        )
        valid = nearest.astype(np.bool_)
    # Pixels that are not valid stay as they are: a burnt-out roof is taken for undeclared fill.
    return Picture(rgb, valid, view.gsd_m)


def _tile(
    unit: Unit, view: View, seen: Picture, corner: tuple[int, int], labels: TileLabels, objects: Objects
) -> dict[str, Any] | None:
    """Writes one tile and tells of it; None where it is not kept."""
    (x0, y0), size = corner, view.tile_px
    name = f"{unit.name}-{view.label}__{size}__{x0}___{y0}"
    window = np.s_[y0 : y0 + size, x0 : x0 + size]
    empty = len(labels.index) == 0 and len(labels.regions) == 0
    if empty and not (seen.valid[window].any() and _chosen(name, unit.options)):
        return None
    pixels = np.full((size, size, 3), GREY, dtype=np.uint8)
    shown = seen.rgb[window]
    pixels[: shown.shape[0], : shown.shape[1]] = shown
    chosen = objects.select(labels.index)
    contents = (
        encode(pixels, unit.options.image_format),
        label_text(chosen.classes, labels.polygons / size).encode(),
        _sidecar(unit.image, labels, chosen),
    )
    for path, content in zip(unit.folder.staged(name), contents, strict=True):
        unit.folder.write(path, content)
    counts = Counter(chosen.classes.tolist())
    return {
        "tile": name,
        **dict(zip(HASHES, map(sha256_of, contents), strict=True)),
        "gsd_m": view.gsd_m,
        "x0": x0,
        "y0": y0,
        "scale_x": view.width / unit.image.width,
        "scale_y": view.height / unit.image.height,
        "objects": [counts[k] for k in range(len(CLASSES))],
        "ignored": len(labels.regions),
    }


def _chosen(tile: str, options: Options) -> bool:
    """Whether a tile without objects is kept."""
    drawn = int.from_bytes(hashlib.sha256(f"{options.seed} {tile}".encode()).digest()[:8], "big") / 2**64
    return drawn < options.backgrounds


def encode(rgb: NDArray[np.uint8], image_format: str, quality: int | None = None) -> bytes:
    """A picture (H, W, 3) as the bytes of a file; `quality` for JPEG other than 95."""
    flag, level = _ENCODING[image_format]
    done, encoded = cv2.imencode(
        f".{image_format}",
        np.ascontiguousarray(rgb[..., ::-1]),
        [flag, level if quality is None else quality],
    )
    if not done:
        raise ValueError(f"OpenCV cannot encode {rgb.shape} as {image_format}")
    return bytes(encoded)


def label_text(classes: NDArray[np.int16], polygons: NDArray[np.float64]) -> str:
    """YOLO-OBB rows: class, then four corners as shares of the tile, to 1e-8."""
    rows = zip(classes.tolist(), polygons.reshape(-1, 8).tolist(), strict=True)
    return "".join(f"{k} {' '.join(f'{v:.8f}' for v in corners)}\n" for k, corners in rows)


def _sidecar(image: LabelledImage, labels: TileLabels, chosen: Objects) -> bytes:
    """What the labels cannot say: see docs/training-tiles.md."""
    document = {
        "unknown_classes": _unknown(image),
        "regions": [
            {"polygon": np.round(box, 4).tolist(), "classes": list(CLASSES)} for box in labels.regions
        ],
        "labels": [
            {"oriented": oriented, "difficult": difficult}
            for oriented, difficult in zip(chosen.oriented.tolist(), chosen.difficult.tolist(), strict=True)
        ],
    }
    return (json.dumps(document) + "\n").encode()


def _unknown(image: LabelledImage) -> list[str]:
    return [name for name in CLASSES if name not in image.annotated]


def _footprint(path: Path) -> str | None:
    with open_picture(path) as scene:
        outline = scene.footprint_lonlat()
        return None if outline is None else str(outline.wkt)


def _fates(objects: Objects, fate: str) -> dict[str, dict[str, int]]:
    return {name: {fate: n} for name, n in Counter(objects.source_classes.tolist()).items()}


def _tally(
    objects: Objects, too_small: NDArray[np.bool_], labelled: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Source class -> {what became of its objects: number}; each object once, however many tiles show it."""
    fates = np.where(labelled, "labelled", "cut")
    fates = np.where(objects.ignore, "ignored", np.where(too_small, "too_small", fates))
    made: dict[str, Counter[str]] = {}
    for name, fate in zip(objects.source_classes.tolist(), fates.tolist(), strict=True):
        made.setdefault(name, Counter())[fate] += 1
    return {name: dict(counts) for name, counts in made.items()}


def records(folder: Folder, names: list[str]) -> Iterator[dict[str, Any]]:
    """The records of finished units, in the order of their names' list."""
    for name in names:
        yield folder.told(folder.part(name))
