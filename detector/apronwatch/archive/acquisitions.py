"""Which scenes are frames of one acquisition, by what is known of when and by whom they were taken."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from apronwatch.times import APART, PRECISIONS

LONGEST_GAP = timedelta(minutes=15)
"""Between frames of one pass: a satellite is over a place for minutes, and comes back after an hour and a half."""

UNITED_BY_DATE = "united_by_date"
"""Reason given to frames that were united though only their date (or hour) says that they belong together."""

ACQUISITION_ID_REUSED = "acquisition_id_reused"
"""Reason given to frames that bear the acquisition id of others a day or more away: they are another look."""

_COARSE = ("hour", "day")


@dataclass(frozen=True)
class Taken:
    """What says to which acquisition a scene belongs.

    Attributes:
        scene_id: in the archive.
        sensor, acquisition: as its metadata or the manifest name them; None when unknown.
        time, time_precision: of acquisition, UTC.
        alone: it cannot be united with others by its time; an acquisition id still says where it belongs.
    """

    scene_id: int
    sensor: str | None
    acquisition: str | None
    time: datetime
    time_precision: str
    alone: bool

    @property
    def middle(self) -> datetime:
        """Middle of the span that the precision leaves open."""
        return self.time + PRECISIONS[self.time_precision] / 2

    @property
    def by_date(self) -> bool:
        """Nothing finer than its date, or the hour, says to which acquisition it belongs."""
        return self.acquisition is None and self.time_precision in _COARSE


_Named = TypeVar("_Named", bound=Taken)


def by_acquisition(scenes: Iterable[_Named]) -> list[list[_Named]]:
    """The scenes of each acquisition, in the order given.

    Scenes belong together that bear the same sensor (or none) and

    - the same acquisition id, less than a day apart; or, without one,
    - times to the minute or finer with no more than `LONGEST_GAP` from each to the next; or
    - the same date, or hour, where both are known no finer.
    """
    given = list(scenes)
    start, first = _pass_starts(given), _id_starts(given)
    groups: dict[tuple[object, ...], list[_Named]] = {}
    for scene in given:
        groups.setdefault(_bond(scene, start, first), []).append(scene)
    return list(groups.values())


def reused_ids(groups: Iterable[Sequence[Taken]]) -> set[tuple[str | None, str]]:
    """The (sensor, acquisition id) that several of the acquisitions bear."""
    borne = Counter(
        (group[0].sensor, group[0].acquisition) for group in groups if group[0].acquisition is not None
    )
    return {(sensor, acquisition) for (sensor, acquisition), times in borne.items() if times > 1}


def _bond(
    scene: Taken,
    start: dict[tuple[str | None, datetime], datetime],
    first: dict[tuple[str | None, str, datetime], datetime],
) -> tuple[object, ...]:
    """What scenes of one acquisition have in common."""
    if scene.acquisition is not None:
        since = first[scene.sensor, scene.acquisition, scene.middle]
        return "acquisition", scene.sensor, scene.acquisition, since
    if scene.alone:
        return "scene", scene.scene_id
    if scene.time_precision == "day":
        return "day", scene.sensor, scene.time.date()
    if scene.time_precision == "hour":
        return "hour", scene.sensor, scene.time
    return "pass", scene.sensor, start[scene.sensor, scene.time]


def _pass_starts(scenes: Sequence[Taken]) -> dict[tuple[str | None, datetime], datetime]:
    """By sensor and time, when the pass began that it belongs to."""
    exact = {
        (scene.sensor, scene.time)
        for scene in scenes
        if scene.acquisition is None and not scene.alone and scene.time_precision not in _COARSE
    }
    starts: dict[tuple[str | None, datetime], datetime] = {}
    before: tuple[str | None, datetime] | None = None
    for sensor, time in sorted(exact, key=lambda moment: (moment[0] or "", moment[1])):
        follows = before is not None and before[0] == sensor and time - before[1] <= LONGEST_GAP
        starts[sensor, time] = starts[before] if before is not None and follows else time
        before = sensor, time
    return starts


def _id_starts(scenes: Sequence[Taken]) -> dict[tuple[str | None, str, datetime], datetime]:
    """By sensor, acquisition id and time, when the first of the frames was taken that are less than a day apart."""
    borne = {(s.sensor, s.acquisition, s.middle) for s in scenes if s.acquisition is not None}
    starts: dict[tuple[str | None, str, datetime], datetime] = {}
    first: tuple[str | None, str, datetime] | None = None
    for frame in sorted(borne, key=lambda frame: (frame[0] or "", *frame[1:])):
        if first is None or first[:2] != frame[:2] or frame[2] - first[2] >= APART:
            first = frame
        starts[frame] = first[2]
    return starts
