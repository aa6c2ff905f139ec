"""`Archive`: what was seen, of which place, in which scene, by which weights; kept in one database."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apronwatch.archive import queries, schema, store
from apronwatch.archive import series as looks
from apronwatch.archive.database import Location, connect, translated
from apronwatch.archive.dating import REDATED, ArchivedTime
from apronwatch.archive.rows import ArchivedRun, Redated, RunRow, SeriesRow, StoredRun
from apronwatch.archive.upgrade import Upgraded, upgrade
from apronwatch.counts import Count
from apronwatch.errors import ArchiveInvalid, BadTime
from apronwatch.run import ModelInfo, Run
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.times import PRECISIONS

_T = TypeVar("_T")

_ATTEMPTS = 4
"""Another process may store the same key, scene or site at the same moment: the next attempt finds it."""


class Archive:
    """An open archive; every method is one transaction. Use as a context manager.

    Methods raise `ArchiveUnwritable` when they must write and cannot, `ArchiveInvalid` when they cannot read.
    """

    def __init__(self, location: Location, engine: Engine) -> None:
        self.name = location.name
        self._engine = engine
        # A list is read in several queries: they must all see the same state.
        self._reader = (
            engine if location.file else engine.execution_options(isolation_level="REPEATABLE READ")
        )
        self._writer = engine.execution_options(writing=True)

    @classmethod
    def open(cls, url_or_path: str | Path | None = None, *, create: bool = True) -> Self:
        """Open a SQLite file or `postgresql://…`; by default `$APRONWATCH_ARCHIVE` or `apronwatch.sqlite`.

        Args:
            url_or_path: where it is.
            create: make it if it is not there.

        Raises:
            ArchiveOutdated: of an older schema.
            ArchiveInvalid: of a newer schema, no archive at all, or missing with `create=False`.
            ArchiveUnwritable: it cannot be made there.
            ExtraMissing: PostgreSQL's driver is not installed.
        """
        location = Location.of(url_or_path)
        absent = location.file is not None and not location.file.exists()
        if absent and not create:
            raise ArchiveInvalid(
                f"{location.name}: no such file; expected an archive that `apronwatch count` made"
            )
        engine = connect(location)
        try:
            with translated(location.name, writing=absent):
                with engine.connect() as connection:
                    there = schema.revision_of(connection) is not None
                if create and not there:
                    schema.create(location, engine)
                with engine.connect() as connection:
                    schema.check(location, connection)
        except BaseException:
            engine.dispose()
            raise
        return cls(location, engine)

    @staticmethod
    def upgrade(url_or_path: str | Path | None = None, *, backed_up: bool = False) -> Upgraded:
        """Bring an archive of an older schema to this software's; see `upgrade.upgrade`."""
        return upgrade(Location.of(url_or_path), backed_up=backed_up)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def store(
        self,
        run: Run,
        counts: Sequence[Count],
        site: Site,
        *,
        calibration_hash: str = "",
        aside: bool = False,
    ) -> int:
        """Store a run with its counts, whole or not at all, and give its id.

        The same again changes nothing; other counts of a run replace its counts whole; a failure is replaced. The
        same pass under other masks is another run.

        Args:
            run: what was found.
            counts: of the site's zones; at least one.
            site: the version that they were counted with.
            calibration_hash: of what turned detections into counts.
            aside: the run is made to be compared: no series shows it until it is asked for (`ask_again`) or
                its weights are named, and a run that is there already stays as it is.
        """
        return self._write(lambda s: store.put_run(s, run, counts, site, calibration_hash, aside))

    def store_failure(
        self,
        scene: SceneInfo,
        model: ModelInfo,
        parameters: dict[str, Any],
        site: Site,
        counts: Sequence[Count],
        message: str,
        *,
        masks_hash: str = "",
        aside: bool = False,
    ) -> int:
        """Store that a run failed, with counts that say so; give its id. A success of the same key stays.

        With `aside` it is kept apart as in `store`.
        """
        return self._write(
            lambda s: store.put_failure(s, scene, model, parameters, site, counts, message, masks_hash, aside)
        )

    def ask_again(self, run_id: int, scene: SceneInfo) -> None:
        """Note that the numbers of a stored run were asked for once more: it is the newest of its scene now.

        Args:
            run_id: of the run, which `stored` gave.
            scene: as it was opened now, perhaps by another path or with another time.
        """
        self._write(lambda s: store.ask_again(s, run_id, scene))

    def stored(self, run_key: str, masks_hash: str = "", calibration_hash: str = "") -> StoredRun | None:
        """Id and counts of the run of these keys, if it is done and so need not be done again."""
        return self._read(lambda s: queries.stored(s, run_key, masks_hash, calibration_hash))

    def series(
        self,
        site: str,
        *,
        zone: str | None = None,
        class_name: str | None = None,
        model: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> list[SeriesRow]:
        """Counts over time: one look for each acquisition, ordered by time; undated scenes are left out.

        A look is the run last asked for of those that are done, or a failed one where none is. The frames of
        an acquisition (`archive.acquisitions`) are united if weights and outlines of the site are the same;
        otherwise those like the run last asked for stand. Frames that cannot be united are looks of their own,
        with the reason `frames_not_comparable`; so are frames of one acquisition id a day or more apart, with
        `acquisition_id_reused`. Counts in another outline than that of the site's newest
        version have the reason `other_outline`.

        Args:
            site: its id.
            zone: one zone, or `*`; all by default.
            class_name: one class; all by default.
            model: runs of this name or SHA-256 only.
            classes: several classes.

        Raises:
            SiteUnknown: no such site or zone; the message lists them.
            ClassUnknown: no such class.
            ModelUnknown: the site has no run of that model.
        """
        wanted = [class_name] if class_name is not None else classes
        return self._read(lambda s: looks.series(s, site, zone, wanted, model))

    def runs(self, site: str | None = None) -> list[RunRow]:
        """All runs, or those of one site, in the order in which they were stored. Raises `SiteUnknown`."""
        return self._read(lambda s: queries.runs(s, site))

    def run(self, run_id: int) -> ArchivedRun:
        """Everything about one run. Raises `RunUnknown`."""
        return self._read(lambda s: queries.run(s, run_id))

    def sites(self) -> list[str]:
        """Ids of all sites, sorted."""
        return self._read(queries.sites)

    def site(self, site_id: str) -> Site:
        """The newest version of a site: of the run last asked for. Raises `SiteUnknown`."""
        return self._read(lambda s: queries.newest_site(s, site_id)[0])

    def other_outlines(self, run_id: int) -> frozenset[str]:
        """The zones of a run, perhaps `*`, whose outline is another than in the newest version of its site."""
        return self._read(lambda s: queries.outlines_unlike_newest(s, run_id))

    def dated(self, identity: str) -> ArchivedTime | None:
        """When the scene of this identity was taken; None for one that is not here."""
        return self._read(lambda s: queries.dated(s, identity))

    def redate(self, run_or_scene: int | str, time: datetime, precision: str) -> Redated:
        """Correct the time of a scene, of all its runs; the old one is kept, and no later run brings it back.

        Args:
            run_or_scene: a run's id, or a scene's SHA-256 (or its beginning), identity, path or file name.
            time: with its zone.
            precision: `second`, `minute`, `hour` or `day`.

        Raises:
            RunUnknown: no scene, or more than one, is called so.
            BadTime: a time without zone, or an unknown precision.
        """
        if time.tzinfo is None or precision not in PRECISIONS:
            raise BadTime(
                f"time {time.isoformat()} to the {precision}: expected a zone, to the {', '.join(PRECISIONS)}"
            )

        def work(session: Session) -> Redated:
            scene = queries.scene_of(session, run_or_scene)
            before, before_precision = scene.time, scene.time_precision
            store.put_time(scene, time.astimezone(UTC), precision, REDATED)
            return Redated(scene.paths[-1], before, before_precision, time.astimezone(UTC), precision)

        return self._write(work)

    def remove(self, run_id: int) -> None:
        """Delete a run with its detections and counts, and its scene and site if nothing else uses them.

        Raises:
            RunUnknown: no such run.
        """
        self._write(lambda s: store.remove_run(s, queries.run_row(s, run_id)))

    def _read(self, work: Callable[[Session], _T]) -> _T:
        with translated(self.name, writing=False), Session(self._reader) as session, session.begin():
            return work(session)

    def _write(self, work: Callable[[Session], _T]) -> _T:
        for attempt in range(_ATTEMPTS):
            try:
                with translated(self.name, writing=True), Session(self._writer) as session, session.begin():
                    return work(session)
            except IntegrityError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")
