"""A look that is unlike those before it, with all tests of its day accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass

from apronwatch.activity import FALSE_DISCOVERIES, P_ALARM, Look
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.exposures import exposure


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
        by_scan: the scan over all splits; otherwise the pair test of the newest looks, at most three of them
            together, against all before.
        level: p with which an alarm stands though no other look of that day raises one (`level_among`).
    """

    before: tuple[SeriesRow, ...]
    since: tuple[SeriesRow, ...]
    p: float
    q: float
    tests: int
    stands: bool
    by_scan: bool
    level: float

    @property
    def rate_before(self) -> float:
        """Objects that a look at the whole zone saw before the change."""
        return rate(self.before)

    @property
    def rate_since(self) -> float:
        """And since."""
        return rate(self.since)


def level_among(tests: int, false_discoveries: float = FALSE_DISCOVERIES) -> float:
    """The p that a lone alarm needs to be raised and to stand among so many tests of a day."""
    return min(P_ALARM, false_discoveries / max(tests, 1))


def rate(rows: Sequence[SeriesRow]) -> float:
    """Objects seen over the share of the zone that was seen: what a look at the whole zone saw on the mean."""
    looks = as_looks(rows)
    return sum(look.count or 0 for look in looks) / sum(look.exposure for look in looks)


def as_looks(rows: Sequence[SeriesRow]) -> list[Look]:
    """The rows as the rule takes them, labelled by their place; a count's recall is not stored, so it is 1."""
    return [Look(str(n), row.count.seen, exposure(row)) for n, row in enumerate(rows)]
