"""Intervals of counts. Figures named as such were computed apart, with NumPy and SciPy's distributions."""

import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betaln, gammaln

from apronwatch.calibration import (
    ClassCalibration,
    Dispersion,
    PlaceSpread,
    RecallCalibration,
    Refusal,
    ScoreCalibration,
)
from apronwatch.intervals import (
    MOST_OUTSIDE,
    SATURATED,
    SEEN_LESS_THAN_HALF,
    SIZES_HARDLY_CALIBRATED,
    Interval,
    interval,
    objects_pmf,
)
from apronwatch.posterior import (
    EVENNESS,
    MIX_SURE,
    add_missed,
    add_unseen,
    convolve,
    correlated,
    poisson_binomial,
    quantile,
    remixed,
    scaled,
)
from apronwatch_training.calibrate.fitting import fit_scores

P = (0.95, 0.9, 0.9, 0.8, 0.7, 0.55, 0.4, 0.2)
FIXED_RECALL = [5.83e-06, 0.00023926, 0.00364099, 0.02678661, 0.10356344, 0.22017281, 0.26983158, 0.20552742,
                0.10783441, 0.04308102, 0.01408577, 0.00395834, 0.0009888, 0.00022486, 4.737e-05, 9.36e-06]  # fmt: skip
BETA_RECALL = [5.78e-06, 0.00023543, 0.00356207, 0.02610251, 0.10073554, 0.21436431, 0.26415379, 0.20436695,
               0.1114861, 0.04821493, 0.01795242, 0.0060658, 0.00192372, 0.00058556, 0.00017368, 5.073e-05]  # fmt: skip
"""The distribution of objects from 0 to 15 for detections of probability `P`: recall 0.9, and Beta(91, 11)."""

EXACT = ScoreCalibration("platt", (1.0, 0.0), 10**6, 9 * 10**5, 50, True, covariance=((0, 0), (0, 0)))
"""Scores that are probabilities, known to be so."""
LENGTHS = (10.0, 100.0)
PLANE = ClassCalibration(0.2, EXACT, RecallCalibration((180,), (20,), 20, True, LENGTHS))


def count(
    scores: Any, calibration: ClassCalibration | None = PLANE, fraction: float = 1.0, **told: Any
) -> Interval:
    facts = {"threshold": 0.2, "real_image": True, **told}
    return interval(scores, np.full(len(scores), 60.0), calibration, fraction, **facts)


def mean_and_variance(pmf: np.ndarray) -> tuple[float, float]:
    n = np.arange(len(pmf))
    mean = float(pmf @ n)
    return mean, float(pmf @ (n - mean) ** 2)


@pytest.mark.parametrize(("p", "share"), [(0.8, 0.9), (0.4, 0.9), (0.95, 0.3), (0.5, 0.5)])
@pytest.mark.parametrize("n", [1, 7])
def test_like_scores_keep_their_worth_in_an_unknown_mix_and_are_true_together(
    p: float, share: float, n: int
) -> None:
    """The mix, told of by one of them, is one of two Betas; what p is worth in it is integrated over both."""
    a, b = 3 * share, 3 * (1 - share)
    said = p / (1 - p) * (1 - share) / share
    true, false = said * a / (a + b), b / (a + b)
    law = [(true, stats.beta(a + 1, b)), (false, stats.beta(a, b + 1))]

    def mean_of(power: int) -> float:
        parts = [
            w * beta.expect(lambda mix: (mix * said / (mix * said + 1 - mix)) ** power) for w, beta in law
        ]
        return float(sum(parts) / (true + false))

    got, of_mix = remixed(np.full(n, p), share, 3.0)
    np.testing.assert_allclose(got, p, atol=0.01)
    assert mean_of(1) == pytest.approx(p)
    assert of_mix == pytest.approx(n**2 * (mean_of(2) - p**2), rel=0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.99), st.floats(0, 1))
def test_in_a_mix_that_is_sure_scores_are_worth_what_was_fitted(
    p: list[float], share: float, kind: float
) -> None:
    surely, nothing = remixed(np.array(p), share, math.inf, kind)
    np.testing.assert_allclose(surely, np.array(p) * kind)
    assert nothing == 0
    nearly, little = remixed(np.array(p), share, 1e7, kind)
    np.testing.assert_allclose(nearly, surely, atol=1e-2)
    assert little < 1e-3 * len(p) ** 2
    unsure, of_mix = remixed(np.array(p), share, MIX_SURE, kind)
    assert ((unsure >= 0) & (unsure <= kind + 1e-9)).all()
    assert of_mix >= 0


def test_what_one_detection_says_of_the_mix_is_all_that_many_say() -> None:
    """A scene whose scores are all lowered, by haze, is not taken for one of clutter."""
    few, _ = remixed(np.full(4, 0.6), 0.9, MIX_SURE)
    many, _ = remixed(np.full(400, 0.6), 0.9, MIX_SURE)
    np.testing.assert_allclose(many[:4], few)
    assert few[0] > 0.55


def test_clutter_of_busy_places_seldom_puts_the_lower_limit_above_an_empty_one() -> None:
    """Detections that are false, of the scores of false ones, as many as among 30 objects of the calibration."""
    rng = np.random.default_rng(5)
    true, false = rng.beta(6, 1.5, 3000), rng.beta(2, 4, 360)
    scores = 0.2 + 0.8 * np.concatenate([true, false])
    curve = fit_scores(scores, np.repeat([True, False], [3000, 360]), ["a"] * 3360, real=True, kind="beta")
    calibration = replace(PLANE, scores=curve)
    clutter = [0.2 + 0.8 * rng.beta(2, 4, rng.poisson(3.6)) for _ in range(300)]
    lows = [count(each, calibration).low for each in clutter]
    assert np.mean(np.array(lows) > 0) < 0.1
    by_their_mix = [
        quantile(objects_pmf(s, np.full(len(s), 60.0), calibration, prior=0.0), 0.05) for s in clutter
    ]
    assert np.mean(np.array(by_their_mix) > 0) > 0.2, "or nothing is shown"


def test_poisson_binomial_of_eight_detections() -> None:
    pmf = poisson_binomial(P)
    expected = [6.48e-06, 0.00029466, 0.00492894, 0.03917312, 0.1576086, 0.32182962, 0.31932494, 0.13787316,
                0.01896048]  # fmt: skip
    np.testing.assert_allclose(pmf, expected, atol=5e-9)
    assert mean_and_variance(pmf) == pytest.approx((5.4, 1.245))
    assert [quantile(pmf, q) for q in (0.05, 0.5, 0.95)] == [4, 5, 7]


@given(st.lists(st.floats(0, 1), max_size=40))
def test_poisson_binomial_agrees_with_convolving_one_by_one(p: list[float]) -> None:
    expected = np.ones(1)
    for each in p:
        expected = np.convolve(expected, [1 - each, each])
    np.testing.assert_allclose(poisson_binomial(p), expected, atol=1e-14)


def test_poisson_binomial_of_thousands_keeps_its_moments() -> None:
    p = np.random.default_rng(0).beta(8, 2, 5000)
    mean, variance = mean_and_variance(poisson_binomial(p))
    assert mean == pytest.approx(p.sum(), rel=1e-9)
    assert variance == pytest.approx(p @ (1 - p), rel=1e-6)


def test_missed_objects_at_a_known_and_at_a_measured_recall() -> None:
    known = add_unseen(poisson_binomial(P), 0.9, evenness=math.inf)  # thinning by recall is thinning by area
    np.testing.assert_allclose(known[:16], FIXED_RECALL, atol=1e-8)
    assert mean_and_variance(known)[0] == pytest.approx(6.111111111)
    measured = add_missed(poisson_binomial(P), 91, 11)
    np.testing.assert_allclose(measured[:16], BETA_RECALL, atol=1e-8)
    assert mean_and_variance(measured)[0] == pytest.approx(6.182222222)
    for pmf in (known, measured):
        assert pmf.sum() == pytest.approx(1, abs=1e-9)
        assert [quantile(pmf, q) for q in (0.05, 0.5, 0.95)] == [4, 6, 9]


@given(st.integers(0, 60), st.integers(31, 400), st.integers(1, 200))
def test_missed_objects_are_beta_negative_binomial(k: int, found: int, missed: int) -> None:
    certain = np.zeros(k + 1)
    certain[k] = 1
    pmf = add_missed(certain, found, missed)[k:]
    np.testing.assert_allclose(
        pmf, stats.betanbinom.pmf(np.arange(len(pmf)), k + 1, found, missed), atol=1e-9
    )
    assert pmf.sum() > 0.999


@settings(max_examples=15)
@given(
    st.integers(0, 30),
    st.floats(1, 12),
    st.floats(0.3, 1),
    st.sampled_from([0.0, 1.0]),
    st.integers(0, 10**6),
)
def test_up_to_a_limit_a_distribution_is_the_same(
    objects: int, dispersion: float, fraction: float, prior: float, seed: int
) -> None:
    """Against every pair of numbers found and there, by SciPy's distributions."""
    found, missed = 91 / dispersion, 11 / dispersion
    p = np.random.default_rng(seed).beta(8, 2, objects)
    limit = 2 * objects + 9
    there = add_missed(poisson_binomial(p), found, missed, prior, limit)
    limited = add_unseen(there, fraction, prior, limit, math.inf)
    n = np.arange(limit + 1)
    more, shape = n - n[:, None], np.maximum(n + prior, 1)[:, None]
    expected = np.pad(poisson_binomial(p), (0, limit - objects))
    for chance in stats.betanbinom.pmf(more, shape, found, missed), stats.nbinom.pmf(more, shape, fraction):
        if prior == 0:
            chance[0] = n == 0  # of none, none are missed
        expected = expected @ chance
    np.testing.assert_allclose(limited, expected, atol=1e-8)


@pytest.mark.parametrize("found", [2.2, 9.0, 90.0, 4000.0])
def test_few_and_many_labelled_objects_widen_a_count_by_the_same_law(found: float) -> None:
    """A count of anything from 0 to 400: of many labelled objects the terms of the sum cannot all be held."""
    pmf = np.full(401, 1 / 401)
    n = np.arange(1200)
    more = n - np.arange(401)[:, None]
    expected = pmf @ stats.betanbinom.pmf(more, np.arange(1.0, 402.0)[:, None], found, found / 4)
    got = add_missed(pmf, found, found / 4, limit=1199)
    np.testing.assert_allclose(np.pad(got, (0, 1200 - len(got))), expected, rtol=1e-7, atol=1e-12)


def by_every_pair(
    scores: np.ndarray,
    calibration: ClassCalibration,
    lengths_px: np.ndarray,
    fraction: float,
    prior: float,
    sure: float = math.inf,
) -> np.ndarray:
    """The distribution of objects up to 800, each step by a matrix."""
    n = np.arange(801)
    truth = calibration.scores
    p, of_mix = remixed(truth.probability(scores), truth.true_share, sure)
    given_factor, weights = correlated(p, calibration.dispersion.widened(float(p @ (1 - p))) + of_mix)
    recall, parts = calibration.recall, []
    for b, ((found, missed), share) in enumerate(zip(recall.beta(), recall.prior_shares, strict=True)):
        here = poisson_binomial(given_factor[:, recall.bin_of(lengths_px) == b])
        padded = np.pad(here, ((0, 0), (0, 801 - here.shape[1])))
        parts.append(padded @ more_of(n + prior * share, found, missed))
    there = parts[0] if len(parts) == 1 else convolve(*parts)[:, :801]
    return weights @ there @ more_of(n + prior, EVENNESS * fraction, EVENNESS * (1 - fraction))


def more_of(shape: np.ndarray, found: float, missed: float) -> np.ndarray:
    """Beta-negative-binomial probabilities, by rows of n and columns of n + m; of shape 0 there are no more."""
    n = np.arange(len(shape))
    m, shape = np.maximum(n - n[:, None], 0), np.maximum(shape, 1e-12)[:, None]
    logs = (
        gammaln(shape + m)
        - gammaln(shape)
        - gammaln(m + 1)
        + betaln(found + shape, missed + m)
        - betaln(found, missed)
    )
    return np.where(n >= n[:, None], np.exp(logs), 0.0)


@pytest.mark.parametrize("recall", [
    RecallCalibration((27,), (3,), 5, True, LENGTHS),
    RecallCalibration((7,), (28,), 5, True, LENGTHS),
    RecallCalibration((20,), (12,), 5, True, LENGTHS),
    RecallCalibration((60, 190), (20, 10), 20, True, LENGTHS, edges_px=(30.0,)),
])  # fmt: skip
@pytest.mark.parametrize("detections", [0, 7, 40])
def test_an_interval_is_that_of_every_pair_of_numbers(recall: RecallCalibration, detections: int) -> None:
    calibration = replace(PLANE, recall=recall, dispersion=Dispersion(2.0, 1.0, 30))
    rng = np.random.default_rng(detections)
    scores, lengths = rng.uniform(0.2, 1, detections), rng.uniform(10, 50, detections)
    got = interval(scores, lengths, calibration, 0.7, threshold=0.2, real_image=True)
    low, of_mix, rest = (
        by_every_pair(scores, calibration, lengths, 0.7, prior, sure)
        for prior, sure in (
            (0.0, math.inf),
            (0.0, max(MIX_SURE, detections**2 * 30 / EXACT.n_labels)),
            (1.0, math.inf),
        )
    )
    least = min(quantile(low, 0.05), quantile(of_mix, 0.05))
    assert got == Interval(quantile(rest, 0.5), least, quantile(rest, 0.95))


@pytest.mark.parametrize(("labelled", "missed"), [(27, 3), (7, 28), (6, 24)])
@pytest.mark.parametrize("detections", [0, 1000, 5000])
def test_thousands_of_detections_of_an_unsure_recall_need_little_memory(
    labelled: int, missed: int, detections: int
) -> None:
    unsure = replace(PLANE, recall=RecallCalibration((labelled,), (missed,), 5, True, LENGTHS))
    scores = np.random.default_rng(0).uniform(0.3, 1, detections)
    tracemalloc.start()
    found = count(scores, unsure, 0.6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.low is not None
    assert found.high is not None
    assert found.high >= found.low >= detections / 4
    assert peak < 64 * 2**20


def test_a_distribution_that_ends_too_early_has_no_quantile() -> None:
    assert quantile(np.array([0.5, 0.4]), 0.9) == 1
    with pytest.raises(ValueError, match=r"the quantile at 0\.95"):
        quantile(np.array([0.5, 0.4]), 0.95)


def test_nothing_found_at_recall_nine_tenths() -> None:
    pmf = add_unseen(np.ones(1), 0.9, evenness=math.inf)
    assert pmf[0] == pytest.approx(0.9)
    assert quantile(pmf, 0.95) == 1


@pytest.mark.parametrize(
    ("seen", "fraction", "mean", "low", "high"),
    [
        (18, 0.72, 25.38888888888889, 20, 32),
        (0, 0.5, 1.0, 0, 5),
        (18, 0.999999999999, 18.000000000019, 18, 18),
        (5, 0.25, 23.0, 10, 43),
    ],
)
def test_a_partial_view(seen: int, fraction: float, mean: float, low: int, high: int) -> None:
    certain = np.zeros(seen + 1)
    certain[seen] = 1
    pmf = add_unseen(certain, fraction, evenness=math.inf)
    assert mean_and_variance(pmf)[0] == pytest.approx(mean)
    assert (quantile(pmf, 0.025), quantile(pmf, 0.975)) == (low, high)


@pytest.mark.parametrize("fraction", [0.5, 0.75, 0.98])
def test_what_was_not_seen_is_as_unsure_as_objects_stand_unevenly(fraction: float) -> None:
    """Numbers drawn by the law that is assumed lie within the limits as often as those say."""
    rng = np.random.default_rng(round(100 * fraction))
    held = by_chance = 0
    for _ in range(400):
        objects = int(rng.integers(10, 80))
        share = rng.beta(EVENNESS * fraction, EVENNESS * (1 - fraction))
        certain = np.eye(objects + 1)[rng.binomial(objects, share)]
        for evenness in (EVENNESS, math.inf):
            low = quantile(add_unseen(certain, fraction, 0.0, evenness=evenness), 0.05)
            high = quantile(add_unseen(certain, fraction, evenness=evenness), 0.95)
            holds = low <= objects <= high
            held, by_chance = (held + holds, by_chance) if evenness == EVENNESS else (held, by_chance + holds)
    assert held >= 0.87 * 400
    assert by_chance < held


@given(st.floats(0.2, 0.99), st.floats(0.2, 0.99), st.integers(0, 20), st.sampled_from([0.0, 1.0]))
def test_what_two_hindrances_hide_is_what_their_product_hides(
    a: float, b: float, k: int, prior: float
) -> None:
    certain = np.zeros(k + 1)
    certain[k] = 1
    chance = {"prior": prior, "evenness": math.inf}
    twice = add_unseen(add_unseen(certain, a, **chance), b, **chance)
    once = add_unseen(certain, a * b, **chance)
    size = min(len(once), len(twice))
    np.testing.assert_allclose(twice[:size], once[:size], atol=1e-8)


@settings(max_examples=30)
@given(st.lists(st.floats(0.05, 0.97), min_size=10, max_size=60), st.floats(1, 2))
def test_dispersion_widens_to_the_variance_that_was_asked_for(p: list[float], factor: float) -> None:
    each = np.array(p)
    given_factor, weights = correlated(each, factor * float(each @ (1 - each)))
    mean, variance = mean_and_variance(weights @ poisson_binomial(given_factor))
    assert mean == pytest.approx(each.sum(), rel=1e-3)
    assert variance == pytest.approx(factor * float(each @ (1 - each)), rel=0.01)


def test_dispersion_leaves_certain_detections_certain() -> None:
    given_factor, weights = correlated(np.array([1.0, 1.0, 0.5, 0.5, 0.0]), 0.8)
    pmf = weights @ poisson_binomial(given_factor)
    assert pmf[[0, 1, 5]] == pytest.approx(0, abs=1e-12)
    assert correlated(np.zeros(0), 1.0)[0].shape[1] == 0


def test_size_bins_of_one_recall_are_one_bin() -> None:
    whole = add_missed(poisson_binomial(P), 10**7 * 0.8, 10**7 * 0.2)
    parts = [add_missed(poisson_binomial(P[a:b]), 10**7 * 0.8, 10**7 * 0.2, w) for a, b, w in
             ((0, 3, 0.2), (3, 3, 0.5), (3, 8, 0.3))]  # fmt: skip
    joined = convolve(convolve(parts[0], parts[1]), parts[2])
    np.testing.assert_allclose(joined[: len(whole)], whole[: len(joined)], atol=1e-7)


def test_small_objects_are_corrected_by_the_recall_of_small_objects() -> None:
    by_size = replace(
        PLANE, recall=RecallCalibration((60, 190), (60, 10), 20, True, LENGTHS, edges_px=(30.0,))
    )
    scores = np.full(20, 0.95)
    facts: dict[str, Any] = {"threshold": 0.2, "real_image": True}
    small = interval(scores, np.full(20, 20.0), by_size, 1.0, **facts)
    large = interval(scores, np.full(20, 60.0), by_size, 1.0, **facts)
    assert small.low is not None
    assert large.high is not None
    assert small.low >= large.high


def test_limits_without_error_of_recall_are_those_of_clopper_and_pearson() -> None:
    """Of N objects each is found with 0.7; the limits are the N whose tails at the count seen hold 5 %."""
    for seen in (0, 1, 4, 17):
        certain = replace(PLANE, scores=replace(EXACT, parameters=(1.0, 1000.0)),
                          recall=RecallCalibration((7 * 10**8,), (3 * 10**8,), 9, True, LENGTHS))  # fmt: skip
        found = count(np.full(seen, 0.9), certain)
        every = np.arange(seen, 100)
        above, below = stats.binom.sf(seen - 1, every, 0.7), stats.binom.cdf(seen, every, 0.7)
        assert found.low == every[above > 0.05][0]
        assert found.high == every[below > 0.05][-1]


@pytest.mark.parametrize(
    ("calibration", "told", "reason"),
    [
        (None, {}, Refusal.UNCALIBRATED),
        (replace(PLANE, scores=replace(EXACT, real=False)), {}, Refusal.SYNTHETIC_ONLY),
        (
            replace(PLANE, recall=RecallCalibration((27,), (2,), 3, True, LENGTHS)),
            {},
            Refusal.RECALL_FROM_TOO_FEW,
        ),
        (PLANE, {"threshold": 0.35}, Refusal.OTHER_THRESHOLD),
    ],
)
def test_where_nothing_is_known_nothing_is_said(
    calibration: ClassCalibration | None, told: dict[str, Any], reason: str
) -> None:
    assert count([0.9, 0.8], calibration, **told) == Interval(None, None, None, 0.9, (reason,))


def test_drawn_scenes_may_be_counted_with_what_drawn_scenes_taught() -> None:
    drawn = replace(PLANE, scores=replace(EXACT, real=False))
    assert count([0.9], drawn, real_image=False).reasons == ()


def test_no_detection_at_all_is_a_count_with_an_upper_limit() -> None:
    nothing = count([])
    assert (nothing.estimate, nothing.low, nothing.high) == (0, 0, 1)
    assert count([], fraction=0.5) == Interval(1, 0, 6)


@pytest.mark.parametrize(
    ("fraction", "saturated", "reasons"),
    [
        (0.3, False, (SEEN_LESS_THAN_HALF,)),
        (1.0, True, (SATURATED,)),
        (0.3, True, (SATURATED, SEEN_LESS_THAN_HALF)),
    ],
)
def test_where_the_rest_is_unknown_only_the_lower_limit_is_given(
    fraction: float, saturated: bool, reasons: tuple[str, ...]
) -> None:
    found = count(np.full(12, 0.95), fraction=fraction, saturated=saturated)
    assert found == Interval(None, count(np.full(12, 0.95)).low, None, 0.9, reasons)


@given(
    st.lists(st.floats(*LENGTHS), max_size=20),
    st.lists(st.floats(1, 9.9) | st.floats(100.1, 400), max_size=20),
    st.sampled_from([0.3, 0.7, 1.0]),
)
def test_an_interval_that_rests_on_objects_of_other_sizes_says_so_and_stands(
    calibrated: list[float], others: list[float], fraction: float
) -> None:
    lengths = [*calibrated, *others]
    facts: dict[str, Any] = {"threshold": 0.2, "real_image": True}
    all_sizes = replace(PLANE, recall=replace(PLANE.recall, lengths_px=(0.1, 1000.0)))
    got, plain = (interval([0.9] * len(lengths), lengths, c, fraction, **facts) for c in (PLANE, all_sizes))
    assert replace(got, reasons=()) == replace(plain, reasons=())
    assert plain.reasons == ((SEEN_LESS_THAN_HALF,) if fraction < 0.5 else ())
    share = len(others) / len(lengths) if lengths else 0.0
    said = (f"{SIZES_HARDLY_CALIBRATED}:{share:.3f}",) if share > MOST_OUTSIDE else ()
    assert got.reasons == (*plain.reasons, *said)


def test_the_share_of_other_sizes_is_that_of_the_kind_that_is_counted() -> None:
    """One of nine lengths was hardly seen; that one object is all but all that is expected of the kind."""
    lengths, scores = [5.0] + [60.0] * 8, [0.9] * 9

    def reasons(*shares: float) -> tuple[str, ...]:
        return interval(scores, lengths, PLANE, 1.0, threshold=0.2, real_image=True, shares=shares).reasons

    assert reasons(*[1.0] * 9) == ()
    assert reasons(0.9, *[0.0125] * 8) == (f"{SIZES_HARDLY_CALIBRATED}:0.900",)
    assert reasons(0.0, *[1.0] * 8) == ()
    assert reasons(*[1e-9] * 9) == reasons(1e-9, *[0.0] * 8) == (), "of none that is expected nothing is said"


def test_where_there_is_no_interval_nothing_is_said_of_sizes() -> None:
    said = interval([0.9], [5.0], PLANE, 1.0, threshold=0.35, real_image=True)
    assert said.reasons == (Refusal.OTHER_THRESHOLD,)


def test_certain_detections_of_a_whole_zone_with_perfect_recall_leave_no_doubt() -> None:
    sure = replace(PLANE, scores=ScoreCalibration("isotonic", (1.0,), 9, 9, 9, True, steps=(0.0,), step_labels=(9,)),
                   recall=RecallCalibration((10**9,), (0,), 9, True, LENGTHS))  # fmt: skip
    assert count(np.full(7, 0.9), sure) == Interval(7, 7, 7)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1])
def test_a_zone_that_was_not_seen_has_no_interval(fraction: float) -> None:
    with pytest.raises(ValueError, match="observed fraction"):
        count([0.9], fraction=fraction)


@settings(max_examples=25)
@given(
    st.lists(st.floats(0.2, 1), max_size=25),
    st.floats(0.5, 1),
    st.floats(1, 4),
    st.integers(30, 400),
    st.integers(0, 60),
)
def test_the_estimate_lies_within_its_limits_and_doubt_never_narrows_them(
    scores: list[float], fraction: float, factor: float, found: int, missed: int
) -> None:
    plain = replace(PLANE, recall=RecallCalibration((found,), (missed,), 20, True, LENGTHS))
    wide = replace(plain, dispersion=Dispersion(factor, 1.0, 30))
    for calibration in (plain, wide):
        got = count(scores, calibration, fraction)
        assert got.low is not None
        assert got.estimate is not None
        assert got.high is not None
        assert 0 <= got.low <= got.estimate <= got.high
    variances = [
        mean_and_variance(objects_pmf(scores, np.full(len(scores), 60.0), c))[1] for c in (plain, wide)
    ]
    assert variances[1] >= variances[0] * 0.998


@given(
    st.lists(st.floats(0.01, 1), min_size=1, max_size=25),
    st.lists(st.floats(0.3, 3), min_size=1, max_size=5),
)
def test_a_factor_moves_each_number_to_its_nearest(weights: list[float], factors: list[float]) -> None:
    pmf, f = np.array(weights) / sum(weights), np.sort(factors)
    expected = np.zeros(100)
    for n, share in enumerate(pmf):
        for factor in f:
            # Halves are rounded up, as `(n + 0.5) / factor` is the least that is not below.
            to = int(np.argmax(np.ceil((np.arange(100) + 0.5) / factor) > n))
            assert abs(to - n * factor) <= 0.5 + 1e-9
            expected[to] += share / len(f)
    found = scaled(pmf, f)
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-12)
    assert found.sum() == pytest.approx(1.0)
    cut = scaled(pmf, f, whole=False)
    np.testing.assert_allclose(cut, found[: len(cut)], atol=1e-12)


def test_what_a_place_has_of_its_own_widens_a_count_in_proportion() -> None:
    apart = replace(PLANE, places=PlaceSpread(0.15, 6.0, 4))
    for n in (20, 200, 2000):
        plain, wide = count([0.999] * n), count([0.999] * n, apart)
        assert wide.estimate == pytest.approx(plain.estimate, rel=0.02)
        # 90 % of Student's law at 6 degrees of freedom: 1.943 deviations either way.
        assert wide.low is not None
        assert wide.high is not None
        assert wide.low <= plain.estimate * np.exp(-0.15 * 1.8)
        assert wide.high >= plain.estimate * np.exp(0.15 * 1.8)
        assert wide.high <= plain.high * np.exp(0.15 * 2.1)  # type: ignore[operator]
    nothing = count([], apart)
    assert (nothing.estimate, nothing.low) == (0, 0)


def test_a_factor_reaches_beyond_where_the_rest_was_worked_out() -> None:
    far = replace(PLANE, places=PlaceSpread(0.5, 2.0, 2))
    got = count([0.9] * 40, far)
    whole = scaled(objects_pmf([0.9] * 40, np.full(40, 60.0), PLANE), far.places.factors())
    assert got.high == quantile(whole, 0.95)
    assert got.estimate == quantile(whole, 0.5)
