"""`Detections`: a struct of arrays of oriented boxes, in one coordinate plane."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Polygons = NDArray[np.float64]
"""Corners of oriented boxes, shape (N, 4, 2), in order around each box."""


@dataclass(frozen=True, eq=False)
class Detections:
    """Oriented boxes with their scores and classes.

    Attributes:
        polygons: (N, 4, 2) float64, the corners in order around each box. With a `crs` they are in its metres
            (x east, y north); without one in pixels of the picture (origin at its top left corner, x right, y down).
        scores: (N,) float32, raw scores of the model, 0 to 1.
        classes: (N,) int16, indices into `taxonomy.CLASSES`.
        truncated: (N,) bool, cut by the edge of the scene.
        crs: the projected CRS of the coordinates (`EPSG:32637`), or None for pixels.
        unit_m: true metres on the ground of one unit: 1 in UTM, the GSD in pixels.
    """

    polygons: Polygons
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    truncated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    crs: str | None = None
    unit_m: float = 1.0

    def __post_init__(self) -> None:
        polygons = np.asarray(self.polygons, dtype=np.float64).reshape(-1, 4, 2)
        n = len(polygons)
        truncated = np.asarray(self.truncated, dtype=np.bool_)
        if truncated.size == 0:
            truncated = np.zeros(n, dtype=np.bool_)
        object.__setattr__(self, "polygons", polygons)
        object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float32))
        object.__setattr__(self, "classes", np.asarray(self.classes, dtype=np.int16))
        object.__setattr__(self, "truncated", truncated)
        shapes = {self.scores.shape, self.classes.shape, truncated.shape}
        if shapes != {(n,)}:
            raise ValueError(f"{n} polygons with scores, classes, truncated of shapes {sorted(shapes)}")

    @classmethod
    def empty(cls, crs: str | None = None, unit_m: float = 1.0) -> Self:
        """No detections, in a given plane."""
        return cls(np.zeros((0, 4, 2)), np.zeros(0), np.zeros(0), crs=crs, unit_m=unit_m)  # type: ignore[arg-type]

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All parts in one; they must lie in the same plane. Raises `ValueError` otherwise, or for no parts."""
        if not parts:
            raise ValueError("nothing to concatenate: give Detections.empty(crs, unit_m) for no parts")
        if len({(p.crs, p.unit_m) for p in parts}) > 1:
            raise ValueError("detections of different planes cannot be joined")
        return cls(
            np.concatenate([p.polygons for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.classes for p in parts]),
            np.concatenate([p.truncated for p in parts]),
            parts[0].crs,
            parts[0].unit_m,
        )

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: ArrayLike) -> Self:
        """Those at an index or boolean mask, in its order."""
        chosen = np.asarray(index)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)
        return replace(
            self,
            polygons=self.polygons[chosen],
            scores=self.scores[chosen],
            classes=self.classes[chosen],
            truncated=self.truncated[chosen],
        )

    @property
    def centres(self) -> NDArray[np.float64]:
        """(N, 2) centres, in the units of the polygons."""
        centres: NDArray[np.float64] = self.polygons.mean(axis=1)
        return centres

    @property
    def lengths_m(self) -> NDArray[np.float64]:
        """(N,) longest side of each box in true metres. Sides do not tell length from span: An-124 is 69 by 73 m."""
        longest: NDArray[np.float64] = self._sides_m().max(axis=1, initial=0.0)
        return longest

    @property
    def widths_m(self) -> NDArray[np.float64]:
        """(N,) shorter side of each box in true metres."""
        sides = self._sides_m()
        return sides.min(axis=1) if len(sides) else np.zeros(0)

    @property
    def orientations_deg(self) -> NDArray[np.float64]:
        """(N,) direction of the longest side, clockwise from up (grid north), in [0, 180)."""
        first = self.polygons[:, 1] - self.polygons[:, 0]
        second = self.polygons[:, 2] - self.polygons[:, 1]
        longer = (np.hypot(*first.T) >= np.hypot(*second.T))[:, None]
        east, up = np.where(longer, first, second).T
        if self.crs is None:
            up = -up
        degrees: NDArray[np.float64] = np.degrees(np.arctan2(east, up)) % 180.0
        return np.where(degrees >= 180.0, 0.0, degrees)

    def _sides_m(self) -> NDArray[np.float64]:
        edges = np.roll(self.polygons, -1, axis=1) - self.polygons
        sides = np.hypot(edges[..., 0], edges[..., 1])
        mean: NDArray[np.float64] = (sides[:, :2] + sides[:, 2:]) / 2 * self.unit_m
        return mean
