"""An alarm whose looks since fall on other days of the week than all those before says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apronwatch.changes import Alarm, find_changes
from apronwatch.report.sentences import alarm_sentences
from tests.detector.changes.made import series

MONDAY = datetime(2024, 12, 2, 10, tzinfo=UTC)


def first_alarm(counts: dict[int, int]) -> Alarm:
    """The first alarm of looks at these counts, by days since a Monday."""
    rows = series(list(counts.values()))
    dated = [replace(row, time=MONDAY + timedelta(days=n)) for row, n in zip(rows, counts, strict=True)]
    [watched] = find_changes(dated).watched
    return watched.alarms[0]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ({12: 1}, "The look since falls on Saturday (UTC)"),
        ({12: 18, 13: 12}, "The looks since fall on Saturday and Sunday (UTC)"),
    ],
)
def test_the_weekend_after_a_fortnight_of_working_days_is_named(since: dict[int, int], words: str) -> None:
    working_days = dict.fromkeys((0, 1, 2, 3, 4, 7, 8, 9, 10, 11), 30)
    alarm = first_alarm(working_days | since)
    assert len(alarm.since) == len(since)
    assert alarm_sentences(alarm)[-1] == (
        f"{words} and no look before does: a place that follows the week would show the same, and the test does not "
        "allow for it."
    )


def test_a_drop_on_days_that_were_seen_before_is_told_without_the_week() -> None:
    alarm = first_alarm({0: 30, 2: 30, 5: 29, 6: 31, 8: 30, 9: 30, 12: 2})
    assert not any("the week" in sentence for sentence in alarm_sentences(alarm))
