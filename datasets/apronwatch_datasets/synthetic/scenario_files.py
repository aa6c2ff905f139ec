"""A whole scenario on disk: scenes, masks, truth, and the site file and manifest for `apronwatch count`."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer

from apronwatch.site import Site, Zone, write_sites
from apronwatch_datasets.synthetic.drawing import draw
from apronwatch_datasets.synthetic.spec import Base, Scenario
from apronwatch_datasets.synthetic.truth import Truth
from apronwatch_datasets.synthetic.writing import NOTE, SceneFiles, write_scene

Progress = Callable[[int, int], None]
"""Called with (scenes done, scenes in all)."""


@dataclass(frozen=True, eq=False)
class ScenarioFiles:
    """Where a scenario was written, and what is true of each scene, in order of time."""

    sites: Path
    manifest: Path
    scenes: tuple[SceneFiles, ...]
    truths: tuple[Truth, ...]


def site_of(base: Base) -> Site:
    """The site file's view of a base: its zones in longitude and latitude."""
    to_lonlat = Transformer.from_crs(base.crs, "EPSG:4326", always_xy=True)
    zones = []
    for zone in base.zones:
        metres = base.to_grid(zone.outline)
        lonlat = shapely.transform(
            metres, lambda xy: np.round(np.column_stack(to_lonlat.transform(*xy.T)), 8)
        )
        zones.append(Zone(zone.id, zone.kind, f"{zone.name} (synthetic)", zone.max_span_m, lonlat))
    return Site(base.id, tuple(zones))


def write_scenario(scenario: Scenario, out: Path, progress: Progress | None = None) -> ScenarioFiles:
    """Draw a scenario into a folder; the same scenario gives the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    sites, manifest = out / "sites.geojson", out / "manifest.csv"
    write_sites([site_of(scenario.base)], sites, attribution=NOTE)
    files, truths = [], []
    for number, scene in enumerate(scenario.scenes):
        picture = draw(scenario.base, scene.parked, scene.look)
        files.append(write_scene(picture, scene.name, out / "scenes", out / "masks", out / "truth"))
        truths.append(picture.truth)
        if progress is not None:
            progress(number + 1, len(scenario.scenes))
    _write_manifest(manifest, scenario, files)
    return ScenarioFiles(sites, manifest, tuple(files), tuple(truths))


def _write_manifest(path: Path, scenario: Scenario, files: list[SceneFiles]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["path", "time", "gsd", "site", "mask", "acquisition"])
        for scene, written in zip(scenario.scenes, files, strict=True):
            mask = written.mask.relative_to(path.parent).as_posix() if written.mask else ""
            image = written.image.relative_to(path.parent).as_posix()
            time = scene.look.time.isoformat().replace("+00:00", "Z")
            rows.writerow([image, time, "", scenario.base.id, mask, scene.name])
