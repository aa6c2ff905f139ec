"""Chips: small crops of what was counted in one scene, on one sheet, for a person to check."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from apronwatch.detections import Detections
from apronwatch.report import canvas
from apronwatch.report.view import covered
from apronwatch.report.words import several
from apronwatch.run import Run, counted
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES

CHIP_PX = 104
COLUMNS = 9
MOST = 45
"""Chips on a sheet. Of more, the highest and the lowest scores are shown: errors are among the lowest."""

_ROOM = 1.7
"""Side of a chip over the longest side of its object."""

_LEAST_PX = 24
_TEXT_PX = 16


@dataclass(frozen=True, eq=False)
class ChipSheet:
    """A sheet of chips and what is on it.

    Attributes:
        picture: chips in rows, highest score first, each with its score and its length under it.
        shown: number of chips.
        counted: number of objects counted in the zones of the scene.
    """

    picture: Image.Image
    shown: int
    counted: int

    @property
    def said(self) -> str:
        """What is on the sheet and what was left out, in words."""
        if self.shown == self.counted:
            return f"Every one of {several(self.counted, 'counted object')}, highest score first."
        return f"Showing {self.shown} of {self.counted} counted objects: the highest and the lowest scores."


def chip_sheet(scene: Scene, run: Run, zones: Mapping[str, BaseGeometry]) -> ChipSheet | None:
    """Crops of what was counted in the zones; None where nothing was.

    Args:
        scene: open, the same bits as `run.scene`.
        run: what was found in it.
        zones: by id, in the plane of the detections.
    """
    boxes = counted_inside(run, zones)
    if not len(boxes):
        return None
    chosen = boxes.select(_chosen(boxes.scores))
    rows = math.ceil(len(chosen) / COLUMNS)
    columns = min(len(chosen), COLUMNS)
    sheet = Image.new("RGB", (columns * CHIP_PX, rows * (CHIP_PX + _TEXT_PX)), canvas.WHITE)
    draw = ImageDraw.Draw(sheet)
    corners = run.scene.to_pixels(chosen.polygons, chosen.crs)
    for k, (box, score, length) in enumerate(zip(corners, chosen.scores, chosen.lengths_m, strict=True)):
        x, y = k % COLUMNS * CHIP_PX, k // COLUMNS * (CHIP_PX + _TEXT_PX)
        colour = canvas.CLASS_COLOURS[CLASSES[chosen.classes[k]]]
        sheet.paste(Image.fromarray(_chip(scene, run.scene, box, colour)), (x, y))
        text = f"{score:.2f} · {length:.0f} m"
        draw.text((x + 3, y + CHIP_PX + 1), text, font=canvas.font(11), fill=canvas.INK)
    return ChipSheet(sheet, len(chosen), len(boxes))


def _chosen(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    order = np.argsort(-scores, kind="stable")
    if len(order) <= MOST:
        return order
    highest = MOST - MOST // 2
    return np.concatenate([order[:highest], order[-(MOST - highest) :]])


def _chip(
    scene: Scene, info: SceneInfo, box: NDArray[np.float64], colour: canvas.Colour
) -> NDArray[np.uint8]:
    """(CHIP_PX, CHIP_PX, 3): the scene around a box (4, 2) in its pixels, grey beyond the scene's edge."""
    sides = np.hypot(*(np.roll(box, -1, axis=0) - box).T)
    side = max(_LEAST_PX, _ROOM * float(sides.max()))
    left, top = box.mean(axis=0) - side / 2
    scale = CHIP_PX / side
    c0, r0 = max(0, math.floor(left)), max(0, math.floor(top))
    c1, r1 = min(info.width, math.ceil(left + side)), min(info.height, math.ceil(top + side))
    chip = np.full((CHIP_PX, CHIP_PX, 3), 120, dtype=np.uint8)
    if c1 > c0 and r1 > r0:
        size = min(r1 - r0, 2 * CHIP_PX), min(c1 - c0, 2 * CHIP_PX)
        pixels, _ = scene.read(Window(c0, r0, c1 - c0, r1 - r0), size)
        place = np.array(
            [
                [scale * (c1 - c0) / size[1], 0, (c0 - left) * scale],
                [0, scale * (r1 - r0) / size[0], (r0 - top) * scale],
            ]
        )
        place[:, 2] += (place[0, 0] - 1) / 2, (place[1, 1] - 1) / 2  # warpAffine counts from pixel centres
        shown = scene.stretch.apply(pixels)
        cv2.warpAffine(
            shown,
            place,
            (CHIP_PX, CHIP_PX),
            dst=chip,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
    canvas.line(chip, (box - (left, top)) * scale, colour, 1)
    return chip


def counted_inside(run: Run, zones: Mapping[str, BaseGeometry]) -> Detections:
    """What counts and lies in a zone (border included), in the plane of the zones."""
    boxes = counted(run)
    return boxes.select(covered(boxes.centres, zones))
