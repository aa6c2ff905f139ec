"""Short histories: a large drop is found and stays found, steady places are hardly ever alarmed."""

import numpy as np
import pytest

from apronwatch.activity import Look, judge, watch
from apronwatch.changes import expected, find_changes
from apronwatch.outlook import outlook
from apronwatch.overdispersion import PHI, chi2_about, posterior
from apronwatch.report.sentences import alarm_sentences
from tests.detector.changes.made import series

STATED = 0.01
"""No alarm is raised above this p."""


def looks(counts: list[int]) -> list[Look]:
    return [Look(str(n), count, 1.0) for n, count in enumerate(counts)]


@pytest.mark.parametrize("before", [2, 3, 4, 5])
def test_a_large_drop_that_stays_is_found_within_three_looks(before: int) -> None:
    [alarm] = watch(looks([30] * before + [12] * 15)).alarms
    assert len(alarm.before) == before
    assert len(alarm.after) <= 3
    assert alarm.ratio == pytest.approx(0.4)


def test_after_one_look_only_a_larger_drop_is_found() -> None:
    assert not watch(looks([30] + [12] * 15)).alarms
    [alarm] = watch(looks([30] + [3] * 15)).alarms
    assert len(alarm.before) == 1


def test_a_small_place_hides_the_drop_however_long_it_stays() -> None:
    for before in (2, 3, 4, 5):
        assert not watch(looks([10] * before + [4] * 10)).alarms


@pytest.mark.parametrize("back_after", [2, 3])
def test_a_return_soon_after_an_alarm_is_found_too(back_after: int) -> None:
    """The comparison starts anew at the alarm, with hardly any looks before."""
    alarms = watch(looks([30] * 10 + [2] * back_after + [30] * 4)).alarms
    assert [alarm.ratio is not None and alarm.ratio < 1 for alarm in alarms] == [True, False]
    assert [len(alarm.before) for alarm in alarms] == [10, back_after]


def test_choosing_the_best_split_is_paid_for() -> None:
    """Newest against all before as the only question gives a smaller p than as one of three."""
    judged = judge(looks([21, 19, 20, 22, 7]))
    assert judged.pair is not None
    assert judged.p is not None
    assert judged.pair.p < judged.p


@pytest.mark.parametrize(("mean", "dispersion"), [(5, 1), (20, 1), (20, 2)])
def test_steady_places_raise_fewer_alarms_than_stated(mean: int, dispersion: int) -> None:
    rng = np.random.default_rng([11, mean, dispersion])
    alarms = []
    for _ in range(150):
        counts = rng.poisson(mean, 8) if dispersion == 1 else rng.negative_binomial(mean, 0.5, 8)
        alarms.append([judge(looks(counts.tolist()[:n]), draws=399).alarm for n in range(2, 9)])
    assert np.mean(alarms) < STATED


@pytest.mark.parametrize("before", [1, 3, 5])
def test_the_outlook_of_a_short_history_foretells_what_the_rule_then_does(before: int) -> None:
    history = looks([29, 31, 30, 28, 32][:before])
    ahead = outlook(history, 0.25)
    assert ahead is not None
    rng = np.random.default_rng([12, before])
    y, found = np.array([look.count for look in history]), []
    weights = posterior(chi2_about(y, np.ones(before)), before - 1)
    for phi in rng.choice(PHI, 120, p=weights):
        rate = rng.gamma((y.sum() + 0.5) / phi, phi / before) * 0.25
        mean = rng.gamma(rate / (phi - 1), phi - 1, 3) if phi > 1 else np.full(3, rate)
        future = rng.poisson(mean).tolist()
        found.append([judge(history + looks(future[: k + 1]), draws=1999).alarm for k in range(3)])
    by_look = np.logical_or.accumulate(found, axis=1).mean(axis=0)
    assert ahead.alarms_per_look < STATED
    np.testing.assert_allclose(by_look, ahead.found_by, atol=0.13)


def test_an_alarm_of_a_short_history_says_what_it_is_worth_and_what_it_hides() -> None:
    found = find_changes(series([37, 36, 38, 14, 9]))
    [alarm] = found.watched[0].alarms
    assert (len(alarm.before), len(alarm.since), alarm.by_scan) == (3, 2, False)
    what, worth, hidden, week = alarm_sentences(alarm)
    ahead = expected(alarm.before)
    assert ahead is not None
    assert "fell from about 37 to about 12 a look (3 looks before, 2 since" in what
    assert "follows the week" in week
    assert worth.startswith(
        "With only 3 looks before, the newest 2 together were tested against them (pair test)."
    )
    assert f"about {1000 * ahead.alarms_per_look:.0f} of 1,000 looks" in worth
    assert f"{100 * ahead.any_in_24:.0f} % of series of 24 looks" in worth
    assert f"found in {100 * ahead.found_by[-1]:.0f} % of cases within three looks" in hidden


def test_an_alarm_tells_what_its_rate_comes_to_over_all_series_of_the_day() -> None:
    crowd = [r for k in range(4) for r in series([20, 21, 19, 22, 20, 21], zone=f"zone {k}")]
    found = find_changes([*series([37, 36, 38, 37, 3, 2], zone="own"), *crowd])
    [alarm] = [alarm for watched in found.watched for alarm in watched.alarms][-1:]
    ahead = expected(alarm.before, level=alarm.level)
    assert alarm.stands
    assert ahead is not None
    assert (
        f"any in 24 looks of 5 such series: {100 * 5 * ahead.any_in_24:.0f} % at most"
        in alarm_sentences(alarm)[1]
    )
