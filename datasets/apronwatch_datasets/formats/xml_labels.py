"""Labels as XML: one file an image, one element an object."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.formats.texts import finite, unreadable
from apronwatch_datasets.source import Log, SourceObjects

Element = ElementTree.Element
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")

Corners = Callable[[Element], NDArray[np.float64]]
"""Corners (4, 2) of an object's element; raises `ValueError` where they cannot be read."""


def read_root(path: Path, log: Log) -> Element | None:
    """Root of an XML file; None, with a fault noted, where it is none."""
    try:
        return _parsed(path.read_bytes())
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        unreadable(path, f"no XML: {error}", log)
        return None


def _parsed(content: bytes) -> Element:
    """Expat reads a few encodings by itself. Chinese tools declare GB 2312 or Big5, which it does not."""
    declared = _DECLARED.match(content)
    if declared is None or declared[1].lower().startswith(b"utf"):
        return ElementTree.fromstring(content)
    # Of text the parser leaves the declared encoding aside.
    return ElementTree.fromstring(content.decode(declared[1].decode("ascii")))


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
    sided: bool = False,
) -> SourceObjects:
    """Objects of an image, numbered from 1; one that cannot be read is noted and lost.

    Args:
        elements: one each.
        name: its source class; raises `ValueError`.
        corners: of its box.
        path: the file, for messages.
        log: takes the faults.
        oriented: boxes are turned with their objects.
        sided: boxes are written as sides.
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
        np.array(boxes).reshape(-1, 4, 2),
        names,
        oriented=oriented,
        difficult=difficult,
        lines=lines,
        sided=sided,
    )
