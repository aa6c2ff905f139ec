"""Airbus Aircraft Detection Sample Dataset: Pléiades images of airports with their aircraft boxed.

Get it at https://www.kaggle.com/datasets/airbusgeo/airbus-aircrafts-sample-dataset.

Layout::

    annotations.csv     id, image_id, geometry, class
    images/*.jpg        2560 x 2560 pixels, RGB
    sites.csv           optional, not the owners': image, site, labelled

`annotations_original.csv` is read where there is no `annotations.csv`. A geometry is the text of a list of corners,
`[(135, 522), (245, 522), ...]`, upright and closed.

Images are neither dated nor georeferenced, and several show one airport: `sites.csv` says which (column `site`), and
which images have no labels at all (`labelled` False: named and left out, with what rows they have). Without it each
image counts as a place of its own, and a split may then show one airport on both sides.

Licence: CC BY-NC-SA 4.0, for demonstration purposes only. Classes: Airplane and Truncated_airplane (cut by the image's
edge: difficult). GSD: "about 0.5 m", say its owners, and that is taken for every image. It does not hold at every
airport: at several the longest twentieth of the boxes is over 180 pixels, 90 m, longer than any airliner, so that their
pixels must be finer. Counts stand it; lengths in metres from these images do not.
"""

import ast
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters.folders import by_stem, first_folder, last_part, unlabelled
from apronwatch_datasets.formats.texts import finite_array
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="airbus-aircraft",
    title="Airbus Aircraft Detection Sample Dataset",
    url="https://www.kaggle.com/datasets/airbusgeo/airbus-aircrafts-sample-dataset",
    citation="Airbus DS Geo S.A., Airbus Aircraft Detection Sample Dataset, 2021",
    licence="CC BY-NC-SA 4.0, for demonstration purposes only (Airbus DS Geo S.A.)",
    gsd="about 0.5 m (Pléiades)",
    annotated=frozenset({"plane"}),
    # In seven images every aircraft is boxed twice, by different hands. Doubles overlap by 0.5 and more; no pair of
    # boxes of different aircraft overlaps by more than 0.1, for parked aircraft keep apart even as upright boxes.
    double_iou=0.5,
)
GSD_M = 0.5
ANNOTATIONS = ("annotations.csv", "annotations_original.csv")
COLUMNS = frozenset({"image_id", "geometry", "class"})
TRUNCATED = "Truncated_airplane"

_Box = tuple[float, float, float, float]


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by file name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    images = by_stem(first_folder(root, ("images",), CARD), (".jpg", ".jpeg", ".png"), log)
    table = _table(root)
    objects = _objects(table, log)
    sites, unlabelled_ones = _sites(root / "sites.csv")
    files = {path.name: path for path in images.values()}
    for name in sorted(files.keys() | objects.keys()):
        path = files.get(name, root / "images" / name)
        if name not in objects:
            unlabelled(path, log)
            continue
        if name in unlabelled_ones:
            unlabelled(path, log, objects[name].names.tolist())
            continue
        yield SourceImage(
            path.stem, path, table, objects[name], place=sites.get(name, path.stem), gsd_m=GSD_M
        )


def _table(root: Path) -> Path:
    for name in ANNOTATIONS:
        if (root / name).is_file():
            return root / name
    raise DatasetInvalid(f"{root}: no {ANNOTATIONS[0]}; expected {CARD.title}, to be had at {CARD.url}")


def _objects(table: Path, log: Log) -> dict[str, SourceObjects]:
    """Objects of each image, by file name. An image all of whose rows are bad has none, but it has labels."""
    found: dict[str, list[tuple[_Box, str, int]]] = defaultdict(list)
    for line, row in _rows(table):
        if None in row.values():
            log.bad_line(table, line, f"fewer fields than the {len(row)} columns")
            continue
        objects = found[last_part(row["image_id"])]
        try:
            objects.append((_box(row["geometry"]), row["class"], line))
        except ValueError as error:
            log.bad_line(table, line, str(error), row["class"])
    return {name: _columns(objects) for name, objects in found.items()}


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their line numbers; a field that a row lacks is None."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            told = reader.fieldnames or ()
            if COLUMNS - set(told):
                raise DatasetInvalid(
                    f"{table}: columns {', '.join(told) or 'none'}; expected {', '.join(sorted(COLUMNS))}"
                )
            for row in reader:
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetInvalid(f"{table}: no readable CSV ({error}); fetch {CARD.title} anew") from error


def _columns(rows: list[tuple[_Box, str, int]]) -> SourceObjects:
    names = [name for _, name, _ in rows]
    return SourceObjects.of(
        horizontal_boxes(*np.array([box for box, _, _ in rows]).reshape(-1, 4).T),
        names,
        oriented=False,
        difficult=[name == TRUNCATED for name in names],
        lines=[line for _, _, line in rows],
    )


def _box(geometry: str | None) -> _Box:
    """Left, top, right, bottom of the text of a list of corners."""
    try:
        points = finite_array(ast.literal_eval(geometry or ""), "corners")
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"geometry {geometry!r:.60} is no list of corners") from error
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise ValueError(f"geometry {geometry!r:.60} is no list of corners")
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


def _sites(path: Path) -> tuple[dict[str, str], frozenset[str]]:
    """Site of each image, and the images that are told to be without labels; both empty without a table."""
    if not path.is_file():
        return {}, frozenset()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"image", "site"} <= rows[0].keys():
        raise DatasetInvalid(f"{path}: columns {', '.join(rows[0])}; expected image and site (and labelled)")
    bare = frozenset(row["image"] for row in rows if (row.get("labelled") or "").lower() == "false")
    return {row["image"]: row["site"] for row in rows}, bare
