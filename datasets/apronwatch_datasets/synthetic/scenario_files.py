"""A whole scenario on disk: scenes, masks, truth, and the site file and manifest for `apronwatch count`."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer

from apronwatch.errors import OutputInvalid
from apronwatch.site import Site, Zone, write_sites
from apronwatch_datasets.synthetic.drawing import draw
from apronwatch_datasets.synthetic.scenario_reading import read_scenario
from apronwatch_datasets.synthetic.spec import Base, Scenario, Scene
from apronwatch_datasets.synthetic.truth import Truth
from apronwatch_datasets.synthetic.writing import NOTE, SceneFiles, whole, write_scene

Progress = Callable[[int, int], None]
"""Called with (scenes done, scenes in all)."""


@dataclass(frozen=True, eq=False)
class ScenarioFiles:
    """Where a scenario was written, and what is true of each scene: site by site, in order of time."""

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


def synthesize(name_or_path: str | Path, out: Path, progress: Progress | None = None) -> ScenarioFiles:
    """Draw a scenario, of the package or a file of one's own, into a folder.

    An interrupted run leaves no half file; run again, it draws anew and completes.

    Raises:
        ScenarioInvalid: there is no such scenario, or its file cannot be drawn.
        OutputInvalid: the folder cannot be written, or holds anything that is not this scenario's.
    """
    scenario = read_scenario(name_or_path)
    _refuse_strange(out, {scene.name for place in scenario for scene in place.scenes})
    return write_scenario(scenario, out, progress)


def write_scenario(
    scenario: Scenario | Sequence[Scenario], out: Path, progress: Progress | None = None
) -> ScenarioFiles:
    """Draw a scenario, one `Scenario` a site, into a folder; the same scenario gives the same bytes.

    Raises:
        OutputInvalid: the folder cannot be written, or holds scenes of another scenario.
    """
    places = [scenario] if isinstance(scenario, Scenario) else scenario
    todo = [(place.base, scene) for place in places for scene in place.scenes]
    sites, manifest = out / "sites.geojson", out / "manifest.csv"
    _refuse_others(out, {scene.name for _, scene in todo})
    files, truths = [], []
    for number, (base, scene) in enumerate(todo):
        picture = draw(base, scene.parked, scene.look)
        files.append(write_scene(picture, scene.name, out / "scenes", out / "masks", out / "truth"))
        truths.append(picture.truth)
        if progress is not None:
            progress(number + 1, len(todo))
    write_sites([site_of(place.base) for place in places], sites, attribution=NOTE)
    _write_manifest(manifest, todo, files)
    return ScenarioFiles(sites, manifest, tuple(files), tuple(truths))


def _refuse_others(out: Path, names: set[str]) -> None:
    """A reader of the folder would take the scenes of two scenarios for one set."""
    for kind, ending in (("scenes", ".tif"), ("masks", "_cloud.tif"), ("truth", ".geojson")):
        for path in sorted((out / kind).glob(f"[!.]*{ending}")):
            if path.name.removesuffix(ending) not in names:
                raise OutputInvalid(
                    f"{path}: of another scenario; expected an empty folder, or one of an earlier run of the same: "
                    "give another folder, or empty this one"
                )


def _refuse_strange(out: Path, names: set[str]) -> None:
    """Refuse a folder with what this scenario's runs do not write: it would be mixed with it, or overwritten."""
    strange = next(iter(_strange(out, names)), None)
    if strange is not None:
        raise OutputInvalid(
            f"{strange}: of another scenario, or none of a scenario's files; expected an empty folder, or one of an "
            "earlier run of the same: give another folder"
        )


def _strange(out: Path, names: set[str]) -> Iterator[Path]:
    scenes = 0
    for kind, addition in (("scenes", ""), ("masks", "_cloud"), ("truth", "_counts")):
        for path in _visible(out / kind):
            stem, _, ending = path.name.partition(".")
            if not ending or not {stem, stem.removesuffix(addition)} & names:
                yield path
            scenes += 1
    for path in _visible(out):
        # Site file and manifest come last: without a scene they are not ours.
        allowed = ("scenes", "masks", "truth", *(("sites.geojson", "manifest.csv") if scenes else ()))
        if path.name not in allowed:
            yield path


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise OutputInvalid(f"{folder}: cannot be read ({error.strerror}): give another folder") from error


def _write_manifest(path: Path, drawn: list[tuple[Base, Scene]], files: list[SceneFiles]) -> None:
    with whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["path", "time", "gsd", "site", "mask", "acquisition"])
        for (base, scene), written in zip(drawn, files, strict=True):
            mask = written.mask.relative_to(path.parent).as_posix() if written.mask else ""
            image = written.image.relative_to(path.parent).as_posix()
            time = scene.look.time.isoformat().replace("+00:00", "Z")
            rows.writerow([image, time, "", base.id, mask, scene.name])
