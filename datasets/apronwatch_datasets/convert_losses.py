"""What each plain format can hold of a dataset, and what is said of the rest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters.pairs import original
from apronwatch_datasets.dataset import Dataset
from apronwatch_datasets.faults import Mending
from apronwatch_datasets.records import UNCLASSED, Objects


@dataclass(frozen=True)
class Holds:
    """What a format can hold.

    Attributes:
        images: its folder of images.
        boxes: turned boxes, horizontal ones, or both and which is which.
        difficult: the flag.
        ignored: regions to ignore: as such, as difficult objects, or not at all.
        facts: what it says of an image, of `gsd`, `time`, `place`.
        spaces: class names may hold white space.
        folders: images may lie in folders below.
    """

    images: str
    boxes: Literal["turned", "horizontal", "both"]
    difficult: bool
    ignored: Literal["kept", "difficult", "left out"]
    facts: frozenset[str]
    spaces: bool = True
    folders: bool = True

    def kept(self, objects: Objects) -> NDArray[np.bool_]:
        """Mask (N,) of the objects that are written."""
        return ~objects.ignore if self.ignored == "left out" else np.ones(len(objects), dtype=np.bool_)


HOLDS: Mapping[str, Holds] = {
    "coco": Holds("images", "both", True, "kept", frozenset({"gsd", "time", "place"})),
    "yolo": Holds("images", "horizontal", False, "left out", frozenset()),
    "yolo-obb": Holds("images", "turned", False, "left out", frozenset()),
    "voc": Holds("JPEGImages", "both", True, "difficult", frozenset(), folders=False),
    "dota-text": Holds("images", "turned", True, "difficult", frozenset({"gsd", "time"}), spaces=False),
}


def remarks(
    source: Dataset, chosen: Sequence[Objects], target: str, changed: Mapping[str, str], *, ours: bool
) -> list[str]:
    """What the format does not hold, or holds in another way.

    Args:
        source: the dataset.
        chosen: objects of each of its images, as they were to be written.
        target: the format.
        changed: classes that it spells otherwise.
        ours: our classes were written, not the dataset's.
    """
    holds = HOLDS[target]
    return [
        *_never_loaded(source),
        *_of_boxes(chosen, target, holds),
        *_of_images(source, target, holds),
        *_of_classes(source, target, changed, ours),
    ]


def _never_loaded(source: Dataset) -> Iterator[str]:
    lost = sum(fault.mending is Mending.IMAGE_LEFT_OUT for fault in source.faults)
    if lost:
        yield f"{lost} images left out: they or their labels are missing or cannot be read"
    fates: Counter[str] = Counter()
    for counts in source.tally.values():
        fates.update(counts)
    names = sorted(name for name, counts in source.tally.items() if counts["background"])
    if names:
        yield f"{fates['background']} objects of {', '.join(names)} left out: the class map calls them background"
    if fates["dropped"]:
        yield f"{fates['dropped']} objects left out: dropped by the check, or of images left out"


def _of_boxes(chosen: Sequence[Objects], target: str, holds: Holds) -> Iterator[str]:
    ignored = sum(int(objects.ignore.sum()) for objects in chosen)
    if ignored and holds.ignored == "left out":
        yield f"{ignored} regions to ignore left out: {target} has none; what they show reads as background"
    elif ignored and holds.ignored == "difficult":
        yield f"{ignored} regions to ignore written as difficult objects: {target} has none"
    written = [objects.select(holds.kept(objects)) for objects in chosen]
    turned = sum(int(objects.oriented.sum()) for objects in written)
    upright = sum(len(objects) for objects in written) - turned
    if turned and holds.boxes == "horizontal":
        yield f"{turned} turned boxes written as their upright hulls: {target} holds no angle"
    if upright and holds.boxes == "turned":
        yield f"{upright} horizontal boxes written as corners: {target} does not say that their angle is unknown"
    difficult = sum(int(objects.difficult.sum()) for objects in written)
    if difficult and not holds.difficult:
        yield f"{difficult} difficult objects written as ordinary ones: {target} has no such mark"


def _of_images(source: Dataset, target: str, holds: Holds) -> Iterator[str]:
    known = {
        "gsd": sum(image.gsd_m is not None for image in source.images),
        "time": sum(image.time is not None for image in source.images),
        # A reader takes for its place what the image's name tells.
        "place": sum(image.place != original(image.name, image.published_split) for image in source.images),
    }
    for fact, number in known.items():
        if number and fact not in holds.facts:
            yield f"{fact} of {number} images not written: {target} has no field for it"
    if not holds.folders and any("/" in image.name for image in source.images):
        yield f"folders in names written as __: {target} keeps all images in one folder"
    if target.startswith("yolo"):
        yield from _of_splits([image.published_split for image in source.images])


def _of_splits(splits: Sequence[str | None]) -> Iterator[str]:
    """Ultralytics asks for `train` and `val`; one that is not published is every image."""
    missing = [split for split in ("train", "val") if split not in splits]
    if missing:
        yield f"no published split {' nor '.join(missing)}: data.yaml names all images there"
    elif None in splits:
        yield f"{splits.count(None)} images of no published split are in none of data.yaml"


def _of_classes(source: Dataset, target: str, changed: Mapping[str, str], ours: bool) -> Iterator[str]:
    if changed:
        yield "classes spelt without white space: " + ", ".join(f"{a!r} as {b}" for a, b in changed.items())
    found = {k for image in source.images for k in np.unique(image.objects.classes).tolist()}
    strangers = sum(int((image.objects.classes == UNCLASSED).sum()) for image in source.images)
    if strangers and not ours:
        yield f"{strangers} objects of none of our classes written as ordinary ones, also where marked to be ignored"
    named = frozenset(CLASSES if ours else (CLASSES[k] for k in found - {UNCLASSED}))
    partly = sum(not named <= image.annotated for image in source.images)
    if partly:
        yield f"{partly} images do not label all classes: {target} cannot say so, the rest reads as background"
