"""Any dataset in COCO's JSON, of boxes or polygons.

Layout::

    *.json, annotations/*.json, or train/*.json and so on       one or several; a name or folder with train, val,
                                                                valid or test tells the split
    images/<file_name>, <file_name>, or beside the JSON file    where the images are sought, in this order

An image without annotations is an image without objects. One that no document lists is left out. A polygon of four
corners is an oriented box; around any other the smallest box is laid. `iscrowd` is a region to ignore.

Classes are looked up in the user's own class map first; our own names stand for themselves. Those of our own names
that a document lists are taken to be labelled completely in its images; for what goes by another name that takes a
`yes` in the class map's column `complete`. GSD, time and place are what `data convert` writes into a document. Where
none is told, a place is the image, or the picture that it is a tile or an altered copy of where its name says so
(`P0001__1__0___824`, `a_jpg.rf.<hash>`).
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters.folders import unlabelled
from apronwatch_datasets.adapters.pairs import IMAGE_SUFFIXES, SPLITS, original
from apronwatch_datasets.formats.coco import CocoFile, CocoImage, read_coco
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="coco",
    title="COCO JSON",
    url="https://cocodataset.org/#format-data",
    citation="the dataset's own",
    licence="the dataset's own",
    gsd="as the documents say",
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every listed image. Raises `DatasetInvalid` for a folder that is not of this layout."""
    return documents(root, CARD, log)


def documents(root: Path, card: Card, log: Log) -> Iterator[SourceImage]:
    """Every image of every document of a folder, by document, in its order.

    Images that no document lists are noted.

    Args:
        root: the dataset.
        card: the dataset, for messages; without classes of its own, those of the documents are taken as annotated.
        log: takes the faults.

    Raises:
        DatasetInvalid: no document.
    """
    paths = sorted({*root.glob("*.json"), *root.glob("*/*.json")})
    files = {path: file for path in paths if (file := read_coco(path, log)) is not None}
    if not files:
        raise DatasetInvalid(
            f"{root}: no COCO document (JSON with images, annotations and categories); "
            f"expected {card.title} as docs/datasets.md lays it out"
        )
    listed = set()
    for path, file in files.items():
        for image in file.images:
            found = _locate(root, path, image.file_name)
            listed.add(found)
            yield _source(root, path, file, image, found, card)
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path not in listed:
            unlabelled(path, log)


def _locate(root: Path, document: Path, file_name: str) -> Path:
    """Where an image is; where it should be, if it is nowhere. Of a path of another machine only its end counts."""
    told = PurePosixPath(file_name.replace("\\", "/"))
    elsewhere = told.is_absolute() or ".." in told.parts or ":" in told.parts[0]
    inside = told.name if elsewhere else told.as_posix()
    places = [root / "images" / inside, root / inside, document.parent / inside]
    return next((path for path in places if path.is_file()), places[0])


def _source(
    root: Path, document: Path, file: CocoFile, image: CocoImage, path: Path, card: Card
) -> SourceImage:
    name = path.relative_to(root).with_suffix("").as_posix().removeprefix("images/")
    split = _split(document.relative_to(root))
    return SourceImage(
        name,
        path,
        document,
        image.objects,
        image.place or original(name, split),
        image.width,
        image.height,
        image.gsd_m,
        image.time,
        None if card.annotated else frozenset(file.categories),
        split,
    )


def _split(document: Path) -> str | None:
    """The split that a document's name or folder tells: `instances_train2017.json`, `valid/_annotations.coco.json`."""
    words = re.findall("[a-z]+", document.with_suffix("").as_posix().lower())
    return next((SPLITS[word] for word in reversed(words) if word in SPLITS), None)
