"""RarePlanes: WorldView-3 tiles of airports and rendered ones, each aircraft with its nose, tail and wing tips.

Get it from s3://rareplanes-public (https://registry.opendata.aws/rareplanes/).

Layout, as in the bucket, or one of `real` and `synthetic` alone::

    real/train/PS-RGB_tiled/<place>_<catalogue id>_tile_<n>.png       512 x 512 pixels
    real/train/PS-RGB_tiled/<the same>.png.aux.xml                    georeference
    real/train/geojson_aircraft_tiled/<the same>.geojson
    real/test/...
    synthetic/train/images/<airport>_<n>_<n>_<n>.png                  1920 x 1080 pixels
    synthetic/train/xmls/<the same>.xml
    synthetic/test/...

Polygons are diamonds: nose, left wing tip, tail, right wing tip. Of an aircraft cut by a tile's edge only the visible
part is drawn, with other corners (`truncated` is set, `partialDec` is the visible share): it gets the upright box
around that part and is difficult. The tiles of one place share its `loc_id`, with which their names begin.
For the synthetic part see `rareplanes_synthetic`.

Licence: CC BY-SA 4.0. Classes: the seven roles; Airplane in the synthetic part. GSD: about 0.3 m, from each tile's
georeference.

From memory, not looked up: the licence and the citation's number.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from apronwatch_datasets.adapters.diamonds import boxes_around
from apronwatch_datasets.adapters.folders import by_stem, first_folder, labelled
from apronwatch_datasets.adapters.geojson_labels import Grid, read_grid, read_rings, to_pixels
from apronwatch_datasets.adapters.rareplanes_synthetic import synthetic
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="rareplanes",
    title="RarePlanes",
    url="https://registry.opendata.aws/rareplanes/",
    citation="J. Shermeyer et al., RarePlanes: Synthetic Data Takes Flight, arXiv:2006.02963, 2020",
    licence="CC BY-SA 4.0",
    gsd="about 0.3 m (WorldView-3, and rendered alike)",
    annotated=frozenset({"plane"}),
)
SPLITS = ("train", "test")
IMAGES, LABELS = "PS-RGB_tiled", "geojson_aircraft_tiled"
GSD_M = 0.3
WHOLE = 0.999
"""Visible share from which an aircraft is whole: areas are rounded."""
ROLES = (
    "Small Civil Transport/Utility",
    "Medium Civil Transport/Utility",
    "Large Civil Transport/Utility",
    "Military Transport/Utility/AWAC",
    "Military Bomber",
    "Military Fighter/Interceptor/Attack",
    "Military Trainer",
)
"""By `role_id`, from 1."""


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled tile, the real ones first. Raises `DatasetInvalid` for a folder that is not this dataset."""
    parts = ("", "real/", "synthetic/")
    first_folder(
        root, (f"{part}{s}/{sub}" for sub in (LABELS, "xmls") for part in parts for s in SPLITS), CARD
    )
    for split in SPLITS:
        for folder in (root / split, root / "real" / split):
            yield from _real(folder, split, log)
    for split in SPLITS:
        for folder in (root / split, root / "synthetic" / split):
            yield from synthetic(folder, split, log)


def _real(folder: Path, split: str, log: Log) -> Iterator[SourceImage]:
    images = by_stem(folder / IMAGES, (".png",), log)
    labels = by_stem(folder / LABELS, (".geojson",), log)
    for name, image, written in labelled(images, labels, lambda name: folder / IMAGES / f"{name}.png", log):
        objects = _objects(written, read_grid(image), log)
        if objects is not None:
            place = f"loc {name.partition('_')[0]}"
            yield SourceImage(
                f"{split}/{name}", image, written, objects, place, gsd_m=GSD_M, published_split=split
            )


def _objects(path: Path, grid: Grid | None, log: Log) -> SourceObjects | None:
    """Objects in pixels; without an image their corners are not a number."""
    found = read_rings(path, _role, log)
    if found is None:
        return None
    cut = [len(each.points) != 4 or _is_cut(each.properties) for each in found.items]
    boxes = [
        _box(each.points, is_cut, found.crs, grid) for each, is_cut in zip(found.items, cut, strict=True)
    ]
    return SourceObjects.of(
        np.array(boxes).reshape(-1, 4, 2),
        [each.name for each in found.items],
        oriented=~np.array(cut, dtype=bool),
        difficult=cut,
        lines=[each.line for each in found.items],
    )


def _box(points: NDArray[np.float64], cut: bool, crs: pyproj.CRS, grid: Grid | None) -> NDArray[np.float64]:
    if grid is None:
        return np.full((4, 2), np.nan)
    pixels = to_pixels(points, crs, grid)
    boxes = horizontal_boxes(*pixels.min(axis=0), *pixels.max(axis=0)) if cut else boxes_around(pixels[None])
    box: NDArray[np.float64] = boxes[0]
    return box


def _is_cut(properties: dict[str, Any]) -> bool:
    visible = properties.get("partialDec")
    return properties.get("truncated") in (1, "1") or (isinstance(visible, int | float) and visible < WHOLE)


def _role(properties: dict[str, Any]) -> str:
    """Name of the role; an unknown id as it is written."""
    role = properties.get("role_id")
    if isinstance(role, int | float) and 1 <= role <= len(ROLES) and role == int(role):
        return ROLES[int(role) - 1]
    return str(properties.get("role") or role)
