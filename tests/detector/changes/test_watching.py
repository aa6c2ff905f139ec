"""Alarms of archived series: the right looks, all tests of a day accounted for, and nothing else that matters."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.activity import FALSE_DISCOVERIES
from apronwatch.changes import Alarm, Changes, expected, find_changes
from apronwatch.counts import Status
from tests.detector.changes.made import DROP, STEADY, days, series
from tests.detector.report.rows import row


def alarms(found: Changes) -> list[Alarm]:
    return [alarm for watched in found.watched for alarm in watched.alarms]


def told(found: Changes) -> list[tuple[object, ...]]:
    """All that is said, by run."""
    return [
        (watched.stretch.site, watched.stretch.class_name, watched.tests, days(watched.current), *said)
        for watched in found.watched
        for said in [
            (days(a.before), days(a.since), a.p, a.q, a.tests, a.stands, a.by_scan) for a in watched.alarms
        ]
        or [()]
    ]


def test_a_drop_raises_one_alarm_with_the_looks_it_rests_on() -> None:
    found = find_changes(series(DROP))
    [alarm] = alarms(found)
    assert days(alarm.before) == [4 * n for n in range(9)]
    assert days(alarm.since)[0] == 36
    assert alarm.stands
    assert alarm.by_scan
    assert (alarm.rate_before, alarm.tests) == (14.0, 1)
    assert 3 <= alarm.rate_since <= 5
    assert days(found.watched[0].current) == [36, 40, 44]
    assert found.tests == len(DROP) - 1


def test_a_steady_series_raises_none() -> None:
    assert alarms(find_changes(series(STEADY))) == []


def test_what_was_seen_is_set_against_the_share_that_was_seen() -> None:
    """Half the apron with half the planes is no drop; all of it with half the planes is one."""
    halves = [*STEADY[:9], 7, 7, 7]
    assert alarms(find_changes(series(halves, fractions=[1.0] * 9 + [0.5] * 3))) == []
    [alarm] = alarms(find_changes(series(DROP, fractions=[0.8] * 12)))
    assert alarm.rate_before == pytest.approx(14 / 0.8)


def test_counts_of_other_weights_are_never_compared() -> None:
    """A detector that finds half as many raises no alarm; one and the same that does so raises one."""
    before, after = DROP[:9], DROP[9:]
    assert alarms(find_changes([*series(before), *series(after, start=36, model="second")])) == []
    assert len(alarms(find_changes([*series(before), *series(after, start=36)]))) == 1


def test_counts_of_another_outline_are_never_compared() -> None:
    older = {"reasons": ("other_outline",), "geometry_sha256": "d" * 64}
    assert alarms(find_changes([*series(DROP[:9], **older), *series(DROP[9:], start=36)])) == []


UNUSABLE = st.sampled_from(
    [
        {"seen": None},
        {"seen": None, "status": Status.FAILED},
        {"seen": 90, "status": Status.SATURATED},
        {"seen": 3, "status": Status.PARTIAL},
    ]
)


@settings(max_examples=4)
@given(st.lists(st.tuples(st.integers(0, 46), UNUSABLE), min_size=1, max_size=6))
def test_looks_that_cannot_be_used_never_change_the_result(more: list) -> None:
    unusable = []
    for day, kind in more:
        made = row(day + 0.5, **kind)
        share = 0.4 if kind["seen"] == 3 else made.count.observed_fraction
        unusable.append(replace(made, count=replace(made.count, observed_fraction=share)))
    found = find_changes([*series(DROP), *unusable])
    assert told(found) == told(find_changes(series(DROP)))
    assert [left.row for left in found.watched[0].stretch.left_out] == sorted(
        unusable, key=lambda r: (r.time, r.scene_identity)
    )


def test_names_of_zones_do_not_matter() -> None:
    def place(*zones: str) -> Changes:
        counts = (STEADY, DROP, STEADY[::-1])
        return find_changes([r for z, n in zip(zones, counts, strict=True) for r in series(n, zone=z)])

    assert sorted(told(place("a", "b", "c"))) == sorted(told(place("z", "apron", "m")))


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [*series(DROP), *series(STEADY[:8], zone="a"), *series(DROP, zone="b", site="port")]
    shuffled = rows.copy()
    random.Random(5).shuffle(shuffled)
    assert find_changes(shuffled) == find_changes(rows)


def test_an_alarm_must_stand_among_all_tests_of_its_day() -> None:
    weak = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 5, 5)
    [alone] = alarms(find_changes(series(weak)))
    assert alone.stands
    assert 0.001 < alone.p <= 0.01
    crowd = [r for k in range(40) for r in series(STEADY, zone=f"zone {k}")]
    [among] = alarms(find_changes([*series(weak, zone="weak"), *crowd]))
    assert (among.p, among.tests) == (alone.p, 41)
    assert among.q == pytest.approx(41 * among.p)
    assert not among.stands
    [lenient] = alarms(find_changes([*series(weak, zone="weak"), *crowd], false_discoveries=0.5))
    assert lenient.stands


LOW = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 5, 5, 5, 4)
"""Its second low look raises an alarm that forty other tests of the day do not let stand."""


def of_zone(found: Changes, zone: str) -> list[Alarm]:
    [watched] = [w for w in found.watched if w.stretch.zone == zone]
    return list(watched.alarms)


def test_an_alarm_that_does_not_stand_leaves_the_next_look_its_baseline() -> None:
    crowd = [r for k in range(40) for r in series((*STEADY, 14, 13), zone=f"zone {k}")]
    found = find_changes([*series(LOW, zone="low"), *crowd])
    said = of_zone(found, "low")
    assert [alarm.stands for alarm in said] == [False, True]
    assert [days(alarm.before)[-1] for alarm in said] == [36, 36]
    [watched] = [w for w in found.watched if w.stretch.zone == "low"]
    assert days(watched.window) == days(watched.current) == [40, 44, 48, 52]


def test_the_level_is_no_mean_over_a_change_of_which_the_alarm_does_not_stand() -> None:
    """The newest look's alarm does not stand, and the looks before it are what the rule goes on to compare with."""
    crowd = [r for k in range(40) for r in series(STEADY, zone=f"zone {k}")]
    found = find_changes([*series(LOW[:12], zone="low"), *crowd])
    [watched] = [w for w in found.watched if w.stretch.zone == "low"]
    assert [alarm.stands for alarm in watched.alarms] == [False]
    assert len(watched.window) == 12


def test_two_looks_on_the_day_of_an_alarm_raise_one() -> None:
    [alarm] = alarms(find_changes([*series((*STEADY, 2)), row(48.2, 1)]))
    assert alarm.stands
    assert days(alarm.since) == [48]


def test_changes_of_long_ago_at_other_places_lend_an_alarm_no_standing() -> None:
    """They have a small p on that day and every later one, though they can't be alarms any more."""
    weak = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 12, 15, 14, 15, 13, 6, 5)

    def q(others: tuple[int, ...]) -> float:
        crowd = [r for k in range(19) for r in series(others, zone=f"zone {k}")]
        [alarm] = of_zone(find_changes([*series(weak, zone="weak"), *crowd]), "weak")
        assert not alarm.stands
        return alarm.q

    assert q((*[10] * 5, *[4] * 12)) == q((*STEADY, 14, 13, 15, 14, 12)) > FALSE_DISCOVERIES


def test_tests_of_other_days_and_of_looks_that_saw_none_are_no_part_of_the_family() -> None:
    [alone] = alarms(find_changes(series(DROP)))
    elsewhere = [r for k in range(9) for r in series(STEADY, start=1, zone=f"zone {k}")]
    empty = [r for k in range(9) for r in series([0] * 12, zone=f"empty {k}")]
    [among] = alarms(find_changes([*series(DROP, zone="drop"), *elsewhere, *empty]))
    assert (among.tests, among.q) == (alone.tests, alone.q)
    assert alone.q <= FALSE_DISCOVERIES


def test_one_site_of_many_is_judged_among_all() -> None:
    weak = series((14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 5, 5), site="port")
    crowd = [r for k in range(40) for r in series(STEADY, zone=f"zone {k}")]
    own = find_changes([*weak, *crowd]).of_site("port")
    assert {watched.stretch.site for watched in own.watched} == {"port"}
    assert [(alarm.tests, alarm.stands) for alarm in alarms(own)] == [(41, False)]


def test_short_histories_are_tested_pair_by_pair() -> None:
    [alarm] = alarms(find_changes(series([40, 42, 38, 3])))
    assert not alarm.by_scan
    assert (days(alarm.before), days(alarm.since)) == ([0, 4, 8], [12])
    ahead = expected(alarm.before)
    assert ahead is not None
    assert 0 < ahead.alarms_per_look <= 0.01


def test_a_return_is_a_change_again() -> None:
    found = find_changes(series([*DROP, 4, 5, 3, 4, 14, 15, 13]))
    assert [a.rate_since < a.rate_before for a in alarms(found)] == [True, False]


def test_no_rows_no_tests() -> None:
    assert find_changes([]) == Changes((), 0, FALSE_DISCOVERIES)


def test_the_outlook_is_that_of_the_looks_given() -> None:
    ahead = expected(series(STEADY))
    assert ahead is not None
    assert ahead.rate == pytest.approx(sum(STEADY) / len(STEADY))
    assert 0 < ahead.found_by[0] <= ahead.found_by[1] <= ahead.found_by[2] < 1
    assert ahead.any_in_24 < 0.15
    assert expected(series([0] * 12)) is None
    assert expected([]) is None
