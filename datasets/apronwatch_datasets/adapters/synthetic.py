"""Synthetic scenes of Apronwatch: drawn from parameters, with their exact truth.

What: whole airfields and harbours, as `apronwatch data synthesize` draws them. They stand for no real accuracy.

Layout: `scenes/NAME.tif` (georeferenced) and `truth/NAME.geojson` (oriented boxes in longitude and latitude), anywhere
below the folder, so that several scenarios may lie side by side.

A feature that cannot be read is lost alone, a truth file that cannot be read with all that is in it: the tally is of
files that can be read.

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
from apronwatch_datasets.adapters.geojson_labels import Grid, read_grid, read_rings, to_pixels
from apronwatch_datasets.formats.texts import finite
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
    found = read_rings(path, _name, log)
    if found is None:
        return None
    kept, ignore = [], []
    for each in found.items:
        try:
            if each.points.shape != (4, 2):
                raise ValueError(f"a polygon of {len(each.points)} points, not 4")
            ignore.append(_out_of_sight(each.properties))
        except ValueError as error:
            log.bad_line(path, each.line, f"feature {each.line}: {error}", each.name)
            continue
        kept.append(each)
    boxes = np.array([each.points for each in kept]).reshape(-1, 4, 2)
    return SourceObjects.of(
        _in_pixels(boxes, found.crs, grid),
        [each.name for each in kept],
        ignore=ignore,
        lines=[each.line for each in kept],
    )


def _name(told: dict[str, Any]) -> str:
    """Raises `KeyError` where it is not told."""
    return str(told["class"]) if told["kind"] == "real" else str(told["kind"])


def _in_pixels(boxes: Any, crs: pyproj.CRS, grid: Grid | None) -> Any:
    """Without a picture corners are not a number: the objects are lost with it."""
    return np.full_like(boxes, np.nan) if grid is None else to_pixels(boxes, crs, grid)


def _out_of_sight(told: dict[str, Any]) -> bool:
    """Raises `ValueError` where it is not told."""
    return bool(told.get("hidden")) or finite([told.get("covered")], "covered")[0] > COVERED_FROM
