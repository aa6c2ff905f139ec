"""Changes that raised no alarm: they are said, with their looks, and the present level is that since."""

import pytest

from apronwatch.activity import Look, judge
from apronwatch.changes import Watched, find_changes
from apronwatch.changes.watching import DRAWS
from apronwatch.report.missed import NO_ALARM, grain_lines, looking_back_lines
from apronwatch.report.quiet import basis, quiet_rows, quiet_sentences
from tests.detector.changes.made import DROP, STEADY, days, series

MISSED = [10] * 5 + [4] * 12
"""Too small a place for an alarm within three looks; plain to see afterwards."""


def only(rows) -> Watched:
    [watched] = find_changes(rows).watched
    return watched


def test_a_missed_drop_is_said_with_its_looks_and_why_there_was_no_alarm() -> None:
    watched = only(series(MISSED))
    assert watched.alarms == ()
    change = watched.looking_back
    assert change is not None
    assert (days(change.before)[-1], days(change.since)[0]) == (16, 20)
    assert (change.rate_before, change.rate_since) == (10.0, 4.0)
    sentence, note = looking_back_lines([watched])
    assert sentence.startswith(
        "Looking back, planes in the whole site fell between 2024-11-17 and 2024-11-21 "
        "from about 10 to about 4 a look (p = "
    )
    assert "no alarm was raised at the time, because the first three looks since left p at 0.0" in sentence
    assert note == NO_ALARM
    assert quiet_sentences(watched)[:2] == [sentence, note]


def test_level_and_outlook_are_of_the_looks_since() -> None:
    watched = only(series(MISSED))
    assert len(watched.current) == 12
    assert watched.outlook is not None
    assert watched.outlook.rate == 4.0
    said = " ".join(quiet_sentences(watched))
    assert "No alarm in 12 looks from 2024-11-21 to 2025-01-04, with about 4 planes a look." in said
    assert quiet_rows([watched], whole=False)[0][1:4] == ("12", "4", "1.6")


@pytest.mark.parametrize("counts", [STEADY, DROP, [0] * 12, [7, 8], [*STEADY[:6], *STEADY]])
def test_nothing_is_said_of_steady_series_or_where_the_alarm_stands(counts: list[int]) -> None:
    watched = only(series(counts))
    assert watched.looking_back is None
    assert looking_back_lines([watched]) == []
    assert watched.current == watched.window


def test_looking_back_has_the_p_of_the_rule() -> None:
    """By as many draws: the same looks can't have a p of 0.0098 here and of more than 0.01 there."""
    watched = only(series(MISSED))
    assert watched.looking_back is not None
    looks = [Look(str(k), n, 1.0) for k, n in enumerate(MISSED)]
    assert watched.looking_back.p == judge(looks, draws=DRAWS).p != judge(looks).p


def test_an_alarm_that_does_not_stand_is_named_as_the_reason() -> None:
    weak = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 5, 5, 9, 8, 9)
    crowd = [r for k in range(40) for r in series((*STEADY, 14, 13, 15), zone=f"zone {k}")]
    found = find_changes([*series(weak, zone="weak"), *crowd])
    [watched] = [w for w in found.watched if w.stretch.zone == "weak"]
    assert watched.looking_back is not None
    assert watched.looking_back.denied == watched.alarms[0]
    assert [alarm.stands for alarm in watched.alarms] == [False, False]
    sentence, _ = looking_back_lines([watched])
    assert (
        "the alarm of 2024-12-15 did not stand, because among 41 tests of that day its q was 0.1" in sentence
    )


def test_the_outlook_asks_more_of_an_alarm_among_many_tests() -> None:
    alone = only(series(STEADY, zone="own"))
    crowd = [r for k in range(29) for r in series(STEADY[::-1], zone=f"zone {k}")]
    found = find_changes([*series(STEADY, zone="own"), *crowd])
    [among] = [w for w in found.watched if w.stretch.zone == "own"]
    assert (alone.level, alone.tests_of_day) == (0.01, 1)
    assert (among.level, among.tests_of_day) == (pytest.approx(0.05 / 30), 30)
    assert alone.outlook is not None
    assert among.outlook is not None
    assert among.outlook.found_by[-1] < alone.outlook.found_by[-1] - 0.1
    assert among.outlook.any_in_24 < alone.outlook.any_in_24
    said = " ".join(quiet_sentences(among))
    assert (
        "within three looks by an alarm that stands alone among 30 tests a day (p of 0.0017 or less)" in said
    )
    assert "(30 tests: p of 0.0017 or less)" in basis([among])
    together = 30 * among.outlook.any_in_24
    assert f"all these series together: {100 * together:.0f} % at most" in basis([among] * 30)
    assert "stands alone" not in " ".join(quiet_sentences(alone))


def test_pictures_of_another_grain_are_said_of_quiet_series() -> None:
    coarser = [*series(STEADY[:6]), *series(STEADY[6:], start=24, gsd_m=0.75)]
    finer = [*series(STEADY[:6], gsd_m=0.75), *series(STEADY[6:], start=24)]
    [said] = grain_lines([only(coarser)], whole=False)
    assert "up to 2024-11-21 have 0.50 m a pixel, those from 2024-11-25 on 0.75 m" in said
    assert "could hide a rise" in said
    assert said.endswith(quiet_sentences(only(coarser))[-1])
    assert "could hide a drop" in quiet_sentences(only(finer))[-1]
    assert grain_lines([only(series(STEADY))], whole=False) == []
    nothing = [*series([0] * 6, gsd_m=0.75), *series([0] * 6, start=24)]
    assert grain_lines([only(nothing)], whole=False) == []


def test_a_site_seen_once_is_told_what_its_next_look_brings() -> None:
    """One look has no tests; the next has one for each of thirty series."""
    rows = [r for k in range(30) for r in series([20], zone=f"zone {k}")]
    empty = [r for k in range(30) for r in series([0], zone=f"empty {k}")]
    watched = find_changes([*rows, *empty]).watched
    assert {w.tests_of_day for w in watched} == {30}
    assert [w.level for w in watched] == pytest.approx([0.05 / 30] * 60)


def test_two_small_steps_raise_no_alarm_and_the_words_say_sudden() -> None:
    watched = only(series([40] * 8 + [27] * 6 + [14] * 6))
    assert watched.alarms == ()
    assert "a sudden drop to about" in " ".join(quiet_sentences(watched))
