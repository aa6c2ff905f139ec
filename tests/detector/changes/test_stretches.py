"""Only looks that differ in time alone are compared, and what stays out is named."""

from dataclasses import replace

import pytest

from apronwatch.archive import SeriesRow
from apronwatch.archive.acquisitions import SAME_PICTURE_OTHER_TIME
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.changes import USUAL_PLACES_HIDDEN, exposure, find_changes, rate, stretches
from apronwatch.counts import NO_NUMBER, SEEN_LESS_THAN_HALF, Status
from apronwatch.report.quiet import left_out_lines
from apronwatch.report.sentences import alarm_sentences, percent
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


def cloudy(ramp: float, park: float, seen: int, *, of_site: float) -> list:
    """Nine looks at thirty planes, all on the ramp, then one through cloud."""
    planes = [30, 31, 29, 30, 32, 28, 30, 29, 31]
    last = seen if ramp else None
    return [
        *series([*planes, seen], fractions=[1.0] * 9 + [of_site]),
        *series([*planes, last], fractions=[1.0] * 9 + [ramp], zone="ramp"),
        *series([0] * 10, fractions=[1.0] * 9 + [park], zone="park"),
    ]


def test_a_cloud_over_the_ramp_hides_the_planes_of_the_whole_site() -> None:
    rows = cloudy(0.0, 0.95, 0, of_site=0.55)
    site, park, _ = stretches(rows)
    assert (site.zone, park.zone) == ("*", "park")
    assert [(left.reason, exposure(left.row)) for left in site.left_out] == [(USUAL_PLACES_HIDDEN, 0.0)]
    assert len(park.looks) == 10
    found = find_changes(rows)
    assert [alarm for watched in found.watched for alarm in watched.alarms] == []
    assert left_out_lines(found.watched)[0] == (
        "planes in whole site: 2024-12-07 (0 % seen of where they usually are)"
    )


def test_the_whole_site_is_set_against_others_by_where_its_objects_are() -> None:
    """Half of the ramp is half of the planes, though four fifths of the site were seen."""
    site, *_ = stretches(cloudy(0.5, 1.0, 15, of_site=0.8))
    assert exposure(site.looks[-1]) == 0.5
    assert rate(site.looks[-1:]) == 30.0
    empty = [*series([0, 0], fractions=[1, 0.8]), *series([0, 0], fractions=[1, 0.6], zone="a")]
    spread, *_ = stretches([*empty, *series([0, 0], zone="b")])
    assert exposure(spread.looks[-1]) == 0.8


def test_an_alarm_names_the_share_seen_of_every_look_in_part() -> None:
    rows = series([27, 30, 20, 28, 33, 29, 27, 5, 4], fractions=[1, 1, 0.74, 1, 1, 1, 1, 0.9, 1])
    [alarm] = find_changes(rows).watched[0].alarms
    assert alarm_sentences(alarm)[0].endswith(
        "Seen in part, which is allowed for: 2024-11-09 (74 %), 2024-11-29 (90 %)."
    )


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


def twin(day: float, *others: float, seen: int = 5) -> SeriesRow:
    """A look that shows the same picture as those of other days."""
    runs = tuple(int(other * 24) for other in others)
    return row(day, seen, reasons=(SAME_PICTURE_OTHER_TIME,), twins=runs)


def test_of_the_same_picture_under_two_times_one_is_used() -> None:
    """Two low looks raise an alarm; the same low picture twice does not."""
    rows = [*series([14, 13, 15, 14, 16, 12, 14, 15, 13, 14]), twin(40, 40.5), twin(40.5, 40)]
    [found] = stretches(rows)
    assert len(found.looks) == 11
    assert [(left.row.run_id, left.reason) for left in found.left_out] == [(972, SAME_PICTURE_OTHER_TIME)]
    assert find_changes(rows).watched[0].alarms == ()
    honest = find_changes([replace(r, count=replace(r.count, reasons=()), twins=()) for r in rows])
    assert len(honest.watched[0].alarms) == 1


def test_a_look_is_left_out_only_for_one_that_is_used_and_shows_its_picture() -> None:
    """P, Q, P again, Q again; and R, whose first look shows too little."""
    hidden = series([5], start=2, fractions=[0.4], reasons=(SAME_PICTURE_OTHER_TIME,), twins=(60,))
    rows = [twin(0, 0.5), twin(0.25, 0.75), twin(0.5, 0), twin(0.75, 0.25), *hidden, twin(2.5, 2)]
    [found] = stretches(rows)
    assert [r.run_id for r in found.looks] == [0, 6, 60]
    assert [(left.row.run_id, left.reason) for left in found.left_out] == [
        (12, SAME_PICTURE_OTHER_TIME),
        (18, SAME_PICTURE_OTHER_TIME),
        (48, SEEN_LESS_THAN_HALF),
    ]


def test_any_frame_of_a_look_makes_it_a_twin() -> None:
    [found] = stretches([row(0, 5, run_ids=(0, 1), twins=(12,)), twin(0.5, 1 / 24)])
    assert [r.run_id for r in found.looks] == [0]


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("haze:0.600", True),
        ("snow:1.000", True),
        ("haze:0.400", False),
        ("partial", False),
        ("sizes_hardly_calibrated:1.000", False),
    ],
)
def test_haze_or_snow_over_more_than_half_stays_out(reason: str, *, left: bool) -> None:
    [found] = stretches([*series([5, 6]), row(8, 2, reasons=(reason,))])
    assert [out.reason for out in found.left_out] == ([reason] if left else [])


def test_an_alarm_names_what_is_known_against_its_looks() -> None:
    rows = [
        *series([14, 13, 15, 14, 16, 12, 14, 15, 13]),
        row(36, 14, reasons=("united_by_date",)),
        row(40, 4, reasons=("haze:0.400", "uncalibrated")),
        row(44, 3),
    ]
    [alarm] = find_changes(rows).watched[0].alarms
    assert alarm_sentences(alarm)[-1] == (
        "Known of its looks, and not allowed for: 2024-12-07 (united by date), "
        "2024-12-11 (haze over 40 % of the zone)."
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "less than 1 %"), (0.005, "less than 1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.994, "99 %"),
     (0.995, "more than 99 %"), (0.9951, "more than 99 %"), (1.0, "more than 99 %")],
)  # fmt: skip
def test_a_simulated_chance_is_never_0_or_100_percent(value: float, said: str) -> None:
    assert percent(value) == said
