"""What the archive gives back."""

from dataclasses import dataclass
from datetime import datetime

from apronwatch.counts import Count
from apronwatch.run import Run
from apronwatch.site import Site


@dataclass(frozen=True)
class StoredRun:
    """A run that need not be done again: its id and counts."""

    run_id: int
    counts: tuple[Count, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArchivedRun(Run):
    """A run as it was archived, with everything behind its counts; the scene bears the time that counts now.

    Attributes:
        run_id: in the archive.
        stored_key: the run's key, of the pipeline version that made it.
        site: the version of the site that it was counted with.
        counts: in the order in which they were stored.
        failure: why it failed; None for a run that is done. A failed run has no detections and saw nothing.
        scene_paths: every path that led to the scene's bits, the latest last.
        calibration_hash: of what turned boxes into counts; may be empty.
        pipeline_version, software_version: what made it.
        stored_at, counted_at: UTC.
    """

    run_id: int
    stored_key: str
    site: Site
    counts: tuple[Count, ...]
    failure: str | None
    scene_paths: tuple[str, ...]
    calibration_hash: str
    pipeline_version: int
    software_version: str
    stored_at: datetime
    counted_at: datetime

    @property
    def key(self) -> str:
        """As it was stored: today's pipeline might give another."""
        return self.stored_key


@dataclass(frozen=True)
class RunRow:
    """One line of the list of runs.

    Attributes:
        run_id, site: in the archive.
        scene_path, scene_sha256, scene_identity: of its scene; the latest path.
        time, time_precision: of acquisition, UTC; None when undated.
        gsd_m: true metres of one pixel.
        model_name, model_sha256: the weights.
        detections: boxes stored, down to the archive's floor of the score.
        failure: why it failed; None for a run that is done.
        stored_at, asked_at: when it was stored, and when its numbers were last asked for, UTC.
    """

    run_id: int
    site: str
    scene_path: str
    scene_sha256: str | None
    scene_identity: str
    time: datetime | None
    time_precision: str | None
    gsd_m: float
    model_name: str
    model_sha256: str
    detections: int
    failure: str | None
    stored_at: datetime
    asked_at: datetime


@dataclass(frozen=True)
class SeriesRow:
    """One count of one look: an acquisition, which may be several frames.

    Attributes:
        time, time_precision: UTC; of the earliest of the frames whose time is known best.
        count: of one zone and class.
        scene_sha256, scene_identity, scene_path: of the frame that saw the most of the site.
        run_id: of that frame.
        run_ids: of all frames, that one first.
        model_name, model_sha256: the weights, the same for all frames.
        geometry_sha256: `Site.geometry_hash` of the version of the site that it was counted with, all zones
            together; a zone whose own outline is not the newest has the reason `other_outline`.
        gsd_m: true metres of one pixel, of the coarsest frame.
        synthetic: a frame was drawn, not taken.
        frames: how many there are.
        twins: runs of frames in other looks that show the same picture as one of these.
        exposed: of a count of `*`, the share of the places where its class is that the look could show, where it
            was worked out (`changes`); otherwise the share of the area stands for it.
    """

    time: datetime
    time_precision: str
    count: Count
    scene_sha256: str | None
    scene_identity: str
    scene_path: str
    run_id: int
    run_ids: tuple[int, ...]
    model_name: str
    model_sha256: str
    geometry_sha256: str
    gsd_m: float
    synthetic: bool
    frames: int
    twins: tuple[int, ...] = ()
    exposed: float | None = None


@dataclass(frozen=True)
class Redated:
    """A scene whose time was corrected.

    Attributes:
        scene_path: its latest path.
        before, before_precision: what it bore; None when it was undated.
        time, precision: what it bears now, UTC.
    """

    scene_path: str
    before: datetime | None
    before_precision: str | None
    time: datetime
    precision: str
