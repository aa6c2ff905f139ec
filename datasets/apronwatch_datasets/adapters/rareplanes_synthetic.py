"""The synthetic part of RarePlanes: airports rendered by AI.Reverie, read by `rareplanes`.

An XML file's `object` tells of one aircraft: `category0` is Airplane, and `Sockets` hold its nose, right wing tip, tail
and left wing tip, each as `X=... Y=...` in pixels (`screen`) and as `X=... Y=... Z=...` in centimetres (`world`), also
where they lie outside the picture. An aircraft without `bndbox2D` is not seen: its place is ignored. The camera looks
down at a slant, so that the GSD varies over a picture by a few per cent: it is the median of the aircraft's lengths in
metres over those in pixels. Format: VisionSystemsInc/RarePlanes, `rareplanes/xmls.py` and `datasets/example`.

A file name begins with the airport, which is the place. The time in a file is that of rendering.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.adapters.diamonds import NOSE, TAIL, boxes_around
from apronwatch_datasets.adapters.folders import by_stem, labelled
from apronwatch_datasets.formats import xml_labels as xml
from apronwatch_datasets.formats.texts import finite
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

_SOCKETS = ("Nose", "RightWing", "Tail", "LeftWing")
_NUMBERS = re.compile(r"[XYZ]=(\S+)")
_SERIAL = re.compile(r"(_\d+)+$")
_CM = 0.01


def synthetic(folder: Path, split: str, log: Log) -> Iterator[SourceImage]:
    """Every rendered picture of a split that has a label file; none where there is no such folder."""
    images = by_stem(folder / "images", (".png",), log)
    labels = by_stem(folder / "xmls", (".xml",), log)
    for name, image, written in labelled(images, labels, lambda name: folder / "images" / f"{name}.png", log):
        root = xml.read_root(written, log)
        if root is None:
            continue
        elements = root.findall("object")
        objects = xml.objects(elements, _class, _box, written, log)
        unseen = np.array([element.find("bndbox2D") is None for element in elements], dtype=bool)
        yield SourceImage(
            f"{split}/{name}",
            image,
            written,
            SourceObjects.of(
                objects.polygons,
                objects.names.tolist(),
                ignore=unseen[objects.lines - 1],
                lines=objects.lines,
            ),
            f"synthetic {_SERIAL.sub('', name)}",
            *xml.size(root, "image_resolution/width", "image_resolution/height"),
            gsd_m=_gsd_m([elements[line - 1] for line in objects.lines.tolist()]),
            published_split=split,
        )


def _class(element: xml.Element) -> str:
    return xml.text(element, "category0")


def _box(element: xml.Element) -> NDArray[np.float64]:
    box: NDArray[np.float64] = boxes_around(_points(element, "screen", 2)[None])[0]
    return box


def _points(element: xml.Element, space: str, dimensions: int) -> NDArray[np.float64]:
    """The four points (4, dimensions) of an aircraft. Raises `ValueError`."""
    points = []
    for socket in _SOCKETS:
        path = f"Sockets/Bone_PlaneAnnotation_{socket}/{space}"
        numbers = _NUMBERS.findall(xml.text(element, path))
        if len(numbers) != dimensions:
            raise ValueError(f"{path} is {xml.text(element, path)!r}, not {dimensions} coordinates")
        points.append(finite(numbers, path))
    return np.array(points)


def _gsd_m(elements: list[xml.Element]) -> float | None:
    """Metres of a pixel in the middle of the picture's aircraft; None where none tells."""
    found = []
    for element in elements:
        try:
            world, screen = _points(element, "world", 3) * _CM, _points(element, "screen", 2)
        except ValueError:
            continue  # its box was read from `screen`; without `world` it says nothing of the GSD
        length_px = np.linalg.norm(screen[NOSE] - screen[TAIL])
        if length_px > 0:
            found.append(np.linalg.norm(world[NOSE] - world[TAIL]) / length_px)
    return float(np.median(found)) if found else None
