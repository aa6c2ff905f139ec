"""AllPlanes: aircraft of many types in dated web map tiles, each with its nose, tail and wing tips.

Get it at https://github.com/mrciolino/AllPlanes.

Layout::

    train/images/*.png          640 x 640 pixels
    train/annotations/*.json    {"labels": [...], "bboxes": [...], "keypoints": [...]}
    val/..., test/...

Key points are nose, wing tip, tail, wing tip, each as x, y, visibility; the box is the smallest one along the axis
from tail to nose that holds them. Of an aircraft with a hidden point the box is difficult.

A file name tells where and when, `128th_ARW1_bing_230814_19_134140_192760_12_12_1621_1304_2261_1944`: place, provider,
date, zoom, column and row of the first map tile, how many tiles across and down make the mosaic, and the crop's left,
top, right and bottom in the mosaic's pixels. Tiles are of 512 pixels at Mapbox, else of 256.

Licence: the repository is Apache-2.0; the pictures are map tiles of Google, Mapbox and Bing and remain theirs. Classes:
ICAO type designators. GSD: 0.1 to 0.3 m, from zoom and latitude.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import atan, cos, degrees, pi, radians, sinh
from pathlib import Path
from typing import Any

import numpy as np

from apronwatch_datasets.adapters.diamonds import boxes_around
from apronwatch_datasets.adapters.folders import by_stem, first_folder, labelled
from apronwatch_datasets.formats.texts import finite_array, read_json, unreadable
from apronwatch_datasets.places import group_nearby
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="allplanes",
    title="AllPlanes",
    url="https://github.com/mrciolino/AllPlanes",
    citation="M. Ciolino, AllPlanes, github.com/mrciolino/AllPlanes, 2025",
    licence="repository Apache-2.0; the pictures are map tiles of Google, Mapbox and Bing, their rights not cleared",
    gsd="0.1 to 0.3 m",
    annotated=frozenset({"plane"}),
)
SPLITS = ("train", "val", "test")
NEARBY_M = 5_000.0
"""Names number the areas of one airport (ORD1, ORD4), and tiles of two areas may overlap."""

EQUATOR_M = 2 * pi * 6_378_137.0
"""Length of the equator in EPSG:3857."""

_NAME = re.compile(
    r"(?P<place>.+)_(?P<provider>[a-z]+)_(?P<date>\d{6})_(?P<zoom>\d+)_(?P<column>\d+)_(?P<row>\d+)"
    r"_\d+_\d+_(?P<left>\d+)_(?P<top>\d+)_(?P<right>\d+)_(?P<bottom>\d+)"
)


@dataclass(frozen=True)
class Tile:
    """What a file name tells.

    Attributes:
        place: as the dataset names it.
        time: the date, 0 h UTC.
        lon, lat: of the centre, in degrees.
        gsd_m: true metres of one pixel at the centre.
    """

    place: str
    time: datetime | None
    lon: float
    lat: float
    gsd_m: float


def tile_of(name: str) -> Tile | None:
    """What a file name without suffix tells; None if it is not of that form.

    Web Mercator of a sphere (EPSG:3857): latitude = atan(sinh(pi (1 - 2 y))) for y from 0 at the top of the map to 1,
    and a pixel covers cos(latitude) of what it covers at the equator.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    tile_px = 512 if match["provider"] == "mapbox" else 256
    world_px = tile_px * 2 ** int(match["zoom"])
    x = int(match["column"]) * tile_px + (int(match["left"]) + int(match["right"])) / 2
    y = int(match["row"]) * tile_px + (int(match["top"]) + int(match["bottom"])) / 2
    lat = degrees(atan(sinh(pi * (1 - 2 * y / world_px))))
    gsd_m = EQUATOR_M / world_px * cos(radians(lat))
    return Tile(match["place"], _date(match["date"]), 360 * x / world_px - 180, lat, gsd_m)


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, split by split. Raises `DatasetInvalid` for a folder that is not this dataset."""
    first_folder(root, (f"{split}/annotations" for split in SPLITS), CARD)
    found = [source for split in SPLITS for source in _split(root / split, split, log)]
    tiles = {path.stem: tile_of(path.stem) for path, _, _, _ in found}
    groups = group_nearby({name: (t.lon, t.lat) for name, t in tiles.items() if t is not None}, NEARBY_M)
    for image, labels, objects, split in found:
        tile = tiles[image.stem]
        name = f"{split}/{image.stem}"
        if tile is None:
            yield SourceImage(name, image, labels, objects, image.stem, published_split=split)
            continue
        # The group's first image, by name, has the first of its places.
        first = tiles[groups[image.stem]]
        yield SourceImage(
            name,
            image,
            labels,
            objects,
            place=first.place if first is not None else tile.place,
            gsd_m=tile.gsd_m,
            time=tile.time,
            published_split=split,
        )


def _split(folder: Path, split: str, log: Log) -> Iterator[tuple[Path, Path, SourceObjects, str]]:
    images = by_stem(folder / "images", (".png",), log)
    labels = by_stem(folder / "annotations", (".json",), log)
    for _, image, written in labelled(images, labels, lambda name: folder / "images" / f"{name}.png", log):
        objects = _objects(written, log)
        if objects is not None:
            yield image, written, objects, split


def _objects(path: Path, log: Log) -> SourceObjects | None:
    try:
        document = read_json(path)
        names, points = document["labels"], document["keypoints"]
        if len(names) != len(points):
            raise ValueError(f"{len(names)} labels, {len(points)} sets of key points")
    except (OSError, ValueError, TypeError, KeyError) as error:
        unreadable(path, f"no labels and keypoints: {error}", log)
        return None
    kept: list[tuple[str, np.ndarray[Any, Any], int]] = []
    for line, (name, four) in enumerate(zip(names, points, strict=True), start=1):
        try:
            kept.append((str(name), finite_array(four, "key points").reshape(4, 3), line))
        except ValueError:
            log.bad_line(
                path, line, f"aircraft {line}: {four!r:.60} are not four points x, y, visibility", str(name)
            )
    four_points = np.array([p for _, p, _ in kept]).reshape(-1, 4, 3)
    return SourceObjects.of(
        boxes_around(four_points[..., :2]),
        [name for name, _, _ in kept],
        difficult=(four_points[..., 2] == 0).any(axis=1),
        lines=[line for _, _, line in kept],
    )
