"""DIOR-R: the pictures of DIOR with turned boxes.

Get it at https://gcheng-nwpu.github.io/#Datasets.

Layout::

    JPEGImages-trainval/*.jpg, JPEGImages-test/*.jpg
    Annotations/Oriented Bounding Boxes/*.xml
    ImageSets/Main/train.txt, val.txt, test.txt

An object's `robndbox` holds four corners, `x_left_top`, `y_left_top` and so on. For the rest see `dior`, whose pictures
these are: take one of the two.

Licence: none is stated; for research. Classes: DIOR's. GSD: 0.5 to 30 m, not told for any one picture.

From memory, not looked up: the DOI, that no licence is stated, and the range of the GSD.
"""

from collections.abc import Iterator
from pathlib import Path

from apronwatch_datasets.adapters.dior import pictures
from apronwatch_datasets.formats.voc import turned_corners
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="dior-r",
    title="DIOR-R",
    url="https://gcheng-nwpu.github.io/#Datasets",
    citation="G. Cheng et al., Anchor-Free Oriented Proposal Generator for Object Detection, "
    "IEEE TGRS 60, 2022, doi:10.1109/TGRS.2022.3183022",
    licence="none stated; for research",
    gsd="0.5 to 30 m, not told per picture",
    annotated=frozenset({"plane", "ship"}),
)
LABELS = ("Annotations/Oriented Bounding Boxes",)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled picture, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    return pictures(root, LABELS, CARD, turned_corners, log, oriented=True)
