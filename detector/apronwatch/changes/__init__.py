"""Changes in archived series: what may be compared, which looks raise an alarm, and what could have been found."""

from apronwatch.changes.alarms import Alarm, rate
from apronwatch.changes.lookback import LookBack
from apronwatch.changes.stretches import LeftOut, Stretch, stretches
from apronwatch.changes.watching import DROP_TO, Changes, Watched, expected, find_changes

__all__ = [
    "DROP_TO",
    "Alarm",
    "Changes",
    "LeftOut",
    "LookBack",
    "Stretch",
    "Watched",
    "expected",
    "find_changes",
    "rate",
    "stretches",
]
