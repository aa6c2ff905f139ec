"""Rows of series as stretches of looks that may be compared: one zone, one class, one outline, the same weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from apronwatch.archive.acquisitions import SAME_PICTURE_OTHER_TIME
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.rows import SeriesRow
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.changes.exposures import exposure, with_exposures
from apronwatch.cloudmasks import NOTED
from apronwatch.counts import SEEN_LESS_THAN_HALF, TESTED_FROM, Status
from apronwatch.taxonomy import class_id
from apronwatch.zone import ALL_ZONES

USUAL_PLACES_HIDDEN = "usual_places_hidden"
"""Why a look at the whole site is left out: it showed less than half of the places where the class is."""


@dataclass(frozen=True)
class LeftOut:
    """A look that no test rests on, and why: a status, a reason of counts or `USUAL_PLACES_HIDDEN`."""

    row: SeriesRow
    reason: str


@dataclass(frozen=True)
class Stretch:
    """Looks at one zone for one class that differ in time alone, not in weights or outline.

    Attributes:
        looks: usable ones, in order of time.
        left_out: the others, in order of time.
    """

    looks: tuple[SeriesRow, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def any_row(self) -> SeriesRow:
        """A row that stands for what all of them share."""
        return self.looks[0] if self.looks else self.left_out[0].row

    @property
    def site(self) -> str:
        """Id of the site."""
        return self.any_row.count.site

    @property
    def zone(self) -> str:
        """Id of the zone, or `*`."""
        return self.any_row.count.zone

    @property
    def class_name(self) -> str:
        """A name of `taxonomy.CLASSES`."""
        return self.any_row.count.class_name

    @property
    def newest_outline(self) -> bool:
        """The zone is that of the site's newest version."""
        return OTHER_OUTLINE not in self.any_row.count.reasons


def stretches(rows: Iterable[SeriesRow]) -> list[Stretch]:
    """The stretches of the rows of any number of series, by site, zone (`*` first) and class, then by time.

    Weights that take turns give a stretch each, not many short ones. The `*` of a site of one zone is left away
    where it only repeats that zone.
    """
    told = with_exposures(list(rows))
    ordered = sorted(_without_repeats(told), key=lambda row: (_kind(row), row.time, row.scene_identity))
    found = [_stretch(list(group)) for _, group in groupby(ordered, key=_kind)]
    return sorted(found, key=lambda s: (_place(s.any_row), _first_time(s), _kind(s.any_row)))


def why_left_out(row: SeriesRow) -> str | None:
    """Why no test may rest on a look; None if one may."""
    count = row.count
    if count.seen is None:
        return count.status.value
    if NOT_COMPARABLE in count.reasons:
        return NOT_COMPARABLE
    if count.status is Status.SATURATED:
        return Status.SATURATED.value
    if not count.testable:
        return SEEN_LESS_THAN_HALF
    veiled = next((reason for reason in count.reasons if veil(reason) > 1 - TESTED_FROM), None)
    return veiled if exposure(row) >= TESTED_FROM else USUAL_PLACES_HIDDEN


def veil(reason: str) -> float:
    """Share of the zone that a reason such as `haze:0.400` says was seen through something; 0 of other reasons."""
    word, _, of_zone = reason.partition(":")
    return float(of_zone) if word in NOTED and of_zone else 0.0


def _place(row: SeriesRow) -> tuple[str, bool, str, int]:
    count = row.count
    return count.site, count.zone != ALL_ZONES, count.zone, class_id(count.class_name)


def _kind(row: SeriesRow) -> tuple[tuple[str, bool, str, int], str, str]:
    """What looks must share to be compared."""
    outline = row.geometry_sha256 if OTHER_OUTLINE in row.count.reasons else ""
    return _place(row), row.model_sha256, outline


def _stretch(rows: list[SeriesRow]) -> Stretch:
    """Of looks that show the same picture the first is used: one is left out for a twin that is used, and no other."""
    looks: list[SeriesRow] = []
    left_out = []
    used: set[int] = set()
    for row in rows:
        why = why_left_out(row) or (SAME_PICTURE_OTHER_TIME if used.intersection(row.twins) else None)
        if why is None:
            looks.append(row)
            used.update(row.run_ids)
        else:
            left_out.append(LeftOut(row, why))
    return Stretch(tuple(looks), tuple(left_out))


def _first_time(stretch: Stretch) -> str:
    rows = [*stretch.looks, *(left.row for left in stretch.left_out)]
    return min(row.time for row in rows).isoformat()


def _without_repeats(rows: list[SeriesRow]) -> list[SeriesRow]:
    sites = {row.count.site for row in rows}
    repeated = {site for site in sites if _one_zone_is_all([r for r in rows if r.count.site == site])}
    return [row for row in rows if row.count.zone != ALL_ZONES or row.count.site not in repeated]


def _one_zone_is_all(rows: list[SeriesRow]) -> bool:
    def said(of: SeriesRow) -> tuple[object, ...]:
        return of.time, of.run_ids, of.count.class_name, of.count.seen, of.count.status

    zones = {row.count.zone for row in rows} - {ALL_ZONES}
    totals = {said(row) for row in rows if row.count.zone == ALL_ZONES}
    return len(zones) == 1 and totals == {said(row) for row in rows if row.count.zone != ALL_ZONES}
