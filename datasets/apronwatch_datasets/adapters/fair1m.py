"""FAIR1M: Gaofen and Google Earth pictures of 0.3 to 0.8 m with a million turned boxes in 37 classes.

Get it at https://www.gaofen-challenge.com/benchmark.

Layout::

    train/part1/images/<n>.tif, train/part1/labelXml/<n>.xml
    train/part2/...
    validation/...
    test/images/<n>.tif             without labels: left out

An object is `objects/object` with `possibleresult/name` and five `points/point`, each `x,y`, the last equal to the
first. Numbers for the classes differ between toolkits, names do not. The parts number their pictures from 0 each.
Where a picture was taken is not told: each counts as a place of its own.

Licence: for academic purposes, see the terms at the download. Helicopters are not labelled. GSD: 0.3 to 0.8 m, told
only by georeferenced files.

From memory, not looked up: the terms, the DOI and the GSD.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters.folders import by_stem, labelled
from apronwatch_datasets.formats import xml_labels as xml
from apronwatch_datasets.formats.texts import finite_array
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="fair1m",
    title="FAIR1M",
    url="https://www.gaofen-challenge.com/benchmark",
    citation="X. Sun et al., FAIR1M: A benchmark dataset for fine-grained object recognition in high-resolution remote "
    "sensing imagery, ISPRS J. 184, 2022, doi:10.1016/j.isprsjprs.2021.12.004",
    licence="for academic purposes (terms at the download)",
    gsd="0.3 to 0.8 m, told only by georeferenced files",
    annotated=frozenset({"plane", "ship", "vehicle_small", "vehicle_large"}),
)
PARTS = {"train/part1": "train", "train/part2": "train", "train": "train", "validation": "val"}


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled picture, part by part. Raises `DatasetInvalid` for a folder that is not this dataset."""
    parts = [part for part in PARTS if (root / part / "labelXml").is_dir()]
    if not parts:
        raise DatasetInvalid(
            f"{root}: no folder such as train/part1/labelXml; expected {CARD.title}, to be had at {CARD.url}"
        )
    for part in parts:
        images = by_stem(root / part / "images", (".tif", ".tiff"), log)
        labels = by_stem(root / part / "labelXml", (".xml",), log)
        missing = partial(_missing, root / part / "images")
        for name, image, written in labelled(images, labels, missing, log):
            tree = xml.read_root(written, log)
            if tree is None:
                continue
            objects = xml.objects(tree.findall("objects/object"), _class, _corners, written, log)
            full = f"{part}/{name}"
            yield SourceImage(
                full,
                image,
                written,
                objects,
                full,
                *xml.size(tree, "size/width", "size/height"),
                published_split=PARTS[part],
            )


def _missing(folder: Path, name: str) -> Path:
    return folder / f"{name}.tif"


def _class(element: xml.Element) -> str:
    return xml.text(element, "possibleresult/name")


def _corners(element: xml.Element) -> NDArray[np.float64]:
    texts = [(point.text or "").strip() for point in element.findall("points/point")]
    points = finite_array([text.split(",") for text in texts], "points")
    if points.shape != (5, 2) or (points[4] != points[0]).any():
        raise ValueError(f"points {texts}, not four corners and the first again")
    return points[:4]
