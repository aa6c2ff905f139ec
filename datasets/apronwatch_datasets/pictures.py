"""The pixels of a dataset's image, in the form in which the product sees a scene: one stretch, RGB, valid mask."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from apronwatch.errors import NoGsd
from apronwatch.georeference import WGS84, lonlat
from apronwatch.opening import Source, open_raster
from apronwatch.scene import Scene

_UPRIGHT = "1"
"""EXIF 2.32, 4.6.4 A: the row 0 is the visual top, the column 0 the visual left. 0 stands for nothing."""

_ANY_GSD_M = 1.0
"""A picture must be told a GSD; pixels do not depend on it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A whole image.

    Attributes:
        rgb: (H, W, 3) uint8.
        valid: (H, W) bool, pixels that hold something.
        gsd_m: true metres of one pixel, from the file's own georeference; None without one.
        axes_gsd_m: along a row and along a column of pixels, from the same.
        says_drawn: it says of itself that no sensor took it (`apronwatch.scene.SYNTHETIC_TAG`).
        exif_turned: its EXIF asks a viewer to turn or mirror it. The pixels here are as they are stored.
    """

    rgb: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    gsd_m: float | None
    axes_gsd_m: tuple[float, float] | None = None
    exif_turned: bool = False
    says_drawn: bool = False


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
        rgb, turned = scene.stretch.apply(pixels), _is_exif_turned(path)
        if scene.crs is None:
            return Picture(rgb, valid, None, exif_turned=turned, says_drawn=scene.info.synthetic)
        axes = _axes_gsd_m(scene.crs, scene.transform, scene.width, scene.height)
        return Picture(rgb, valid, scene.gsd_m, axes, turned, scene.info.synthetic)


def _axes_gsd_m(crs: pyproj.CRS, transform: Affine, width: int, height: int) -> tuple[float, float]:
    """Metres on the ground of a step of one pixel at the raster's centre, along a row and along a column."""
    reach = min(width, height, 64) / 2
    steps = np.array([(-reach, 0), (reach, 0), (0, -reach), (0, reach)]).T
    x, y = transform @ (steps[0] + width / 2, steps[1] + height / 2)
    lon, lat = lonlat(crs, np.asarray(x), np.asarray(y))
    _, _, lengths = WGS84.inv(lon[[0, 2]], lat[[0, 2]], lon[[1, 3]], lat[[1, 3]])
    across, down = (lengths / (2 * reach)).tolist()
    return across, down


def _is_exif_turned(path: Path) -> bool:
    """GDAL tells the EXIF of JPEG files, and leaves their pixels as they are stored."""
    with open_raster(Source.locate(str(path))) as raster:
        return raster.tags().get("EXIF_Orientation", _UPRIGHT) not in ("0", _UPRIGHT)
