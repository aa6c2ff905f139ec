"""What stands under an overlay: the key of what is drawn, what the picture is, and where it comes from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from apronwatch.counts import Count
from apronwatch.detections import Detections
from apronwatch.interchange.files import public_name
from apronwatch.report import canvas
from apronwatch.report.words import class_label, drawable, moment, number, several
from apronwatch.run import Run
from apronwatch.taxonomy import class_id
from apronwatch.version import __version__
from apronwatch.zone import ALL_ZONES

_Entry = tuple[canvas.Colour | None, int, str]
"""Colour of the swatch (None: hatched), width of its line, and the words."""


def caption(
    run: Run,
    boxes: Detections,
    inside: NDArray[np.bool_],
    counts: Sequence[Count],
    notes: Sequence[str],
    hatched: bool,
    width: int,
    unit: float,
) -> Image.Image:
    """A strip of text for the overlay of one run.

    Args:
        run: what is drawn.
        boxes: its detections that count, wherever they lie.
        inside: (N,) which of them lie in a zone.
        counts: of the run; they name the site.
        notes: further lines.
        hatched: whether something is hatched.
        width: of the strip in pixels.
        unit: pixels of what is one pixel in a picture 1200 px wide.
    """
    size = round(17 * unit)
    scene, model = run.scene, run.model
    place = counts[0].site if counts else None
    head = " · ".join(drawable(t, 60) for t in (place, moment(scene.time, scene.time_precision)) if t)
    grain = f"{scene.gsd_m:.2f} m a pixel"
    source = (public_name(scene.path), grain, f"weights {model.name}", f"apronwatch {__version__}")
    lines = [" · ".join(source), *notes]
    if scene.attribution:
        lines.append(scene.attribution)
    entries = _key(run, boxes, inside, counts, hatched)
    rows = _wrapped(entries, size, width - 2 * size)
    step = round(size * 1.5)
    sheet = Image.new("RGB", (width, size + step * (len(rows) + 1 + len(lines))), canvas.WHITE)
    draw = ImageDraw.Draw(sheet)
    y = size // 2
    for row in rows:
        x = float(size)
        for colour, outline, text in row:
            _swatch(draw, (x, y), size, colour, outline)
            draw.text((x + 1.4 * size, y), text, font=canvas.font(size), fill=canvas.INK)
            x += 1.4 * size + canvas.font(size).getlength(text) + 1.6 * size
        y += step
    draw.text((size, y), head, font=canvas.font(size, bold=True), fill=canvas.INK)
    small = canvas.font(round(size * 0.85))
    for text in lines:
        y += step
        draw.text((size, y), drawable(text, 140), font=small, fill=canvas.PALE)
    return sheet


def _key(
    run: Run, boxes: Detections, inside: NDArray[np.bool_], counts: Sequence[Count], hatched: bool
) -> list[_Entry]:
    totals = {c.class_name: c for c in counts if c.zone == ALL_ZONES}
    entries: list[_Entry] = []
    for name, threshold in run.thresholds.items():
        of_class = boxes.classes == class_id(name)
        colour = canvas.CLASS_COLOURS[name]
        total = totals.get(name)
        if total is not None and total.seen is None:
            entries.append((colour, 3, f"{class_label(name)}: {number(total)}"))
            continue
        within, beyond = int((of_class & inside).sum()), int((of_class & ~inside).sum())
        boxed = several(within, "box", "boxes")
        entries.append((colour, 3, f"{class_label(name)}: {boxed} (score {threshold:.2f} or more)"))
        if beyond:
            boxed = several(beyond, "box", "boxes")
            entries.append((colour, 1, f"{class_label(name)} outside every zone: {boxed}, not counted"))
    if hatched:
        entries.append((None, 1, "not observed"))
    if not run.saturated.is_empty:
        entries.append((canvas.ALARM, 3, "box limit reached: there may be more"))
    return entries


def _swatch(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], size: int, colour: canvas.Colour | None, width: int
) -> None:
    x, y = at
    box = (x, y + 0.15 * size, x + size, y + 1.05 * size)
    if colour is not None:
        draw.rectangle(box, outline=colour, fill=(60, 60, 60), width=max(1, round(width * size / 17)))
        return
    draw.rectangle(box, fill=(70, 70, 70))
    for k in (0.25, 0.6, 0.95):
        stripe = (x, y + (0.15 + 0.9 * k) * size, x + k * size, y + 0.15 * size)
        draw.line(stripe, fill=(190, 190, 190), width=2)


def _wrapped(entries: Sequence[_Entry], size: int, width: float) -> list[list[_Entry]]:
    rows: list[list[_Entry]] = [[]]
    x = 0.0
    for entry in entries:
        needs = 3.0 * size + canvas.font(size).getlength(entry[2])
        if rows[-1] and x + needs > width:
            rows.append([])
            x = 0.0
        rows[-1].append(entry)
        x += needs
    return rows
