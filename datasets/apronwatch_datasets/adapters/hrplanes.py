"""HRPlanes and HRPlanesv2: views of airports, air bases and boneyards in Google Earth, horizontal boxes of aircraft.

Get it at https://zenodo.org/records/14546832 (HRPlanes, YOLO text) or https://zenodo.org/records/7331974 (v2).

Layout, as HRPlanes is unpacked::

    img/*.jpg, img/*.txt                    3,101 views of 4800 x 2703 pixels, YOLO text, one class
    train.txt, valid.txt, test.txt          paths of images, one a line; optional

or as exports of it come, COCO documents and images as `coco` reads them. Their classes (`0`, `Aircrafts`, `airplane`)
are all `aircraft` here: helicopters are not told apart.

Places: the names of v2 start with the code of an airport (`GBG_059`) or end with that of a set of views (`000_set2`,
`211_DT2`); those of one code are one place. Which codes show the same airport is not known, nor where the views of
HRPlanes proper are: keep the dataset whole on one side of a split. GSD: not told; the views are of about 0.3 m, exports
of 640 x 360 pixels of 1 to 2 m.

Citation: T. Bakırman and E. Sertel, A benchmark dataset for deep learning-based airplane detection: HRPlanes, IJEG
8(3), 2023, doi:10.26833/ijeg.1107890. Licence: CC BY 4.0, says the page of the export; imagery under Google Earth's
terms.

From memory, not looked up: the DOI.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from apronwatch_datasets.adapters.coco import documents
from apronwatch_datasets.adapters.pairs import match
from apronwatch_datasets.adapters.yolo import images
from apronwatch_datasets.formats.texts import read_lines
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="hrplanes",
    title="HRPlanes",
    url="https://zenodo.org/records/14546832",
    citation="T. Bakırman and E. Sertel, A benchmark dataset for deep learning-based airplane detection: HRPlanes, "
    "IJEG 8(3), 2023, doi:10.26833/ijeg.1107890",
    licence="CC BY 4.0, says the page of the export; imagery under Google Earth's terms",
    gsd="about 0.3 m as published; 1 to 2 m in exports of 640 x 360 pixels",
    annotated=frozenset({"plane"}),
)
AIRCRAFT = "aircraft"
_CODE = re.compile(r"(?P<airport>[A-Z]{3})_\d+|\d+_(?P<set>[A-Za-z]+\d*)")


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled view. Raises `DatasetInvalid` for a folder that is not this dataset."""
    found = _published(root, log) if (root / "img").is_dir() else documents(root, CARD, log)
    for image in found:
        yield replace(image, objects=_aircraft(image.objects), place=_place(image.place))


def _published(root: Path, log: Log) -> Iterator[SourceImage]:
    splits: dict[str, str] = {}
    for name, split in (("train", "train"), ("valid", "val"), ("test", "test")):
        path = root / f"{name}.txt"
        lines = read_lines(path, log) if path.is_file() else None
        splits |= {Path(line.strip()).stem: split for line in lines or () if line.strip()}
    for image in images(match(root / "img", root / "img", log), (AIRCRAFT,), log, oriented=False):
        yield replace(image, published_split=splits.get(image.name))


def _aircraft(objects: SourceObjects) -> SourceObjects:
    return replace(objects, names=SourceObjects.of(objects.polygons, [AIRCRAFT] * len(objects)).names)


def _place(name: str) -> str:
    code = _CODE.match(name)
    return (code["airport"] or code["set"]) if code else name
