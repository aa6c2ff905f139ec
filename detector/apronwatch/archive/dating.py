"""A picture is archived under one time: what another call says of the same bits must not contradict it."""

from dataclasses import dataclass, replace
from datetime import datetime

from apronwatch.errors import ContradictingTimes
from apronwatch.sceneinfo import SceneInfo
from apronwatch.times import AcquisitionTime

REDATED = "redate"
"""Source of a time that was corrected by hand: it holds against whatever a later run says."""

_OFTEN_PROCESSING = "tiff"
"""A source that contradicts none: the other one holds."""

_FORMS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%HZ", "minute": "%Y-%m-%dT%H:%MZ"}


@dataclass(frozen=True)
class ArchivedTime:
    """The time that an archived scene bears.

    Attributes:
        time, precision, source: UTC; None when undated.
        path: the latest that led to the scene's bits.
        earlier: (time, source) that it bore before.
    """

    time: datetime | None
    precision: str | None
    source: str | None
    path: str
    earlier: frozenset[tuple[datetime, str | None]] = frozenset()

    def given_to(self, scene: SceneInfo) -> SceneInfo:
        """The scene under this time."""
        return replace(scene, time=self.time, time_precision=self.precision, time_source=self.source)

    def checked_against(self, scene: SceneInfo) -> tuple[str, ...]:
        """What to say of a scene of the same bits whose time is told anew.

        What `archive redate` has corrected, and what TIFFTAG_DATETIME says, contradicts nothing: it is noted.

        Raises:
            ContradictingTimes: the two are a day or more apart.
        """
        if not contradict(scene, self.given_to(scene)):
            return ()
        now = f"{_shown(scene.time, scene.time_precision)} ({scene.time_source})"
        here = f"{_shown(self.time, self.precision)} ({self.source})"
        corrected = self.source == REDATED and (scene.time, scene.time_source) in self.earlier
        if corrected or _OFTEN_PROCESSING in (scene.time_source, self.source):
            return (
                f"the archive had {here} for this picture, this call says {now}: the better source holds",
            )
        raise ContradictingTimes(
            f"{scene.path}: dated {now}, but the same picture is archived as {self.path}, {here}, a day or more "
            "apart; give it that time, or correct the archived one first by `apronwatch archive redate`"
        )


def contradict(one: SceneInfo, other: SceneInfo) -> bool:
    """Whether the times of two scenes are a day or more apart; undated ones contradict nothing."""
    first, second = _taken(one), _taken(other)
    return first is not None and second is not None and first.contradicts(second)


def _taken(scene: SceneInfo) -> AcquisitionTime | None:
    if scene.time is None or scene.time_precision is None:
        return None
    return AcquisitionTime(scene.time, scene.time_precision, scene.time_source or "")


def _shown(time: datetime | None, precision: str | None) -> str:
    return time.strftime(_FORMS.get(precision or "", "%Y-%m-%dT%H:%M:%SZ")) if time else "undated"
