"""An alarm says where no mask lay over the looks with fewer objects: a cloud would look the same."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from apronwatch.changes import Alarm, find_changes
from apronwatch.report.sentences import alarm_sentences
from tests.detector.changes.made import DROP, series

RISE = (4, 5, 3, 4, 5, 3, 4, 5, 3, 30)


def alarm_of(counts: Collection[int], bare: Collection[int]) -> Alarm:
    """The first alarm of looks at these counts, of which some had no mask."""
    rows = [
        replace(row, count=replace(row.count, reasons=("no_mask",) if n in bare else ()))
        for n, row in enumerate(series(list(counts)))
    ]
    [watched] = find_changes(rows).watched
    return watched.alarms[0]


def said(alarm: Alarm) -> list[str]:
    return [sentence for sentence in alarm_sentences(alarm) if "mask" in sentence]


@pytest.mark.parametrize(
    ("counts", "bare", "words"),
    [
        (DROP, range(9), []),
        (DROP, range(12), ["No mask lay over the 2 looks since: a cloud there would look like a drop"]),
        (
            DROP,
            [9],
            ["No mask lay over 1 of the 2 looks since (2024-12-07): a cloud there would look like a drop"],
        ),
        ([30] * 9 + [1], [9], ["No mask lay over the look since: a cloud there would look like a drop"]),
        (RISE, [9], []),
        (RISE, range(10), ["No mask lay over the 9 looks before: a cloud there would look like a rise"]),
        (
            RISE,
            [2, 9],
            ["No mask lay over 1 of the 9 looks before (2024-11-09): a cloud there would look like a rise"],
        ),
    ],
)
def test_clouds_may_have_hidden_objects_on_the_side_with_fewer(
    counts: Collection[int], bare: Collection[int], words: list[str]
) -> None:
    alarm = alarm_of(counts, bare)
    assert said(alarm) == [f"{of}, and the test does not allow for it." for of in words]
