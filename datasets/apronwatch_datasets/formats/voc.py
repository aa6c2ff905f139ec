"""Pascal VOC: one XML file an image, one `object` element a box.

Coordinates are taken as they are written, from the top left corner of the picture. (The first VOC sets counted pixels
from 1 and included the last one; today's tools count edges from 0, and a file does not say which.)

An upright box is a `bndbox` of xmin, ymin, xmax, ymax. A turned one has besides it a `robndbox` of four corners, as
DIOR-R writes them.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from apronwatch.geometry import envelopes
from apronwatch_datasets.formats import xml_labels as xml
from apronwatch_datasets.formats.texts import unreadable
from apronwatch_datasets.records import Objects, horizontal_boxes
from apronwatch_datasets.source import Log, SourceObjects

TURNED = "robndbox"
UPRIGHT = "bndbox"
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_CORNERS = tuple(
    (f"x_{where}", f"y_{where}") for where in ("left_top", "right_top", "right_bottom", "left_bottom")
)


@dataclass(frozen=True, eq=False)
class VocFile:
    """What one file says.

    Attributes:
        image: file name of the image, None where it is not told.
        width, height: in pixels, None where they are not told.
        objects: all of them.
    """

    image: str | None
    width: int | None
    height: int | None
    objects: SourceObjects


def read_voc(path: Path, log: Log) -> VocFile | None:
    """One file; objects that cannot be read are noted and lost. None, with a fault noted, if it is no such file."""
    root = xml.read_root(path, log)
    if root is None:
        return None
    if root.tag != "annotation":
        unreadable(path, f"root element {root.tag}, not annotation", log)
        return None
    elements = root.findall("object")
    objects = xml.objects(elements, name_of, corners_of, path, log)
    turned = np.array([element.find(TURNED) is not None for element in elements], dtype=np.bool_)
    turned = turned[objects.lines - 1]
    objects = replace(objects, oriented=turned, sided=~turned)
    image = (root.findtext("filename") or "").strip() or None
    return VocFile(image, *xml.size(root, "size/width", "size/height"), objects)


def name_of(element: xml.Element) -> str:
    """Class of an object. Raises `ValueError`."""
    return xml.text(element, "name")


def corners_of(element: xml.Element) -> NDArray[np.float64]:
    """Corners (4, 2) of an object, of the turned box where there is one. Raises `ValueError`."""
    return turned_corners(element) if element.find(TURNED) is not None else upright_corners(element)


def upright_corners(element: xml.Element) -> NDArray[np.float64]:
    """Corners (4, 2) of the upright box. Raises `ValueError`."""
    box: NDArray[np.float64] = horizontal_boxes(*(xml.number(element, f"{UPRIGHT}/{s}") for s in _SIDES))[0]
    return box


def turned_corners(element: xml.Element) -> NDArray[np.float64]:
    """Corners (4, 2) of the turned box. Raises `ValueError`."""
    return np.array([[xml.number(element, f"{TURNED}/{axis}") for axis in corner] for corner in _CORNERS])


def write_voc(
    path: Path, objects: Objects, names: NDArray[np.str_], *, image: str, size: tuple[int, int]
) -> None:
    """One file. Read again, its boxes are the same to the last bit.

    Args:
        path: the file; its folder exists.
        objects: what is written: an upright box as the hull of its corners; what is ignored as difficult.
        names: (N,) classes to write.
        image: file name of the image.
        size: width and height of the image in pixels.
    """
    root = ElementTree.Element("annotation")
    _add(root, "filename", image)
    extent = _add(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*size, 3), strict=True):
        _add(extent, tag, value)
    hulls = envelopes(objects.polygons)
    marks = (objects.difficult | objects.ignore).astype(int).tolist()
    for k, (name, mark) in enumerate(zip(names.tolist(), marks, strict=True)):
        element = _add(root, "object")
        _add(element, "name", name)
        _add(element, "difficult", mark)
        _numbers(_add(element, UPRIGHT), _SIDES, hulls[k])
        if objects.oriented[k]:
            tags = tuple(tag for corner in _CORNERS for tag in corner)
            _numbers(_add(element, TURNED), tags, objects.polygons[k].reshape(-1))
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8") + b"\n")


def _numbers(parent: xml.Element, tags: tuple[str, ...], values: NDArray[np.float64]) -> None:
    for tag, value in zip(tags, values.tolist(), strict=True):
        _add(parent, tag, value)


def _add(parent: xml.Element, tag: str, value: object = None) -> xml.Element:
    child = ElementTree.SubElement(parent, tag)
    if value is not None:
        child.text = str(value)
    return child
