"""Whether intervals hold the truth is asked of the product's own, and of nothing where there are none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from apronwatch.calibration import Calibration, ClassCalibration, RecallCalibration, ScoreCalibration
from apronwatch.counting import count_run
from apronwatch.engines import ModelSpec, find_model, load_engine
from apronwatch.intervals import Interval
from apronwatch.pipeline import detect
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_training.calibrate.measuring import calibrate, write_calibration
from apronwatch_training.calibrate.samples import samples
from apronwatch_training.evaluate.coverage import Coverage, calibration_places, coverage
from apronwatch_training.evaluate.looking import look
from apronwatch_training.evaluate.scoring import ClassScore, score
from tests.training.scored import THRESHOLD, looked

INF = 10**6


@pytest.fixture
def seed() -> ModelSpec:
    return find_model("plane-26n-obb-seed")


def calibrated(
    seed: ModelSpec, folder: Path, *, real: bool = True, threshold: float = THRESHOLD, **told: object
) -> ModelSpec:
    """The bundled weights with a calibration by hand: scores are probabilities, nine objects of ten are found."""
    exact = ScoreCalibration("platt", (1.0, 0.0), 1000, 900, 20, real, covariance=((0, 0), (0, 0)))
    plane = ClassCalibration(threshold, exact, RecallCalibration((180,), (20,), 20, real, (10.0, 100.0)))
    path = folder / "c.json"
    path.write_text(json.dumps({**Calibration(seed.sha256, {"plane": plane}).to_dict(), **told}))
    return replace(seed, calibration_path=path)


def only(found: list[ClassScore]) -> ClassScore:
    (one,) = found
    return one


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30))
def test_an_interval_without_end_holds_everything(labelled: list[int]) -> None:
    found = coverage(labelled, [Interval(5, 0, INF)] * len(labelled))
    assert (found.coverage, found.held, found.intervals) == (1.0, len(labelled), len(labelled))
    assert found.interval_score == found.mean_width == INF
    assert found.coverage_limits is not None
    assert found.coverage_limits[0] < 1.0 == pytest.approx(found.coverage_limits[1])


def test_limits_belong_to_the_interval_and_what_lies_outside_costs() -> None:
    four = [Interval(5, 4, 8)] * 4
    found = coverage([4, 8, 9, 2], four)
    assert (found.held, found.coverage, found.mean_width) == (2, 0.5, 4.0)
    assert found.interval_score == pytest.approx(4 + (0 + 0 + 20 * 1 + 20 * 2) / 4)  # 2 / 0.1 an object


def test_no_interval_is_null_with_its_reason_and_never_zero() -> None:
    one = [
        Interval(None, None, None, reasons=("uncalibrated",)),
        Interval(None, 3, None, reasons=("saturated",)),
    ]
    found = coverage([0, 5], one)
    assert (found.intervals, found.coverage, found.coverage_limits) == (0, None, None)
    assert (found.interval_score, found.mean_width) == (None, None)
    assert found.refused == {"saturated": 1, "uncalibrated": 1}
    both = coverage([0, 5, 2], [*one, Interval(2, 1, 3)])
    assert (both.scenes, both.intervals, both.coverage) == (3, 1, 1.0)


def test_what_an_interval_rests_on_does_not_refuse_it() -> None:
    said = "sizes_hardly_calibrated:0.600"
    found = coverage(
        [3, 3], [Interval(2, 1, 3, reasons=(said,)), Interval(None, 3, None, reasons=("saturated", said))]
    )
    assert (found.intervals, found.held, found.refused) == (1, 1, {"saturated": 1})


def test_uncalibrated_weights_have_none(seed: ModelSpec) -> None:
    found = only(score([looked([0.9] * 3, oriented=True), looked([])], seed)).to_dict()
    assert found["intervals"]["refused"] == {"uncalibrated": 2}
    assert (found["intervals"]["coverage"], found["counts"]["coverage"]) == (None, None)
    for row in found["per_scene"]:
        assert (row["estimate"], row["low"], row["high"], row["reasons"]) == (
            None,
            None,
            None,
            ["uncalibrated"],
        )


def test_a_calibration_at_another_threshold_gives_none(seed: ModelSpec, tmp_path: Path) -> None:
    model = calibrated(seed, tmp_path, threshold=0.5)
    told = only(score([looked([0.9] * 3)], model)).coverage
    assert told is not None
    assert told.refused == {"calibrated_at_another_threshold": 1}


def test_one_of_drawn_scenes_speaks_of_drawn_scenes_alone(seed: ModelSpec, tmp_path: Path) -> None:
    drawn_alone = calibrated(seed, tmp_path, real=False)
    scenes = [
        looked([0.9] * 4, dataset="dota"),
        looked([0.9] * 4, dataset="synthetic"),
        looked([0.9] * 4, dataset="rareplanes", place="synthetic Catalina"),
    ]
    real, drawn, rendered = (s.interval for s in only(score(scenes, drawn_alone)).scenes)
    assert real is not None
    assert real.reasons == ("synthetic_only",)
    assert drawn == rendered
    assert drawn is not None
    assert drawn.low is not None
    every = only(score(scenes, calibrated(seed, tmp_path))).scenes
    assert all(s.interval is not None and s.interval.estimate is not None for s in every)


def test_interval_and_label_speak_of_the_same_objects(seed: ModelSpec, tmp_path: Path) -> None:
    model = calibrated(seed, tmp_path)
    plain = looked([0.9] * 6, false=[0.6, 0.2])
    scene = looked([0.9] * 9, false=[0.6, 0.2])
    hard, ignored = np.arange(9) == 6, np.arange(9) >= 7
    objects = replace(scene.image.objects, difficult=hard, ignore=ignored)
    judged = replace(scene, image=replace(scene.image, objects=objects))
    one, other = (only(score([s], model)).scenes[0] for s in (plain, judged))
    assert (other.labelled, other.counted) == (one.labelled, one.counted) == (6, 7)
    assert other.interval == one.interval
    everything = only(score([scene], model)).scenes[0].interval
    assert everything is not None
    assert one.interval is not None
    assert (everything.estimate or 0) > (one.interval.estimate or 0)


def test_what_was_cut_or_not_seen_has_no_interval(seed: ModelSpec, tmp_path: Path) -> None:
    model = calibrated(seed, tmp_path)
    scene = looked([0.9] * 6)
    found = only(score([replace(scene, saturated=True), replace(scene, observed_fraction=0.0)], model))
    saturated, unseen = (s.interval for s in found.scenes)
    assert saturated is not None
    assert (saturated.high, saturated.reasons) == (None, ("saturated",))
    assert unseen is not None
    assert (unseen.low, unseen.reasons) == (None, ("unseen",))
    assert found.coverage is not None
    assert (found.coverage.intervals, found.counts.coverage) == (0, None)


def test_ground_that_a_picture_does_not_show_adds_nothing(seed: ModelSpec, tmp_path: Path) -> None:
    model = calibrated(seed, tmp_path)
    scene = looked([0.9] * 6)
    found = only(score([scene, replace(scene, observed_fraction=0.6)], model))
    assert found.scenes[0].interval == found.scenes[1].interval


def test_it_is_what_the_product_prints(seed: ModelSpec, tmp_path: Path) -> None:
    write_fake(tmp_path / "scenes")
    model = calibrated(seed, tmp_path, real=False, threshold=seed.classes["plane"].threshold)
    engine = load_engine(model, "cpu")
    images = load(adapter("synthetic"), tmp_path / "scenes").images
    found = only(score(list(look([("synthetic", image) for image in images], engine)), model))
    assert len(found.scenes) == 2
    for s in found.scenes:
        assert s.matches.judged.all()
        with Scene.open(s.looked.image.path, undated=True) as scene:
            site = Site.whole_picture("image", scene.info)
            printed = count_run(detect(scene, engine, site), site, model, ["plane"])[0]
        assert s.interval is not None
        assert s.counted == printed.seen
        assert (s.interval.estimate, s.interval.low, s.interval.high) == (
            printed.estimate,
            printed.low,
            printed.high,
        )
        assert s.interval.low is not None


def test_places_that_calibrated_the_weights_are_told(seed: ModelSpec, tmp_path: Path) -> None:
    scenes = [looked([0.9] * 30, place="a"), looked([0.9] * 30, place="b")]
    measured = calibrate(samples(score(scenes[:1]), seed), seed)
    write_calibration(measured, seed, {}, tmp_path / "real.json")
    model = replace(seed, calibration_path=tmp_path / "real.json")
    assert calibration_places(model.calibration_path, "plane") == {"dota/a"}
    told = only(score(scenes, model)).coverage
    assert told is not None
    assert told.calibrated_here == ("dota/a",)
    assert calibration_places(seed.calibration_path, "plane") == frozenset()
    assert (
        calibration_places(calibrated(seed, tmp_path).calibration_path, "plane") == frozenset()
    )  # nothing recorded


def test_figures_are_read_back_from_json(seed: ModelSpec, tmp_path: Path) -> None:
    found = only(score([looked([0.9] * 6), looked([0.9] * 2, missed=9)], calibrated(seed, tmp_path)))
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert TypeAdapter(Coverage).validate_python(told["intervals"]) == found.coverage
    assert told["counts"]["coverage"] == told["intervals"]["coverage"] == 0.5
    assert [(r["low"], r["high"], r["estimate"]) for r in told["per_scene"]] == [
        (s.interval.low, s.interval.high, s.interval.estimate) for s in found.scenes if s.interval
    ]
