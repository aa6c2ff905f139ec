"""A look that is unlike those before it, with all tests of its day accounted for."""

from dataclasses import dataclass

from apronwatch.activity import FALSE_DISCOVERIES, P_ALARM
from apronwatch.changes.shifts import Shift


@dataclass(frozen=True)
class Alarm(Shift):
    """A look that is unlike those before it: the last of `since`.

    Attributes:
        q: p adjusted for all tests of that day (Benjamini and Hochberg).
        tests: how many those are.
        stands: q is no more than the share of false discoveries that the call accepts; otherwise the alarm is
            taken for chance.
        by_scan: the scan over all splits; otherwise the pair test of the newest looks, at most three of them
            together, against all before.
        level: p with which an alarm stands though no other look of that day raises one (`level_among`).
    """

    q: float
    tests: int
    stands: bool
    by_scan: bool
    level: float


def level_among(tests: int, false_discoveries: float = FALSE_DISCOVERIES) -> float:
    """The p that a lone alarm needs to be raised and to stand among so many tests of a day."""
    return min(P_ALARM, false_discoveries / max(tests, 1))
