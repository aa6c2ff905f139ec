"""DOTA's label text: one file an image, one line an object, corners in pixels.

`x1 y1 x2 y2 x3 y3 x4 y4 class difficult`, after header lines `imagesource:…` and `gsd:…` (metres of a pixel, or
`null`); the `meta` files of version 2.0 hold the headers alone, `acquisition dates:…` among them. `difficult` is 0
or 1; DOTA's own splitter writes 2 for an object that it cut, and some files leave it out (0). Further fields, such
as a score, are passed over. Facts: CAPTAIN-WHU/DOTA_devkit, `dota_utils.py` (`parse_dota_poly`), `ImgSplit.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.formats.texts import finite, read_lines, written
from apronwatch_datasets.records import Objects
from apronwatch_datasets.source import Log, SourceObjects

_HEADER = re.compile(r"([A-Za-z][A-Za-z _]*):(.*)")
_CORNERS = 8
_Row = tuple[list[float], str, bool, int]
"""Corners, class, difficult, line."""


@dataclass(frozen=True, eq=False)
class DotaText:
    """What one file says.

    Attributes:
        objects: its objects; `lines` counts from the top of the file.
        gsd_m: metres of a pixel; None where the header does not say.
        time: of acquisition; None where the header does not say.
        headed: it has header lines.
        blank: it has no line at all.
    """

    objects: SourceObjects
    gsd_m: float | None
    time: datetime | None
    headed: bool
    blank: bool


def read_dota(path: Path, log: Log, *, oriented: bool = True) -> DotaText | None:
    """One file. A line that is no object is noted and lost.

    Args:
        path: the file.
        log: takes the faults.
        oriented: the boxes are turned with their objects.

    Returns:
        None, with a fault noted, where the file is no text at all.
    """
    lines = read_lines(path, log)
    if lines is None:
        return None
    headers: dict[str, str] = {}
    rows: list[_Row] = []
    for number, line in enumerate(lines, start=1):
        header = _HEADER.fullmatch(line.strip())
        if header:
            headers[header[1].strip().lower()] = header[2].strip()
        elif line.strip():
            _take(line.split(), path, number, rows, log)
    blank = not any(line.strip() for line in lines)
    return DotaText(_objects(rows, oriented), _gsd_m(headers), _time(headers), bool(headers), blank)


def _take(tokens: Sequence[str], path: Path, number: int, rows: list[_Row], log: Log) -> None:
    name = tokens[_CORNERS] if len(tokens) > _CORNERS else None
    try:
        if name is None:
            raise ValueError(
                f"{len(tokens)} fields; expected 8 coordinates, a class, and whether it is difficult"
            )
        corners = finite(tokens[:_CORNERS], "coordinate")
        rows.append((corners, name, _difficult(tokens[_CORNERS + 1 :]), number))
    except ValueError as error:
        log.bad_line(path, number, str(error), name)


def _difficult(rest: Sequence[str]) -> bool:
    if not rest:
        return False
    if rest[0] not in {"0", "1", "2"}:
        raise ValueError(f"difficult is {rest[0]!r}; expected 0, 1 or 2")
    return rest[0] != "0"


def _objects(rows: Sequence[_Row], oriented: bool) -> SourceObjects:
    return SourceObjects.of(
        [row[0] for row in rows],
        [row[1] for row in rows],
        oriented=oriented,
        difficult=[row[2] for row in rows],
        lines=[row[3] for row in rows],
    )


def _gsd_m(headers: Mapping[str, str]) -> float | None:
    """Files made from other datasets say `null`, `None` or 0.0 where they do not know it."""
    try:
        gsd_m = float(headers.get("gsd", "null"))
    except ValueError:
        return None
    return gsd_m if isfinite(gsd_m) and gsd_m > 0 else None


def _time(headers: Mapping[str, str]) -> datetime | None:
    try:
        time = datetime.fromisoformat(headers.get("acquisition dates", "None"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def write_dota(
    path: Path,
    objects: Objects,
    names: NDArray[np.str_],
    *,
    gsd_m: float | None = None,
    time: datetime | None = None,
) -> None:
    """One file.

    Args:
        path: the file; its folder exists.
        objects: what is written.
        names: (N,) classes to write, without white space: the format's fields are divided by it.
        gsd_m: metres of a pixel.
        time: of acquisition.
    """
    lines = [] if time is None else [f"acquisition dates:{time.isoformat()}"]
    lines += ["imagesource:null", f"gsd:{'null' if gsd_m is None else repr(float(gsd_m))}"]
    marks = (objects.difficult | objects.ignore).astype(int).tolist()
    for box, name, mark in zip(objects.polygons.reshape(-1, 8).tolist(), names.tolist(), marks, strict=True):
        lines.append(f"{' '.join(written(value) for value in box)} {name} {mark}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
