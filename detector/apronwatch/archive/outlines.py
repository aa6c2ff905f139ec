"""Whether the zones of one version of a site have the outlines of another: else their numbers are no series."""

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from apronwatch.site import Site
from apronwatch.zone import ALL_ZONES, PIXEL, WHOLE_PICTURE

OTHER_OUTLINE = "other_outline"
"""Reason given to a count in a zone whose outline is another than in the newest version of its site."""

PICTURE_SHARE = 0.01
"""Outlines of whole pictures, and outlines in pixels, are the same if they differ by no more of their area:
pictures of one place seldom end at the same pixel, and sizes in metres are as good as their GSD."""

DRAWN_SHARE = 1e-6
"""Of drawn outlines: what other programs round coordinates by, a square centimetre in a hectare."""


def other_outlines(site: Site, gsd_m: float, newest: Site, newest_gsd_m: float) -> frozenset[str]:
    """The zones of `site`, perhaps `*`, whose outline is another than in `newest`, or that `newest` has not.

    Args:
        site: an older version, perhaps.
        gsd_m: of the picture that it was counted in: outlines in pixels are compared in metres.
        newest: the version to compare with.
        newest_gsd_m: of the picture that this one was counted in.
    """
    shapes, wanted = _outlines(site, gsd_m), _outlines(newest, newest_gsd_m)
    if site.crs != newest.crs:
        return frozenset(shapes)
    of_picture = site.crs == PIXEL or any(zone.kind == WHOLE_PICTURE for zone in site.zones)
    share = PICTURE_SHARE if of_picture else DRAWN_SHARE
    return frozenset(
        zone for zone, shape in shapes.items() if zone not in wanted or _differ(shape, wanted[zone], share)
    )


def _outlines(site: Site, gsd_m: float) -> dict[str, BaseGeometry]:
    scale = np.float64(gsd_m if site.crs == PIXEL else 1.0)
    # A footprint near a pole or the antimeridian may cross itself; GEOS compares only valid shapes.
    shapes = {
        zone.id: shapely.make_valid(shapely.transform(zone.geometry, lambda xy: xy * scale))
        for zone in site.zones
    }
    return shapes | {ALL_ZONES: shapely.union_all(list(shapes.values()))}


def _differ(one: BaseGeometry, other: BaseGeometry, share: float) -> bool:
    return bool(shapely.symmetric_difference(one, other).area > share * other.area)
