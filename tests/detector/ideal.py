"""An ideal detector over a drawn truth: what tiling and merging alone do to a count."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.geometry import envelopes, min_area_boxes, polygons_to_shapely, rotated_boxes
from apronwatch.lattice import Lattice, overlap_for
from apronwatch.taxonomy import class_id

LONGEST_M = 73.3
LEAST_VISIBLE_SHARE = 0.25
"""A detector says nothing of an object of which it sees less."""


@dataclass(frozen=True)
class Truth:
    """Objects on the ground: polygons (N, 4, 2) in metres and classes (N,)."""

    polygons: NDArray[np.float64]
    classes: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.classes)

    def shifted(self, offset: NDArray[np.float64]) -> "Truth":
        return Truth(self.polygons + offset, self.classes)


@dataclass(frozen=True)
class Seen:
    """What the ideal detector returns over all tiles; `truth` tells which object each box shows."""

    polygons: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int16]
    tile_ij: NDArray[np.intp]
    truth: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index) -> "Seen":
        """Those at an index or mask."""
        return Seen(*(a[index] for a in (self.polygons, self.scores, self.classes, self.tile_ij, self.truth)))


def _row(at, count, pitch_m, along_deg, length_m, width_m, heading_deg, sizes):
    """Boxes parked along a line: `pitch_m` apart in the direction `along_deg`, each heading `heading_deg`."""
    step = np.arange(count) * pitch_m
    along = np.radians(along_deg)
    length, width = length_m * sizes(count), width_m * sizes(count)
    return rotated_boxes(
        at[0] + step * np.cos(along),
        at[1] + step * np.sin(along),
        length,
        width,
        np.full(count, np.radians(heading_deg)),
    )


def air_base(seed: int = 0) -> Truth:
    """417 objects on 670 by 470 m: dense rows at 45° and other angles, echelons, aircraft of 73 m."""
    rng = np.random.default_rng(seed)

    def sizes(count):
        return rng.uniform(0.97, 1.03, count)

    exact = np.ones
    lorries = [_row((100 + 34 * k, 20), 15, 4.0, 135, 12, 2.5, 45, sizes) for k in range(5)]
    cars = [_row((250, 20 + 6.2 * k), 30, 2.6, 0, 4.6, 1.9, 90, sizes) for k in range(4)]
    cars += [_row((350 + 9.0 * k, 30), 30, 2.8, 45, 4.6, 1.9, 135, sizes) for k in range(4)]
    fighters = [_row((40 + 26 * k, 100), 14, 16.5, 60, 19, 14, 150, sizes) for k in range(4)]
    echelon = [_row((300 + 60 * k, 110), 9, 30.0, 90, 40, 40, 45, exact) for k in range(4)]
    giants = [_row((560, 90 + 85 * k), 2, 90.0, 10, 73.3, 69, 10 + 45 * (k % 2), exact) for k in range(5)]
    names = np.repeat(["vehicle_large", "vehicle_small", "plane"], [75, 240, 56 + 36 + 10])
    polygons = np.concatenate([*lorries, *cars, *fighters, *echelon, *giants])
    return Truth(polygons, np.array([class_id(name) for name in names], dtype=np.int16))


def lattice_over(
    truth: Truth, gsd_m: float, tile_px: int, margin_m: float = 25.0, crs: str | None = "EPSG:32637"
):
    low, high = truth.polygons.min(axis=(0, 1)) - margin_m, truth.polygons.max(axis=(0, 1)) + margin_m
    return Lattice(gsd_m, tile_px, overlap_for(LONGEST_M, gsd_m), (*low, *high), crs)


def look(truth: Truth, lattice: Lattice, rng: np.random.Generator, jitter_px: float = 1.0) -> Seen:
    """What each tile shows, as a detector boxes it: whole objects, or the visible part where the tile cuts."""
    tiles = lattice.tiles()
    frames = np.array([tile.bounds for tile in tiles])
    hulls = envelopes(truth.polygons)
    meets = (hulls[None, :, :2] < frames[:, None, 2:]).all(axis=2) & (
        hulls[None, :, 2:] > frames[:, None, :2]
    ).all(axis=2)
    which, object_ = np.nonzero(meets)
    cut = ((hulls[object_, :2] < frames[which, :2]) | (hulls[object_, 2:] > frames[which, 2:])).any(axis=1)
    boxes, share = truth.polygons[object_].copy(), np.ones(len(object_))
    boxes[cut], share[cut] = _visible(truth.polygons[object_[cut]], frames[which[cut]])
    seen = share >= LEAST_VISIBLE_SHARE
    boxes, which, object_ = boxes[seen], which[seen], object_[seen]
    boxes = boxes + rng.normal(0.0, jitter_px * lattice.gsd_m, (len(boxes), 1, 2))
    tile_ij = np.array([(tile.i, tile.j) for tile in tiles])[which]
    return Seen(boxes, rng.uniform(0.1, 1.0, len(boxes)), truth.classes[object_], tile_ij, object_)


def _visible(polygons, frames):
    """Oriented boxes around the visible parts, and the share of each polygon that is visible."""
    whole = polygons_to_shapely(polygons)
    parts = shapely.intersection(whole, shapely.box(*frames.T))
    share = shapely.area(parts) / shapely.area(whole)
    boxes = polygons.copy()
    for k in np.flatnonzero(share > 0):
        boxes[k] = min_area_boxes(shapely.get_coordinates(parts[k])[None])[0]
    return boxes, share


@dataclass(frozen=True)
class Tally:
    """How a merged look differs from the truth."""

    count: int
    duplicates: int
    losses: int


def tally(truth: Truth, seen: Seen, kept: NDArray[np.intp]) -> Tally:
    times = np.bincount(seen.truth[kept], minlength=len(truth))
    return Tally(len(kept), int((times - 1).clip(0).sum()), int((times == 0).sum()))
