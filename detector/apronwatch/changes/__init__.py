"""Changes in archived series: what may be compared, which looks raise an alarm, and what could have been found."""

from apronwatch.changes.stretches import LeftOut, Stretch, stretches
from apronwatch.changes.watching import DROP_TO, Alarm, Changes, Watched, expected, find_changes

__all__ = [
    "DROP_TO",
    "Alarm",
    "Changes",
    "LeftOut",
    "Stretch",
    "Watched",
    "expected",
    "find_changes",
    "stretches",
]
