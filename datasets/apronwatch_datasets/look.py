"""Contact sheets: labelled images with their boxes, for a person to see whether the labels are right."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.windows import Window

from apronwatch.geometry import envelopes
from apronwatch.interchange.files import check_folder, save
from apronwatch.report import canvas
from apronwatch.report.words import CLASS_NAMES, drawable, several
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.look_sampling import Cell, choose_cells
from apronwatch_datasets.pictures import open_picture
from apronwatch_datasets.records import LabelledImage, Objects

GREY: canvas.Colour = (205, 205, 205)
"""Of what is ignored."""

_DASH_PX, _GAP_PX = 6.0, 4.0
_HATCH_PX = 7
_BEYOND = 236
"""Grey of a cell beyond the image's edge."""

_LINES = 3
_MARGIN_PX = 8
_HEAD_PX = 74
_LEAST_WIDTH_PX = 940


def contact_sheet(
    datasets: Mapping[str, Sequence[LabelledImage]],
    out: Path,
    *,
    cells: int = 24,
    seed: int = 0,
    cell_px: int = 320,
    classes: Sequence[str] | None = None,
) -> None:
    """Write a PNG of parts of labelled images, each with its boxes and a caption.

    Args:
        datasets: images by the name of their dataset.
        out: replaced whole.
        cells: how many pictures on the sheet.
        seed: of the choice (`look_sampling.choose_cells`).
        cell_px: side of a picture on the sheet.
        classes: only these are cropped, by default all.

    Raises:
        CallInvalid: no image, or no object of `classes`.
        OutputInvalid: `out` cannot be written.
        ApronwatchError: an image cannot be read.
    """
    check_folder(Path(out))
    chosen = choose_cells(datasets, cells=cells, seed=seed, classes=classes)
    columns = min(len(chosen), max(1, round(math.sqrt(len(chosen) * 1.5))))
    rows = math.ceil(len(chosen) / columns)
    text_px = max(11, round(cell_px / 24))
    step_x, step_y = cell_px + _MARGIN_PX, cell_px + round(_LINES * 1.35 * text_px) + 2 * _MARGIN_PX
    width = max(columns * step_x + _MARGIN_PX, _LEAST_WIDTH_PX)
    sheet = Image.new("RGB", (width, _HEAD_PX + rows * step_y), canvas.WHITE)
    draw = ImageDraw.Draw(sheet)
    _draw_marks(sheet, _draw_head(draw, datasets, chosen, seed, width))
    for k, cell in enumerate(chosen):
        x, y = _MARGIN_PX + k % columns * step_x, _HEAD_PX + k // columns * step_y
        sheet.paste(Image.fromarray(draw_cell(cell, cell_px)), (x, y))
        draw.rectangle((x - 1, y - 1, x + cell_px, y + cell_px), outline=canvas.PALE)
        for n, text in enumerate(_caption(cell)):
            font = canvas.font(text_px, bold=n == 0)
            at = (x, y + cell_px + 3 + round(n * 1.3 * text_px))
            draw.text(at, _fitting(text, font.getlength, cell_px), font=font, fill=canvas.INK)
    drawn = BytesIO()
    sheet.save(drawn, format="PNG")
    save(Path(out), drawn.getvalue())


def draw_cell(cell: Cell, side_px: int) -> NDArray[np.uint8]:
    """(side_px, side_px, 3): a part of an image with the boxes that reach into it."""
    picture = _pixels(cell, side_px)
    scale = side_px / cell.side
    objects = _inside(cell)
    # Thin where the picture is shrunk: boxes must not hide what they hold.
    placed = objects.at((objects.polygons - (cell.left, cell.top)) * scale)
    draw_boxes(picture, placed, 1 if scale < 1 else 2)
    return picture


def draw_boxes(picture: canvas.Pixels, objects: Objects, width: int) -> None:
    """Draw boxes into `picture` (H, W, 3), in whose pixels they are.

    Ignored ones first, hatched in grey; kept ones in the colour of their class, dashed if difficult.
    """
    for box in objects.polygons[objects.ignore]:
        _hatch(picture, box)
        canvas.line(picture, box, GREY, width)
    kept = objects.select(~objects.ignore)
    for box, class_index, difficult in zip(kept.polygons, kept.classes, kept.difficult, strict=True):
        draw = _dashed if difficult else canvas.line
        draw(picture, box, canvas.CLASS_COLOURS[CLASSES[class_index]], width)


def _pixels(cell: Cell, side_px: int) -> NDArray[np.uint8]:
    image = cell.image
    c0, r0 = max(0, math.floor(cell.left)), max(0, math.floor(cell.top))
    c1 = min(image.width, math.ceil(cell.left + cell.side))
    r1 = min(image.height, math.ceil(cell.top + cell.side))
    picture = np.full((side_px, side_px, 3), _BEYOND, dtype=np.uint8)
    scale = side_px / cell.side
    # At most two pixels are read for one that is shown, and shrunk with their neighbours: no moiré.
    size = min(r1 - r0, round(2 * (r1 - r0) * scale) or 1), min(c1 - c0, round(2 * (c1 - c0) * scale) or 1)
    with open_picture(image.path) as scene:
        pixels, _ = scene.read(Window(c0, r0, c1 - c0, r1 - r0), size)
        shown = scene.stretch.apply(pixels)
    x0, x1 = (round((c - cell.left) * scale) for c in (c0, c1))
    y0, y1 = (round((r - cell.top) * scale) for r in (r0, r1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = cv2.resize(shown, (max(1, x1 - x0), max(1, y1 - y0)), interpolation=way)
    left, top = max(0, -x0), max(0, -y0)
    part = fitted[top : top + side_px - max(0, y0), left : left + side_px - max(0, x0)]
    picture[max(0, y0) : max(0, y0) + len(part), max(0, x0) : max(0, x0) + part.shape[1]] = part
    return picture


def _inside(cell: Cell) -> Objects:
    """Objects whose hulls reach into the cell."""
    objects = cell.image.objects
    hulls = envelopes(objects.polygons)
    low, high = np.array([cell.left, cell.top]), np.array([cell.left, cell.top]) + cell.side
    return objects.select((hulls[:, :2] < high).all(axis=1) & (hulls[:, 2:] > low).all(axis=1))


def _dashed(picture: canvas.Pixels, box: NDArray[np.float64], colour: canvas.Colour, width: int) -> None:
    """A dashed outline on a dark one, dashes that meet at the corners."""
    for start, end in zip(box, np.roll(box, -1, axis=0), strict=True):
        length = float(np.hypot(*(end - start)))
        number = max(1, round((length + _GAP_PX) / (_DASH_PX + _GAP_PX)))
        dash = max(0.5, 1 - (number - 1) * _GAP_PX / max(length, 1e-9)) / number
        begins = np.linspace(0, 1 - dash, number) if number > 1 else np.zeros(1)
        for begin in begins.tolist():
            segment = np.stack([start + (end - start) * begin, start + (end - start) * (begin + dash)])
            canvas.line(picture, segment, colour, width)


def _hatch(picture: canvas.Pixels, box: NDArray[np.float64]) -> None:
    """Grey stripes with a dark edge over a box, seen on concrete and on water; what they lie on still shows."""
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    canvas.fill(mask, [box])
    rows, columns = np.indices(mask.shape)
    phase = np.where(mask == 1, (rows + columns) % _HATCH_PX, _HATCH_PX)
    picture[phase < 2] = GREY
    picture[phase == 2] = canvas.PALE


def _caption(cell: Cell) -> list[str]:
    """Which image; how fine and how wide; what is labelled in view."""
    image, objects = cell.image, _inside(cell)
    part = "whole image" if cell.whole else "crop"
    if image.gsd_m is None:
        scale = f"{part}, {cell.side:.0f} px, GSD not known"
    else:
        scale = f"{part}, {cell.side:.0f} px = {cell.side * image.gsd_m:.0f} m, GSD {image.gsd_m:.3g} m"
    return [drawable(f"{cell.dataset} · {image.name}", 200), scale, _labelled(objects)]


def _labelled(objects: Objects) -> str:
    kept = Counter(CLASSES[c] for c in objects.classes[~objects.ignore].tolist())
    parts = [several(kept[name], *CLASS_NAMES[name]) for name in CLASSES if kept[name]]
    difficult, ignored = int((objects.difficult & ~objects.ignore).sum()), int(objects.ignore.sum())
    said = [", ".join(parts)] if parts else []
    said += [f"{difficult} difficult"] if difficult else []
    said += [f"{ignored} ignored"] if ignored else []
    return "; ".join(said) or "nothing labelled"


def _fitting(text: str, length: Callable[[str], float], width: int) -> str:
    """The text, cut in the middle until it is no longer than `width`."""
    limit = len(text)
    while limit > 8 and length(drawable(text, limit)) > width:
        limit -= 1
    return drawable(text, limit)


def _draw_head(
    draw: ImageDraw.ImageDraw,
    datasets: Mapping[str, Sequence[LabelledImage]],
    chosen: Sequence[Cell],
    seed: int,
    width: int,
) -> float:
    """What is shown of what, and the classes' colours; where those end."""
    images = sum(len(of) for of in datasets.values())
    of = several(images, "image") + f" ({', '.join(datasets)})"
    title = f"{len(chosen)} views of {of}, seed {seed}"
    font = canvas.font(18, bold=True)
    draw.text(
        (_MARGIN_PX, 10), _fitting(title, font.getlength, width - 2 * _MARGIN_PX), font=font, fill=canvas.INK
    )
    x = float(_MARGIN_PX)
    for name in CLASSES:
        draw.rectangle((x, 45, x + 16, 61), fill=canvas.CLASS_COLOURS[name], outline=canvas.INK)
        x = _word(draw, x + 22, CLASS_NAMES[name][1])
    return x


def _draw_marks(sheet: Image.Image, x: float) -> None:
    """Samples of the three ways a box is drawn, each with its meaning, from `x` to the right."""
    draw = ImageDraw.Draw(sheet)
    one = np.array([[[3.0, 3.0], [31.0, 3.0], [31.0, 17.0], [3.0, 17.0]]])
    classes = np.zeros(1, dtype=np.int16)
    for word, difficult, ignore in (
        ("labelled", False, False),
        ("difficult", True, False),
        ("ignored", False, True),
    ):
        sample = np.full((20, 34, 3), 110, dtype=np.uint8)
        draw_boxes(sample, Objects.of(one, [word], classes, difficult=difficult, ignore=ignore), 1)
        sheet.paste(Image.fromarray(sample), (round(x), 43))
        x = _word(draw, x + 40, word)


def _word(draw: ImageDraw.ImageDraw, x: float, word: str) -> float:
    """Write a word of the key; where the next may begin."""
    draw.text((x, 45), word, font=canvas.font(13), fill=canvas.INK)
    return x + canvas.font(13).getlength(word) + 18
