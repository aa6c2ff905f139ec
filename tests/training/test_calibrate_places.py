"""Counts at a place that no calibration saw: the interval holds there too, however few places it was measured at."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit, stdtrit

from apronwatch.calibration import ClassCalibration, Dispersion, PlaceSpread
from apronwatch.intervals import interval
from apronwatch_training.calibrate.measuring import class_calibration
from apronwatch_training.calibrate.places import (
    PLACE_DEVIATION,
    PRIOR_PLACES,
    place_spread,
    spread,
)
from apronwatch_training.calibrate.samples import Sample

THRESHOLD, LENGTH_PX = 0.25, 60.0


def shown(objects: int, recall: float, shift: float, rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """Found (N,), scores and truth (D,) of a scene at a place with a recall and a shift of scores of its own."""
    found = rng.random(objects) < recall
    true = np.arange(found.sum() + rng.poisson(0.12 * objects)) < found.sum()
    raw = np.where(true, rng.beta(6, 1.5, len(true)), rng.beta(2, 4, len(true)))
    raw = expit(logit(np.clip(raw, 1e-6, 1 - 1e-6)) + shift)
    return found, THRESHOLD + (1 - THRESHOLD) * raw, true


def place(rng: np.random.Generator, sd: float, recall: float = 0.9) -> tuple[float, float]:
    return float(np.clip(rng.normal(recall, sd), 0.3, 0.99)), rng.normal(0, 10 * sd)


def made(
    rng: np.random.Generator,
    places: int,
    scenes: int = 4,
    objects: float = 25,
    sd: float = 0.06,
    mean: float = 0.9,
) -> Sample:
    looks, homes = [], []
    for k in range(places):
        recall, shift = place(rng, sd, mean)
        looks += [shown(int(rng.poisson(objects)), recall, shift, rng) for _ in range(scenes)]
        homes += [f"p{k}"] * scenes
    found, scores, true = (np.concatenate(part) for part in zip(*looks, strict=True))
    counts = np.arange(len(looks))
    return Sample(
        "plane",
        THRESHOLD,
        True,
        0,
        tuple(homes),
        scores,
        np.full(len(scores), LENGTH_PX),
        true,
        np.repeat(counts, [len(look[1]) for look in looks]),
        found,
        np.full(len(found), LENGTH_PX),
        np.repeat(counts, [len(look[0]) for look in looks]),
    )


@pytest.mark.parametrize(("objects", "places"), [(20, 5), (60, 5), (200, 5), (300, 20), (200, 2)])
def test_at_a_new_place_the_interval_holds(objects: int, places: int) -> None:
    rng = np.random.default_rng(objects + places)
    held, without = 0, 0
    for _ in range(100):
        calibration = class_calibration(made(rng, places))
        _, scores, _ = shown(objects, *place(rng, 0.06), rng)
        for kept in (calibration, replace(calibration, places=PlaceSpread())):
            got = interval(
                scores, np.full(len(scores), LENGTH_PX), kept, 1.0, threshold=THRESHOLD, real_image=True
            )
            assert got.low is not None
            assert got.high is not None
            holds = got.low <= objects <= got.high
            held, without = (held + holds, without) if kept is calibration else (held, without + holds)
    assert held >= 86  # of 100 at 90 %: one standard error and a third below; the seed is fixed
    assert held >= without
    assert (objects, places) != (200, 5) or without < 86, (
        "without it the interval of many objects is too narrow"
    )


def bare(sample: Sample) -> ClassCalibration:
    """A calibration that holds all places to be alike."""
    fitted = class_calibration(sample.of_scenes(np.ones(len(sample.scene_places), dtype=bool)))
    return replace(fitted, dispersion=Dispersion(), places=PlaceSpread())


def test_what_the_rest_does_not_tell_of_places_is_found() -> None:
    rng = np.random.default_rng(8)
    apart, alike = (place_spread(made(rng, 12, sd=sd), bare) for sd in (0.12, 0.0))
    assert 0.08 < apart.deviation < 0.25
    assert alike.deviation < 0.06
    assert apart.n_places == alike.n_places == 12
    assert PRIOR_PLACES <= apart.freedom <= 12 + PRIOR_PLACES


def test_one_place_says_nothing_and_what_is_assumed_stays() -> None:
    found = place_spread(made(np.random.default_rng(1), 1), class_calibration)
    assert found.freedom == pytest.approx(PRIOR_PLACES, rel=1e-3)
    assert found.deviation == pytest.approx(PLACE_DEVIATION * np.sqrt(2), rel=1e-3)
    assert (found.n_places, found.words) == (0, "0.099 (assumed)")


def test_empty_places_prove_nothing() -> None:
    sample = made(np.random.default_rng(5), 5, sd=0.12)
    homes = (*sample.scene_places, *(f"empty{k}" for k in range(15)))
    assert place_spread(replace(sample, scene_places=homes), bare) == place_spread(sample, bare)


def test_a_place_that_cannot_be_left_out_narrows_nothing() -> None:
    """Of nearly all objects: what the others tell of each other is no proof that it is like them."""
    rng = np.random.default_rng(6)
    sample = made(rng, 3, scenes=1, objects=40, sd=0.0)
    few = np.array([1, 2])
    kept_scores = ~np.isin(sample.scene_of, few) | (np.arange(len(sample.scores)) % 12 == 0)
    kept = ~np.isin(sample.object_scene_of, few) | (np.arange(len(sample.found)) % 12 == 0)
    thin = replace(
        sample,
        scores=sample.scores[kept_scores],
        detected_px=sample.detected_px[kept_scores],
        true=sample.true[kept_scores],
        scene_of=sample.scene_of[kept_scores],
        found=sample.found[kept],
        lengths_px=sample.lengths_px[kept],
        object_scene_of=sample.object_scene_of[kept],
    )
    found = place_spread(thin, class_calibration)
    assert found.n_places == 2
    assert found.deviation >= PLACE_DEVIATION * np.sqrt(1 + 1 / 3) * (1 - 1e-6)
    assert found.freedom <= 6


@pytest.mark.parametrize("places", [2, 3, 5, 20])
def test_the_spread_holds_where_places_differ_as_assumed(places: int) -> None:
    """Whatever the variance is by the assumption: a new place lies within Student's limits as often as they say."""
    rng = np.random.default_rng(places)
    trials, held = 3000, 0
    for _ in range(trials):
        between = PLACE_DEVIATION**2 * PRIOR_PLACES / rng.chisquare(PRIOR_PLACES)
        own = rng.uniform(0.0005, 0.01, places)
        each = rng.normal(0, np.sqrt(between), places)
        others = (each.sum() - each) / (places - 1)
        found = spread(each - others + rng.normal(0, np.sqrt(own)), own, places)
        new = rng.normal(0, np.sqrt(between)) - each.mean()
        held += abs(new) <= found.deviation * stdtrit(found.freedom, 0.95)
    assert held / trials == pytest.approx(0.9, abs=0.02)


def test_many_places_tell_their_spread() -> None:
    rng = np.random.default_rng(2)
    own = rng.uniform(0.001, 0.02, 2000)
    for deviation in (0.06, 0.1, 0.3):
        found = spread(rng.normal(0, np.sqrt(deviation**2 + own)), own, 2000)
        assert found.deviation == pytest.approx(deviation, rel=0.15)


def test_scenes_of_a_sample_keep_their_own() -> None:
    sample = made(np.random.default_rng(3), 3, scenes=2)
    kept = np.array([False, True, True, False, False, True])
    part = sample.of_scenes(kept)
    assert part.scene_places == ("p0", "p1", "p2")
    for new, old in enumerate(np.flatnonzero(kept)):
        assert part.scores[part.scene_of == new].tolist() == sample.scores[sample.scene_of == old].tolist()
        assert part.found[part.object_scene_of == new].tolist() == (
            sample.found[sample.object_scene_of == old].tolist()
        )
    assert len(part.true) == len(part.detected_px) == len(part.scores)
    assert len(part.lengths_px) == len(part.found)


@pytest.mark.parametrize("differ", [0.04, 0.07])
def test_scenes_that_differ_within_a_place_widen_as_much_as_places_do(differ: float) -> None:
    """Fifteen places of twenty scenes: what scenes have of their own does not average out of a new one."""
    rng = np.random.default_rng(3)
    held = of = 0
    for _ in range(4):
        scenes = made(rng, 300, scenes=1, objects=40, sd=differ)
        homes = tuple(f"p{k % 15}" for k in range(300))
        calibration = class_calibration(replace(scenes, scene_places=homes))
        for _ in range(40):
            _, scores, _ = shown(60, *place(rng, differ), rng)
            got = interval(
                scores,
                np.full(len(scores), LENGTH_PX),
                calibration,
                1.0,
                threshold=THRESHOLD,
                real_image=True,
            )
            assert got.low is not None
            assert got.high is not None
            held, of = held + (got.low <= 60 <= got.high), of + 1
    assert held >= 0.86 * of


@pytest.mark.parametrize(("objects", "recall"), [(0.5, 0.6), (1.0, 0.8)])
def test_many_scenes_of_few_objects_are_not_taken_for_places_that_differ(
    objects: float, recall: float
) -> None:
    rng = np.random.default_rng(6)
    found = place_spread(made(rng, 8, 60, objects, 0.0, recall), bare)
    assert found.deviation < 0.1


def test_two_scenes_of_one_place_that_contradict_each_other_leave_a_spread() -> None:
    """A single degree of freedom: as little as anything can tell."""
    sample = made(np.random.default_rng(2), 40, scenes=1, objects=40, sd=0.0)
    homes = ("p0", *sample.scene_places[:-1])
    kept = sample.object_scene_of != 1
    nothing = replace(
        sample,
        scene_places=homes,
        found=sample.found[kept],
        lengths_px=sample.lengths_px[kept],
        object_scene_of=sample.object_scene_of[kept],
    )
    found = place_spread(nothing, bare)
    assert found.deviation > 0.5
    assert PRIOR_PLACES <= found.freedom < 2 * PRIOR_PLACES
