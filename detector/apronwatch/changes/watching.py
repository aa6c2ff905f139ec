"""The alarm rule of `activity` over archived series, with all tests of one day accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import groupby

from apronwatch.activity import (
    FALSE_DISCOVERIES,
    P_ALARM,
    WINDOW,
    Finding,
    Look,
    adjusted,
    draws_for,
    judge,
)
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.alarms import Alarm, level_among
from apronwatch.changes.exposures import exposure
from apronwatch.changes.lookback import LookBack, look_back
from apronwatch.changes.shifts import as_looks
from apronwatch.changes.stretches import Stretch, stretches
from apronwatch.changes.suspects import Suspect, suspect
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
        window: usable looks since the change of the last alarm that stands, all of them where there was none: with
            these the rule compares.
        looking_back: a change since the last standing alarm that raised none.
        suspect: newest looks that are unlike those before them, though no alarm that stands says so.
        level: p that an alarm needs to stand alone among the tests of a day (`level_among`).
        tests_of_day: how many those are: those of the newest day, or as many as the site has series that saw any,
            if these are more, for the next look brings that many.
    """

    stretch: Stretch
    alarms: tuple[Alarm, ...]
    tests: int
    window: tuple[SeriesRow, ...]
    looking_back: LookBack | None
    suspect: Suspect | None
    level: float
    tests_of_day: int

    @property
    def current(self) -> tuple[SeriesRow, ...]:
        """The looks of the present level: of the window those since the change that looking back shows.

        Newest looks that are `suspect` are no part of it.
        """
        since = len(self.looking_back.since) if self.looking_back else len(self.window)
        before = self.suspect.before if self.suspect else self.window
        return before[max(0, len(before) - since) :]

    @property
    def outlook(self) -> Outlook | None:
        """What the rule will do from here on; None if there is no look, or none that saw any.

        Before newest looks that are `suspect`: a change that has begun is no false alarm to come.
        """
        before = self.suspect.before if self.suspect else self.window
        return expected(before, level=self.level, since=len(before) - len(self.current))


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

    def of_site(self, site: str) -> "Changes":
        """Those of one site, judged among the tests of all."""
        own = tuple(watched for watched in self.watched if watched.stretch.site == site)
        return replace(self, watched=own)

    def by_site(self) -> dict[str, list[Watched]]:
        """The series of each site."""
        return {site: list(of) for site, of in groupby(self.watched, key=lambda w: w.stretch.site)}


def find_changes(rows: Iterable[SeriesRow], *, false_discoveries: float = FALSE_DISCOVERIES) -> Changes:
    """Go through all series day by day as their looks came, and keep the alarms that the tests of each leave standing.

    Tests of one day (UTC) are a family: the looks of that day at all sites, zones and classes given. Only an alarm
    that stands makes its series start anew: one that does not may stand with the next look. How often alarms come
    over the days is what `expected` tells. The same rows give the same answer, in whatever order they are given or
    were stored.

    Args:
        rows: of `Archive.series`, of one site or many.
        false_discoveries: share of false ones to accept among the alarms of a day, above 0 and below 1.
    """
    walks = [_Walk(stretch, as_looks(stretch.looks)) for stretch in stretches(rows)]
    days = Counter(
        row.time.date()
        for walk in walks
        for row in walk.stretch.looks[1:]
        if any(r.count.seen for r in walk.stretch.looks)
    )
    draws = max(DRAWS, draws_for(max(days.values(), default=0), false_discoveries))
    tests_by_day: dict[date, int] = {}
    for day in sorted({row.time.date() for walk in walks for row in walk.stretch.looks}):
        judged = [test for walk in walks for test in walk.judged(day, draws)]
        counted = [test for test in judged if test.finding.p is not None and test.saw_any]
        tests_by_day[day] = len(counted)
        for test, q in zip(counted, _adjusted(counted), strict=True):
            test.walk.take(test, q, len(counted), false_discoveries)
    of_site = _series_by_site(walks)
    watched = [
        _watched(walk, _tests_ahead(walk, tests_by_day, of_site), false_discoveries, draws) for walk in walks
    ]
    return Changes(tuple(watched), sum(tests_by_day.values()), false_discoveries)


def expected(
    rows: Sequence[SeriesRow], drop_to: float = DROP_TO, *, level: float = P_ALARM, since: int = 0
) -> Outlook | None:
    """What the rule will do after these usable looks (`outlook`); None if there are none, or none saw any."""
    told = tuple((row.count.seen or 0, exposure(row)) for row in rows)
    return _expected(told, drop_to, level, since) if any(seen for seen, _ in told[since:]) else None


@lru_cache(maxsize=1024)
def _expected(
    told: tuple[tuple[int, float], ...], drop_to: float, level: float, since: int
) -> Outlook | None:
    history = [Look(str(n), seen, fraction) for n, (seen, fraction) in enumerate(told)]
    return outlook(history, drop_to, level=level, since=since)


@dataclass(eq=False)
class _Walk:
    """How far the rule has come in a stretch.

    Attributes:
        stretch: what it goes through.
        looks: its usable looks, as the rule takes them.
        start: the first look that it still compares with: of the last alarm that stands.
        stood: the day of that alarm.
        findings, alarms: what it said so far.
        tests: how many of the findings count as tests.
    """

    stretch: Stretch
    looks: list[Look]
    start: int = 0
    stood: date | None = None
    findings: list[Finding] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    tests: int = 0

    def judged(self, day: date, draws: int) -> list["_Test"]:
        """The tests of the looks of a day, the next one."""
        tests = []
        while (n := len(self.findings)) < len(self.looks) and self._day(n) == day:
            self.findings.append(judge(self.looks[max(self.start, n + 1 - WINDOW) : n + 1], draws=draws))
            tests.append(_Test(self, self.findings[-1], day))
        return tests

    def take(self, test: "_Test", q: float, tests: int, false_discoveries: float) -> None:
        """Count a test in, and start anew if it raised an alarm that stands; the first on a day tells of the change."""
        self.tests += 1
        if not test.finding.alarm or self.stood == test.day:
            return
        alarm = _alarm(test, q, tests, false_discoveries)
        self.alarms.append(alarm)
        if alarm.stands:
            self.start, self.stood = int(test.finding.after[0]), test.day

    def _day(self, n: int) -> date:
        return self.stretch.looks[n].time.date()


@dataclass(frozen=True, eq=False)
class _Test:
    """What the rule said of a stretch at one of its looks."""

    walk: _Walk
    finding: Finding
    day: date

    @property
    def saw_any(self) -> bool:
        """Otherwise p is 1 whatever happened: given its total such a test finds nothing (Tarone 1990)."""
        return any(row.count.seen for row in self.rows((*self.finding.before, *self.finding.after)))

    def rows(self, labels: Sequence[str]) -> tuple[SeriesRow, ...]:
        return tuple(self.walk.stretch.looks[int(label)] for label in labels)


def _adjusted(family: Sequence[_Test]) -> tuple[float, ...]:
    """The q of each test; those that can't be alarms, as of changes long ago, count as if they had found nothing."""
    p_values = [
        test.finding.p if test.finding.possible and test.finding.p is not None else 1.0 for test in family
    ]
    return adjusted(p_values)


def _series_by_site(walks: Iterable[_Walk]) -> Counter[str]:
    """How many zones and classes of each site saw any."""
    of = [walk.stretch for walk in walks if any(row.count.seen for row in walk.stretch.looks)]
    return Counter(site for site, _, _ in {(s.site, s.zone, s.class_name) for s in of})


def _tests_ahead(walk: _Walk, tests_by_day: dict[date, int], of_site: Counter[str]) -> int:
    looks = walk.stretch.looks
    return max(tests_by_day[looks[-1].time.date()], of_site[walk.stretch.site]) if looks else 0


def _watched(walk: _Walk, tests_of_day: int, false_discoveries: float, draws: int) -> Watched:
    looks = walk.stretch.looks
    missed = look_back(looks, walk.findings, walk.alarms, draws)
    doubted = suspect(looks, walk.findings, walk.alarms, walk.start)
    if missed is not None and doubted is not None:
        # What the newest test tells is no looking back.
        missed, doubted = (None, doubted) if missed.since == doubted.since else (missed, None)
    return Watched(
        walk.stretch,
        tuple(walk.alarms),
        walk.tests,
        looks[walk.start :],
        missed,
        doubted,
        level_among(tests_of_day, false_discoveries),
        tests_of_day,
    )


def _alarm(test: _Test, q: float, tests: int, false_discoveries: float) -> Alarm:
    finding = test.finding
    return Alarm(
        before=test.rows(finding.before),
        since=test.rows(finding.after),
        p=1.0 if finding.p is None else finding.p,
        q=q,
        tests=tests,
        stands=q <= false_discoveries,
        by_scan=finding.scan is not None,
        level=level_among(tests, false_discoveries),
    )
