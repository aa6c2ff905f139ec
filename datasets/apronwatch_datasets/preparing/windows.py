"""Which windows of an image become tiles, and at which scale."""

import math
from dataclasses import dataclass

from apronwatch.lattice import overlap_for
from apronwatch_datasets.preparing.options import Options
from apronwatch_datasets.records import LabelledImage

LONGEST_M = 73.3
"""The span of the An-124, the largest military aircraft: it must fit into the overlap, as in counting."""

NATIVE = "native"
"""The scale of an image of unknown GSD."""

UNKNOWN_OVERLAP_PX = 200
"""Where the GSD is not known: the gap of the published tile sets of DOTA (mmrotate, Ultralytics)."""


@dataclass(frozen=True)
class View:
    """One image at one scale.

    Attributes:
        gsd_m: metres of a pixel; None if not known.
        width, height: pixels of the resampled image.
        tile_px, overlap_px: of its tiles.
    """

    gsd_m: float | None
    width: int
    height: int
    tile_px: int
    overlap_px: int

    @property
    def label(self) -> str:
        """As tiles and tallies are named: `0.3m` or `native`."""
        return view_label(self.gsd_m)

    def windows(self) -> list[tuple[int, int]]:
        """Left and top of each tile, row by row."""
        return [
            (x, y)
            for y in starts(self.height, self.tile_px, self.overlap_px)
            for x in starts(self.width, self.tile_px, self.overlap_px)
        ]


def view_label(gsd_m: float | None) -> str:
    """Name of a target GSD."""
    return NATIVE if gsd_m is None else f"{gsd_m:g}m"


def starts(size_px: int, tile_px: int, overlap_px: int) -> list[int]:
    """Where tiles begin along a side: at steps of tile less overlap, the last shifted back to end at the border.

    Neighbours share `overlap_px` or more, so whatever is no longer than that lies whole in one of them.
    """
    if size_px <= tile_px:
        return [0]
    step = tile_px - overlap_px
    return [*(step * k for k in range(math.ceil((size_px - tile_px) / step))), size_px - tile_px]


def views_of(image: LabelledImage, options: Options) -> tuple[list[View], list[float]]:
    """The scales at which an image is cut, and the GSDs for which it is too coarse."""
    if image.gsd_m is None:
        return [_view(image, None, 1.0, options)], []
    too_coarse = [gsd for gsd in options.gsds_m if image.gsd_m > gsd * options.max_upscale]
    views = [_view(image, gsd, image.gsd_m / gsd, options) for gsd in options.gsds_m if gsd not in too_coarse]
    return views, too_coarse


def _view(image: LabelledImage, gsd_m: float | None, scale: float, options: Options) -> View:
    overlap = options.overlap_px
    if overlap is None:
        wanted = UNKNOWN_OVERLAP_PX if gsd_m is None else overlap_for(LONGEST_M, gsd_m)
        overlap = min(wanted, options.tile_px // 2)
    width, height = (max(1, round(side * scale)) for side in (image.width, image.height))
    return View(gsd_m, width, height, options.tile_px, overlap)
