"""A dataset verified and loaded: adapter, image files, class map, checks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from apronwatch.errors import ApronwatchError, DatasetInvalid
from apronwatch_datasets.checking import Check
from apronwatch_datasets.class_map import ClassMap, class_map
from apronwatch_datasets.faults import Fault, FaultKind, Mending
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import Card, LabelledImage
from apronwatch_datasets.source import Log, SourceImage

SQUARE_TO = 1.02
"""Pixels are square on the ground where the two sides differ by no more than this ratio."""

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


class Adapter(Protocol):
    """What a module of `adapters` holds: a card, and a function `read(root, log)`."""

    CARD: Card

    def read(self, root: Path, log: Log) -> Iterator[SourceImage]:
        """Every image of the dataset in a fixed order, as its files say it.

        Raises:
            DatasetInvalid: the folder does not hold this dataset.
        """


@dataclass(frozen=True, eq=False)
class Dataset:
    """A loaded dataset.

    Attributes:
        card: what it is.
        root: where it lies.
        images: those that can be used, in the adapter's order.
        faults: everything that was wrong, in that order.
        tally: source class -> {`kept`, `ignored`, `background`, `dropped`: number}. Together they are the
            objects written in the label files: none goes unsaid.
    """

    card: Card
    root: Path
    images: tuple[LabelledImage, ...]
    faults: tuple[Fault, ...]
    tally: Mapping[str, Counter[str]]


def load(
    adapter: Adapter,
    root: Path,
    *,
    own_classes: Path | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> Dataset:
    """Read, check and mend a dataset. Every image is decoded once, so that one cut short is found here.

    Args:
        adapter: of the dataset's format.
        root: its folder.
        own_classes: a class map whose rows go before ours.
        workers: threads that decode.
        progress: told of images done.

    Raises:
        DatasetInvalid: the folder is missing, does not hold this dataset, or holds no image that can be used.
        ClassMapInvalid: `own_classes` cannot be read.
    """
    if not root.is_dir():
        raise DatasetInvalid(f"{root}: no such folder; give the folder of {adapter.CARD.title}")
    classes = class_map(adapter.CARD.name, own_classes)
    log = Log(root)
    # Numbers beyond any coordinate overflow when they are scaled or added; the check drops what comes of them.
    with np.errstate(over="ignore", invalid="ignore"):
        sources = list(adapter.read(root, log))
    _check_names(sources, root)
    tally: dict[str, Counter[str]] = {name: Counter(dropped=n) for name, n in log.lost.items()}
    images = []
    with ThreadPoolExecutor(workers) as pool:
        for done, (source, seen) in enumerate(zip(sources, pool.map(_look, sources), strict=True)):
            image, fates = _verified(source, seen, classes, adapter.CARD, log)
            for name, counts in fates.items():
                tally.setdefault(name, Counter()).update(counts)
            if image is not None:
                images.append(image)
            if progress is not None:
                progress(done + 1, len(sources))
    return Dataset(adapter.CARD, root, tuple(images), tuple(log.faults), tally)


@dataclass(frozen=True)
class _Seen:
    """What the image file itself says, or why it says nothing."""

    size: tuple[int, int] | None
    gsd_m: float | None = None
    axes_gsd_m: tuple[float, float] | None = None
    exif_turned: bool = False
    why: str = ""


def _look(source: SourceImage) -> _Seen:
    if not source.path.is_file():
        return _Seen(None)
    try:
        picture = read_picture(source.path)
    except ApronwatchError as error:
        return _Seen(None, why=str(error))
    height, width = picture.valid.shape
    return _Seen((width, height), picture.gsd_m, picture.axes_gsd_m, picture.exif_turned)


def _verified(
    source: SourceImage, seen: _Seen, classes: ClassMap, card: Card, log: Log
) -> tuple[LabelledImage | None, Mapping[str, Counter[str]]]:
    """The image as it may be used, or None; and what became of its objects."""
    if seen.size is None:
        return None, _left_out(source, seen, log)
    said = (source.width, source.height)
    labels = source.labels or source.path
    if None not in said and said != seen.size:
        log.add(
            FaultKind.SIZE_DIFFERS,
            labels,
            f"labels made for {said[0]} x {said[1]} pixels, {source.path.name} has {seen.size[0]} x {seen.size[1]}",
            Mending.AS_THE_FILE_SAYS,
        )
    gsd_m = None if _oblong(source, seen, log) else seen.gsd_m or source.gsd_m
    if seen.exif_turned:
        log.add(
            FaultKind.EXIF_TURNED,
            source.path,
            "its EXIF asks viewers to turn it; its labels are taken to be of the pixels as stored",
            Mending.NOTHING,
        )
    checked = Check(source.objects, seen.size, labels, gsd_m, classes, card, log).run()
    annotated = classes.ours(card.annotated if source.annotated is None else source.annotated)
    image = LabelledImage(
        source.name,
        source.path,
        source.labels,
        *seen.size,
        gsd_m,
        source.time,
        source.place,
        checked.objects,
        annotated,
        source.published_split,
    )
    return image, checked.fates


def _oblong(source: SourceImage, seen: _Seen, log: Log) -> bool:
    """Whether no one GSD holds along both axes; no label of ours has two."""
    if seen.axes_gsd_m is None:
        return False
    across, down = seen.axes_gsd_m
    if max(across, down) <= SQUARE_TO * min(across, down):
        return False
    log.add(
        FaultKind.OBLONG_PIXELS,
        source.path,
        f"its pixels cover {across:.3g} m by {down:.3g} m of ground; warp it to a grid in metres to know its GSD",
        Mending.GSD_UNKNOWN,
    )
    return True


def _left_out(source: SourceImage, seen: _Seen, log: Log) -> Mapping[str, Counter[str]]:
    names = Counter(source.objects.names.tolist())
    missing = not seen.why
    log.add(
        FaultKind.MISSING_IMAGE if missing else FaultKind.UNREADABLE_IMAGE,
        source.labels or source.path if missing else source.path,
        f"no image {source.path.name}" if missing else seen.why,
        Mending.IMAGE_LEFT_OUT,
        objects=len(source.objects),
    )
    return {name: Counter(dropped=n) for name, n in names.items()}


def _check_names(sources: Sequence[SourceImage], root: Path) -> None:
    if not sources:
        raise DatasetInvalid(f"{root}: no labelled image found; see the dataset's layout in docs/datasets.md")
    twice = [name for name, n in Counter(s.name for s in sources).items() if n > 1]
    if twice:
        raise DatasetInvalid(f"{root}: two images are called {twice[0]}; names must be unique in a dataset")
