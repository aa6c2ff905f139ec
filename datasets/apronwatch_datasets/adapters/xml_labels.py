"""Labels as XML: one file an image, one element an object."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.adapters.folders import unreadable
from apronwatch_datasets.formats.texts import finite
from apronwatch_datasets.source import Log, SourceObjects

Element = ElementTree.Element
Corners = Callable[[Element], NDArray[np.float64]]
"""Corners (4, 2) of an object's element; raises `ValueError` where they cannot be read."""


def read_root(path: Path, log: Log) -> Element | None:
    """Root of an XML file; None, with a fault noted, where it is none."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, OSError) as error:
        unreadable(path, f"no XML: {error}", log)
        return None


def text(element: Element, path: str) -> str:
    """Text of a descendant. Raises `ValueError` where it is missing or empty."""
    found = (element.findtext(path) or "").strip()
    if not found:
        raise ValueError(f"no {path}")
    return found


def number(element: Element, path: str) -> float:
    """Number in a descendant. Raises `ValueError` where it is missing or none."""
    found = text(element, path)
    return finite([found], path)[0]


def size(root: Element, width: str, height: str) -> tuple[int | None, int | None]:
    """Width and height in pixels as the file says, None where it does not (or says 0)."""
    try:
        return int(number(root, width)) or None, int(number(root, height)) or None
    except ValueError:
        return None, None


def objects(
    elements: list[Element],
    name: Callable[[Element], str],
    corners: Corners,
    path: Path,
    log: Log,
    *,
    oriented: bool = True,
) -> SourceObjects:
    """Objects of an image, numbered from 1; one that cannot be read is noted and lost.

    Args:
        elements: one each.
        name: its source class; raises `ValueError`.
        corners: of its box.
        path: the file, for messages.
        log: takes the faults.
        oriented: boxes are turned with their objects.
    """
    boxes, names, difficult, lines = [], [], [], []
    for line, element in enumerate(elements, start=1):
        class_name = None
        try:
            class_name = name(element)
            box = corners(element)
        except ValueError as error:
            log.bad_line(path, line, f"object {line}: {error}", class_name)
            continue
        boxes.append(box)
        names.append(class_name)
        difficult.append((element.findtext("difficult") or "0").strip() == "1")
        lines.append(line)
    return SourceObjects.of(
        np.array(boxes).reshape(-1, 4, 2), names, oriented=oriented, difficult=difficult, lines=lines
    )
