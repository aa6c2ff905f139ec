"""Which scenes are frames of one acquisition, by what is known of when and by whom they were taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

LONGEST_GAP = timedelta(minutes=15)
"""Between frames of one pass: a satellite is over a place for minutes, and comes back after an hour and a half."""

UNITED_BY_DATE = "united_by_date"
"""Reason given to frames that were united though only their date (or hour) says that they belong together."""

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
    def by_date(self) -> bool:
        """Nothing finer than its date, or the hour, says to which acquisition it belongs."""
        return self.acquisition is None and self.time_precision in _COARSE


_Named = TypeVar("_Named", bound=Taken)


def by_acquisition(scenes: Iterable[_Named]) -> list[list[_Named]]:
    """The scenes of each acquisition, in the order given.

    Scenes belong together that bear the same sensor (or none) and

    - the same acquisition id; or, without one,
    - times to the minute or finer with no more than `LONGEST_GAP` from each to the next; or
    - the same date, or hour, where both are known no finer.
    """
    given = list(scenes)
    start = _pass_starts(given)
    groups: dict[tuple[object, ...], list[_Named]] = {}
    for scene in given:
        groups.setdefault(_bond(scene, start), []).append(scene)
    return list(groups.values())


def _bond(scene: Taken, start: dict[tuple[str | None, datetime], datetime]) -> tuple[object, ...]:
    """What scenes of one acquisition have in common."""
    if scene.acquisition is not None:
        return "acquisition", scene.sensor, scene.acquisition
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
