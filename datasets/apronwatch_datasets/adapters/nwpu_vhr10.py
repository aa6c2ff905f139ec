"""NWPU VHR-10: 800 pictures from Google Earth and of Vaihingen with upright boxes in ten classes.

Get it at https://gcheng-nwpu.github.io/#Datasets.

Layout::

    positive image set/<nnn>.jpg    650 pictures that show some object
    ground truth/<nnn>.txt          of each of them, lines (x1,y1),(x2,y2),a with blanks anywhere
    negative image set/<nnn>.jpg    150 pictures without any: they have no label files, and that is right

`a` is the class, 1 to 10. Where a picture was taken is not told: each counts as a place of its own.

Licence: for research purposes only. Vehicles are not claimed to be labelled completely, save that the negative pictures
show none. GSD: 0.5 to 2 m, and 0.08 m for the 85 colour-infrared ones; not told for any one picture.

From memory, not looked up: the terms, the DOI and the GSD.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apronwatch_datasets.adapters.folders import by_stem, first_folder, labelled
from apronwatch_datasets.formats.texts import read_table
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="nwpu-vhr10",
    title="NWPU VHR-10",
    url="https://gcheng-nwpu.github.io/#Datasets",
    citation="G. Cheng et al., Multi-class geospatial object detection and geographic image classification based on "
    "collection of part detectors, ISPRS J. 98, 2014, doi:10.1016/j.isprsjprs.2014.10.002",
    licence="for research purposes only",
    gsd="0.5 to 2 m, 85 pictures 0.08 m; not told per picture",
    annotated=frozenset({"plane", "ship"}),
)
POSITIVE, NEGATIVE, LABELS = "positive image set", "negative image set", "ground truth"
NONE_OF = CARD.annotated | {"vehicle_small", "vehicle_large"}
"""Our classes that the negative pictures do not show."""

CLASS_NAMES = (
    "airplane",
    "ship",
    "storage tank",
    "baseball diamond",
    "tennis court",
    "basketball court",
    "ground track field",
    "harbor",
    "bridge",
    "vehicle",
)
_NAMES: dict[float, str] = dict(enumerate(CLASS_NAMES, start=1))
_INTEGER = re.compile(r"-?\d+")
_NUMBERS = 5


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every picture, the positive ones first. Raises `DatasetInvalid` for a folder that is not this dataset."""
    folder = first_folder(root, (POSITIVE,), CARD)
    labels = by_stem(first_folder(root, (LABELS,), CARD), (".txt",), log)
    images = by_stem(folder, (".jpg",), log)
    for name, image, written in labelled(images, labels, lambda name: folder / f"{name}.jpg", log):
        objects = _objects(written, log)
        if objects is not None:
            yield SourceImage(f"positive/{name}", image, written, objects, f"positive/{name}")
    for name, image in by_stem(root / NEGATIVE, (".jpg",), log).items():
        nothing = SourceObjects.of(np.zeros((0, 4, 2)), [])
        yield SourceImage(f"negative/{name}", image, None, nothing, f"negative/{name}", annotated=NONE_OF)


def _objects(path: Path, log: Log) -> SourceObjects | None:
    expected = "(x1,y1),(x2,y2),class"
    found = read_table(path, _INTEGER.findall, _NUMBERS, expected, log)
    if found is None:
        return None
    table, lines = found
    names = [_NAMES.get(k, f"{k:.15g}") for k in table[:, 4].tolist()]
    return SourceObjects.of(horizontal_boxes(*table[:, :4].T), names, oriented=False, lines=lines, sided=True)
