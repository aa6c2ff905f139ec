"""What is unknown where: the sidecars of prepared tiles as one byte a pixel.

Bit k of a pixel's byte says that nothing is known there of class k: neither that it is there nor that it is not. A mask
of bytes goes through every geometric augmentation as any segmentation mask does, so a mosaic of tiles from datasets
that label different things stays right pixel by pixel. Outside all tiles everything is unknown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.errors import TilesInvalid
from apronwatch.taxonomy import CLASSES, class_id

EVERYTHING = 255
"""All bits: the value with which Ultralytics fills masks beyond a picture's edge."""

MARGIN_PX = 4.0
"""Regions are grown by half a cell of the finest feature map: a cell whose centre lies just outside of an ignored
object may still be the one that would report it."""


@dataclass(frozen=True, eq=False)
class TileSidecar:
    """The sidecar of one tile.

    Attributes:
        code: the classes that are not labelled anywhere in it.
        polygons: (N, 4, 2) float32, regions in pixels of the tile.
        codes: (N,) uint8, the classes that are unknown in each.
        oriented: (M,) bool, per row of the label file: the box is turned with its object.
    """

    code: int
    polygons: NDArray[np.float32]
    codes: NDArray[np.uint8]
    oriented: NDArray[np.bool_]

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file.

        Raises:
            TilesInvalid: it is missing or does not hold what a sidecar holds.
        """
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TilesInvalid(
                f"{path}: no readable sidecar ({error}); prepare the tiles with `apronwatch data prepare`"
            ) from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """From the JSON object of a sidecar file."""
        regions = content["regions"]
        return cls(
            code_of(content["unknown_classes"]),
            np.array([r["polygon"] for r in regions], dtype=np.float32).reshape(-1, 4, 2),
            np.array([code_of(r["classes"]) for r in regions], dtype=np.uint8),
            np.array([row["oriented"] for row in content["labels"]], dtype=np.bool_),
        )

    def mask(self, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Unknown classes (H, W) of a tile of this many rows and columns."""
        mask = np.full(shape, self.code, dtype=np.uint8)
        for polygon, code in zip(self.polygons, self.codes, strict=True):
            inside = np.zeros(shape, dtype=np.uint8)
            cv2.fillPoly(inside, [np.round(grown(polygon) - 0.5).astype(np.int32)], int(code))
            mask |= inside
        return mask


def code_of(names: Iterable[str]) -> int:
    """The byte in which the bits of these classes are set. Raises `ValueError` for a class that is not ours."""
    code = 0
    for name in names:
        code |= 1 << class_id(name)
    return code


def unknown(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Per class (…, 5), whether it is unknown, of bytes (…)."""
    bits = np.arange(len(CLASSES), dtype=np.uint8)
    return (codes[..., None] >> bits & 1).astype(np.bool_)


def grown(polygon: NDArray[np.float32]) -> NDArray[np.float32]:
    """A box (4, 2) grown by `MARGIN_PX` on every side; a box without length or width grows along the axes."""
    centre = polygon.mean(axis=0)
    sides = polygon[1] - polygon[0], polygon[3] - polygon[0]
    units = [
        s / np.linalg.norm(s) if np.linalg.norm(s) > 0 else e for s, e in zip(sides, np.eye(2), strict=True)
    ]
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    halves = [np.linalg.norm(s) / 2 + MARGIN_PX for s in sides]
    corners = centre + signs[:, :1] * halves[0] * units[0] + signs[:, 1:] * halves[1] * units[1]
    box: NDArray[np.float32] = corners.astype(np.float32)
    return box
