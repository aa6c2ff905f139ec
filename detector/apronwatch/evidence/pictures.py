"""The pictures behind a number: an overlay of each frame, and a chip of every box that counts."""

from dataclasses import replace
from io import BytesIO

from PIL import Image

from apronwatch.archive import ArchivedRun
from apronwatch.evidence.boxes import Boxes
from apronwatch.report.chips import MOST, chip_sheet
from apronwatch.report.overlay import overlay, zones_of
from apronwatch.scene import Scene

OVERLAY_PX = 2400


def overlay_png(scene: Scene | None, run: ArchivedRun) -> bytes:
    """The scene around the zones with what was counted; on grey where the scene is not at hand."""
    zones = zones_of(run.site, run.detections)
    return _png(overlay(scene, run, zones, counts=run.counts, max_px=OVERLAY_PX))


def chip_sheets(scene: Scene, boxes: Boxes, run: ArchivedRun) -> list[bytes]:
    """Sheets of up to `MOST` chips, each box that counts on one of them, highest score first."""
    zones = zones_of(run.site, run.detections)
    order = boxes.pictured
    sheets = []
    for start in range(0, len(order), MOST):
        part = order[start : start + MOST]
        shown = replace(run, detections=run.detections.select(part), hidden=run.hidden[part])
        sheet = chip_sheet(scene, shown, zones)
        sheets += [_png(sheet.picture)] if sheet else []
    return sheets


def _png(picture: Image.Image) -> bytes:
    drawn = BytesIO()
    picture.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()
