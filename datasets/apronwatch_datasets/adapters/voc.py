"""Any dataset in Pascal VOC's layout.

Layout::

    Annotations/<name>.xml
    JPEGImages/<name>.jpg           or images/; also .png, .tif, .bmp
    ImageSets/Main/train.txt        optional, as val.txt and test.txt: names, one a line

Our own class names stand for themselves; others need rows `voc` in a class map of the user's. Those of our names that
occur in it are taken to be labelled completely; for what goes by another name that takes a `yes` in the class map's
column `complete`. Boxes are upright, or turned where a `robndbox` is written. GSD and time are unknown. A place is
the image, or the picture that it is a tile or an altered copy of where its name says so.
"""

from collections.abc import Iterator
from pathlib import Path

from apronwatch_datasets.adapters.folders import by_stem, first_folder, last_part, split_lists, unlabelled
from apronwatch_datasets.adapters.pairs import IMAGE_SUFFIXES, original
from apronwatch_datasets.formats.voc import read_voc
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="voc",
    title="Pascal VOC layout",
    url="http://host.robots.ox.ac.uk/pascal/VOC/",
    citation="the dataset's own",
    licence="the dataset's own",
    gsd="unknown",
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not of this layout."""
    labels = by_stem(first_folder(root, ("Annotations",), CARD), (".xml",), log)
    folder = first_folder(root, ("JPEGImages", "images"), CARD)
    images = by_stem(folder, IMAGE_SUFFIXES, log)
    splits = split_lists(root / "ImageSets" / "Main")
    for name in sorted(images.keys() - labels.keys()):
        unlabelled(images[name], log)
    files = {name: found for name, path in labels.items() if (found := read_voc(path, log)) is not None}
    seen = frozenset(name for file in files.values() for name in file.objects.names.tolist())
    for name, file in files.items():
        yield SourceImage(
            name,
            images.get(name, folder / (last_part(file.image or "") or f"{name}.jpg")),
            labels[name],
            file.objects,
            place=original(name, None),
            width=file.width,
            height=file.height,
            annotated=seen,
            published_split=splits.get(name),
        )
