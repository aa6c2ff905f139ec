"""Changes that raised no alarm when they came, seen by looking back.

A finding, and no alarm: how often a steady place shows one is not stated, for it is asked anew whenever somebody
looks, of every series.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apronwatch.activity import RECENT, WINDOW, Finding, is_alarm
from apronwatch.archive.rows import SeriesRow
from apronwatch.changes.alarms import Alarm
from apronwatch.changes.shifts import Shift, as_looks
from apronwatch.scan import scan


@dataclass(frozen=True)
class LookBack(Shift):
    """The most likely change of the last looks since a standing alarm, by a scan over all these looks.

    Attributes:
        least_p: the lowest p of the tests at the first three looks since, when it might have raised an alarm;
            None if no test was made.
        denied: the alarm that one of those raised and that does not stand.
    """

    least_p: float | None
    denied: Alarm | None


def look_back(
    rows: Sequence[SeriesRow], findings: Sequence[Finding], alarms: Sequence[Alarm], draws: int
) -> LookBack | None:
    """The change within the last 20 usable rows that raised no standing alarm, if there was one.

    Args:
        rows: usable ones, in order of time.
        findings: of the rule, one for each row.
        alarms: raised in these rows, in order of time.
        draws: as of the rule, so that the same looks have the same p.
    """
    standing = [alarm for alarm in alarms if alarm.stands]
    first = list(rows).index(standing[-1].since[0]) if standing else 0
    first = max(first, len(rows) - WINDOW)
    looks = as_looks(rows[first:])
    if len(looks) < 3 or not any(look.count for look in looks):
        return None
    found = scan([look.count or 0 for look in looks], [look.exposure for look in looks], draws=draws)
    if not is_alarm(found.p, found.ratio):
        return None
    split = first + found.split
    raised = rows[split : split + RECENT]
    tested = [finding.p for finding in findings[split : split + RECENT] if finding.p is not None]
    return LookBack(
        tuple(rows[first:split]),
        tuple(rows[split:]),
        found.p,
        min(tested, default=None),
        next((alarm for alarm in alarms if not alarm.stands and alarm.since[-1] in raised), None),
    )
