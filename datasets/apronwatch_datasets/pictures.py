"""The pixels of a dataset's image, in the form in which the product sees a scene: one stretch, RGB, valid mask."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from apronwatch.errors import NoGsd
from apronwatch.scene import Scene

_ANY_GSD_M = 1.0
"""A picture must be told a GSD; pixels do not depend on it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A whole image.

    Attributes:
        rgb: (H, W, 3) uint8.
        valid: (H, W) bool, pixels that hold something.
        gsd_m: true metres of one pixel, from the file's own georeference; None without one.
    """

    rgb: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    gsd_m: float | None


def open_picture(path: Path) -> Scene:
    """The image as a scene without a time.

    Raises:
        ApronwatchError: what `Scene.open` raises.
    """
    try:
        return Scene.open(path, undated=True)
    except NoGsd:
        return Scene.open(path, undated=True, gsd_m=_ANY_GSD_M)


def read_picture(path: Path) -> Picture:
    """Every pixel of an image, stretched as the product would stretch it.

    Raises:
        ApronwatchError: it cannot be opened, or is cut short.
    """
    with open_picture(path) as scene:
        pixels, valid = scene.read(Window(0, 0, scene.width, scene.height), None)
        return Picture(scene.stretch.apply(pixels), valid, scene.gsd_m if scene.crs is not None else None)
