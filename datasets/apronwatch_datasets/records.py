"""The one form of labelled images that every dataset is read into.

Pixels are counted from the top left corner of the picture, x to the right, y down; a box (0, 0) to (width, height)
covers the picture. Polygons have four corners in order around the box.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons
from apronwatch.taxonomy import CLASSES

UNCLASSED = -1
"""Class index of an object that is real but none of ours, or whose class cannot be told: it is ignored."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The labelled objects of one image, a struct of arrays.

    Attributes:
        polygons: (N, 4, 2) float64, corners in pixels, in order around each box.
        source_classes: (N,) the dataset's own names, as strings.
        classes: (N,) int16, indices into `taxonomy.CLASSES`, or `UNCLASSED`.
        oriented: (N,) bool, the box is turned with the object. A horizontal label says nothing of its heading and
            only a bound of its size.
        difficult: (N,) bool, marked so by the dataset (small, cut, hard to tell).
        ignore: (N,) bool, neither an object to find nor background: nothing may be learned from its place.
        lines: (N,) int64, where each is written: line of the label file, or 1-based number within it.
    """

    polygons: Polygons
    source_classes: NDArray[np.str_]
    classes: NDArray[np.int16]
    oriented: NDArray[np.bool_]
    difficult: NDArray[np.bool_]
    ignore: NDArray[np.bool_]
    lines: NDArray[np.int64]

    def __post_init__(self) -> None:
        polygons = np.asarray(self.polygons, dtype=np.float64).reshape(-1, 4, 2)
        n = len(polygons)
        object.__setattr__(self, "polygons", polygons)
        for name, kind in _COLUMNS.items():
            column = np.asarray(getattr(self, name))
            # An empty list has no type of its own.
            column = column.astype(kind) if column.size or kind is not np.str_ else np.zeros(0, dtype="<U1")
            if column.shape != (n,):
                raise ValueError(f"{n} polygons with {name} of shape {column.shape}")
            object.__setattr__(self, name, column)
        if (~self.ignore & (self.classes == UNCLASSED)).any():
            raise ValueError("an object without a class must be ignored")

    @classmethod
    def empty(cls) -> Self:
        """No objects."""
        return cls.of(np.zeros((0, 4, 2)), [], [])

    @classmethod
    def of(
        cls,
        polygons: ArrayLike,
        source_classes: Sequence[str] | NDArray[np.str_],
        classes: ArrayLike,
        *,
        oriented: ArrayLike = True,
        difficult: ArrayLike = False,
        ignore: ArrayLike | None = None,
        lines: ArrayLike | None = None,
    ) -> Self:
        """From columns; single values hold for all, `ignore` follows from a missing class, lines count from 1."""
        boxes = np.asarray(polygons, dtype=np.float64).reshape(-1, 4, 2)
        n = len(boxes)
        ids = np.asarray(classes, dtype=np.int16).reshape(n)
        return cls(
            boxes,
            np.asarray(source_classes, dtype=np.str_).reshape(n),
            ids,
            np.array(np.broadcast_to(np.asarray(oriented, dtype=np.bool_), n)),
            np.array(np.broadcast_to(np.asarray(difficult, dtype=np.bool_), n)),
            ids == UNCLASSED
            if ignore is None
            else np.array(np.broadcast_to(np.asarray(ignore, dtype=np.bool_), n)) | (ids == UNCLASSED),
            np.arange(1, n + 1) if lines is None else np.asarray(lines, dtype=np.int64).reshape(n),
        )

    def __len__(self) -> int:
        return len(self.polygons)

    def select(self, index: ArrayLike) -> Self:
        """Those at an index or boolean mask, in its order."""
        chosen = np.asarray(index)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)
        return replace(
            self, polygons=self.polygons[chosen], **{name: getattr(self, name)[chosen] for name in _COLUMNS}
        )

    def at(self, polygons: Polygons) -> Self:
        """The same objects with other corners."""
        return replace(self, polygons=polygons)


_COLUMNS: dict[str, type] = {
    "source_classes": np.str_,
    "classes": np.int16,
    "oriented": np.bool_,
    "difficult": np.bool_,
    "ignore": np.bool_,
    "lines": np.int64,
}


def horizontal_boxes(x0: ArrayLike, y0: ArrayLike, x1: ArrayLike, y1: ArrayLike) -> Polygons:
    """Corners (N, 4, 2) of upright boxes, from the top left clockwise as seen."""
    left, top, right, bottom = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (x0, y0, x1, y1))
    corners: Polygons = np.stack(
        [np.stack(p, axis=-1) for p in ((left, top), (right, top), (right, bottom), (left, bottom))], axis=1
    )
    return corners


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image of a dataset with all that its labels say.

    Attributes:
        name: unique within its dataset; without a suffix, may hold `/`.
        path: the image file.
        labels: the label file, for messages; None where an image has none.
        width, height: pixels of the image file.
        gsd_m: true metres on the ground of one pixel; None if not known.
        time: of acquisition; None if not known.
        place: what the split goes by: images of one place never part. Unique within its dataset.
        objects: labelled objects.
        annotated: our classes that are labelled completely here. What is not labelled completely is unknown, not
            absent.
        published_split: the dataset's own (`train`, `val`, `test`), for information.
    """

    name: str
    path: Path
    labels: Path | None
    width: int
    height: int
    gsd_m: float | None
    time: datetime | None
    place: str
    objects: Objects
    annotated: frozenset[str]
    published_split: str | None = None

    def __post_init__(self) -> None:
        strangers = self.annotated - set(CLASSES)
        if strangers:
            raise ValueError(f"{self.name}: annotated for {sorted(strangers)}, which are none of our classes")


@dataclass(frozen=True)
class Card:
    """What a dataset is, where it comes from, and on what terms.

    Attributes:
        name: as the command line calls it.
        title: as its authors call it.
        url: where to get it.
        citation: how to cite it, in one line.
        licence: terms as its owners state them.
        gsd: how fine, in words.
        annotated: our classes that it labels completely (an image may have fewer).
        double_iou: overlap from which two boxes of one class are one object labelled twice.
    """

    name: str
    title: str
    url: str
    citation: str
    licence: str
    gsd: str
    annotated: frozenset[str] = field(default_factory=frozenset)
    double_iou: float = 0.9
