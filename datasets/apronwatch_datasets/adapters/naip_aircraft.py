"""NAIP Aircraft: oriented polygons around aircraft in orthophotos of the United States.

Get it at https://github.com/null-jones/naip-aircraft; the images, which are not in it, from the National Agriculture
Imagery Program, named as the label files are.

Layout::

    metadata/<state>_m_4412147_se_10_030_20220828[_<published>].geojson
    images/<the same>.tif

The folder of images may also lie beside the dataset's. A name tells the quarter quadrangle (latitude, longitude, number
of the 7.5' quadrangle in that degree, quarter), the UTM zone, the GSD (030 or 060 centimetres) and the date.

Four files begin with another scene's labels, saved by mistake in this scene's UTM zone: the 56 aircraft of Nantucket
(ma_m_4107048) in id_m_4211437, ok_m_3509737 and or_m_4412147, the 35 of Caldwell (id_m_4311619) in wa_m_4712206. They
lie hundreds of kilometres off and are dropped as outside the image, whose own labels are complete without them. Three
features have no geometry.

Licence: CC BY 4.0 (labels); NAIP imagery is in the public domain. Classes: six, from single-engined aeroplanes to
helicopters. GSD: 0.3 or 0.6 m.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from apronwatch.errors import DatasetInvalid
from apronwatch.geometry import min_area_boxes
from apronwatch_datasets.adapters.folders import by_stem, by_stem_of_all
from apronwatch_datasets.adapters.geojson_labels import Grid, read_features, read_grid, read_rings, to_pixels
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.formats.texts import unreadable
from apronwatch_datasets.places import group_nearby
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="naip-aircraft",
    title="NAIP Aircraft",
    url="https://github.com/null-jones/naip-aircraft",
    citation="null-jones, NAIP Aircraft, github.com/null-jones/naip-aircraft, 2025",
    licence="labels CC BY 4.0; NAIP imagery is in the public domain",
    gsd="0.3 or 0.6 m",
    annotated=frozenset({"plane", "helicopter"}),
)
CATEGORIES = ("single engine", "small aircraft", "large aircraft", "large military", "fighter", "helicopter")
OTHERS = frozenset({"index", "labeling_template"})
"""GeoJSON files beside the labels that are none."""

RASTERS = (".tif", ".tiff", ".jp2", ".vrt")
NEARBY_M = 10_000.0
"""Centres of quarter quadrangles that touch, also at a corner, are at most 9 km apart."""

_NAME = re.compile(
    r"[a-z]{2}_m_(?P<lat>\d\d)(?P<lon>\d{3})(?P<quad>\d\d)_(?P<quarter>nw|ne|sw|se)_\d+_(?P<gsd>\d{3})"
    r"_(?P<date>\d{8})(?:_\d{8})?"
)
_QUAD_DEG = 1 / 8


@dataclass(frozen=True)
class Quarter:
    """What a file name tells.

    Attributes:
        lon, lat: of the quarter quadrangle's centre, in degrees.
        gsd_m: metres of one pixel.
        time: the date, 0 h UTC.
    """

    lon: float
    lat: float
    gsd_m: float
    time: datetime | None


def quarter_of(name: str) -> Quarter | None:
    """What a file name without suffix tells; None if it is not of that form.

    The 64 quadrangles of a degree are numbered in rows from its north-west corner; longitudes are west.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    row, column = divmod(int(match["quad"]) - 1, 8)
    down = 0.25 if match["quarter"][0] == "n" else 0.75
    right = 0.25 if match["quarter"][1] == "w" else 0.75
    lat = int(match["lat"]) + 1 - (row + down) * _QUAD_DEG
    lon = -int(match["lon"]) - 1 + (column + right) * _QUAD_DEG
    return Quarter(lon, lat, int(match["gsd"]) / 100, _date(match["date"]))


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every scene that has labels, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    folder = root / "metadata" if (root / "metadata").is_dir() else root
    files = by_stem(folder, (".geojson",), log)
    scenes = {name: quarter for name in files if (quarter := quarter_of(name)) is not None}
    if not scenes:
        raise DatasetInvalid(
            f"{root}: no label file such as metadata/or_m_4412147_se_10_030_20220828.geojson; "
            f"expected {CARD.title}, to be had at {CARD.url}"
        )
    for name in sorted(files.keys() - scenes.keys() - OTHERS):
        _unnamed(files[name], log)
    places = group_nearby({name: (q.lon, q.lat) for name, q in scenes.items()}, NEARBY_M)
    rasters = _rasters(root, log)
    for name, quarter in scenes.items():
        labels = folder / f"{name}.geojson"
        raster = rasters.get(name, root / "images" / f"{name}.tif")
        objects = _objects(labels, read_grid(raster), log)
        if objects is not None:
            yield SourceImage(
                name, raster, labels, objects, places[name], gsd_m=quarter.gsd_m, time=quarter.time
            )


def _rasters(root: Path, log: Log) -> dict[str, Path]:
    """The dataset's own folder goes before the one beside it."""
    return by_stem_of_all((root / "images", root.parent / "images"), RASTERS, log)


def _unnamed(path: Path, log: Log) -> None:
    """Note a label file whose scene cannot be told from its name, and count what is lost with it."""
    try:
        names = [_category(feature["properties"]) for feature in read_features(path).items]
    except (ValueError, OSError) as error:
        unreadable(path, error, log)
        return
    log.lost.update(names)
    log.add(
        FaultKind.UNREADABLE_LABELS,
        path,
        f"its name tells no scene, as or_m_4412147_se_10_030_20220828 does: {len(names)} objects of it are lost",
        Mending.FILE_LEFT_OUT,
        objects=len(names),
    )


def _objects(path: Path, grid: Grid | None, log: Log) -> SourceObjects | None:
    """Objects in pixels; without a raster their corners are not a number."""
    found = read_rings(path, _category, log)
    if found is None:
        return None
    return SourceObjects.of(
        np.array([_box(each.points, found.crs, grid) for each in found.items]).reshape(-1, 4, 2),
        [each.name for each in found.items],
        difficult=[bool(each.properties.get("obstructed")) for each in found.items],
        lines=[each.line for each in found.items],
    )


def _box(points: NDArray[np.float64], crs: pyproj.CRS, grid: Grid | None) -> NDArray[np.float64]:
    if grid is None:
        return np.full((4, 2), np.nan)
    pixels = to_pixels(points, crs, grid)
    return pixels if len(pixels) == 4 else min_area_boxes(pixels[None])[0]


def _category(properties: dict[str, Any]) -> str:
    """The class map's name, or the category as it is written."""
    category = properties.get("category")
    known = isinstance(category, int) and 0 <= category < len(CATEGORIES)
    return CATEGORIES[category] if known else str(category)  # type: ignore[index]
