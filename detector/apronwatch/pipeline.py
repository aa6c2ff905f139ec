"""Scene to detections: the pipeline that joins lattice, reading, engine, merging and visibility in one pass."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import EngineFailed, SiteInvalid
from apronwatch.lattice import GUARD_PX, Lattice, Tile, overlap_for
from apronwatch.masking import Mask, open_mask
from apronwatch.merging import merge
from apronwatch.reading import TileImage, TileReader, bounds_in_plane, read_ahead
from apronwatch.run import ModelInfo, Run
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES, class_id
from apronwatch.visibility import Visibility, VisibilityMeter
from apronwatch.warping import along

SCORE_FLOOR = 0.05
"""Detections are kept down to this score, so that an operating threshold can be revisited."""

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


def detect(
    scene: Scene,
    engine: Engine,
    site: Site | None = None,
    *,
    score_floor: float = SCORE_FLOOR,
    progress: Progress | None = None,
) -> Run:
    """Look once over the part of a scene that a site's zones cover.

    Args:
        scene: what to look at, with the mask that it was opened with.
        engine: what looks.
        site: whose zones to look at and to measure the visibility of; without one, the whole picture.
        score_floor: lowest score to keep, 0 to 1.
        progress: told how far the pass is.

    Raises:
        SceneUnreadable: the pixels broke off while they were read.
        EngineFailed: the engine broke on a tile, or gave numbers that are none.
        SiteInvalid: the site is in pixels and the scene is georeferenced, or the other way round.
        MaskInvalid: the scene's mask cannot be laid over it.
    """
    site = site or Site.whole_picture("image", scene.info)
    plan = _plan(scene, engine.model, site)
    clock = _Clock()
    meter = VisibilityMeter(plan.zones, plan.crs)
    found: list[_Found] = []
    done = 0
    for view in plan.views:
        reader = TileReader(scene, plan.crs, plan.mask)
        pictures = clock.waiting("read", read_ahead(reader, view.tiles))
        seen = _metered(pictures, meter) if view is plan.views[0] else pictures
        parts = []
        for batch in _batches((p for p in seen if p.valid.any()), engine.model.batch):
            with clock.running("engine"):
                parts += _look(batch, engine, score_floor)
            done += len(batch)
            if progress:
                progress(done, plan.tiles)
        with clock.running("merge"):
            found.append(_merge(parts, view))
    return _run(plan, found, meter.result(), clock, score_floor, engine.model)


@dataclass(frozen=True)
class _View:
    """One pass at one GSD: its lattice, its tiles, and the classes that it may report."""

    lattice: Lattice
    tiles: list[Tile]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    scene: Scene
    site: Site
    crs: str | None
    zones: dict[str, BaseGeometry]
    views: list[_View]
    mask: Mask | None

    @property
    def tiles(self) -> int:
        return sum(len(view.tiles) for view in self.views)


@dataclass(frozen=True, eq=False)
class _Found:
    """Boxes in the plane's metres: polygons (N, 4, 2) and one value each of the rest."""

    polygons: NDArray[np.float64]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    truncated: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    tiles: NDArray[np.int64]
    saturated: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def of(cls, parts: list["_Found"]) -> "_Found":
        if not parts:
            none = np.zeros(0)
            return cls(
                np.zeros((0, 4, 2)),
                none.astype(np.float32),
                none.astype(np.int16),
                none > 0,
                none > 0,
                np.zeros((0, 2), np.int64),
                (),
            )
        names = ("polygons", "scores", "classes", "truncated", "hidden", "tiles")
        joined = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
        return cls(**joined, saturated=tuple(box for p in parts for box in p.saturated))

    def select(self, index: NDArray[np.intp]) -> "_Found":
        names = ("polygons", "scores", "classes", "truncated", "hidden", "tiles")
        return _Found(**{name: getattr(self, name)[index] for name in names}, saturated=self.saturated)


def _plan(scene: Scene, model: ModelSpec, site: Site) -> _Plan:
    check_fits(site, scene.info)
    crs = site.utm_crs
    zones = site.zones_in_plane(crs, scene.gsd_m)
    bounds = bounds_in_plane(scene, crs)
    views = []
    for gsd_m in model.passes:
        reports = tuple(name for name, spec in model.classes.items() if spec.pass_gsd_m == gsd_m)
        overlap = overlap_for(max(model.classes[name].longest_m for name in reports), gsd_m)
        lattice = Lattice(gsd_m, model.tile_px, overlap, bounds, crs)
        views.append(_View(lattice, lattice.tiles(zones["*"]), reports))
    mask = open_mask(scene.mask_path, scene.info, crs) if scene.mask_path else None
    return _Plan(scene, site, crs, zones, views, mask)


def check_fits(site: Site, scene: SceneInfo) -> None:
    """Refuse a site in pixels for a georeferenced scene, and the other way round (`SiteInvalid`)."""
    if (site.crs == "pixel") == (scene.crs is None):
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


def parameters(
    scene: Scene, model: ModelSpec, site: Site, score_floor: float = SCORE_FLOOR
) -> dict[str, Any]:
    """What decides the detections of a run beside the scene's bits and the weights: see `Run.parameters`."""
    return _parameters(_plan(scene, model, site), model, score_floor)


def _parameters(plan: _Plan, model: ModelSpec, score_floor: float) -> dict[str, Any]:
    return {
        "site": plan.site.geometry_hash,
        "plane": plan.crs or "picture",
        "gsd_m": round(plan.scene.gsd_m, 6),
        "bands": list(plan.scene.bands),
        "stretch": plan.scene.stretch.to_dict(),
        "passes": [
            {
                "gsd_m": view.lattice.gsd_m,
                "tile_px": view.lattice.tile_px,
                "overlap_px": view.lattice.overlap_px,
                "classes": list(view.classes),
            }
            for view in plan.views
        ],
        "guard_px": GUARD_PX,
        "score_floor": score_floor,
        "suppression_iou": model.suppression_iou,
        "max_boxes_per_tile": model.max_boxes_per_tile,
    }


def _metered(pictures: Iterable[TileImage], meter: VisibilityMeter) -> Iterator[TileImage]:
    for picture in pictures:
        meter.add(picture.tile.core, picture.tile.to_plane, picture.clear)
        yield picture


def _batches(pictures: Iterable[TileImage], size: int) -> Iterator[list[TileImage]]:
    batch: list[TileImage] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _look(batch: list[TileImage], engine: Engine, score_floor: float) -> list[_Found]:
    try:
        answers = engine.detect(np.stack([p.pixels for p in batch]), score_floor)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise EngineFailed(f"the engine failed on a tile: {error}") from error
    return [
        _in_plane(picture, answer.detections, answer.saturated)
        for picture, answer in zip(batch, answers, strict=True)
    ]


def _in_plane(picture: TileImage, boxes: Detections, saturated: bool) -> _Found:
    """Boxes in the plane; those centred where the scene shows nothing are mirror images."""
    tile = picture.tile
    boxes = boxes.select(~_sample(~picture.valid, *_pixels(boxes.centres)))
    x, y = along(tile.to_plane, boxes.polygons[..., 0], boxes.polygons[..., 1])
    columns, rows = _pixels(boxes.centres)
    hidden = _sample(picture.valid & ~picture.clear, columns, rows)
    return _Found(
        np.stack([x, y], axis=-1),
        boxes.scores,
        boxes.classes,
        _cut_by_the_edge(picture.valid, boxes.polygons),
        hidden,
        np.tile(np.array([tile.i, tile.j], dtype=np.int64), (len(boxes), 1)),
        (tile.bounds,) if saturated else (),
    )


def _cut_by_the_edge(valid: NDArray[np.bool_], polygons: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) boxes with a corner, or a point 1.5 px beyond it, where the scene shows nothing."""
    if valid.all() or len(polygons) == 0:
        return np.zeros(len(polygons), dtype=np.bool_)
    outward = polygons - polygons.mean(axis=1, keepdims=True)
    reach = polygons + 1.5 * outward / np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-9)
    columns, rows = _pixels(reach)
    return np.asarray(_sample(~valid, columns, rows).any(axis=1))


def _pixels(points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns and rows of the pixels that points (…, 2) of a tile lie on."""
    return np.floor(points[..., 0]).astype(np.intp), np.floor(points[..., 1]).astype(np.intp)


def _sample(mask: NDArray[np.bool_], columns: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The mask at pixels; False beyond the tile, where another tile knows better."""
    height, width = mask.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    sampled: NDArray[np.bool_] = mask[rows.clip(0, height - 1), columns.clip(0, width - 1)] & inside
    return sampled


def _merge(parts: list[_Found], view: _View) -> _Found:
    """One box an object, of the classes that this pass may report."""
    found = _Found.of(parts)
    reported = np.isin(found.classes, [class_id(name) for name in view.classes])
    found = found.select(np.flatnonzero(reported))
    return found.select(merge(found.polygons, found.scores, found.classes, found.tiles, view.lattice))


def _run(
    plan: _Plan,
    found: list[_Found],
    visibility: Visibility,
    clock: "_Clock",
    score_floor: float,
    model: ModelSpec,
) -> Run:
    boxes = _Found.of(found)
    polygons, unit_m = boxes.polygons, 1.0
    if plan.crs is None:
        unit_m = plan.scene.gsd_m
        polygons = polygons / [unit_m, -unit_m]
    return Run(
        scene=plan.scene.info,
        model=model_info(model),
        parameters=_parameters(plan, model, score_floor),
        detections=Detections(polygons, boxes.scores, boxes.classes, boxes.truncated, plan.crs, unit_m),
        thresholds={name: model.classes[name].threshold for name in CLASSES if name in model.classes},
        visibility=visibility,
        saturated=shapely.union_all([shapely.box(*box) for box in boxes.saturated]),
        hidden=boxes.hidden,
        stage_s=clock.spent,
        tiles=plan.tiles,
    )


def model_info(model: ModelSpec) -> ModelInfo:
    """What is archived and printed of the weights."""
    synthetic = tuple(name for name, spec in model.classes.items() if spec.synthetic_only)
    return ModelInfo(model.name, model.sha256, model.terms, model.data, synthetic)


class _Clock:
    """Seconds spent by the pass itself in each stage (reading ahead on threads does not count unless waited for)."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - start

    def waiting(self, stage: str, items: Iterable[TileImage]) -> Iterator[TileImage]:
        waiting = iter(items)
        while True:
            with self.running(stage):
                item = next(waiting, None)
            if item is None:
                return
            yield item
