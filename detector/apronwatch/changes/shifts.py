"""Looks before and since a change of level, and the rates of both."""

from collections.abc import Sequence
from dataclasses import dataclass

from apronwatch.activity import Look
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.exposures import exposure


@dataclass(frozen=True)
class Shift:
    """A change of level, as a test tells it.

    Attributes:
        before, since: the looks before and after the most likely time of the change.
        p: of the test.
    """

    before: tuple[SeriesRow, ...]
    since: tuple[SeriesRow, ...]
    p: float

    @property
    def rate_before(self) -> float:
        """Objects that a look at the whole zone saw before the change."""
        return rate(self.before)

    @property
    def rate_since(self) -> float:
        """And since."""
        return rate(self.since)


def rate(rows: Sequence[SeriesRow]) -> float:
    """Objects seen over the share of the zone that was seen: what a look at the whole zone saw on the mean."""
    looks = as_looks(rows)
    return sum(look.count or 0 for look in looks) / sum(look.exposure for look in looks)


def as_looks(rows: Sequence[SeriesRow]) -> list[Look]:
    """The rows as the rule takes them, labelled by their place; a count's recall is not stored, so it is 1."""
    return [Look(str(n), row.count.seen, exposure(row)) for n, row in enumerate(rows)]
