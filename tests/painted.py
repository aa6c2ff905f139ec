"""A ground on which every object is painted with its own number, and an engine that reads the numbers.

A painted pixel tells its object (10 bits) and its own column and row on the ground (7 bits each), so that an engine
that gets nothing but tiles knows the mirror images beyond a scene's edge from the ground itself.
"""

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from apronwatch.detections import Detections
from apronwatch.engines import ModelSpec, TileDetections
from apronwatch.geometry import polygons_to_shapely
from apronwatch.taxonomy import CLASSES, class_id
from tests.detector.ideal import LEAST_VISIBLE_SHARE, LONGEST_M, Truth
from tests.detector.made import made_class, made_model
from tests.rasters import make_raster

CRS = "EPSG:32637"
CORNER = (499_800.0, 3_900_000.0)
"""North-west corner of the ground, a multiple of 0.3 m on both axes: the pixels lie on the lattice's own."""

_LOW = 0x7F


@dataclass(frozen=True, eq=False)
class Seen:
    """What an eye sees in one picture: objects' numbers (N,), boxes (N, 4, 2) in its pixels, pixels of each (N,)."""

    ids: NDArray[np.intp]
    boxes: NDArray[np.float64]
    pixels: NDArray[np.intp]

    @property
    def centres(self) -> NDArray[np.float64]:
        return self.boxes.mean(axis=1)

    def select(self, index: NDArray[np.bool_]) -> "Seen":
        return Seen(self.ids[index], self.boxes[index], self.pixels[index])


@dataclass(frozen=True, eq=False)
class Ground:
    """Painted objects.

    Attributes:
        pixels: (h, w, 3) uint8, north up.
        gsd_m: of its pixels.
        classes: (N + 1,) class of each object's number; numbers begin at 1.
        areas: (N + 1,) pixels of each object.
    """

    pixels: NDArray[np.uint8]
    gsd_m: float
    classes: NDArray[np.int16]
    areas: NDArray[np.intp]

    @classmethod
    def painted(cls, truth: Truth, gsd_m: float, margin_m: float = 12.0) -> "Ground":
        low, high = truth.polygons.min(axis=(0, 1)) - margin_m, truth.polygons.max(axis=(0, 1)) + margin_m
        width, height = np.ceil((high - low) / gsd_m).astype(int).tolist()
        grid = Affine(gsd_m, 0.0, low[0], 0.0, -gsd_m, high[1])
        aircraft = truth.classes == class_id("plane")
        shapes = np.where(aircraft, _crosses(truth.polygons), polygons_to_shapely(truth.polygons))
        numbers = rasterize(
            zip(shapes, range(1, len(truth) + 1), strict=True),
            out_shape=(height, width),
            transform=grid,
            dtype="uint16",
        )
        rows, columns = np.indices(numbers.shape)
        channels = (
            numbers & 0xFF,
            (columns & _LOW) | (numbers >> 8 & 1) << 7,
            (rows & _LOW) | (numbers >> 9 & 1) << 7,
        )
        pixels = np.stack(channels, axis=2).astype(np.uint8)
        seen = see(pixels)
        areas = np.zeros(len(truth) + 1, np.intp)
        areas[seen.ids] = seen.pixels
        return cls(pixels, gsd_m, np.concatenate([[-1], truth.classes]).astype(np.int16), areas)

    def crop(self, left: int, top: int, width: int, height: int) -> "Crop":
        return Crop(self, left, top, width, height)


@dataclass(frozen=True)
class Crop:
    """A rectangle of the ground, in its pixels."""

    ground: Ground
    left: int
    top: int
    width: int
    height: int

    @property
    def pixels(self) -> NDArray[np.uint8]:
        return self.ground.pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def transform(self) -> Affine:
        gsd_m = self.ground.gsd_m
        west, north = CORNER[0] + self.left * gsd_m, CORNER[1] - self.top * gsd_m
        return Affine(gsd_m, 0.0, west, 0.0, -gsd_m, north)

    def write(self, path: Path, *, georeferenced: bool = True) -> Path:
        place = (
            {"crs": CRS, "transform": self.transform} if georeferenced else {"crs": None, "transform": None}
        )
        return make_raster(path, pixels=self.pixels, **place)

    def truth(self) -> Seen:
        """What the crop shows in one piece: objects of which enough is visible."""
        seen = see(self.pixels)
        return seen.select(seen.pixels >= LEAST_VISIBLE_SHARE * self.ground.areas[seen.ids])

    def cut(self, seen: Seen) -> NDArray[np.bool_]:
        """(N,) objects that the crop's edge cuts."""
        return np.asarray(seen.pixels < self.ground.areas[seen.ids])

    def edge_px(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) distance of points (..., 2) to the nearest edge, negative beyond it."""
        return np.minimum(points, [self.width, self.height] - points).min(axis=-1)


def _crosses(boxes: NDArray[np.float64]) -> NDArray[np.object_]:
    """Wings and fuselage: an aircraft is nowhere wider than its span or its length, as its box is."""
    corner, along, across = boxes[:, 0], boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]

    def strips(low: tuple[float, float], high: tuple[float, float]) -> NDArray[np.object_]:
        steps = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
        return shapely.polygons(np.stack([corner + u * along + v * across for u, v in steps], axis=1))

    crosses: NDArray[np.object_] = shapely.union(
        strips((0.0, 0.4), (1.0, 0.6)), strips((0.4, 0.0), (0.6, 1.0))
    )
    return crosses


def see(pixels: NDArray[np.uint8]) -> Seen:
    """The objects in a picture, each boxed by what is visible of it.

    Mirror images are none. The mirror image of a mirror image is an object like any other: the same number again.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.intp), 2, 0)
    numbers = red | (green >> 7) << 8 | (blue >> 7) << 9
    rows, columns = np.indices(numbers.shape)
    shift = ((columns - green) & _LOW) << 7 | ((rows - blue) & _LOW)
    at = np.argwhere(_of_one_piece(np.where(numbers > 0, shift, -1)))
    if len(at) == 0:
        return Seen(np.zeros(0, np.intp), np.zeros((0, 4, 2)), np.zeros(0, np.intp))
    owners = (numbers << 14 | shift)[tuple(at.T)]
    order = np.argsort(owners, kind="stable")
    keys, starts, areas = np.unique(owners[order], return_index=True, return_counts=True)
    parts = np.split(at[order], starts[1:])
    return Seen(keys >> 14, np.array([_box(part) for part in parts]).reshape(-1, 4, 2), areas)


def _of_one_piece(shift: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Pixels in a block of 2 by 2 that was moved as one, as no mirror image is; -1 where nothing is painted."""
    first = shift[:-1, :-1]
    alike = (first >= 0) & (first == shift[1:, :-1]) & (first == shift[:-1, 1:]) & (first == shift[1:, 1:])
    found = np.zeros(shift.shape, np.bool_)
    for down in (0, 1):
        for right in (0, 1):
            found[down : down + alike.shape[0], right : right + alike.shape[1]] |= alike
    return found


def _box(part: NDArray[np.intp]) -> NDArray[np.float32]:
    """The smallest box around pixels (k, 2) of rows and columns."""
    centre, (width, height), angle = cv2.minAreaRect((part[:, ::-1] + 0.5).astype(np.float32))
    return cv2.boxPoints((centre, (width + 1.0, height + 1.0), angle))


class IdealEngine:
    """Returns the visible part of each painted object, off by up to `jitter_px` on each axis."""

    device = "cpu"
    precision = "fp32"
    batch = 2
    workers = 1

    def __init__(self, ground: Ground, *, tile_px: int = 640, jitter_px: float = 1.0, seed: int = 0) -> None:
        self.ground, self.jitter_px, self.seed = ground, jitter_px, seed
        names = [CLASSES[k] for k in np.unique(ground.classes[1:])]
        self.model = _model(names, ground.gsd_m, tile_px)

    def detect(self, batch: NDArray[np.uint8], score_floor: float) -> list[TileDetections]:
        return [TileDetections(self._look(tile), saturated=False) for tile in batch]

    def _look(self, tile: NDArray[np.uint8]) -> Detections:
        rng = np.random.default_rng([self.seed, zlib.crc32(tile.tobytes())])
        seen = see(tile)
        seen = seen.select(seen.pixels >= LEAST_VISIBLE_SHARE * self.ground.areas[seen.ids])
        off = rng.uniform(-self.jitter_px, self.jitter_px, (len(seen.ids), 1, 2))
        scores = rng.uniform(0.4, 1.0, len(seen.ids))
        return Detections(seen.boxes + off, scores, self.ground.classes[seen.ids])


def _model(names: list[str], gsd_m: float, tile_px: int) -> ModelSpec:
    model = made_model(*names, tile_px=tile_px)
    classes = {
        name: made_class(name, pass_gsd_m=gsd_m, training_gsd_m=gsd_m, longest_m=LONGEST_M) for name in names
    }
    return replace(model, classes=classes)
