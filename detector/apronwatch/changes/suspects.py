"""Newest looks that are unlike those before them, and yet no alarm that stands: neither steady nor known to differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from apronwatch.activity import Finding
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.alarms import Alarm
from apronwatch.changes.shifts import Shift

P_SUSPECT = 0.05
"""A p up to which the newest looks are no part of the level."""


@dataclass(frozen=True)
class Suspect(Shift):
    """What the newest test says, short of an alarm that stands: at most three looks since.

    Attributes:
        denied: the alarm that it raised and that does not stand.
    """

    denied: Alarm | None


def suspect(
    rows: Sequence[SeriesRow], findings: Sequence[Finding], alarms: Sequence[Alarm], start: int
) -> Suspect | None:
    """What the newest of some usable rows leaves open, if it does.

    Args:
        rows: usable ones, in order of time.
        findings: of the rule, one for each row.
        alarms: raised in these rows, in order of time.
        start: place of the first row since the last alarm that stands.
    """
    newest = findings[-1] if findings else None
    if newest is None or newest.p is None or not newest.possible or newest.p > P_SUSPECT:
        return None
    split = int(newest.after[0])
    if split <= start:
        return None
    denied = alarms[-1] if alarms and alarms[-1].since[-1] is rows[-1] else None
    return Suspect(tuple(rows[start:split]), tuple(rows[split:]), newest.p, denied)
