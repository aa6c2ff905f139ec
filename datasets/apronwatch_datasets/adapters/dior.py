"""DIOR: 23,463 pictures of 800 x 800 pixels with upright boxes in 20 classes.

Get it at https://gcheng-nwpu.github.io/#Datasets.

Layout::

    JPEGImages-trainval/*.jpg, JPEGImages-test/*.jpg
    Annotations/Horizontal Bounding Boxes/*.xml     or Annotations/*.xml
    ImageSets/Main/train.txt, val.txt, test.txt

Labels are Pascal VOC; names are compared in lower case, for the two expressway classes are written `Expressway-...`.
Pictures come from Google Earth, without position: each counts as a place of its own.

Licence: none is stated; for research. Vehicles are not claimed to be labelled completely: in many pictures only the
larger ones are. GSD: 0.5 to 30 m, not told for any one picture.

From memory, not looked up: the DOI, that no licence is stated, and the range of the GSD.
"""

from collections.abc import Iterator
from pathlib import Path

from apronwatch_datasets.adapters.folders import by_stem, by_stem_of_all, first_folder, labelled, split_lists
from apronwatch_datasets.formats import xml_labels as xml
from apronwatch_datasets.formats.voc import name_of, upright_corners
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="dior",
    title="DIOR",
    url="https://gcheng-nwpu.github.io/#Datasets",
    citation="K. Li et al., Object detection in optical remote sensing images: A survey and a new benchmark, "
    "ISPRS J. 159, 2020, doi:10.1016/j.isprsjprs.2019.11.023",
    licence="none stated; for research",
    gsd="0.5 to 30 m, not told per picture",
    annotated=frozenset({"plane", "ship"}),
)
LABELS = ("Annotations/Horizontal Bounding Boxes", "Annotations")
IMAGES = ("JPEGImages-trainval", "JPEGImages-test", "JPEGImages")


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled picture, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    return pictures(root, LABELS, CARD, upright_corners, log, oriented=False)


def pictures(
    root: Path, folders: tuple[str, ...], card: Card, corners: xml.Corners, log: Log, *, oriented: bool
) -> Iterator[SourceImage]:
    """Every labelled picture of DIOR's layout.

    Args:
        root: the dataset.
        folders: where its labels may lie, the first one wins.
        card: of the dataset.
        corners: reads the box of an object's element.
        log: takes the faults.
        oriented: boxes are turned with their objects.

    Raises:
        DatasetInvalid: folders are missing.
    """
    labels = by_stem(first_folder(root, folders, card), (".xml",), log)
    first_folder(root, IMAGES, card)
    images = by_stem_of_all((root / folder for folder in IMAGES), (".jpg",), log)
    splits = split_lists(root / "ImageSets" / "Main")
    for name, image, written in labelled(images, labels, lambda name: root / IMAGES[0] / f"{name}.jpg", log):
        tree = xml.read_root(written, log)
        if tree is None:
            continue
        objects = xml.objects(
            tree.findall("object"), _class, corners, written, log, oriented=oriented, sided=not oriented
        )
        width, height = xml.size(tree, "size/width", "size/height")
        yield SourceImage(
            name, image, written, objects, name, width, height, published_split=splits.get(name)
        )


def _class(element: xml.Element) -> str:
    return name_of(element).lower()
