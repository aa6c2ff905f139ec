"""The alarm rule of `activity` over archived series, with all tests of one day accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby

from apronwatch.activity import FALSE_DISCOVERIES, P_ALARM, Finding, Look, adjusted, draws_for, watch
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.alarms import Alarm, as_looks, level_among
from apronwatch.changes.lookback import LookBack, look_back
from apronwatch.changes.stretches import Stretch, stretches
from apronwatch.outlook import Outlook, outlook

DRAWS = 19_999
"""Least number of series that a strong p rests on: so many serve 100 tests a day, so that p is hardly ever another
for another choice of sites."""

DROP_TO = 0.4
"""Share that is left after the drop whose chance to be found is told with every series."""


@dataclass(frozen=True)
class Watched:
    """A stretch of looks and what the rule says of it.

    Attributes:
        stretch: the looks.
        alarms: in order of time, those too that do not stand.
        tests: how many were made.
        window: usable looks since the last alarm's change, all of them where there was none: with these the rule
            compares.
        looking_back: a change since the last standing alarm that raised none.
        level: p that an alarm needs to stand alone among the tests of the newest day (`level_among`).
        tests_of_day: how many those are.
    """

    stretch: Stretch
    alarms: tuple[Alarm, ...]
    tests: int
    window: tuple[SeriesRow, ...]
    looking_back: LookBack | None
    level: float
    tests_of_day: int

    @property
    def current(self) -> tuple[SeriesRow, ...]:
        """Those of the window since the change that looking back shows: the looks of the present level."""
        since = len(self.looking_back.since) if self.looking_back else len(self.window)
        return self.window[max(0, len(self.window) - since) :]

    @property
    def outlook(self) -> Outlook | None:
        """What the rule will do from here on; None if there is no look, or none that saw any."""
        return expected(self.window, level=self.level, since=len(self.window) - len(self.current))


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
    findings = [watch(as_looks(s.looks), draws=draws).findings for s in found]
    tests = [_Test(s, f) for s, of in zip(found, findings, strict=True) for f in of]
    counted = [test for test in tests if test.finding.p is not None and test.saw_any]
    families = {day: _adjusted([t for t in counted if t.day == day]) for day in {t.day for t in counted}}
    watched = [_watched(s, of, families, false_discoveries) for s, of in zip(found, findings, strict=True)]
    return Changes(tuple(watched), len(counted), false_discoveries)


def expected(
    rows: Sequence[SeriesRow], drop_to: float = DROP_TO, *, level: float = P_ALARM, since: int = 0
) -> Outlook | None:
    """What the rule will do after these usable looks (`outlook`); None if there are none, or none saw any."""
    told = tuple((row.count.seen or 0, row.count.observed_fraction or 0.0) for row in rows)
    return _expected(told, drop_to, level, since) if any(seen for seen, _ in told[since:]) else None


@lru_cache(maxsize=1024)
def _expected(
    told: tuple[tuple[int, float], ...], drop_to: float, level: float, since: int
) -> Outlook | None:
    history = [Look(str(n), seen, fraction) for n, (seen, fraction) in enumerate(told)]
    return outlook(history, drop_to, level=level, since=since)


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


def _watched(
    stretch: Stretch,
    findings: Sequence[Finding],
    families: dict[date, dict[_Test, float]],
    false_discoveries: float,
) -> Watched:
    own = [test for family in families.values() for test in family if test.stretch is stretch]
    own.sort(key=lambda test: int(test.finding.look))
    alarms = tuple(_alarm(test, families[test.day], false_discoveries) for test in own if test.finding.alarm)
    looks = stretch.looks
    tests_of_day = len(families.get(looks[-1].time.date(), ())) if looks else 0
    return Watched(
        stretch,
        alarms,
        len(own),
        looks[looks.index(alarms[-1].since[0]) if alarms else 0 :],
        look_back(looks, findings, alarms),
        level_among(tests_of_day, false_discoveries),
        tests_of_day,
    )


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
        level=level_among(len(family), false_discoveries),
    )
