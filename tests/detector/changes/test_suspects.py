"""Newest looks that may be of another level: they are told, and neither level nor outlook takes them in."""

import pytest

from apronwatch.changes import Watched, expected, find_changes
from apronwatch.cli.changes import _series
from apronwatch.report.missed import suspect_lines
from apronwatch.report.quiet import none_seen_lines, quiet_rows, quiet_sentences
from apronwatch.report.sentences import probability
from tests.detector.changes.made import DROP, STEADY, days, series

BEFORE = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14)
DOUBTED = (*BEFORE, 6, 6)
"""Two low looks with a p above 0.01 and below 0.02."""


def sentence(watched: Watched) -> str:
    assert watched.suspect is not None
    p = probability(watched.suspect.p)
    return f"The newest 2 looks are lower (6, 6; about 6 against 14; p = {p}, an alarm needs 0.01)."


def only(rows: list) -> Watched:
    [watched] = find_changes(rows).watched
    return watched


def test_level_and_outlook_are_of_the_looks_before() -> None:
    """A drop that has begun would raise an alarm at the next look: that is no false alarm of a steady place."""
    watched, before = only(series(DOUBTED)), only(series(BEFORE))
    assert watched.suspect is not None
    assert watched.alarms == ()
    assert days(watched.suspect.since) == [40, 44]
    assert days(watched.current) == days(before.current)
    assert watched.outlook == before.outlook == expected(series(BEFORE))
    assert watched.outlook is not None
    assert watched.outlook.any_in_24 < 0.12


def test_the_newest_looks_are_told_and_counted_apart() -> None:
    watched = only(series(DOUBTED))
    said = quiet_sentences(watched)
    assert said[0] == (
        "No alarm in 12 looks from 2024-11-01 to 2024-12-15, with about 14 planes a look before the newest 2."
    )
    assert said[1] == sentence(watched)
    [cells] = quiet_rows([watched], whole=False)
    assert cells[1:4] == ("10", "14 (newest 2: 6)", "5.6")
    [line] = suspect_lines([watched], whole=False)
    assert line == f"planes in the whole site: t{sentence(watched)[1:]}"
    found = _series(watched)["suspect"]
    assert [look["seen"] for look in found["since"]] == [6, 6]
    assert found["said"] == [sentence(watched)]


def test_a_newest_alarm_that_does_not_stand_is_told_so() -> None:
    crowd = [r for k in range(40) for r in series(STEADY, zone=f"zone {k}")]
    found = find_changes([*series((*BEFORE, 5, 5), zone="low"), *crowd])
    [watched] = [w for w in found.watched if w.stretch.zone == "low"]
    assert watched.suspect is not None
    assert watched.suspect.denied == watched.alarms[-1]
    assert watched.looking_back is None
    assert len(watched.current) == len(BEFORE)
    assert quiet_sentences(watched)[0].startswith("No alarm that stands in 12 looks")
    assert "its alarm does not stand: among 41 tests of that day q = 0.1" in " ".join(
        quiet_sentences(watched)
    )


@pytest.mark.parametrize("counts", [STEADY, DROP, [0] * 12, [7], (*DOUBTED, 14, 15, 13, 14)])
def test_nothing_is_in_doubt_where_an_alarm_stands_or_the_newest_looks_are_like_the_others(
    counts: tuple[int, ...],
) -> None:
    watched = only(series(counts))
    assert watched.suspect is None
    assert suspect_lines([watched], whole=False) == []


def test_objects_where_none_were_before_are_not_called_never_seen() -> None:
    watched = only(series([0, 0, 0, 0, 0, 0, 0, 2]))
    assert watched.suspect is not None
    said = " ".join(quiet_sentences(watched))
    assert "no planes were seen at all before the newest 1, so there was no drop to find" in said
    assert "The newest look is higher (2; about 2 against 0; p = 0.0" in said
    assert none_seen_lines([watched]) == []


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0504, "0.0504"), (0.010049, "0.01005"), (0.0107, "0.011"), (0.0098, "0.0098"), (0.00004, "0.00004"),
     (0.01, "0.01"), (0.05, "0.05"), (0.00996, "0.01"), (1.0, "1")],
)  # fmt: skip
def test_a_p_is_never_rounded_over_a_limit(p: float, said: str) -> None:
    assert probability(p) == said
