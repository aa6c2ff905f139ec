"""Images and their label files, paired by their names: the layout of most plain text formats."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from apronwatch.errors import ApronwatchError, DatasetInvalid
from apronwatch.opening import Source, open_raster
from apronwatch_datasets.adapters.folders import unlabelled
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".jp2"))

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""Folders that name a split, and the split."""

# `name_jpg.rf.<32 hexadecimal digits>`: one of several altered copies that Roboflow exports of each picture.
# `name__<rate or size>__<x>___<y>`: a tile of a picture, as DOTA_devkit's ImgSplit and Ultralytics' split_dota cut.
_COPY = re.compile(r"\.rf\.[0-9a-f]{32}$|__[0-9.]+__\d+___\d+$")


@dataclass(frozen=True)
class Pair:
    """An image and its labels.

    Attributes:
        name: path below the folder of images, without a suffix, after the split's folder if there is one.
        image: the image file; where there is none, its name without a suffix.
        labels: the label file.
        split: `train`, `val`, `test`; None without one.
    """

    name: str
    image: Path
    labels: Path
    split: str | None

    @property
    def place(self) -> str:
        """The picture that it is a copy or a tile of; itself, if it is none. Splits do not tell pictures apart."""
        return original(self.name, self.split)

    @property
    def is_part(self) -> bool:
        """Its name says that it is a tile or an altered copy of a picture."""
        return _COPY.search(self.name) is not None


def original(name: str, split: str | None) -> str:
    """Name of the picture of which an image is a tile or an altered copy, without its split's folder."""
    folder, _, rest = name.partition("/")
    below = rest if rest and SPLITS.get(folder) == split else name
    while _COPY.search(below):
        below = _COPY.sub("", below)
    return below


def split_of(name: str) -> str | None:
    """Split that the first folder of a name stands for; None if it is none."""
    return SPLITS.get(name.split("/")[0].lower()) if "/" in name else None


def pairs(root: Path, labels: str, card: Card, log: Log) -> Iterator[Pair]:
    """Pairs of `images/` and a folder of labels, at the root (any folders below them) or in each split's folder.

    Images without labels are noted and left out; labels without an image give a pair without one.

    Args:
        root: the dataset.
        labels: name of the folder of labels.
        card: the dataset, for messages.
        log: takes the faults.

    Raises:
        DatasetInvalid: no such folders.
    """
    tops = [root, *(folder for folder in _folders(root) if folder.name.lower() in SPLITS)]
    found = [top for top in tops if (top / "images").is_dir() and (top / labels).is_dir()]
    if not found:
        raise DatasetInvalid(
            f"{root}: no folders images and {labels}, nor train/images and train/{labels}; "
            f"expected {card.title} as docs/datasets.md lays it out"
        )
    for top in found:
        before = "" if top == root else f"{top.name}/"
        yield from match(top / "images", top / labels, log, before)


def match(images: Path, labels: Path, log: Log, before: str = "", *, flat: bool = False) -> Iterator[Pair]:
    """Pairs of two folders, which may be one, by their paths without suffix.

    Args:
        images: folder of images.
        labels: folder of text files.
        log: takes the faults.
        before: put before each name.
        flat: by their names alone, in whichever folder they are.
    """
    pictures = _by_name(images, IMAGE_SUFFIXES, log, flat)
    texts = _by_name(labels, (".txt",), log, flat)
    # Labelling tools leave their list of classes among the labels.
    for listed in [name for name in texts if name.rsplit("/", 1)[-1] == "classes"]:
        del texts[listed]
    for name in sorted(pictures.keys() | texts.keys()):
        if name in texts:
            full = before + name
            yield Pair(full, pictures.get(name, images / name), texts[name], split_of(full))
        else:
            unlabelled(pictures[name], log)


def _by_name(folder: Path, suffixes: Iterable[str], log: Log, flat: bool) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in suffixes or not path.is_file():
            continue
        name = path.stem if flat else path.relative_to(folder).with_suffix("").as_posix()
        if path.name.startswith("._"):
            log.stray(path, "an AppleDouble note of a Mac's archive, no file of the dataset")
        elif name in found:
            log.stray(path, f"a second file of the name of {found[name].name}")
        else:
            found[name] = path
    return found


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height that an image file says; None where it is missing or says nothing."""
    try:
        with open_raster(Source.locate(str(path))) as raster:
            return raster.width, raster.height
    except ApronwatchError:
        return None
