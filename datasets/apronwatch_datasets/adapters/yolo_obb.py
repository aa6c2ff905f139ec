"""Any dataset of oriented boxes in YOLO-OBB's label text.

Layout::

    data.yaml                       `names`: a list, or a table by number; or classes.txt, one a line
    images/<name>.jpg               or .png, .tif, .bmp; any folders below, one named train, val or test is a split
    labels/<name>.txt               the same folders; `class x1 y1 x2 y2 x3 y3 x4 y4` as shares of the image

or `train/images`, `train/labels` and so on. An image without objects needs an empty label file: without one it is
left out, for whether it is empty or its labels were lost cannot be told. (Ultralytics takes it for empty.)

DOTA's samples and tiles as Ultralytics publishes them (DOTA8, DOTA128, split DOTA) are of this layout, but their names
are in Ultralytics' package: put them into a data.yaml. Classes, completeness, GSD, time and place are as for `yolo`.
"""

from collections.abc import Iterator
from pathlib import Path

from apronwatch_datasets.adapters.yolo import plain
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="yolo-obb",
    title="YOLO text of oriented boxes",
    url="https://docs.ultralytics.com/datasets/obb/",
    citation="the dataset's own",
    licence="the dataset's own",
    gsd="unknown",
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not of this layout."""
    return plain(root, CARD, log, oriented=True)
