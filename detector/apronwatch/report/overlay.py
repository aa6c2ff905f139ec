"""A scene with what was counted in it: boxes, zones with counts, what was not observed, scale and source."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from apronwatch.counts import COMPLETE_FROM, Count
from apronwatch.detections import Detections
from apronwatch.interchange.files import save
from apronwatch.report import canvas
from apronwatch.report.caption import caption
from apronwatch.report.labels import Ground, draw_labels
from apronwatch.report.view import LEAST_WIDTH_PX, View, covered, rings
from apronwatch.report.words import several, zone_label
from apronwatch.run import Run, counted
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES, PIXEL

SYNTHETIC = "SYNTHETIC PICTURE: drawn, not taken"

LEAST_CAPTION_PX = 900


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
    placed = {zone: view.placed(shape, crs) for zone, shape in named.items()}
    shown = {zone: shape for zone, shape in placed.items() if shapely.intersects(shape, view.frame)}
    boxes = counted(run)
    inside = covered(boxes.centres, named)
    pixels, unobserved = _ground(scene, run, shown, view)
    canvas.hatch(pixels, unobserved, round(16 * unit))
    _draw_outlines(pixels, shown.values(), canvas.WHITE, round(2 * unit))
    _draw_outlines(pixels, [_saturated(run, view)], canvas.ALARM, round(3 * unit))
    _draw_boxes(pixels, boxes.select(~inside), view, 1)
    _draw_boxes(pixels, boxes.select(inside), view, max(2, round(2.2 * unit)))
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture, "RGBA")
    centres = view.to_view(boxes.centres, crs)
    ground = Ground(view.frame, shown, centres, canvas.furniture_room(view, unit))
    left_out = draw_labels(draw, ground, counts, unit)
    canvas.scale_bar(draw, view, unit)
    canvas.north_arrow(draw, view, unit)
    width = max(view.width, LEAST_CAPTION_PX)
    notes = _notes(scene, named, shown, left_out)
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
            canvas.fill(in_zones, rings(shape))
    return pixels, ~valid | ((in_zones > 0) & ~view.observed(grid))


def _within_scene(view: View) -> NDArray[np.bool_]:
    columns = view.left + (np.arange(view.width) + 0.5) / view.scale
    rows = view.top + (np.arange(view.height) + 0.5) / view.scale
    inside: NDArray[np.bool_] = np.outer(
        (rows >= 0) & (rows < view.info.height), (columns >= 0) & (columns < view.info.width)
    )
    return inside


def _draw_boxes(pixels: NDArray[np.uint8], boxes: Detections, view: View, width: int) -> None:
    corners = view.to_view(boxes.polygons, boxes.crs)
    for box, k in zip(corners, boxes.classes, strict=True):
        canvas.line(pixels, box, canvas.CLASS_COLOURS[CLASSES[k]], width)


def _draw_outlines(
    pixels: NDArray[np.uint8], shapes: Iterable[BaseGeometry], colour: canvas.Colour, width: int
) -> None:
    for shape in shapes:
        for ring in rings(shape):
            canvas.line(pixels, ring, colour, width)


def _saturated(run: Run, view: View) -> BaseGeometry:
    """Where a cap cut the boxes, in pixels of the view."""
    crs, metres = run.detections.crs, run.detections.unit_m
    if crs is not None:
        return view.placed(run.saturated, crs)
    return view.placed(shapely.transform(run.saturated, lambda points: points / (metres, -metres)), None)


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
