"""A dataset as its files say it, before anything is checked: what an adapter gives."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons
from apronwatch_datasets.faults import Fault, FaultKind, Mending


@dataclass(frozen=True, eq=False)
class SourceObjects:
    """Objects of one image in the dataset's own words, all of them, the faulty too.

    Attributes:
        polygons: (N, 4, 2) float64, corners in pixels of the image, in order around each box, as written.
        names: (N,) source classes, as the class map spells them.
        oriented: (N,) bool, the box is turned with the object.
        difficult: (N,) bool, marked so by the dataset.
        ignore: (N,) bool, marked by the dataset as not to be learned from (a crowd, a mask).
        lines: (N,) int64, line of the label file, or 1-based number of the object in it.
        sided: (N,) bool, written as sides (left, top, right, bottom; or a corner or centre, width and height): the
            corners stand in that order, from left top to left bottom.
    """

    polygons: Polygons
    names: NDArray[np.str_]
    oriented: NDArray[np.bool_]
    difficult: NDArray[np.bool_]
    ignore: NDArray[np.bool_]
    lines: NDArray[np.int64]
    sided: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        polygons: ArrayLike,
        names: Sequence[str],
        *,
        oriented: ArrayLike = True,
        difficult: ArrayLike = False,
        ignore: ArrayLike = False,
        lines: ArrayLike | None = None,
        sided: ArrayLike = False,
    ) -> Self:
        """From columns; single values hold for all, lines count from 1."""
        n = len(names)

        def flags(told: ArrayLike) -> NDArray[np.bool_]:
            return np.array(np.broadcast_to(np.asarray(told, dtype=np.bool_), n))

        return cls(
            np.asarray(polygons, dtype=np.float64).reshape(n, 4, 2),
            np.asarray(names, dtype=np.str_).reshape(n) if n else np.zeros(0, dtype="<U1"),
            flags(oriented),
            flags(difficult),
            flags(ignore),
            np.arange(1, n + 1) if lines is None else np.asarray(lines, dtype=np.int64).reshape(n),
            flags(sided),
        )

    def __len__(self) -> int:
        return len(self.polygons)


@dataclass(frozen=True, eq=False)
class SourceImage:
    """One image as the dataset tells of it. Fields as those of `records.LabelledImage`.

    Attributes:
        path: where the image should be; it may be missing.
        width, height: as the labels say, None where they do not.
        annotated: names of classes labelled completely in this image; None for those of the dataset's card. Our own
            names stand for themselves; what the dataset's own make complete of ours, the class map says
            (`ClassMap.complete`).
    """

    name: str
    path: Path
    labels: Path | None
    objects: SourceObjects
    place: str
    width: int | None = None
    height: int | None = None
    gsd_m: float | None = None
    time: datetime | None = None
    annotated: frozenset[str] | None = None
    published_split: str | None = None


@dataclass(eq=False)
class Log:
    """What went wrong while a dataset was read, and how many objects its files held.

    Attributes:
        root: of the dataset; faults name files relative to it.
        faults: in the order found.
        lost: per source class (`?` where it cannot be read), objects whose lines could not be read at all.
    """

    root: Path
    faults: list[Fault] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        kind: FaultKind,
        file: Path,
        message: str,
        mending: Mending,
        *,
        line: int | None = None,
        objects: int = 0,
        class_name: str | None = None,
    ) -> None:
        """Note a fault."""
        name = file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file)
        self.faults.append(Fault(kind, name, line, message, mending, objects, class_name))

    def bad_line(self, file: Path, line: int, message: str, class_name: str | None = None) -> None:
        """Note a line that was meant to be an object and cannot be read; it counts as an object lost."""
        self.lost[class_name or "?"] += 1
        self.add(
            FaultKind.BAD_LINE,
            file,
            message,
            Mending.DROPPED,
            line=line,
            objects=1,
            class_name=class_name,
        )

    def stray(self, file: Path, message: str) -> None:
        """Note a file that belongs to no dataset (`._100.tif` of a Mac's archive)."""
        self.add(FaultKind.STRAY_FILE, file, message, Mending.FILE_LEFT_OUT)
