"""`Found`: boxes of tiles brought into the plane, with what their tiles' masks say of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Detections
from apronwatch.lattice import Bounds
from apronwatch.reading import TileImage, TileReader
from apronwatch.warping import along

REACH_PX = 1.5
"""A box that ends this close to where the scene shows nothing is taken to be cut there."""


@dataclass(frozen=True, eq=False)
class Found:
    """Boxes in the plane's metres, one row each, and the tiles that reached a cap.

    Attributes:
        polygons: (N, 4, 2).
        scores, classes: (N,), as in `Detections`.
        truncated: (N,) cut by the edge of what the scene shows.
        hidden: (N,) with its centre under a supplied mask.
        tiles: (N, 2) column and row of the tile.
        saturated: bounds of tiles where a cap cut the boxes.
    """

    polygons: NDArray[np.float64]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    truncated: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    tiles: NDArray[np.int64]
    saturated: tuple[Bounds, ...] = ()

    @classmethod
    def nothing(cls) -> Self:
        """No boxes."""
        n = 0
        return cls(
            np.zeros((n, 4, 2)),
            np.zeros(n, np.float32),
            np.zeros(n, np.int16),
            np.zeros(n, np.bool_),
            np.zeros(n, np.bool_),
            np.zeros((n, 2), np.int64),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All parts in one."""
        joined = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _ROWS} if parts else {}
        saturated = tuple(bounds for p in parts for bounds in p.saturated)
        return cls(**joined, saturated=saturated) if parts else cls.nothing()

    @classmethod
    def in_tile(cls, picture: TileImage, boxes: Detections, saturated: bool, reader: TileReader) -> Self:
        """The boxes that an engine found in a tile's picture; those centred on no valid pixel are mirror images."""
        tile = picture.tile
        boxes = boxes.select(~_sample(~picture.valid, boxes.centres))
        outward = boxes.polygons - boxes.centres[:, None]
        reach = boxes.polygons + REACH_PX * outward / np.maximum(
            np.linalg.norm(outward, axis=2, keepdims=True), 1e-9
        )
        beyond = ~reader.on_raster(*along(tile.to_plane, reach[..., 0], reach[..., 1]))
        return cls(
            np.stack(along(tile.to_plane, boxes.polygons[..., 0], boxes.polygons[..., 1]), axis=-1),
            boxes.scores,
            boxes.classes,
            np.asarray((beyond | _sample(~picture.valid, reach)).any(axis=1)),
            _sample(picture.valid & ~picture.clear, boxes.centres),
            np.tile(np.array([tile.i, tile.j], dtype=np.int64), (len(boxes), 1)),
            (tile.bounds,) if saturated else (),
        )

    def select(self, index: NDArray[np.intp]) -> Self:
        """The rows at an index; what was saturated stays."""
        return type(self)(**{name: getattr(self, name)[index] for name in _ROWS}, saturated=self.saturated)


_ROWS = tuple(f.name for f in fields(Found) if f.name != "saturated")


def _sample(mask: NDArray[np.bool_], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The mask under points (…, 2) of its tile; False beyond the tile, where another tile knows better."""
    columns, rows = np.moveaxis(np.floor(points).astype(np.intp), -1, 0)
    height, width = mask.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return np.asarray(mask[rows.clip(0, height - 1), columns.clip(0, width - 1)] & inside)
