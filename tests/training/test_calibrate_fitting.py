"""Fits recover what made the data, and their stated errors are the errors they make."""

import numpy as np
import pytest
from scipy.special import expit, logit

from apronwatch.calibration import LEAST_OBJECTS
from apronwatch_training.calibrate.fitting import fit_recall, fit_scores


def labelled(n: int, seed: int = 0, slope: float = 1.6, shift: float = -0.4):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.1, 0.98, n)
    p = expit(slope * logit(scores) + shift)
    return scores, rng.random(n) < p, [str(k % 7) for k in range(n)], p


@pytest.mark.parametrize(
    ("n", "kind"), [(299, "platt"), (300, "beta"), (2000, "beta"), (2001, "isotonic"), (20, "platt")]
)
def test_the_number_of_labels_chooses_the_curve(n: int, kind: str) -> None:
    scores, true, places, _ = labelled(n)
    fit = fit_scores(scores, true, places, real=False)
    assert (fit.kind, fit.n_labels, fit.n_true, fit.n_places, fit.real) == (kind, n, true.sum(), 7, False)


def test_platt_recovers_the_curve() -> None:
    scores, true, places, _ = labelled(20_000)
    fit = fit_scores(scores, true, places, real=True, kind="platt")
    assert fit.parameters == pytest.approx((1.6, -0.4), abs=0.08)


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_each_curve_comes_near_the_truth(kind) -> None:  # type: ignore[no-untyped-def]
    scores, true, places, p = labelled(20_000, slope=1.0, shift=0.5)
    fit = fit_scores(scores, true, places, real=True, kind=kind)
    assert np.abs(fit.probability(scores) - p).mean() < 0.015


@pytest.mark.parametrize(("kind", "n"), [("platt", 200), ("beta", 600), ("isotonic", 600)])
def test_the_stated_error_is_the_error_made(kind, n: int) -> None:  # type: ignore[no-untyped-def]
    at = np.linspace(0.3, 0.95, 50)
    fits = [fit_scores(*labelled(n, seed)[:3], real=True, kind=kind) for seed in range(150)]
    actual = np.var([fit.probability(at).sum() for fit in fits])
    assert np.mean([fit.sum_variance(at) for fit in fits]) == pytest.approx(actual, rel=0.45)


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
@pytest.mark.parametrize("truth", ["all", "none", "parted", "reversed"])
def test_hopeless_labels_give_a_rising_curve_short_of_certain(kind, truth: str) -> None:  # type: ignore[no-untyped-def]
    scores = np.linspace(0.3, 0.95, 60)
    true = {"all": scores > 0, "none": scores > 1, "parted": scores > 0.6, "reversed": scores < 0.6}[truth]
    fit = fit_scores(scores, true, ["a"] * 60, real=True, kind=kind)
    p = fit.probability(np.linspace(0.3, 0.95, 200))
    assert (np.diff(p) >= -1e-9).all()
    assert ((p > 0) & (p < 1)).all()
    assert np.isfinite(fit.sum_variance(scores))


def test_no_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="0 scores"):
        fit_scores([], [], [], real=True)


def test_recall_by_size_joins_bins_that_hold_too_few() -> None:
    rng = np.random.default_rng(3)
    lengths = np.concatenate([rng.uniform(10, 20, 8), rng.uniform(20, 40, 90), rng.uniform(40, 80, 12)])
    found = rng.random(len(lengths)) < 0.9
    recall = fit_recall(found, lengths, ["a"] * len(lengths), real=True, edges_px=(20.0, 40.0))
    assert recall.edges_px == ()
    assert recall.found == (found.sum(),)
    more = np.concatenate([lengths, rng.uniform(40, 80, 30)])
    recall = fit_recall(np.ones(len(more)), more, ["a"] * len(more), real=True, edges_px=(20.0, 40.0))
    assert recall.edges_px == (40.0,)
    assert recall.objects == (98, 42)
    assert min(recall.objects) >= LEAST_OBJECTS


def test_recall_holds_for_the_lengths_of_nine_objects_in_ten() -> None:
    lengths = np.random.default_rng(4).gamma(9.0, 5.0, 500)
    recall = fit_recall(np.ones(500), lengths, ["a"] * 500, real=True, edges_px=(40.0,))
    assert recall.lengths_px is not None
    low, high = recall.lengths_px
    assert ((lengths < low).sum(), (lengths > high).sum()) == (25, 25)
    assert recall.outside(lengths).sum() == 50


@pytest.mark.parametrize(
    ("lengths", "told"), [([], None), ([30.0], (30.0, 30.0)), ([30.0] * 9, (30.0, 30.0))]
)
def test_lengths_of_no_object_and_of_like_ones(
    lengths: list[float], told: tuple[float, float] | None
) -> None:
    recall = fit_recall([True] * len(lengths), lengths, ["a"] * len(lengths), real=True)
    assert recall.lengths_px == told
    assert recall.refusal == "recall_from_too_few"
    assert not recall.outside(lengths).any()


def test_too_few_objects_altogether_are_kept_and_known_as_such() -> None:
    recall = fit_recall([True] * 12, [30.0] * 12, ["a"] * 12, real=True, edges_px=(20.0,))
    assert recall.refusal == "recall_from_too_few"
