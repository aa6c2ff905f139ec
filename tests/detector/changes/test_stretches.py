"""Only looks that differ in time alone are compared, and what stays out is named."""

import pytest

from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.changes import stretches
from apronwatch.counts import NO_NUMBER, SEEN_LESS_THAN_HALF, Status
from tests.detector.changes.made import days, series
from tests.detector.report.rows import row

OLDER = {"reasons": (OTHER_OUTLINE,), "geometry_sha256": "d" * 64}


def test_other_weights_are_another_stretch_though_they_take_turns() -> None:
    rows = [*series([5, 6, 5]), *series([9, 9], start=2, model="second")]
    assert [days(s.looks) for s in stretches(rows)] == [[0, 4, 8], [2, 6]]


def test_each_other_outline_is_another_stretch() -> None:
    oldest = {**OLDER, "geometry_sha256": "e" * 64}
    rows = [*series([50], **oldest), *series([30, 31], start=4, **OLDER), *series([14, 12], start=12)]
    found = stretches(rows)
    assert [days(s.looks) for s in found] == [[0], [4, 8], [12, 16]]
    assert [s.newest_outline for s in found] == [False, False, True]


def test_another_version_of_the_site_is_no_other_outline_of_a_zone_left_alone() -> None:
    rows = [*series([5, 6], geometry_sha256="d" * 64), *series([5, 7], start=8)]
    assert len(stretches(rows)) == 1


@pytest.mark.parametrize("status", sorted(NO_NUMBER))
def test_a_look_without_a_number_is_left_out_by_its_status(status: Status) -> None:
    [found] = stretches([*series([5, 6]), row(3, None, status=status)])
    assert days(found.looks) == [0, 4]
    assert [(days([left.row]), left.reason) for left in found.left_out] == [([3], status.value)]


def test_less_than_half_stays_out_and_half_does_not() -> None:
    [found] = stretches(series([5, 3, 2], fractions=[1.0, 0.5, 0.499]))
    assert days(found.looks) == [0, 4]
    assert [left.reason for left in found.left_out] == [SEEN_LESS_THAN_HALF]


def test_a_capped_number_and_frames_that_no_one_could_unite_stay_out() -> None:
    capped = row(8, 40, status=Status.SATURATED)
    apart = [row(12, n, reasons=(NOT_COMPARABLE,), run_id=n) for n in (3, 4)]
    [found] = stretches([*series([5, 6]), capped, *apart])
    assert [left.reason for left in found.left_out] == ["saturated", NOT_COMPARABLE, NOT_COMPARABLE]


def test_the_whole_site_of_one_zone_is_not_tested_twice() -> None:
    alone = [*series([5, 6]), *series([5, 6], zone="north")]
    assert [s.zone for s in stretches(alone)] == ["north"]
    assert [s.zone for s in stretches(series([5, 6]))] == ["*"]
    two = [*alone, *series([0, 0], zone="south")]
    assert [s.zone for s in stretches(two)] == ["*", "north", "south"]
    wider = [*series([5, 7]), *series([5, 6], zone="north")]
    assert [s.zone for s in stretches(wider)] == ["*", "north"]
