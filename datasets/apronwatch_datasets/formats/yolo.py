"""YOLO's label text: one file an image, one line an object, as shares of the image's width and height.

Horizontal: `class x y w h` with the centre of the box; oriented: `class x1 y1 x2 y2 x3 y3 x4 y4`. Classes are
numbers from 0 into a list of names: `names` of `data.yaml` (a list, or a table by number), or one a line in
`classes.txt` or `*.names`. Facts: docs.ultralytics.com/datasets/detect and /datasets/obb; ultralytics/ultralytics,
`data/utils.py` (`verify_image_label`: no further field is allowed).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.errors import DatasetInvalid
from apronwatch.geometry import envelopes
from apronwatch_datasets.formats.texts import finite, read_lines
from apronwatch_datasets.records import horizontal_boxes
from apronwatch_datasets.source import Log, SourceObjects

_FIELDS = {False: 5, True: 9}
_KIND = {5: "a horizontal box", 9: "an oriented box"}


def read_names(root: Path) -> tuple[str, ...]:
    """The classes of a dataset, in the order of their numbers.

    Raises:
        DatasetInvalid: no file of names, or one that cannot be understood.
    """
    tables = sorted(
        (*root.glob("*.yaml"), *root.glob("*.yml")), key=lambda path: (path.stem != "data", path.name)
    )
    for path in tables:
        found = _table(path)
        if found is not None:
            return found
    for path in (root / "classes.txt", *sorted(root.glob("*.names"))):
        if path.is_file():
            return tuple(line.strip() for line in _text(path).splitlines() if line.strip())
    raise DatasetInvalid(
        f"{root}: no names of classes; expected a data.yaml with `names`, or a classes.txt with one a line"
    )


def _table(path: Path) -> tuple[str, ...] | None:
    """`names` of a YAML file; None where it has none (it is of something else)."""
    try:
        document = yaml.safe_load(_text(path))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # A date that is none is a ValueError, brackets without end are a RecursionError.
        raise DatasetInvalid(
            f"{path}: no readable YAML ({' '.join(str(error).split())}); expected `names` of the classes"
        ) from error
    names = document.get("names") if isinstance(document, dict) else None
    if names is None:
        return None
    if isinstance(names, dict) and names.keys() == set(range(len(names))):
        names = [names[k] for k in range(len(names))]
    if not isinstance(names, list):
        raise DatasetInvalid(
            f"{path}: names are a {type(names).__name__}; expected a list, or a table by number from 0 on"
        )
    # Aliases make of a few lines a list of lists whose text is endless: nothing but a plain name is written out.
    strange = next((name for name in names if type(name) not in (str, int)), None)
    if strange is not None or None in names:
        raise DatasetInvalid(
            f"{path}: a name is a {type(strange).__name__}; expected text or a number (put it in quotes)"
        )
    return tuple(str(name) for name in names)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetInvalid(
            f"{path}: no readable text ({error}); expected the names of the classes"
        ) from error


def read_yolo(
    path: Path, names: Sequence[str], size: tuple[int, int], log: Log, *, oriented: bool
) -> SourceObjects | None:
    """One file. A line that is no object is noted and lost.

    Args:
        path: the file.
        names: classes by their numbers; an object of another number is named by it.
        size: width and height of the image in pixels.
        log: takes the faults.
        oriented: lines hold corners, not centre and size.

    Returns:
        None, with a fault noted, where the file is no text at all.
    """
    lines = read_lines(path, log)
    if lines is None:
        return None
    shares, found, numbers = [], [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            name, values = _row(line.split(), names, _FIELDS[oriented])
        except ValueError as error:
            log.bad_line(path, number, str(error))
            continue
        shares.append(values)
        found.append(name)
        numbers.append(number)
    table = np.array(shares, dtype=np.float64).reshape(len(found), _FIELDS[oriented] - 1)
    return SourceObjects.of(
        _corners(table, size), found, oriented=oriented, lines=numbers, sided=not oriented
    )


def _row(tokens: Sequence[str], names: Sequence[str], fields: int) -> tuple[str, list[float]]:
    if len(tokens) != fields:
        seen = f"{len(tokens)} fields{f' ({_KIND[len(tokens)]})' if len(tokens) in _KIND else ''}"
        raise ValueError(f"{seen}; expected {fields}, {_KIND[fields]}")
    if not tokens[0].isdecimal():
        raise ValueError(f"class {tokens[0]!r}; expected a number from 0 on")
    index = int(tokens[0])
    return (names[index] if index < len(names) else str(index)), finite(tokens[1:], "share")


def _corners(table: NDArray[np.float64], size: tuple[int, int]) -> Polygons:
    if table.shape[1] == _FIELDS[True] - 1:
        corners: Polygons = table.reshape(-1, 4, 2) * size
        return corners
    x, y, w, h = table.T * np.array([*size, *size])[:, None]
    return horizontal_boxes(x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def write_yolo(
    path: Path,
    polygons: Polygons,
    classes: NDArray[np.integer],
    size: tuple[int, int],
    *,
    oriented: bool,
) -> None:
    """One file.

    Args:
        path: the file; its folder exists.
        polygons: (N, 4, 2) corners in pixels; written horizontally, their upright hulls.
        classes: (N,) numbers of the classes.
        size: width and height of the image in pixels.
        oriented: write corners, not centre and size.
    """
    if oriented:
        shares = (polygons / size).reshape(-1, 8)
    else:
        x0, y0, x1, y1 = envelopes(polygons).T
        shares = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=-1) / (*size, *size)
    rows = (
        f"{index} " + " ".join(f"{share:.10g}" for share in row) + "\n"
        for index, row in zip(classes.tolist(), shares.tolist(), strict=True)
    )
    path.write_text("".join(rows), encoding="utf-8")


def write_names(path: Path, names: Sequence[str], splits: Mapping[str, str]) -> None:
    """A `data.yaml` that Ultralytics takes as it is: without `path`, folders are sought beside it.

    Args:
        path: the file.
        names: classes in the order of their numbers.
        splits: `train`, `val`, `test` and the folder of images of each.
    """
    document = {**splits, "names": dict(enumerate(names))}
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
