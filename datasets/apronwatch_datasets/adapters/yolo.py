"""Any dataset of horizontal boxes in YOLO's label text.

Layout::

    data.yaml                       `names`: a list, or a table by number; or classes.txt, one a line
    images/<name>.jpg               or .png, .tif, .bmp; any folders below, one named train, val or test is a split
    labels/<name>.txt               the same folders; `class x y w h` as shares of the image

or `train/images`, `train/labels` and so on. An image without objects needs an empty label file: without one it is
left out, for whether it is empty or its labels were lost cannot be told. (Ultralytics takes it for empty.)

Classes are looked up in the user's own class map first; our own names stand for themselves. Those of our own names
that it lists are taken to be labelled completely; for what goes by another name that takes a `yes` in the class map's
column `complete`. GSD and time are unknown. A place is the image, or the picture that it is a tile or an altered copy
of where its name says so (`P0001__1__0___824`, `a_jpg.rf.<hash>`).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from apronwatch_datasets.adapters.pairs import Pair, image_size, pairs
from apronwatch_datasets.formats.yolo import read_names, read_yolo
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="yolo",
    title="YOLO text of horizontal boxes",
    url="https://docs.ultralytics.com/datasets/detect/",
    citation="the dataset's own",
    licence="the dataset's own",
    gsd="unknown",
)
UNKNOWN_SIZE = (1, 1)
"""Stands for the size of an image that is missing or unreadable: its objects are counted, not placed."""


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not of this layout."""
    return plain(root, CARD, log, oriented=False)


def plain(root: Path, card: Card, log: Log, *, oriented: bool) -> Iterator[SourceImage]:
    """Every labelled image of a dataset in YOLO's layout; what it names, it labels."""
    names = read_names(root)
    return images(pairs(root, "labels", card, log), names, log, oriented=oriented, annotated=frozenset(names))


def images(
    of: Iterable[Pair],
    names: Sequence[str],
    log: Log,
    *,
    oriented: bool,
    annotated: frozenset[str] | None = None,
) -> Iterator[SourceImage]:
    """Pairs of images and YOLO's text, those that can be read.

    Args:
        of: the pairs.
        names: classes by their numbers.
        log: takes the faults.
        oriented: the text holds corners.
        annotated: as `SourceImage` has it.
    """
    for pair in of:
        size = image_size(pair.image) or UNKNOWN_SIZE
        objects = read_yolo(pair.labels, names, size, log, oriented=oriented)
        if objects is not None:
            yield SourceImage(
                pair.name,
                pair.image,
                pair.labels,
                objects,
                pair.place,
                annotated=annotated,
                published_split=pair.split,
            )
