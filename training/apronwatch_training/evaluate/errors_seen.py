"""The worst errors as pictures: objects that were missed, and what was taken for one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from apronwatch.report import canvas
from apronwatch_datasets.stats import longer_sides
from apronwatch_training.evaluate.looking import Looked, pixels_of
from apronwatch_training.evaluate.scoring import ClassScene, ClassScore

CHIP_PX, COLUMNS, MOST = 120, 8, 32

LABEL: canvas.Colour = (90, 220, 120)
FOUND: canvas.Colour = (255, 90, 70)

_ROOM = 2.2
_LEAST_PX = 40.0
_TEXT_PX = 16


@dataclass(frozen=True, eq=False)
class _Error:
    scene: ClassScene
    box: NDArray[np.float64]
    badness: float
    said: str


def misses(score: ClassScore) -> tuple[Image.Image | None, int]:
    """A sheet of the objects that were missed at the threshold, the largest first, and how many there are."""
    errors = []
    for scene in score.scenes:
        missed = scene.matches.countable & (scene.matches.found_at < score.operating.threshold)
        boxes = scene.truth.polygons[missed]
        for box, length, at in zip(boxes, longer_sides(boxes), scene.matches.found_at[missed], strict=True):
            seen = f"{at:.2f}" if np.isfinite(at) else "not seen"
            errors.append(_Error(scene, box, float(length), f"{length * scene.looked.gsd_m:.0f} m, {seen}"))
    return _sheet(errors), len(errors)


def false_alarms(score: ClassScore) -> tuple[Image.Image | None, int]:
    """A sheet of the detections that count and are none, the highest score first, and how many there are."""
    errors = []
    for scene in score.scenes:
        matches = scene.matches
        wrong = matches.judged & ~matches.hit & (matches.scores >= score.operating.threshold)
        boxes = scene.looked.of(score.class_name).polygons[wrong]
        for box, length, value in zip(boxes, longer_sides(boxes), matches.scores[wrong], strict=True):
            errors.append(
                _Error(scene, box, float(value), f"{value:.2f}, {length * scene.looked.gsd_m:.0f} m")
            )
    return _sheet(errors), len(errors)


def _sheet(errors: Sequence[_Error]) -> Image.Image | None:
    if not errors:
        return None
    worst = sorted(errors, key=lambda e: -e.badness)[:MOST]
    shown: dict[Looked, None] = dict.fromkeys(e.scene.looked for e in worst)
    pixels = {looked: pixels_of(looked.image) for looked in shown}
    rows, columns = math.ceil(len(worst) / COLUMNS), min(len(worst), COLUMNS)
    step = CHIP_PX + 4
    sheet = Image.new("RGB", (columns * step, rows * (step + _TEXT_PX)), canvas.WHITE)
    draw = ImageDraw.Draw(sheet)
    for k, error in enumerate(worst):
        x, y = k % COLUMNS * step, k // COLUMNS * (step + _TEXT_PX)
        sheet.paste(Image.fromarray(_chip(error, pixels[error.scene.looked])), (x, y))
        draw.text((x + 2, y + CHIP_PX + 1), error.said, font=canvas.font(11), fill=canvas.INK)
    return sheet


def _chip(error: _Error, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The ground around a box with every label (green) and every counted box (red) on it."""
    scene = error.scene
    side = max(_LEAST_PX, _ROOM * float(longer_sides(error.box[None])[0]))
    corner = error.box.mean(axis=0) - side / 2
    scale = CHIP_PX / side
    affine = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    shift = affine.copy()
    shift[:, 2] += (scale - 1) / 2  # warpAffine counts from pixel centres
    chip: NDArray[np.uint8] = cv2.warpAffine(
        pixels, shift, (CHIP_PX, CHIP_PX), flags=cv2.INTER_AREA, borderValue=(120, 120, 120)
    ).astype(np.uint8)
    found = scene.looked.of(scene.class_name)
    counted = found.polygons[found.scores >= scene.looked.thresholds[scene.class_name]]
    for boxes, colour in ((scene.truth.polygons, LABEL), (counted, FOUND)):
        for box in boxes:
            drawn = (box - corner) * scale
            if (drawn.max(axis=0) > 0).all() and (drawn.min(axis=0) < CHIP_PX).all():
                canvas.line(chip, drawn, colour, 1)
    return chip
