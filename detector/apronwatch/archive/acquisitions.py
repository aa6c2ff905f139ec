"""Which scenes are one look: by acquisition id, time, sensor and, where these lack, by what they show.

The rules stand in docs/one-look.md. Two looks taken for one hide a change, and one taken for two weighs double: where
the evidence is doubtful they stay two.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

from apronwatch.times import APART, PRECISIONS

LONGEST_GAP = timedelta(minutes=15)
"""Between frames of one pass: a satellite is over a place for minutes, and comes back after an hour and a half."""

SAME_PICTURE = 0.95
"""Likeness of previews (`Preview.likeness`) from which they are of one picture: measured in docs/one-look.md."""

UNITED_BY_DATE = "united_by_date"
"""Reason given to frames that were united though only their date (or hour) says that they belong together."""

UNITED_BY_CONTENT = "united_by_content"
"""Reason given to frames that were united because they show the same picture, whatever else they say."""

SAME_PICTURE_OTHER_TIME = "same_picture_at_another_time"
"""Reason given to looks that show the same picture and yet stay two: mostly under times that cannot both be right."""

ACQUISITION_ID_REUSED = "acquisition_id_reused"
"""Reason given to frames that bear the acquisition id of others a day or more away: they are another look."""

_COARSE = ("hour", "day")

_SENSORS = {
    "wv1": "worldview1", "wv2": "worldview2", "wv3": "worldview3", "wv4": "worldview4", "ge1": "geoeye1",
    "qb2": "quickbird2", "phr1a": "pleiades1a", "phr1b": "pleiades1b", "pneo3": "pleiadesneo3",
    "pneo4": "pleiadesneo4", "s1a": "sentinel1a", "s1b": "sentinel1b", "s1c": "sentinel1c", "s2a": "sentinel2a",
    "s2b": "sentinel2b", "s2c": "sentinel2c", "gf1": "gaofen1", "gf2": "gaofen2", "gf7": "gaofen7", "k3": "kompsat3",
    "k3a": "kompsat3a",
}  # fmt: skip
"""Short names of satellites in their owners' metadata (DigitalGlobe's satId, Airbus' DIMAP) and in catalogues."""


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
    def satellite(self) -> str | None:
        """The sensor, the same in its usual spellings: `WV03`, `WorldView-3`, `WORLDVIEW03_VNIR`."""
        if not self.sensor:
            return None
        letters = unicodedata.normalize("NFKD", self.sensor.lower()).encode("ascii", "ignore").decode()
        named = re.sub(r"[^a-z0-9]+(vnir|swir|pan|ms|msi)$", "", letters)
        plain = re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[^a-z0-9]+", "", named))
        plain = re.sub(r"^ssc(?=\d)", "skysatc", plain)
        return _SENSORS.get(plain, plain)

    def may_meet(self, other: "Taken") -> bool:
        """Whether the two spans that their precisions leave open come within `LONGEST_GAP` of each other."""
        ends = (self.time + PRECISIONS[self.time_precision], other.time + PRECISIONS[other.time_precision])
        return max(self.time, other.time) - min(ends) <= LONGEST_GAP


Scene = TypeVar("Scene", bound=Taken)

Likeness = Callable[[int, int], float | None]
"""Of the previews of two scenes, by id; None where that cannot be told."""


@dataclass
class Acquisition(Generic[Scene]):
    """Scenes that are one look, in the order given.

    Attributes:
        scenes: at least one.
        reasons: the weaker evidence that took part in saying so.
        twins: by id of a scene, those of other acquisitions that show the same picture.
    """

    scenes: list[Scene]
    reasons: list[str] = field(default_factory=list)
    twins: dict[int, set[int]] = field(default_factory=dict)


_BY_ID, _BY_CONTENT, _BY_TIME, _BY_DATE = range(4)
"""How strong the evidence is, strongest first."""

_WEAK = {_BY_DATE: UNITED_BY_DATE, _BY_CONTENT: UNITED_BY_CONTENT}


@dataclass(frozen=True)
class _Pair(Generic[Scene]):
    """Two scenes that something says are one look."""

    evidence: int
    one: Scene
    other: Scene

    @property
    def rank(self) -> tuple[Any, ...]:
        """Strongest first, then nearest in time, then as they follow each other."""
        apart = self.other.middle - self.one.middle
        return self.evidence, apart, self.one.middle, self.one.scene_id, self.other.scene_id


def by_acquisition(
    scenes: Iterable[Scene], likeness: Likeness = lambda one, other: None
) -> list[Acquisition[Scene]]:
    """The scenes of each acquisition, in the order given.

    Pairs that belong together are joined, the strongest evidence first; never across two that contradict each other,
    unless it is the same picture. Where a scene by its time could belong to either of two that contradict each other,
    its picture decides; it is left by itself where that says nothing.

    Args:
        scenes: one entry for each run; entries of one scene stay together.
        likeness: called for pairs, less than a day apart, that neither ids nor times unite.
    """
    given = list(scenes)
    known = list({scene.scene_id: scene for scene in given}.values())
    near = _near(sorted(known, key=lambda s: (s.middle, s.scene_id)))
    told = cache(likeness)
    groups = _joined(known, _pairs(near, told))
    for one, other in near:
        left, right = groups[one.scene_id], groups[other.scene_id]
        if left is not right and _alike(one, other, told):
            left.twins.setdefault(one.scene_id, set()).add(other.scene_id)
            right.twins.setdefault(other.scene_id, set()).add(one.scene_id)
    found = {id(groups[scene.scene_id]): groups[scene.scene_id] for scene in given}
    for group in found.values():
        group.scenes = []
    for scene in given:
        groups[scene.scene_id].scenes.append(scene)
    return list(found.values())


def reused_ids(groups: Iterable[Sequence[Taken]]) -> set[tuple[str | None, str]]:
    """The (satellite, acquisition id) that several of the acquisitions bear."""
    named = [{(s.satellite, s.acquisition) for s in group if s.acquisition is not None} for group in groups]
    borne = Counter(name for names in named for name in names)
    return {(satellite, str(acquisition)) for (satellite, acquisition), times in borne.items() if times > 1}


def _near(scenes: Sequence[Scene]) -> list[tuple[Scene, Scene]]:
    """Those of scenes in order of time that lie less than a day apart."""
    pairs = []
    for k, one in enumerate(scenes):
        for other in scenes[k + 1 :]:
            if other.middle - one.middle >= APART:
                break
            pairs.append((one, other))
    return pairs


def _pairs(near: Iterable[tuple[Scene, Scene]], likeness: Likeness) -> list[_Pair[Scene]]:
    """Pairs of one look: by ids and times, and by what they show where these leave it open."""
    told = [(_evidence(one, other), one, other) for one, other in near]
    torn = _torn(_Pair(evidence, one, other) for evidence, one, other in told if evidence is not None)
    pairs = []
    for evidence, one, other in told:
        if evidence is not None and not (evidence == _BY_TIME and {one.scene_id, other.scene_id} & torn):
            pairs.append(_Pair(evidence, one, other))
        elif _alike(one, other, likeness) and one.may_meet(other):
            pairs.append(_Pair(_BY_CONTENT, one, other))
    return pairs


def _joined(scenes: Iterable[Scene], pairs: Iterable[_Pair[Scene]]) -> dict[int, Acquisition[Scene]]:
    """By id of each scene, all those that its pairs join it to."""
    groups = {scene.scene_id: Acquisition([scene]) for scene in scenes}
    for pair in sorted(pairs, key=lambda pair: pair.rank):
        left, right = groups[pair.one.scene_id], groups[pair.other.scene_id]
        if left is not right and _may_join(pair, left, right):
            weak = [_WEAK[pair.evidence]] if pair.evidence in _WEAK else []
            reasons = list(dict.fromkeys([*left.reasons, *right.reasons, *weak]))
            joined = Acquisition([*left.scenes, *right.scenes], reasons)
            groups |= {scene.scene_id: joined for scene in joined.scenes}
    return groups


def _alike(one: Taken, other: Taken, likeness: Likeness) -> bool:
    """Whether they show the same picture, as far as that can be told."""
    if one.alone or other.alone:
        return False
    found = likeness(one.scene_id, other.scene_id)
    return found is not None and found >= SAME_PICTURE


def _evidence(one: Taken, other: Taken) -> int | None:
    """What ids and times say for one look of two scenes less than a day apart."""
    if _contradict(one, other):
        return None
    if one.acquisition is not None and one.acquisition == other.acquisition:
        return _BY_ID if one.satellite == other.satellite else _BY_TIME
    if one.alone or other.alone:
        return None
    apart = abs(other.time - one.time)
    coarse = {one.time_precision, other.time_precision} & set(_COARSE)
    if one.satellite != other.satellite:
        # Two satellites do not look at one place in the same second.
        exact = one.time_precision == other.time_precision == "second"
        return _BY_TIME if exact and not apart else None
    if not coarse:
        return _BY_TIME if apart <= LONGEST_GAP else None
    same = one.time_precision == other.time_precision and not apart
    return _BY_DATE if same and one.acquisition is other.acquisition is None else None


def _contradict(one: Taken, other: Taken) -> bool:
    """Whether ids, satellites or a day between them say that they are two looks."""
    named = ((one.acquisition, other.acquisition), (one.satellite, other.satellite))
    unlike = any(a is not None and b is not None and a != b for a, b in named)
    return unlike or abs(other.middle - one.middle) >= APART


def _may_join(pair: _Pair[Scene], left: Acquisition[Scene], right: Acquisition[Scene]) -> bool:
    """Whether no two of both groups contradict each other; those of one picture only if they are a day apart."""
    across = [(a, b) for a in left.scenes for b in right.scenes]
    if pair.evidence == _BY_CONTENT:
        return all(abs(a.middle - b.middle) < APART for a, b in across)
    return not any(_contradict(a, b) for a, b in across)


def _torn(pairs: Iterable[_Pair[Scene]]) -> set[int]:
    """Scenes, by id, that by their time could go with scenes of several ids or satellites."""
    names: dict[int, tuple[set[str | None], set[str | None]]] = {}
    for pair in pairs:
        if pair.evidence == _BY_TIME:
            for scene, partner in ((pair.one, pair.other), (pair.other, pair.one)):
                ids, satellites = names.setdefault(scene.scene_id, (set(), set()))
                ids.add(partner.acquisition)
                satellites.add(partner.satellite)
    return {scene for scene, borne in names.items() if any(len(name - {None}) > 1 for name in borne)}
