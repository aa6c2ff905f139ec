"""Counts at a place that no calibration saw: the interval holds there too, however few places it was measured at."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from apronwatch.calibration import ClassCalibration, Dispersion, PlaceSpread
from apronwatch.intervals import interval
from apronwatch_training.calibrate.measuring import class_calibration
from apronwatch_training.calibrate.places import (
    PLACE_DEVIATION,
    PRIOR_PLACES,
    between_variance,
    place_spread,
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


def place(rng: np.random.Generator, sd: float) -> tuple[float, float]:
    return float(np.clip(rng.normal(0.9, sd), 0.3, 0.99)), rng.normal(0, 10 * sd)


def made(
    rng: np.random.Generator, places: int, scenes: int = 4, objects: int = 25, sd: float = 0.06
) -> Sample:
    looks, homes = [], []
    for k in range(places):
        recall, shift = place(rng, sd)
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


@pytest.mark.parametrize("objects", [20, 60, 200])
def test_at_a_new_place_the_interval_holds(objects: int) -> None:
    rng = np.random.default_rng(objects)
    held, without = 0, 0
    for _ in range(100):
        calibration = class_calibration(made(rng, 5))
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


def bare(sample: Sample) -> ClassCalibration:
    """A calibration that holds all places to be alike."""
    fitted = class_calibration(sample.of_scenes(np.ones(len(sample.scene_places), dtype=bool)))
    return replace(
        fitted, recall=replace(fitted.recall, dispersion=1.0), dispersion=Dispersion(), places=PlaceSpread()
    )


def test_what_the_rest_does_not_tell_of_places_is_found() -> None:
    rng = np.random.default_rng(8)
    apart, alike = (place_spread(made(rng, 12, sd=sd), bare) for sd in (0.12, 0.0))
    assert 0.08 < apart.deviation < 0.25
    assert alike.deviation < 0.05
    assert apart.n_places == 12
    assert apart.freedom == 11 + PRIOR_PLACES


def test_one_place_says_nothing_and_what_is_assumed_stays() -> None:
    def never(_: Sample) -> None:
        raise AssertionError

    found = place_spread(made(np.random.default_rng(1), 1), never)  # type: ignore[arg-type]
    assert (found.freedom, found.n_places) == (PRIOR_PLACES, 0)
    assert found.deviation == pytest.approx(PLACE_DEVIATION)


def test_variance_between_units_is_what_their_own_leaves_over() -> None:
    rng = np.random.default_rng(2)
    own = rng.uniform(0.001, 0.02, 4000)
    for between in (0.0, 0.003, 0.04):
        found = between_variance(rng.normal(0, np.sqrt(own + between)), own)
        assert found == pytest.approx(between, abs=0.0015)
    assert between_variance([0.1, -0.1], [0.02, 0.02]) == 0
    assert between_variance([0.3], [0.0]) == pytest.approx(0.09)


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
