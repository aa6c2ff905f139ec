"""What the labels of an image become in one of its tiles."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import areas, envelopes, polygons_to_shapely
from apronwatch_datasets.checking import FLAT_PX2, clip
from apronwatch_datasets.preparing.windows import View
from apronwatch_datasets.records import Objects

SHOWN_SHARE = 0.7
"""Of what the image shows of an object, at least this share must lie in a tile to be learned from there: the share
of the published tile sets of DOTA."""

_ROUNDING_PX = 1e-6

_LOADED_UP_TO = 1.01
"""Ultralytics 8.4.190 refuses a tile with a label whose hull is wider or higher than this share of the tile."""


@dataclass(frozen=True, eq=False)
class TileLabels:
    """Labels of one tile, in its pixels.

    Attributes:
        index: (L,) which objects of the image are labelled.
        polygons: (L, 4, 2) their corners: as they are where the object lies in the tile, else clipped at its edge.
        regions: (R, 4, 2) boxes around what shows of objects from which nothing may be learned here.
    """

    index: NDArray[np.intp]
    polygons: Polygons
    regions: Polygons


class Cutter:
    """Cuts the labels of one view into tiles.

    Args:
        objects: of the image, corners in pixels of the view.
        view: the scale and its tiles.
        min_px: objects whose longer side is shorter are only ignored.

    Attributes:
        too_small: (N,) objects that are ignored for their size alone.
    """

    def __init__(self, objects: Objects, view: View, min_px: float) -> None:
        self._polygons, self._view = objects.polygons, view
        sides = np.linalg.norm(np.roll(objects.polygons, -1, axis=1) - objects.polygons, axis=-1)
        self.too_small: NDArray[np.bool_] = ~objects.ignore & (sides.max(axis=1, initial=0.0) < min_px)
        self._ignore = objects.ignore | self.too_small
        self._hulls = envelopes(objects.polygons)
        in_view = shapely.intersection(
            polygons_to_shapely(objects.polygons), shapely.box(0, 0, view.width, view.height)
        )
        self._area: NDArray[np.float64] = shapely.area(in_view)

    def cut(self, x0: int, y0: int) -> TileLabels:
        """Labels and regions of the tile with this left top corner. What shows in it is never left out."""
        size = self._view.tile_px
        hulls = self._hulls - np.array([x0, y0, x0, y0])
        near = np.flatnonzero((hulls[:, :2] < size).all(axis=1) & (hulls[:, 2:] > 0).all(axis=1))
        index, polygons, regions = [], [], []
        for k in near.tolist():
            box, share = self._part(k, hulls[k], x0, y0)
            if box is None:
                continue
            if share >= SHOWN_SHARE and not self._ignore[k] and self._loadable(box):
                index.append(k)
                polygons.append(box)
            else:
                regions.append(box)
        return TileLabels(
            np.array(index, dtype=np.intp),
            np.array(polygons, dtype=np.float64).reshape(-1, 4, 2),
            np.array(regions, dtype=np.float64).reshape(-1, 4, 2),
        )

    def _part(
        self, k: int, hull: NDArray[np.float64], x0: int, y0: int
    ) -> tuple[NDArray[np.float64] | None, float]:
        """What of an object shows in the tile, and its share of what shows in the image."""
        size = float(self._view.tile_px)
        box = self._polygons[k] - np.array([x0, y0], dtype=np.float64)
        if (hull >= -_ROUNDING_PX).all() and (hull <= size + _ROUNDING_PX).all():
            return box, 1.0
        # The padding of a small image shows nothing.
        right, bottom = min(size, self._view.width - x0), min(size, self._view.height - y0)
        part, share = clip(box, (0.0, 0.0, right, bottom))
        shown = share * float(areas(box[None])[0])
        return part, shown / max(float(self._area[k]), FLAT_PX2)

    def _loadable(self, box: NDArray[np.float64]) -> bool:
        low, high = box.min(axis=0), box.max(axis=0)
        size = self._view.tile_px
        centre = (low + high) / 2
        return bool(
            (high - low <= _LOADED_UP_TO * size).all() and (centre >= 0).all() and (centre <= size).all()
        )


def scaled(objects: Objects, image_size: tuple[int, int], view: View) -> Objects:
    """Objects of an image in the pixels of a view: edges fall on edges, x_out = x_in * width_out / width_in."""
    width, height = image_size
    return objects.at(objects.polygons * np.array([view.width / width, view.height / height]))
