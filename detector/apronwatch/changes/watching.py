"""The alarm rule of `activity` over archived series, with all tests of one day accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby

from apronwatch.activity import FALSE_DISCOVERIES, Finding, Look, adjusted, draws_for, watch
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.stretches import Stretch, stretches
from apronwatch.outlook import Outlook, outlook

DRAWS = 19_999
"""Least number of series that a strong p rests on: so many serve 100 tests a day, so that p is hardly ever another
for another choice of sites."""

DROP_TO = 0.4
"""Share that is left after the drop whose chance to be found is told with every series."""


@dataclass(frozen=True)
class Alarm:
    """A look that is unlike those before it.

    Attributes:
        before, since: the looks on which it rests, before and after the most likely time of the change; the last
            of `since` raised it.
        p: of the test.
        q: p adjusted for all tests of that day (Benjamini and Hochberg).
        tests: how many those are.
        stands: q is no more than the share of false discoveries that the call accepts; otherwise the alarm is
            taken for chance.
        by_scan: the scan over all splits; otherwise the pair test of the newest look against all before.
    """

    before: tuple[SeriesRow, ...]
    since: tuple[SeriesRow, ...]
    p: float
    q: float
    tests: int
    stands: bool
    by_scan: bool

    @property
    def rate_before(self) -> float:
        """Objects that a look at the whole zone saw before the change."""
        return rate(self.before)

    @property
    def rate_since(self) -> float:
        """And since."""
        return rate(self.since)


@dataclass(frozen=True)
class Watched:
    """A stretch of looks and what the rule says of it.

    Attributes:
        stretch: the looks.
        alarms: in order of time, those too that do not stand.
        tests: how many were made.
        current: usable looks since the last alarm's change, all of them where there was none.
    """

    stretch: Stretch
    alarms: tuple[Alarm, ...]
    tests: int
    current: tuple[SeriesRow, ...]


@dataclass(frozen=True)
class Changes:
    """All series of a call.

    Attributes:
        watched: by site, zone and class.
        tests: made in all of them, but for those of looks that showed nothing at all.
        false_discoveries: share of false ones accepted among the alarms of a day.
    """

    watched: tuple[Watched, ...]
    tests: int
    false_discoveries: float

    def by_site(self) -> dict[str, list[Watched]]:
        """The series of each site."""
        return {site: list(of) for site, of in groupby(self.watched, key=lambda w: w.stretch.site)}


def find_changes(rows: Iterable[SeriesRow], *, false_discoveries: float = FALSE_DISCOVERIES) -> Changes:
    """Go through all series as their looks came, and keep the alarms that the tests of each day leave standing.

    Tests of one day (UTC) are a family: the looks of that day at all sites, zones and classes given. How often
    alarms come over the days is what `expected` tells. The same rows give the same answer, in whatever order they
    are given or were stored.

    Args:
        rows: of `Archive.series`, of one site or many.
        false_discoveries: share of false ones to accept among the alarms of a day, above 0 and below 1.
    """
    found = stretches(rows)
    days = Counter(
        row.time.date() for s in found for row in s.looks[1:] if any(r.count.seen for r in s.looks)
    )
    draws = max(DRAWS, draws_for(max(days.values(), default=0), false_discoveries))
    tests = [_Test(s, f) for s in found for f in watch(_looks(s.looks), draws=draws).findings]
    counted = [test for test in tests if test.finding.p is not None and test.saw_any]
    families = {day: _adjusted([t for t in counted if t.day == day]) for day in {t.day for t in counted}}
    watched = []
    for stretch in found:
        own = [test for test in counted if test.stretch is stretch]
        alarms = tuple(
            _alarm(test, families[test.day], false_discoveries) for test in own if test.finding.alarm
        )
        first = stretch.looks.index(alarms[-1].since[0]) if alarms else 0
        watched.append(Watched(stretch, alarms, len(own), stretch.looks[first:]))
    return Changes(tuple(watched), len(counted), false_discoveries)


def rate(rows: Sequence[SeriesRow]) -> float:
    """Objects seen over the share of the zone that was seen: what a look at the whole zone saw on the mean."""
    looks = _looks(rows)
    return sum(look.count or 0 for look in looks) / sum(look.exposure for look in looks)


def expected(rows: Sequence[SeriesRow], drop_to: float = DROP_TO) -> Outlook | None:
    """What the rule will do after these usable looks (`outlook`); None for too few, or none of which saw any."""
    told = tuple((row.count.seen or 0, row.count.observed_fraction or 0.0) for row in rows)
    return _expected(told, drop_to) if any(seen for seen, _ in told) else None


@lru_cache(maxsize=1024)
def _expected(told: tuple[tuple[int, float], ...], drop_to: float) -> Outlook | None:
    return outlook([Look(str(n), seen, fraction) for n, (seen, fraction) in enumerate(told)], drop_to)


def _looks(rows: Sequence[SeriesRow]) -> list[Look]:
    """The rows as the rule takes them, labelled by their place; a count's recall is not stored, so it is 1."""
    return [Look(str(n), row.count.seen, row.count.observed_fraction) for n, row in enumerate(rows)]


@dataclass(frozen=True, eq=False)
class _Test:
    """What the rule said of a stretch at one of its looks."""

    stretch: Stretch
    finding: Finding

    @property
    def day(self) -> date:
        return self.rows((self.finding.look,))[0].time.date()

    @property
    def saw_any(self) -> bool:
        """Otherwise p is 1 whatever happened: given its total such a test finds nothing (Tarone 1990)."""
        return any(row.count.seen for row in self.rows((*self.finding.before, *self.finding.after)))

    def rows(self, labels: Sequence[str]) -> tuple[SeriesRow, ...]:
        return tuple(self.stretch.looks[int(label)] for label in labels)


def _adjusted(family: Sequence[_Test]) -> dict[_Test, float]:
    p_values = [1.0 if test.finding.p is None else test.finding.p for test in family]
    return dict(zip(family, adjusted(p_values), strict=True))


def _alarm(test: _Test, family: dict[_Test, float], false_discoveries: float) -> Alarm:
    finding = test.finding
    return Alarm(
        before=test.rows(finding.before),
        since=test.rows(finding.after),
        p=1.0 if finding.p is None else finding.p,
        q=family[test],
        tests=len(family),
        stands=family[test] <= false_discoveries,
        by_scan=finding.scan is not None,
    )
