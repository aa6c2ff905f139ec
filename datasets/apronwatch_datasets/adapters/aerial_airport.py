"""Aerial Airport: views of airports from above, stretched to 600 x 600 pixels.

Get it at https://universe.roboflow.com/gdit/aerial-airport, as "YOLOv5 Oriented Object Detection", which is DOTA text.

Layout::

    train/images/*.jpg, train/labelTxt/*.txt        and so in valid and test; or one images and labelTxt

The labels are DOTA text, but each box is upright. The class is `airplane` or `plane`. Views for training come in three
altered copies each (flipped, cropped, brighter or darker); copies of one view share its place. Whether two views show
one airport is not known. A crop may leave a sliver of an aircraft at its edge.

Citation: GDIT, Aerial Airport, version 1, Roboflow Universe, 2021. Licence: public domain, says who put it up; the
imagery looks like Google Earth's, whose terms then hold. GSD: not told.
"""

from collections.abc import Iterator
from pathlib import Path

from apronwatch_datasets.adapters.dota_text import image, texts
from apronwatch_datasets.adapters.pairs import pairs
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="aerial-airport",
    title="Aerial Airport",
    url="https://universe.roboflow.com/gdit/aerial-airport",
    citation="GDIT, Aerial Airport, version 1, Roboflow Universe, 2021",
    licence="public domain, says who put it up; terms of the imagery unproven",
    gsd="not told",
    annotated=frozenset({"plane"}),
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled view, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    for pair, text in texts(pairs(root, "labelTxt", CARD, log), log, oriented=False):
        yield image(pair, text)
