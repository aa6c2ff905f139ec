"""What a report is made of: the looks at a site with their runs, and the pictures that are still there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from apronwatch.archive import Archive, ArchivedRun, SeriesRow
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.counts import Count, Status
from apronwatch.engines.registry import load_registry
from apronwatch.errors import ApronwatchError
from apronwatch.interchange.files import public_name
from apronwatch.observation import Frame
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.sizing import with_sizes


@dataclass(frozen=True, eq=False)
class Look:
    """One acquisition of a site.

    Attributes:
        time, time_precision: None for an undated one.
        counts: per zone and class, over all its frames.
        runs: one a frame, the one that saw the most first.
    """

    time: datetime | None
    time_precision: str | None
    counts: tuple[Count, ...]
    runs: tuple[ArchivedRun, ...]

    def count(self, zone: str, class_name: str) -> Count | None:
        """The count of a zone and class; None where the look has none."""
        return next((c for c in self.counts if (c.zone, c.class_name) == (zone, class_name)), None)

    @property
    def synthetic(self) -> bool:
        """A frame was drawn, not taken."""
        return any(run.scene.synthetic for run in self.runs)

    @property
    def failed(self) -> bool:
        """No number came of it: the run broke off."""
        return all(c.status is Status.FAILED for c in self.counts)


def dated_looks(archive: Archive, rows: Sequence[SeriesRow]) -> list[Look]:
    """The looks of a series, oldest first."""
    ordered = sorted(rows, key=lambda r: (r.time, r.run_id))
    looks = []
    for _, group in groupby(ordered, key=lambda r: (r.time, r.run_id)):
        of_look = list(group)
        runs = tuple(archive.run(run_id) for run_id in of_look[0].run_ids)
        counts = tuple(r.count for r in of_look)
        looks.append(Look(of_look[0].time, of_look[0].time_precision, counts, runs))
    return looks


def undated_looks(archive: Archive, site_id: str, model: str | None) -> list[Look]:
    """The run last asked for of each undated scene, a success before a failure, in the order of counting."""
    newest: dict[str, int] = {}
    rows = [
        r for r in archive.runs(site_id) if r.time is None and model in (None, r.model_name, r.model_sha256)
    ]
    for row in sorted(rows, key=lambda r: (r.failure is None, r.asked_at, r.run_id)):
        newest[row.scene_identity] = row.run_id
    runs = [archive.run(run_id) for run_id in sorted(newest.values())]
    return [Look(None, None, _counts(archive, run), (run,)) for run in runs]


def by_size_group(looks: Sequence[Look]) -> list[Look]:
    """The looks with their planes by size, as far as the registry of now knows the lengths of the weights' boxes.

    Raises:
        ModelInvalid: a registry or a calibration cannot be read.
    """
    registry = load_registry()
    sized = []
    for look in looks:
        run, frames = look.runs[0], [Frame(run, run.counts) for run in look.runs]
        counts = with_sizes(look.counts, frames, run.site, registry.pinned(run.model.sha256))
        sized.append(replace(look, counts=counts))
    return sized


def _counts(archive: Archive, run: ArchivedRun) -> tuple[Count, ...]:
    """The counts of a run; those in another outline than the site's newest say so, as in a series."""
    other = archive.other_outlines(run.run_id)
    return tuple(
        replace(c, reasons=(*c.reasons, OTHER_OUTLINE)) if c.zone in other else c for c in run.counts
    )


@contextmanager
def picture_of(run: ArchivedRun) -> Iterator[tuple[Scene | None, str]]:
    """The scene of a run, open, if the same bits still lie where they did; else None, and in words why not.

    Remote pictures are not fetched again.
    """
    name = public_name(run.scene.path)
    if run.scene.sha256 is None:
        yield None, f"{name} is a remote picture and was not fetched again."
        return
    scene, why = None, f"{name} is no longer where it was read from."
    for path in reversed(run.scene_paths):
        if Path(path.partition("#")[0]).is_file():
            scene, why = _same_bits(path, run.scene)
        if scene is not None:
            with scene:
                yield scene, ""
            return
    yield None, why


def _same_bits(path: str, facts: SceneInfo) -> tuple[Scene | None, str]:
    name = public_name(path)
    try:
        # Its time is the archive's, which may have been corrected by hand.
        scene = Scene.open(path, undated=True, gsd_m=facts.gsd_m if facts.crs is None else None)
    except ApronwatchError as error:
        return None, str(error).replace(path, name)
    if scene.info.identity == facts.identity:
        return scene, ""
    scene.close()
    return None, f"another picture lies where {name} was read from."
