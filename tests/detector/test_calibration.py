"""Calibration as registry data: what it says of scores, when it refuses, and that it survives the trip."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.calibration import (
    MOST_DEVIATION,
    Calibration,
    ClassCalibration,
    Dispersion,
    PlaceSpread,
    RecallCalibration,
    Refusal,
    ScoreCalibration,
)

PLATT = ScoreCalibration("platt", (1.2, 0.3), 250, 200, 8, True, covariance=((0.02, -0.01), (-0.01, 0.04)))
BETA = ScoreCalibration(
    "beta", (1.1, 0.4, 0.2), 900, 700, 12, True, covariance=((0.02, 0, 0), (0, 0.03, 0), (0, 0, 0.01))
)
STEPS = ScoreCalibration(
    "isotonic", (0.3, 0.6, 0.95), 2500, 2000, 20, True, steps=(0.25, 0.4, 0.8), step_labels=(300, 700, 1500)
)
RECALL = RecallCalibration((60, 150), (20, 10), 9, True, (12.0, 60.0), edges_px=(24.0,))
PLANE = ClassCalibration(0.25, PLATT, RECALL, Dispersion(1.4, 0.8, 30))


@pytest.mark.parametrize("curve", [PLATT, BETA, STEPS])
@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_higher_score_is_never_less_likely_true(curve: ScoreCalibration, scores: list[float]) -> None:
    p = curve.probability(np.sort(scores))
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) >= -1e-12).all()


def test_platt_with_slope_one_and_no_shift_leaves_scores_as_they_are() -> None:
    scores = np.array([0.1, 0.5, 0.93])
    np.testing.assert_allclose(replace(PLATT, parameters=(1.0, 0.0)).probability(scores), scores)


def test_isotonic_steps_hold_from_their_least_score_on() -> None:
    np.testing.assert_array_equal(
        STEPS.probability([0.0, 0.25, 0.399, 0.4, 0.8, 1.0]), [0.3, 0.3, 0.3, 0.6, 0.95, 0.95]
    )


@pytest.mark.parametrize("curve", [PLATT, BETA])
def test_the_error_of_the_curve_is_that_of_curves_drawn_around_it(curve: ScoreCalibration) -> None:
    small = replace(curve, covariance=tuple(tuple(v / 100 for v in row) for row in curve.covariance))
    scores = np.linspace(0.3, 0.95, 40)
    drawn = np.random.default_rng(1).multivariate_normal(small.parameters, small.covariance, 4000)
    sums = [replace(small, parameters=tuple(theta)).probability(scores).sum() for theta in drawn]
    assert small.sum_variance(scores) == pytest.approx(np.var(sums), rel=0.1)


@pytest.mark.parametrize("curve", [PLATT, BETA, STEPS])
def test_the_error_of_the_curve_does_not_average_out(curve: ScoreCalibration) -> None:
    one = curve.sum_variance([0.7])
    assert curve.sum_variance(np.full(50, 0.7)) == pytest.approx(2500 * one)
    assert curve.sum_variance(np.full(50, 0.7), np.full(50, 0.5)) == pytest.approx(2500 * one / 4)
    assert curve.sum_variance([]) == 0


def again(told: ClassCalibration) -> ClassCalibration:
    """Written and read."""
    plain = json.loads(json.dumps(Calibration("ab" * 32, {"plane": told}).to_dict()))
    return Calibration.from_dict(plain).classes["plane"]


@pytest.mark.parametrize("curve", [PLATT, BETA, STEPS])
def test_a_class_survives_json(curve: ScoreCalibration) -> None:
    told = replace(PLANE, scores=curve)
    assert again(told) == told


def test_a_spread_of_places_survives_json() -> None:
    apart = replace(PLANE, places=PlaceSpread(0.12, 7.0, 5))
    assert again(apart) == apart


def test_lengths_of_no_object_are_null_and_of_some_are_not() -> None:
    none = replace(PLANE, recall=RecallCalibration((0,), (0,), 0, True, None))
    assert none.recall.to_dict()["lengths_px"] is None
    assert again(none) == none
    with pytest.raises(ValueError, match="of 0 objects whose lengths"):
        replace(none.recall, lengths_px=(12.0, 60.0))
    with pytest.raises(ValueError, match="of 240 objects whose lengths"):
        replace(RECALL, lengths_px=None)


def test_lengths_at_the_ends_of_the_range_lie_in_it() -> None:
    assert RECALL.outside([11.9, 12.0, 30.0, 60.0, 60.1]).tolist() == [True, False, False, False, True]
    assert RECALL.outside([]).tolist() == []


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("plane", "place"), {"deviation": 0.1}, "plane.place: no such key"),
        (("plane", "places"), None, "plane.places: missing"),
        (("plane", "dispersion"), None, "plane.dispersion: missing"),
        (("plane", "recall", "dispersion"), 1.0, "plane.recall.dispersion: no such key"),
        (("plane", "recall", "disp"), 2.0, "plane.recall.disp: no such key"),
        (("plane", "places", "deviaton"), 0.3, "plane.places.deviaton: no such key"),
        (("plane", "recall", "missed"), [-1, 10], "recall in bins"),
        (("plane", "recall", "lengths_px"), None, "lengths_px"),
        (("plane", "recall", "lengths_px"), [60.0, 12.0], "240 objects whose lengths"),
        (("plane", "recall", "lengths_px"), [0.0, 60.0], "240 objects whose lengths"),
        (("plane", "recall", "lengths_px"), [12.0, float("inf")], "240 objects whose lengths"),
        (("plane", "recall", "lengths_px"), [float("nan"), 60.0], "240 objects whose lengths"),
        (("plane", "recall", "lengths_px"), [12.0], "lengths_px"),
        (("plane", "recall", "lengths_px"), ["12", 60.0], "is read as"),
        (("plane", "dispersion", "factor"), -3.0, "factor -3.0"),
        (("plane", "dispersion", "at_variance"), -1.0, "at -1.0"),
        (("plane", "scores", "parameters"), [-1.2, 0.3], "cannot be"),
        (("plane", "scores", "covariance"), [[-9.0, 0.0], [0.0, 0.04]], "cannot be"),
        (("plane", "scores", "covariance"), [[0.02, 0.5], [-0.01, 0.04]], "cannot be"),
        (("plane", "scores", "n_true"), 900, "cannot be"),
        (("plane", "threshold"), 1.5, "0 to 1 expected"),
        (("plane", "threshold"), "0.25", "is read as"),
    ],
)
def test_a_document_that_cannot_be_is_refused(where: tuple[str, ...], value: object, said: str) -> None:
    told = json.loads(json.dumps(Calibration("ab" * 32, {"plane": PLANE}).to_dict()))
    at = told["classes"]
    for key in where[:-1]:
        at = at[key]
    if value is None:
        del at[where[-1]]
    else:
        at[where[-1]] = value
    with pytest.raises(ValueError, match=said):
        Calibration.from_dict(told)


def test_the_factor_of_a_place_has_students_quantiles() -> None:
    factors = PlaceSpread(0.1, 5.0, 3).factors()
    assert np.median(factors) == pytest.approx(1.0, abs=0.01)
    assert factors[factors <= np.exp(0.1 * 2.015)].size / factors.size == pytest.approx(
        0.95, abs=0.02
    )  # t(5)
    assert factors * factors[::-1] == pytest.approx(np.ones(len(factors)))
    assert PlaceSpread().factors().tolist() == [1.0]


@pytest.mark.parametrize("broken", [{"deviation": -0.1}, {"deviation": float("nan")}, {"freedom": 1.0}])
def test_a_spread_that_cannot_be_is_refused(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="spread of places"):
        PlaceSpread(**broken)  # type: ignore[arg-type]


def test_the_hash_follows_every_number_and_not_the_order_of_classes() -> None:
    other = replace(PLANE, threshold=0.3)
    calibration = Calibration("ab" * 32, {"plane": PLANE, "ship": other})
    assert calibration.hash == Calibration("ab" * 32, {"ship": other, "plane": PLANE}).hash
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    shifted = replace(PLANE, scores=replace(PLATT, parameters=(1.2, 0.3000001)))
    assert calibration.hash != Calibration("ab" * 32, {"plane": shifted, "ship": other}).hash


def test_each_refusal_has_its_reason() -> None:
    few = replace(RECALL, found=(25,), missed=(4,), edges_px=())
    blind = replace(RECALL, found=(5,), missed=(60,), edges_px=())
    drawn = replace(PLANE, recall=replace(RECALL, real=False))
    assert PLANE.refusals(0.25, real_image=True) == ()
    assert PLANE.refusals(0.3, real_image=True) == (Refusal.OTHER_THRESHOLD,)
    assert drawn.refusals(0.25, real_image=True) == (Refusal.SYNTHETIC_ONLY,)
    assert drawn.refusals(0.25, real_image=False) == ()
    assert replace(PLANE, recall=few).refusals(0.25, real_image=True) == (Refusal.RECALL_FROM_TOO_FEW,)
    assert replace(PLANE, recall=replace(few, missed=(5,))).refusals(0.25, real_image=True) == ()
    assert replace(PLANE, recall=blind).refusals(0.25, real_image=True) == (Refusal.RECALL_TOO_LOW,)
    apart = replace(PLANE, places=PlaceSpread(MOST_DEVIATION + 0.01, 7.0, 5))
    assert apart.refusals(0.25, real_image=True) == (apart.refusal,) == (Refusal.PLACES_DIFFER,)
    assert replace(PLANE, places=PlaceSpread(MOST_DEVIATION, 7.0, 5)).refusal is None


@pytest.mark.parametrize(
    "broken",
    [
        {"found": (60,), "missed": (20, 10)},
        {"found": (10, 150), "missed": (4, 10)},
        {"found": (60, -1)},
    ],
)
def test_recall_that_contradicts_itself_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="bin"):
        replace(RECALL, **broken)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [{"parameters": (1.0,)}, {"covariance": ()}, {"kind": "beta"}])
def test_a_curve_without_its_uncertainty_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="calibration of"):
        replace(PLATT, **broken)  # type: ignore[arg-type]


def test_dispersion_is_one_for_honest_probabilities_and_grows_with_a_shared_shift() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(0.3, 0.9, (400, 25))
    expected, variance = p.sum(axis=1), (p * (1 - p)).sum(axis=1)
    honest = Dispersion.measured((rng.random(p.shape) < p).sum(axis=1), expected, variance)
    assert 1 <= honest.factor < 1.2
    shift = rng.normal(0, 0.15, (400, 1))
    moved = Dispersion.measured((rng.random(p.shape) < p + shift).sum(axis=1), expected, variance)
    assert moved.factor == pytest.approx(1 + (25 * 0.15) ** 2 / variance.mean(), rel=0.25)
    # Twice the detections: what is shared adds up with their square.
    typical = moved.at_variance
    assert moved.widened(typical) == pytest.approx(typical * moved.factor)
    excess = moved.widened(2 * typical) - 2 * typical
    assert excess == pytest.approx(4 * (moved.widened(typical) - typical))


def test_no_detections_at_all_measure_no_dispersion() -> None:
    assert Dispersion.measured([0, 0], [0, 0], [0, 0]) == Dispersion(1.0, 0.0, 2)
