"""Scene to detections: the one pass that joins lattice, reading, engine, merging and visibility."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

import numpy as np
import shapely

from apronwatch.ahead import in_order
from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import EngineFailed
from apronwatch.found import Found
from apronwatch.masking import Masks, open_masks
from apronwatch.merging import merge
from apronwatch.plan import SCORE_FLOOR, Plan, View, make_plan
from apronwatch.preview import Preview, PreviewMeter
from apronwatch.reading import TileImage, TileReader
from apronwatch.run import ModelInfo, Run
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES, class_id
from apronwatch.visibility import VisibilityMeter
from apronwatch.zone import WHOLE_PICTURE

READING_THREADS = 2
READ_AHEAD = 6
"""Tiles: enough that no engine waits for one, few enough that memory does not grow with the scene."""

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""

Item = TypeVar("Item")


def detect(
    scene: Scene,
    engine: Engine,
    site: Site | None = None,
    *,
    score_floor: float = SCORE_FLOOR,
    masks: Masks | None = None,
    progress: Progress | None = None,
) -> Run:
    """Look once over the part of a scene that a site's zones cover.

    Args:
        scene: what to look at.
        engine: what looks.
        site: whose zones to look at and to measure the visibility of; without one, the whole picture.
        score_floor: lowest score to keep, 0 to 1.
        masks: laid over the site's plane; by default those that the scene was opened with.
        progress: told how far the pass is.

    Raises:
        SceneUnreadable: the pixels broke off while they were read.
        EngineFailed: the engine broke on a tile, or gave numbers that are none.
        SiteInvalid: the site is in pixels and the scene is georeferenced, or the other way round.
        MaskInvalid: the user's mask cannot be laid over it.
    """
    site = site or Site.whole_picture("image", scene.info)
    plan = make_plan(scene, engine.model, engine.precision, site, score_floor)
    masks = masks or open_masks(scene, plan.crs)
    reader = TileReader(scene, plan.crs, masks)
    clock, meter = _Clock(), _Meters(plan)
    found, done = [], 0
    for view in plan.views:
        # Closed before anything else on the way out: no thread may read from a scene that its user then closes.
        with ExitStack() as threads:
            read = in_order(reader.read, view.tiles, threads=READING_THREADS, ahead=READ_AHEAD)
            pictures = clock.waiting("read", threads.enter_context(closing(read)))
            if view is plan.views[0]:
                pictures = meter.watching(pictures)
            looked_at = threads.enter_context(
                closing(_looked_at(pictures, engine, reader, view, score_floor))
            )
            parts: list[Found] = []
            for part in clock.waiting("engine", looked_at):
                parts.append(part)
                done += 1
                if progress:
                    progress(done, plan.tiles)
        with clock.running("merge"):
            found.append(_merged(Found.concatenate(parts), view))
    clock.spent["engine"] = clock.spent.get("engine", 0.0) - clock.spent.get("read", 0.0)
    return _run(plan, Found.concatenate(found), meter, clock, engine, masks)


def model_info(model: ModelSpec) -> ModelInfo:
    """What is archived and printed of the weights."""
    synthetic = tuple(name for name, spec in model.classes.items() if spec.synthetic_only)
    return ModelInfo(model.name, model.sha256, model.terms, model.data, synthetic)


class _Meters:
    """What the tiles of a pass show beside objects: how much of each zone, and a coarse picture of the ground."""

    def __init__(self, plan: Plan) -> None:
        self.visibility = VisibilityMeter(plan.zones, plan.crs)
        whole = any(zone.kind == WHOLE_PICTURE for zone in plan.site.zones)
        self._preview = None if plan.crs is None or whole else PreviewMeter(plan.crs)

    @property
    def preview(self) -> Preview | None:
        return self._preview.result() if self._preview else None

    def watching(self, pictures: Iterable[TileImage]) -> Iterator[TileImage]:
        for picture in pictures:
            tile = picture.tile
            self.visibility.add(tile.core, tile.to_plane, picture.clear, picture.noted)
            if self._preview:
                self._preview.add(tile.core, tile.to_plane, picture.pixels, picture.clear)
            yield picture


def _looked_at(
    pictures: Iterable[TileImage], engine: Engine, reader: TileReader, view: View, score_floor: float
) -> Generator[Found, None, None]:
    """What the engine finds in each tile that shows anything, in order, on as many threads as it is worth.

    Of a view that may report no class the pictures are only drawn, for their visibility.
    """

    def look(batch: list[TileImage]) -> list[Found]:
        try:
            answers = engine.detect(np.stack([p.pixels for p in batch]), score_floor)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise EngineFailed(f"the engine failed on a tile: {error}") from error
        return [
            Found.in_tile(picture, answer.detections, answer.saturated, reader)
            for picture, answer in zip(batch, answers, strict=True)
        ]

    shown = (p for p in pictures if p.valid.any() and view.classes)
    looked = in_order(look, _batches(shown, engine.batch), threads=engine.workers, ahead=engine.workers)
    with closing(looked):
        for parts in looked:
            yield from parts


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _merged(found: Found, view: View) -> Found:
    """One box an object, of the classes that this view may report."""
    reported = np.isin(found.classes, [class_id(name) for name in view.classes])
    found = found.select(np.flatnonzero(reported))
    return found.select(merge(found.polygons, found.scores, found.classes, found.tiles, view.lattice))


def _run(plan: Plan, found: Found, meter: _Meters, clock: "_Clock", engine: Engine, masks: Masks) -> Run:
    polygons, unit_m, model = found.polygons, 1.0, engine.model
    if plan.crs is None:
        unit_m = plan.scene.gsd_m
        polygons = polygons / [unit_m, -unit_m]
    return Run(
        scene=plan.scene.info,
        model=model_info(model),
        parameters=plan.parameters,
        detections=Detections(polygons, found.scores, found.classes, found.truncated, plan.crs, unit_m),
        thresholds={name: model.classes[name].threshold for name in CLASSES if name in model.classes},
        visibility=meter.visibility.result(),
        saturated=shapely.union_all([shapely.box(*bounds) for bounds in found.saturated]),
        hidden=found.hidden,
        device=f"{engine.device} {engine.precision}",
        stage_s=clock.spent,
        tiles=plan.tiles,
        preview=meter.preview,
        masks_hash=masks.key,
    )


class _Clock:
    """Seconds that the pass itself spent waiting for each stage; work done ahead on threads costs nothing."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - start

    def waiting(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        waiting = iter(items)
        while True:
            with self.running(stage):
                try:
                    item = next(waiting)
                except StopIteration:
                    return
            yield item
