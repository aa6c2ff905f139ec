"""A loaded dataset written in one of the plain formats.

What a format cannot hold is told: `convert` returns a remark for each kind of thing lost or changed.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apronwatch.errors import CallInvalid, OutputInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters.pairs import SPLITS, split_of
from apronwatch_datasets.convert_losses import HOLDS, Holds, remarks
from apronwatch_datasets.dataset import Dataset, Progress
from apronwatch_datasets.formats.coco import Labels, write_coco
from apronwatch_datasets.formats.dota_text import write_dota
from apronwatch_datasets.formats.voc import write_voc
from apronwatch_datasets.formats.yolo import write_names, write_yolo
from apronwatch_datasets.records import UNCLASSED, LabelledImage, Objects

FORMATS = tuple(HOLDS)
Classes = Literal["source", "ours"]
NO_CLASS = "unclassed"
"""Category of regions to ignore that are none of our classes, where a format can hold them."""


@dataclass(frozen=True, eq=False)
class _Item:
    """What is written of one image.

    Attributes:
        image: as loaded.
        name: path of the image below the folder of images, without suffix; its split's folder first.
        objects: those that the format takes.
        names: (N,) classes.
        classes: (N,) indices of these among all classes written.
    """

    image: LabelledImage
    name: str
    objects: Objects
    names: NDArray[np.str_]
    classes: NDArray[np.intp]

    @property
    def file_name(self) -> str:
        return self.name + self.image.path.suffix

    @property
    def size(self) -> tuple[int, int]:
        return self.image.width, self.image.height


def convert(
    source: Dataset,
    target: str,
    out: Path,
    *,
    classes: Classes = "source",
    link: bool = False,
    progress: Progress | None = None,
) -> list[str]:
    """Write a dataset in another format, images and labels. Corners stay where they are to 0.001 px.

    Args:
        source: the dataset.
        target: one of `FORMATS`.
        out: a new or empty folder.
        classes: write the dataset's own classes, all that the class map does not call background; or our five, where
            what is none of them is a region to ignore.
        link: hard-link the images where the file system can, instead of copying them.
        progress: told of images done.

    Returns:
        What the format does not hold, or holds in another way, one line each.

    Raises:
        CallInvalid: no such format.
        OutputInvalid: the folder is not empty, or two images or two classes would get one name.
    """
    if target not in HOLDS:
        raise CallInvalid(f"format {target!r} is not known; expected one of {', '.join(FORMATS)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputInvalid(f"{out}: exists and is not an empty folder; give a new one")
    holds = HOLDS[target]
    chosen = [_chosen(image, classes) for image in source.images]
    spelling = _spelling([names[holds.kept(objects)] for objects, names in chosen], holds)
    categories = list(CLASSES) if classes == "ours" else []
    categories += sorted(set(spelling.values()) - set(categories))
    items = [
        _item(image, *pair, spelling, categories, holds)
        for image, pair in zip(source.images, chosen, strict=True)
    ]
    _check_names(items, out)
    for done, item in enumerate(items, start=1):
        _place(item.image.path, out / holds.images / item.file_name, link)
        if progress is not None:
            progress(done, len(items))
    _WRITERS[target](out, items, categories)
    changed = {old: new for old, new in spelling.items() if old != new}
    return remarks(source, [objects for objects, _ in chosen], target, changed, ours=classes == "ours")


def _chosen(image: LabelledImage, classes: Classes) -> tuple[Objects, NDArray[np.str_]]:
    """Objects of an image and the classes to write."""
    objects = image.objects
    if classes == "ours":
        return objects, np.array([*CLASSES, NO_CLASS])[objects.classes]
    # What is ignored only for being none of our classes is an object like any other in its own dataset.
    own = Objects.of(
        objects.polygons,
        objects.source_classes,
        np.zeros(len(objects)),
        oriented=objects.oriented,
        difficult=objects.difficult,
        ignore=objects.ignore & (objects.classes != UNCLASSED),
        lines=objects.lines,
    )
    return own, objects.source_classes


def _spelling(written: Sequence[NDArray[np.str_]], holds: Holds) -> dict[str, str]:
    """Each class that is written, as the format can write it."""
    names = sorted({name for found in written for name in found.tolist()})
    spelling = {name: name if holds.spaces else "-".join(name.split()) for name in names}
    if len(set(spelling.values())) < len(names):
        clash = next(new for new in spelling.values() if list(spelling.values()).count(new) > 1)
        raise OutputInvalid(
            f"two classes would both be called {clash!r}: the format takes no white space; "
            "give them one target in a class map and convert to our classes"
        )
    return spelling


def _item(
    image: LabelledImage,
    objects: Objects,
    names: NDArray[np.str_],
    spelling: dict[str, str],
    categories: Sequence[str],
    holds: Holds,
) -> _Item:
    kept = holds.kept(objects)
    spelt = np.array([spelling[name] for name in names[kept].tolist()], dtype=np.str_)
    numbers = np.array([categories.index(name) for name in spelt.tolist()], dtype=np.intp)
    name = _name(image) if holds.folders else image.name.replace("/", "__")
    return _Item(image, name, objects.select(kept), spelt, numbers)


def _name(image: LabelledImage) -> str:
    """Below its split's folder."""
    split = image.published_split
    there = split is None or split_of(image.name) == SPLITS.get(split)
    return image.name if there else f"{split}/{image.name}"


def _check_names(items: Sequence[_Item], out: Path) -> None:
    seen: set[str] = set()
    for item in items:
        if item.name in seen:
            raise OutputInvalid(
                f"{out}: two images would both be called {item.name}; rename one in the source"
            )
        seen.add(item.name)


def _place(image: Path, to: Path, link: bool) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(image, to)
        except OSError:
            # Another file system, or one without hard links.
            shutil.copy2(image, to)
    else:
        shutil.copy2(image, to)


def _text_path(out: Path, folder: str, item: _Item, suffix: str) -> Path:
    path = out / folder / f"{item.name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _splits(items: Sequence[_Item]) -> list[str | None]:
    return sorted({item.image.published_split for item in items}, key=lambda split: split or "")


def _coco(out: Path, items: Sequence[_Item], categories: Sequence[str]) -> None:
    (out / "annotations").mkdir(parents=True)
    for split in _splits(items):
        labels = [
            Labels(item.file_name, item.image, item.objects, item.classes)
            for item in items
            if item.image.published_split == split
        ]
        name = "instances" if split is None else f"instances_{split}"
        write_coco(out / "annotations" / f"{name}.json", labels, categories)


def _dota_text(out: Path, items: Sequence[_Item], categories: Sequence[str]) -> None:
    for item in items:
        path = _text_path(out, "labelTxt", item, ".txt")
        write_dota(path, item.objects, item.names, gsd_m=item.image.gsd_m, time=item.image.time)


def _voc(out: Path, items: Sequence[_Item], categories: Sequence[str]) -> None:
    for item in items:
        path = _text_path(out, "Annotations", item, ".xml")
        write_voc(path, item.objects, item.names, image=item.file_name, size=item.size)
    for split in filter(None, _splits(items)):
        lists = out / "ImageSets" / "Main"
        lists.mkdir(parents=True, exist_ok=True)
        names = [item.name for item in items if item.image.published_split == split]
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _yolo(out: Path, items: Sequence[_Item], categories: Sequence[str], *, oriented: bool = False) -> None:
    for item in items:
        path = _text_path(out, "labels", item, ".txt")
        write_yolo(path, item.objects.polygons, item.classes, item.size, oriented=oriented)
    splits = [split for split in _splits(items) if split]
    # Ultralytics asks for train and val, and looks into every folder below.
    folders = {"train": "images", "val": "images"} | {split: f"images/{split}" for split in splits}
    write_names(out / "data.yaml", categories, folders)


def _yolo_obb(out: Path, items: Sequence[_Item], categories: Sequence[str]) -> None:
    _yolo(out, items, categories, oriented=True)


_WRITERS: dict[str, Callable[[Path, Sequence[_Item], Sequence[str]], None]] = {
    "coco": _coco,
    "yolo": _yolo,
    "yolo-obb": _yolo_obb,
    "voc": _voc,
    "dota-text": _dota_text,
}
