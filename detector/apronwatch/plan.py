"""What one pass will look at: the plane, the zones in it, and the tiles of each GSD that the weights ask for."""

from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry

from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import SiteInvalid
from apronwatch.lattice import GUARD_PX, Lattice, Tile, overlap_for
from apronwatch.reading import bounds_in_plane
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.zone import ALL_ZONES, PIXEL

SCORE_FLOOR = 0.05
"""Detections are kept down to this score, so that an operating threshold can be revisited."""


@dataclass(frozen=True)
class View:
    """The tiles of one GSD, and the classes that may be reported from them; none where only visibility is measured."""

    lattice: Lattice
    tiles: list[Tile]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """One pass over one scene, for one site.

    Attributes:
        crs: of the plane; None for a picture's own (x = column * GSD, y = -row * GSD).
        zones: by id, in metres of the plane.
        views: finest first.
        precision: of the engine's arithmetic.
        score_floor: lowest score to keep.
    """

    scene: Scene
    site: Site
    model: ModelSpec
    crs: str | None
    zones: dict[str, BaseGeometry]
    views: list[View]
    precision: str
    score_floor: float

    @property
    def tiles(self) -> int:
        """How many tiles there are in all views."""
        return sum(len(view.tiles) for view in self.views)

    @property
    def parameters(self) -> dict[str, Any]:
        """What decides the detections beside the scene's bits and the weights: see `Run.parameters`."""
        return {
            "site": self.site.geometry_hash,
            "plane": self.crs or "picture",
            "gsd_m": round(self.scene.gsd_m, 6),
            "bands": list(self.scene.bands),
            "stretch": self.scene.stretch.to_dict(),
            "passes": [
                {
                    "gsd_m": view.lattice.gsd_m,
                    "tile_px": view.lattice.tile_px,
                    "overlap_px": view.lattice.overlap_px,
                    "classes": list(view.classes),
                }
                for view in self.views
            ],
            "guard_px": GUARD_PX,
            "score_floor": self.score_floor,
            "suppression_iou": self.model.suppression_iou,
            "max_boxes_per_tile": self.model.max_boxes_per_tile,
            "precision": self.precision,
        }


def make_plan(
    scene: Scene, model: ModelSpec, precision: str, site: Site, score_floor: float = SCORE_FLOOR
) -> Plan:
    """The tiles whose cores touch a site's zones, at each GSD of a model; see `detect` for the errors."""
    check_fits(site, scene.info)
    crs = site.utm_crs
    zones = site.zones_in_plane(crs, scene.gsd_m)
    bounds = bounds_in_plane(scene, crs)
    views = []
    for gsd_m, reports in _passes(model, scene.gsd_m):
        longest_m = max((model.classes[name].longest_m for name in reports), default=gsd_m)
        lattice = Lattice(gsd_m, model.tile_px, overlap_for(longest_m, gsd_m), bounds, crs)
        views.append(View(lattice, lattice.tiles(zones[ALL_ZONES]), reports))
    return Plan(scene, site, model, crs, zones, views, precision, score_floor)


def _passes(model: ModelSpec, scene_gsd_m: float) -> list[tuple[float, tuple[str, ...]]]:
    """GSD of each pass, and the classes that it may report of a scene; a scene that no class fits is only measured."""
    passes = []
    for gsd_m in model.passes:
        of_pass = [name for name, spec in model.classes.items() if spec.pass_gsd_m == gsd_m]
        reports = tuple(name for name in of_pass if model.classes[name].in_range(scene_gsd_m))
        if reports:
            passes.append((gsd_m, reports))
    return passes or [(max(scene_gsd_m, *model.passes), ())]


def check_fits(site: Site, scene: SceneInfo) -> None:
    """Refuse a site in pixels for a georeferenced scene, and the other way round (`SiteInvalid`)."""
    if (site.crs == PIXEL) == (scene.crs is None):
        return
    if scene.crs is None:
        raise SiteInvalid(
            f"{scene.path}: a picture without georeference cannot show site {site.id}, which is in longitude and "
            f'latitude; give its zones in pixels ("crs": "pixel"), or --site {site.id} for the whole picture'
        )
    raise SiteInvalid(
        f"{scene.path}: a georeferenced scene cannot show site {site.id}, which is in pixels; "
        f"give its zones in longitude and latitude"
    )
