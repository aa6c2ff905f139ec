"""A tiny DIOR-R: the pictures of the tiny DIOR with boxes as four corners."""

from pathlib import Path

from apronwatch_datasets.fakes.dior import Sides, write_pictures
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content


def write_fake(root: Path) -> FakeTruth:
    """With turned boxes."""
    return write_pictures(root, root / "Annotations" / "Oriented Bounding Boxes", _turned)


def _turned(sides: Sides) -> Content:
    """The diamond whose hull has these sides."""
    left, top, right, bottom = sides
    x, y = (left + right) / 2, (top + bottom) / 2
    corners = {
        "left_top": (x, top),
        "right_top": (right, y),
        "right_bottom": (x, bottom),
        "left_bottom": (left, y),
    }
    flat = {
        f"{axis}_{where}": value for where, p in corners.items() for axis, value in zip("xy", p, strict=True)
    }
    return {"type": "robndbox", "robndbox": flat}
