"""A training set read back: each tile as a labelled image."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing.files import RECORD
from apronwatch_datasets.preparing.manifest import Prepared
from apronwatch_datasets.records import UNCLASSED, LabelledImage, Objects

REGION = "ignored"
"""Source class of a region; labels have that of our class."""


def read_prepared(root: Path) -> Iterator[LabelledImage]:
    """Every tile in the manifest's order, with its labels and, as objects to ignore, its regions.

    Its name is the tile's, its place `DATASET/PLACE`, its `published_split` the split it lies in.

    Raises:
        DatasetInvalid: the folder holds no finished training set, or a file of it is missing or was changed by hand.
    """
    prepared = Prepared.read(root)
    tile_px = prepared.document["options"]["tile_px"]
    return (_tile(prepared, row, tile_px) for row in prepared.rows())


def _tile(prepared: Prepared, row: Mapping[str, Any], tile_px: int) -> LabelledImage:
    image, labels, regions = prepared.folder.tile(row["split"], row["tile"])
    if not image.is_file():
        raise DatasetInvalid(f"{image}: is gone, the manifest names it; prepare the set again ({RECORD})")
    try:
        objects = _objects(labels, json.loads(regions.read_text(encoding="utf-8")), tile_px)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DatasetInvalid(
            f"{labels} and {regions}: do not belong together ({error}); prepare the set again"
        ) from error
    return LabelledImage(
        row["tile"],
        image,
        labels,
        tile_px,
        tile_px,
        row["gsd_m"],
        row["time"],
        f"{row['dataset']}/{row['place']}",
        objects,
        frozenset(CLASSES) - set(row["unknown_classes"]),
        row["split"],
    )


def _objects(labels: Path, sidecar: Mapping[str, Any], tile_px: int) -> Objects:
    rows = [line.split() for line in labels.read_text(encoding="utf-8").splitlines()]
    classes = [int(row[0]) for row in rows]
    corners = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 4, 2) * tile_px
    regions = np.array([region["polygon"] for region in sidecar["regions"]]).reshape(-1, 4, 2)
    told = sidecar["labels"]
    if len(told) != len(rows):
        raise ValueError(f"{len(rows)} labels, {len(told)} told of")
    none = len(regions)
    return Objects.of(
        np.concatenate([corners, regions]),
        [CLASSES[k] for k in classes] + [REGION] * none,
        classes + [UNCLASSED] * none,
        oriented=[label["oriented"] for label in told] + [True] * none,
        difficult=[label["difficult"] for label in told] + [False] * none,
        lines=[*range(1, len(rows) + 1), *range(1, none + 1)],
    )


def read_rgb(image: Path) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Pixels (H, W, 3) of a tile.

    Raises:
        DatasetInvalid: it cannot be decoded.
    """
    bgr = cv2.imread(str(image), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DatasetInvalid(f"{image}: cannot be decoded as an image; prepare the set again")
    return np.ascontiguousarray(bgr[..., ::-1])
