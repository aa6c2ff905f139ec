"""Changes in archived series: what may be compared, which looks raise an alarm, and what could have been found."""

from apronwatch.changes.alarms import Alarm
from apronwatch.changes.exposures import exposure
from apronwatch.changes.families import family_rows
from apronwatch.changes.lookback import LookBack
from apronwatch.changes.shifts import Shift, rate
from apronwatch.changes.stretches import USUAL_PLACES_HIDDEN, LeftOut, Stretch, stretches, veil
from apronwatch.changes.suspects import Suspect
from apronwatch.changes.watching import DROP_TO, Changes, Watched, expected, find_changes

__all__ = [
    "DROP_TO",
    "USUAL_PLACES_HIDDEN",
    "Alarm",
    "Changes",
    "LeftOut",
    "LookBack",
    "Shift",
    "Stretch",
    "Suspect",
    "Watched",
    "expected",
    "exposure",
    "family_rows",
    "find_changes",
    "rate",
    "stretches",
    "veil",
]
