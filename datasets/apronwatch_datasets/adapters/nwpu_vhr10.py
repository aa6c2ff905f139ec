"""NWPU VHR-10: 800 pictures from Google Earth and of Vaihingen with upright boxes in ten classes.

Get it at https://gcheng-nwpu.github.io/#Datasets.

Layout::

    positive image set/<nnn>.jpg    650 pictures that show some object
    ground truth/<nnn>.txt          of each of them, lines (x1,y1),(x2,y2),a with blanks anywhere
    negative image set/<nnn>.jpg    150 pictures without any: they have no label files, and that is right

`a` is the class, 1 to 10. Where a picture was taken is not told: each counts as a place of its own.

Licence: for research purposes only. Vehicles are not claimed to be labelled completely, save that the negative pictures
show none. GSD: 0.5 to 2 m, and 0.08 m for the 85 colour-infrared ones; not told for any one picture.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apronwatch_datasets.adapters.folders import by_stem, first_folder, unlabelled
from apronwatch_datasets.formats.texts import read_lines
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
_INTEGER = re.compile(r"-?\d+")
_NUMBERS = 5


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every picture, the positive ones first. Raises `DatasetInvalid` for a folder that is not this dataset."""
    folder = first_folder(root, (POSITIVE,), CARD)
    labels = by_stem(first_folder(root, (LABELS,), CARD), (".txt",), log)
    images = by_stem(folder, (".jpg",), log)
    for name in sorted(images.keys() | labels.keys()):
        image = images.get(name, folder / f"{name}.jpg")
        if name not in labels:
            unlabelled(image, log)
            continue
        objects = _objects(labels[name], log)
        if objects is not None:
            yield SourceImage(f"positive/{name}", image, labels[name], objects, f"positive/{name}")
    for name, image in by_stem(root / NEGATIVE, (".jpg",), log).items():
        nothing = SourceObjects.of(np.zeros((0, 4, 2)), [])
        yield SourceImage(f"negative/{name}", image, None, nothing, f"negative/{name}", annotated=NONE_OF)


def _objects(path: Path, log: Log) -> SourceObjects | None:
    written = read_lines(path, log)
    if written is None:
        return None
    rows, lines = [], []
    for line, row in enumerate(written, start=1):
        if not row.strip():
            continue
        numbers = _INTEGER.findall(row)
        if len(numbers) != _NUMBERS:
            log.bad_line(path, line, f"{row!r:.60}; expected (x1,y1),(x2,y2),class")
            continue
        rows.append([int(number) for number in numbers])
        lines.append(line)
    table = np.array(rows, dtype=np.int64).reshape(-1, _NUMBERS)
    names = [CLASS_NAMES[k - 1] if 1 <= k <= len(CLASS_NAMES) else str(k) for k in table[:, 4].tolist()]
    return SourceObjects.of(horizontal_boxes(*table[:, :4].T), names, oriented=False, lines=lines)
