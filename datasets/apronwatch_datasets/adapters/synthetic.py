"""Synthetic scenes of Apronwatch: drawn from parameters, with their exact truth.

What: whole airfields and harbours, as `apronwatch data synthesize` draws them. They stand for no real accuracy.

Layout: `scenes/NAME.tif` (georeferenced) and `truth/NAME.geojson` (oriented boxes in longitude and latitude), anywhere
below the folder, so that several scenarios may lie side by side.

Classes: our five. A decoy (painted flat) is background; a wreck, and what lies mostly under cloud or a roof, is a
region to ignore. GSD: 0.2 to 1.5 m, by georeference. Place: the drawn site.

Citation: none. Licence: AGPL-3.0-or-later, as the program that draws them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters.folders import unreadable
from apronwatch_datasets.adapters.geojson_labels import Grid, read_features, read_grid, ring, to_pixels
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="synthetic",
    title="Synthetic scenes of Apronwatch",
    url="apronwatch data synthesize",
    citation="none: drawn by this program",
    licence="AGPL-3.0-or-later; drawn, not taken",
    gsd="0.2 to 1.5 m, by georeference",
    annotated=frozenset(CLASSES),
)

COVERED_FROM = 0.5
"""Share of an object under a roof from which it cannot be asked for."""


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every scene, by path. Raises `DatasetInvalid` for a folder that holds none."""
    truths = sorted(p for p in root.rglob("truth/*.geojson"))
    if not truths:
        raise DatasetInvalid(
            f"{root}: no truth/*.geojson; expected what `apronwatch data synthesize SCENARIO --out DIR` draws"
        )
    for truth in truths:
        scene = truth.parents[1] / "scenes" / f"{truth.stem}.tif"
        objects = _objects(truth, read_grid(scene), log)
        if objects is not None:
            name = scene.relative_to(root).with_suffix("").as_posix().replace("scenes/", "")
            yield SourceImage(name, scene, truth, objects, place=truth.stem.rpartition("_")[0])


def _objects(path: Path, grid: Grid | None, log: Log) -> SourceObjects | None:
    try:
        features = read_features(path)
        told = [feature["properties"] for feature in features.items]
        corners = [ring(feature) for feature in features.items]
        names = [str(each["class"]) if each["kind"] == "real" else str(each["kind"]) for each in told]
        ignore = [_out_of_sight(each) for each in told]
    except (ValueError, KeyError, OSError) as error:
        unreadable(path, error, log)
        return None
    boxes = np.array(corners).reshape(-1, 4, 2)
    return SourceObjects.of(_in_pixels(boxes, features.crs, grid), names, ignore=ignore)


def _in_pixels(boxes: Any, crs: pyproj.CRS, grid: Grid | None) -> Any:
    """Without a picture corners are not a number: the objects are lost with it."""
    return np.full_like(boxes, np.nan) if grid is None else to_pixels(boxes, crs, grid)


def _out_of_sight(told: dict[str, Any]) -> bool:
    return bool(told["hidden"]) or float(told["covered"]) > COVERED_FROM
