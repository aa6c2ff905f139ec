"""A scene with what was counted in it: boxes, zones with counts, what was not observed, scale and source."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from apronwatch.counting import COMPLETE_FROM, Count
from apronwatch.detections import Detections
from apronwatch.interchange.files import save
from apronwatch.report import canvas
from apronwatch.report.caption import caption
from apronwatch.report.view import LEAST_WIDTH_PX, View, covered
from apronwatch.report.words import drawable, number, quantity, several, share, zone_label
from apronwatch.run import Run, counted
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES, PIXEL

SYNTHETIC = "SYNTHETIC PICTURE: drawn, not taken"


def draw_overlay(
    scene: Scene | None,
    run: Run,
    zones: Mapping[str, BaseGeometry],
    out: Path,
    *,
    counts: Sequence[Count] = (),
    max_px: int = 2400,
) -> None:
    """Write the overlay of one run as a PNG; see `overlay`.

    Raises:
        OutputInvalid: `out` cannot be written.
    """
    drawn = BytesIO()
    overlay(scene, run, zones, counts=counts, max_px=max_px).save(drawn, "PNG", optimize=True)
    save(Path(out), drawn.getvalue())


def overlay(
    scene: Scene | None,
    run: Run,
    zones: Mapping[str, BaseGeometry],
    *,
    counts: Sequence[Count] = (),
    max_px: int = 2400,
) -> Image.Image:
    """The part of a scene around the zones, on the scene's own pixel grid, with what was counted.

    Args:
        scene: open; None draws on grey, for a picture that is no longer there.
        run: what the model found in it.
        zones: by id, in the plane of `run.detections` (`zones_of`); `*` may be among them. None at all: every
            detection is drawn as counted.
        counts: of this run, for the labels of the zones; without them zones carry their names alone.
        max_px: longest side of the pictured ground; captions come on top.
    """
    crs = run.detections.crs
    named = {zone: shape for zone, shape in zones.items() if zone != ALL_ZONES}
    view = View.around(run.scene, named, crs, max_px)
    unit = max(view.width, LEAST_WIDTH_PX) / LEAST_WIDTH_PX
    pixels, unobserved = _ground(scene, run, named, view)
    canvas.hatch(pixels, unobserved, round(16 * unit))
    boxes = counted(run)
    inside = covered(boxes.centres, named)
    drawn_zones = {
        z: rings for z, shape in named.items() if (rings := view.outline(shape, crs)) and _shown(rings, view)
    }
    for rings in drawn_zones.values():
        for ring in rings:
            canvas.line(pixels, ring, canvas.WHITE, round(2 * unit))
    _draw_saturated(pixels, run, view, unit)
    for chosen, width in ((~inside, 1), (inside, max(2, round(2.2 * unit)))):
        _draw_boxes(pixels, boxes.select(chosen), view, width)
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture, "RGBA")
    taken = _furniture_room(view, unit)
    left_out = _draw_labels(draw, drawn_zones, counts, view, taken, unit)
    canvas.scale_bar(draw, view, unit)
    canvas.north_arrow(draw, view, unit)
    width = max(view.width, 900)
    notes = _notes(scene, named, drawn_zones, left_out)
    parts = [picture, caption(run, boxes, inside, counts, notes, bool(unobserved.any()), width, unit)]
    if run.scene.synthetic:
        parts.insert(0, canvas.banner(SYNTHETIC, width, unit))
    return canvas.stack(parts, width)


def zones_of(site: Site, detections: Detections) -> dict[str, BaseGeometry]:
    """A site's zones, and their union as `*`, in the plane of some detections (pixels for plain pictures)."""
    if site.crs != PIXEL:
        return site.zones_in_plane(detections.crs, 1.0)
    zones = {zone.id: zone.geometry for zone in site.zones}
    return zones | {ALL_ZONES: shapely.union_all(list(zones.values()))}


def _ground(
    scene: Scene | None, run: Run, zones: Mapping[str, BaseGeometry], view: View
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pixels (H, W, 3), and where (H, W) nothing was observed: no valid pixel, or a zone beyond the grid."""
    if scene is None:
        pixels, valid = np.full((view.height, view.width, 3), 120, dtype=np.uint8), _within_scene(view)
    else:
        pixels, valid = view.backdrop(scene)
    grid = run.visibility.grid
    if grid is None or not zones or run.scene.crs is None:
        return pixels, ~valid
    in_zones = np.zeros(valid.shape, dtype=np.uint8)
    for zone, shape in zones.items():
        # The grid's cells are coarser than the zones: along the edge of one wholly seen they say nothing.
        if run.visibility.fractions.get(zone, 0.0) < COMPLETE_FROM:
            canvas.fill(in_zones, view.outline(shape, run.detections.crs))
    return pixels, ~valid | ((in_zones > 0) & ~view.observed(grid))


def _within_scene(view: View) -> NDArray[np.bool_]:
    columns = view.left + (np.arange(view.width) + 0.5) / view.scale
    rows = view.top + (np.arange(view.height) + 0.5) / view.scale
    inside: NDArray[np.bool_] = np.outer(
        (rows >= 0) & (rows < view.info.height), (columns >= 0) & (columns < view.info.width)
    )
    return inside


def _shown(rings: Sequence[NDArray[np.float64]], view: View) -> bool:
    corners = np.concatenate(rings)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return bool((high >= 0).all() and low[0] <= view.width and low[1] <= view.height)


def _draw_boxes(pixels: NDArray[np.uint8], boxes: Detections, view: View, width: int) -> None:
    corners = view.to_view(boxes.polygons, boxes.crs)
    for box, k in zip(corners, boxes.classes, strict=True):
        canvas.line(pixels, box, canvas.CLASS_COLOURS[CLASSES[k]], width)


def _draw_saturated(pixels: NDArray[np.uint8], run: Run, view: View, unit: float) -> None:
    crs, metres = run.detections.crs, run.detections.unit_m
    areas = run.saturated
    if crs is None:
        areas = shapely.transform(areas, lambda points: points / (metres, -metres))
    for ring in view.outline(areas, crs):
        canvas.line(pixels, ring, canvas.ALARM, round(3 * unit))


def _furniture_room(view: View, unit: float) -> list[tuple[float, float, float, float]]:
    right, bottom = view.width, view.height
    arrow = (right - 84 * unit, 0.0, float(right), 84 * unit)
    bar = (right - 0.3 * view.width, bottom - 62 * unit, float(right), float(bottom))
    return [arrow, bar]


def _draw_labels(
    draw: ImageDraw.ImageDraw,
    zones: Mapping[str, Sequence[NDArray[np.float64]]],
    counts: Sequence[Count],
    view: View,
    taken: list[tuple[float, float, float, float]],
    unit: float,
) -> int:
    """A plate for each zone where there is room at its corners; how many found none."""
    size = round((17 if len(zones) <= 12 else 13) * unit)
    left_out = 0
    for zone, rings in zones.items():
        lines = _label(zone, counts)
        width, height = canvas.tag_size(lines, size)
        x0, y0 = np.concatenate(rings).min(axis=0)
        x1, y1 = np.concatenate(rings).max(axis=0)
        places = (
            (x0, y0 - height - 3),
            (x0, y1 + 3),
            (x1 - width, y0 - height - 3),
            (x1 - width, y1 + 3),
            (x0, y0),
        )
        for x, y in places:
            x = min(max(x, 2.0), view.width - width - 2)
            y = min(max(y, 2.0), view.height - height - 2)
            plate = (x, y, x + width, y + height)
            if not any(_overlap(plate, other) for other in taken):
                canvas.tag(draw, (x, y), lines, size)
                taken.append(plate)
                break
        else:
            left_out += 1
    return left_out


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _label(zone: str, counts: Sequence[Count]) -> list[str]:
    """The zone's name, then a line for each class that was seen, or why there is no number at all."""
    here = [c for c in counts if c.zone == zone]
    lines = [drawable(zone_label(zone), 40)]
    numbers = [c for c in here if c.seen is not None]
    seen = [c for c in numbers if c.seen]
    if seen:
        lines += [quantity(c) for c in seen]
    elif numbers:
        lines.append(quantity(numbers[0]) if len(numbers) == 1 else "0 seen of each class")
    elif here:
        lines += [number(here[0])]
    fraction = here[0].observed_fraction if here else None
    if fraction is not None and numbers and fraction < 0.999:
        lines.append(f"{share(fraction)} observed")
    return lines


def _notes(
    scene: Scene | None, zones: Mapping[str, BaseGeometry], shown: Mapping[str, object], left_out: int
) -> list[str]:
    notes = []
    if scene is None:
        notes.append("The picture is not at hand: positions only.")
    beyond = [zone_label(z) for z in zones if z not in shown]
    if beyond:
        notes.append(f"Outside this picture: {', '.join(beyond)}.")
    if left_out:
        notes.append(f"{several(left_out, 'zone label')} left out for want of room.")
    return notes
