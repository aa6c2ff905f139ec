"""What is known against the number of a single look, and no test allows for: haze, snow, a time that may be wrong."""

from apronwatch.archive.acquisitions import SAME_PICTURE_OTHER_TIME, UNITED_BY_CONTENT, UNITED_BY_DATE
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.changes import veil
from apronwatch.counts import Count
from apronwatch.report.words import reason_label

DOUBTFUL = (SAME_PICTURE_OTHER_TIME, UNITED_BY_DATE, UNITED_BY_CONTENT, NOT_COMPARABLE)
"""Reasons of a number that may be of another look, or of more or less than one."""


def is_veiled(count: Count) -> bool:
    """Whether a part of the zone was seen through haze or under snow."""
    return any(veil(reason) > 0 for reason in count.reasons)


def doubtful(count: Count) -> list[str]:
    """Why it is not certain which look a number is of, in a few words each: `same picture at another time`."""
    return [reason_label(reason) for reason in count.reasons if reason in DOUBTFUL]


def doubts(count: Count) -> list[str]:
    """All that is known against a number, in a few words each: `haze over 20 % of the zone`."""
    return [reason_label(r) for r in count.reasons if r in DOUBTFUL or veil(r) > 0]
