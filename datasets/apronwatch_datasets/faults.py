"""What can be wrong with a labelled dataset, named with file and line."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What is wrong."""

    MISSING_IMAGE = "missing_image"
    MISSING_LABELS = "missing_labels"
    UNREADABLE_IMAGE = "unreadable_image"
    UNREADABLE_LABELS = "unreadable_labels"
    SIZE_DIFFERS = "size_differs"
    OBLONG_PIXELS = "oblong_pixels"
    EXIF_TURNED = "exif_turned"
    STRAY_FILE = "stray_file"
    BAD_LINE = "bad_line"
    UNKNOWN_CLASS = "unknown_class"
    ARTEFACT_CLASS = "artefact_class"
    OUTSIDE_IMAGE = "outside_image"
    INVERTED_BOX = "inverted_box"
    ZERO_AREA = "zero_area"
    CROSSED_POLYGON = "crossed_polygon"
    DOUBLED_BOX = "doubled_box"


class Mending(StrEnum):
    """What was done about it."""

    IMAGE_LEFT_OUT = "image left out"
    FILE_LEFT_OUT = "file left out"
    DROPPED = "dropped"
    CLIPPED = "clipped to the image"
    REORDERED = "corners put in order"
    SORTED = "sides sorted"
    IGNORED = "kept as a region to ignore"
    AS_THE_FILE_SAYS = "the image file's own size taken"
    GSD_UNKNOWN = "GSD taken as unknown"
    NOTHING = "left as it is"


@dataclass(frozen=True)
class Fault:
    """One fault: where, what, and what was done about it.

    Attributes:
        kind: what is wrong.
        file: the file it stands in, relative to the dataset's root.
        line: line of a text file, or 1-based number of the object in it; None for the file as a whole.
        message: what was found, in one line.
        mending: what was done.
        objects: how many labelled objects it took out of the dataset.
        class_name: source class of the object.
    """

    kind: FaultKind
    file: str
    line: int | None
    message: str
    mending: Mending
    objects: int = 0
    class_name: str | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.kind}: {self.message} ({self.mending})"

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "kind": self.kind.value,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "mending": self.mending.value,
            "objects_lost": self.objects,
            "source_class": self.class_name,
        }


def counted(faults: Iterable[Fault]) -> dict[FaultKind, int]:
    """How many of each kind, most frequent first."""
    return dict(Counter(fault.kind for fault in faults).most_common())
