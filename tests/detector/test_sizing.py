"""Planes by size: what the groups of a count say, and when they say nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.calibration import (
    Calibration,
    ClassCalibration,
    RecallCalibration,
    ScoreCalibration,
)
from apronwatch.counting import count_run, counting_hash
from apronwatch.counts import Count, SizeCount, Status, failed_counts
from apronwatch.detections import Detections
from apronwatch.engines import ModelSpec
from apronwatch.errors import CallInvalid
from apronwatch.geometry import rotated_boxes
from apronwatch.intervals import interval
from apronwatch.observation import Frame, unite
from apronwatch.run import Run
from apronwatch.sizes import SIZES, size_probabilities
from apronwatch.sizing import check_sized, with_sizes
from apronwatch.taxonomy import CLASSES
from tests.detector.archive import examples
from tests.detector.made import made_class, made_model, made_picture, made_run, pixel_site, square

SITE = pixel_site(west=square(0, 0, 400), east=square(400, 0, 400))
GSD_M = 0.5
MEASURED = made_model(classes={"plane": made_class("plane", pass_gsd_m=GSD_M, length_error=(0.0, 0.02))})
CURVE = ScoreCalibration("platt", (1.0, 0.0), 900, 800, 20, True, covariance=((0.01, 0), (0, 0.01)))
PLANES = ClassCalibration(0.3, CURVE, RecallCalibration((190,), (10,), 20, True, (10.0, 300.0)))


def calibrated_by(planes: ClassCalibration) -> ModelSpec:
    """Weights of measured lengths and a calibration, which stands in no file."""
    model = replace(MEASURED)
    model.__dict__["calibration"] = Calibration(model.sha256, {"plane": planes})
    return model


@pytest.fixture
def calibrated() -> ModelSpec:
    return calibrated_by(PLANES)


def run_of(lengths_m: Sequence[float], x_px: Sequence[float] | None = None, **given) -> Run:
    """A run over `SITE` in which planes of these lengths stand in a row, all in the zone `west` by default."""
    n = len(lengths_m)
    xs = np.linspace(50, 350, n) if x_px is None else np.array(x_px, dtype=float)
    scores = given.pop("scores", [0.9] * n)
    run = made_run(
        made_picture(), SITE, [("plane", x, 200, s) for x, s in zip(xs, scores, strict=True)], **given
    )
    lengths_px = np.array(lengths_m, dtype=float) / GSD_M
    boxes = rotated_boxes(xs, np.full(n, 200.0), lengths_px, lengths_px / 2, np.full(n, 0.4))
    return replace(run, detections=replace(run.detections, polygons=boxes), masks_hash="clear")


def sized(run: Run, model: ModelSpec = MEASURED, known: ModelSpec | None = MEASURED) -> dict[str, Count]:
    """Counts of planes by zone, counted with one model and sized by what is known of another."""
    counts = tuple(count_run(run, SITE, model))
    found = with_sizes(counts, [Frame(run, counts)], SITE, known)
    assert [replace(c, by_size=None) for c in found] == list(counts)
    assert all((c.by_size is None) == (c.class_name != "plane") for c in found)
    return {c.zone: c for c in found if c.class_name == "plane"}


def groups(count: Count) -> dict[str, SizeCount]:
    assert count.by_size is not None
    assert [group.size for group in count.by_size] == list(SIZES)
    return {group.size: group for group in count.by_size}


def expected(count: Count) -> list[float | None]:
    return [group.expected for group in groups(count).values()]


def nothing(count: Count, *why: str) -> bool:
    """Whether no group has a number, and each says why after the reasons of the count."""
    return all(
        group == SizeCount(size, None, None, None, None, (*count.reasons, *why))
        for size, group in groups(count).items()
    )


PLANE = st.tuples(st.floats(5, 80), st.floats(0, 800), st.floats(0.05, 1), st.booleans())


@given(st.lists(PLANE, max_size=25))
def test_the_groups_of_each_zone_add_up_to_what_was_seen(
    planes: list[tuple[float, float, float, bool]],
) -> None:
    """Whatever lies below the threshold, under a mask, or on the border of two zones."""
    lengths_m, x_px, scores, hidden = map(list, zip(*planes, strict=True)) if planes else ([], [], [], [])
    found = sized(run_of(lengths_m, x_px, scores=scores, hidden=hidden))
    for count in found.values():
        numbers = [number for number in expected(count) if number is not None]
        assert len(numbers) == 3
        assert min(numbers) >= 0
        assert sum(numbers) == pytest.approx(count.seen, abs=1e-9)
    assert set(found) == {"west", "east", "*"}


def test_clear_lengths_are_told_as_they_are() -> None:
    found = sized(run_of([15.0] * 5 + [30.0] * 3 + [50.0] * 2))
    assert expected(found["west"]) == pytest.approx([5, 3, 2], abs=1e-3)
    assert expected(found["east"]) == [0.0, 0.0, 0.0]
    assert {group.estimate for group in groups(found["west"]).values()} == {None}
    assert all(group.reasons == ("uncalibrated",) for group in groups(found["west"]).values())


def test_lengths_that_nobody_measured_give_no_number() -> None:
    found = sized(run_of([15.0] * 5), known=made_model())
    assert all(nothing(count, "lengths_not_measured") for count in found.values())


def test_weights_that_no_registry_knows_give_no_number() -> None:
    found = sized(run_of([15.0] * 5), known=None)
    assert all(nothing(count, "weights_not_in_registry") for count in found.values())


def test_an_unseen_zone_has_no_size_groups() -> None:
    found = sized(run_of([15.0] * 5, seen=shapely.box(0, 0, 400, 1000)))
    assert found["east"].status is Status.UNSEEN
    assert nothing(found["east"])
    assert sum(number or 0.0 for number in expected(found["west"])) == pytest.approx(5)
    assert found["*"].at_least


def test_out_of_range_not_modelled_and_failed_have_none() -> None:
    run = replace(run_of([15.0] * 5), scene=made_picture(gsd_m=3.0))
    found = sized(run)
    assert {c.status for c in found.values()} == {Status.OUT_OF_RANGE}
    assert all(nothing(count) for count in found.values())
    ships = made_model("ship")
    found = sized(made_run(made_picture(), SITE, [], model=ships), ships, ships)
    assert {c.status for c in found.values()} == {Status.NOT_MODELLED}
    assert all(nothing(count) for count in found.values())
    failed = with_sizes(failed_counts(SITE), [], SITE, MEASURED)
    assert all(nothing(count) for count in failed if count.class_name == "plane")


def test_what_is_left_of_a_plane_at_the_edge_is_not_its_length() -> None:
    run = run_of([15.0, 15.0, 15.0], [50, 300, 600])
    cut = np.array([False, True, False])
    found = sized(replace(run, detections=replace(run.detections, truncated=cut)))
    assert nothing(found["west"])
    assert nothing(found["*"])
    assert "truncated_objects" in found["west"].reasons
    assert expected(found["east"]) == pytest.approx([1, 0, 0], abs=1e-6)


def test_boxes_that_no_longer_give_the_count_give_no_sizes() -> None:
    run = run_of([15.0] * 5)
    counts = tuple(count_run(run, SITE, MEASURED))
    fewer = replace(run, thresholds={"plane": 0.95})
    found = with_sizes(counts, [Frame(fewer, counts)], SITE, MEASURED)
    [total] = [c for c in found if (c.zone, c.class_name) == ("*", "plane")]
    assert nothing(total, "counted_by_other_rules")


def test_a_bias_is_taken_out() -> None:
    spec = made_class("plane", pass_gsd_m=GSD_M, length_error=(0.25, 0.02))
    found = sized(run_of([30.0] * 4), known=made_model(classes={"plane": spec}))  # 24 m in truth
    direct = size_probabilities([24.0], GSD_M, (0.0, 0.02))[0] * 4
    assert expected(found["*"]) == pytest.approx(direct.tolist())
    assert direct[0] > 2.5


def test_lengths_are_no_surer_than_the_pixels_of_the_pass() -> None:
    spec = made_class("plane", pass_gsd_m=1.0, length_error=(0.0, 0.02))
    found = sized(run_of([24.0]), known=made_model(classes={"plane": spec}))
    assert expected(found["*"]) == pytest.approx(size_probabilities([24.0], 1.0, (0.0, 0.02))[0].tolist())


def test_where_the_count_has_an_interval_each_group_has_its_own(calibrated: ModelSpec) -> None:
    lengths = [15.0] * 5 + [30.0] * 3
    total = sized(run_of(lengths, scores=[0.95] * 8), calibrated, calibrated)["*"]
    assert total.low is not None
    for size, n in (("small", 5), ("medium", 3), ("large", 0)):
        alone = interval([0.95] * n, [40.0] * n, PLANES, 1.0, threshold=0.3, real_image=True)
        group = groups(total)[size]
        assert group.estimate == alone.estimate
        assert (group.low, group.high) == pytest.approx((alone.low, alone.high), abs=1)
        assert group.reasons == ()


@pytest.mark.parametrize("width", [180, 1000])
def test_each_group_says_of_itself_alone_that_its_sizes_are_hardly_calibrated(width: int) -> None:
    """Of the whole zone, and of less than half of it, where there is a lower limit alone."""
    airliners = replace(PLANES, recall=replace(PLANES.recall, lengths_px=(35 / GSD_M, 75 / GSD_M)))
    model = calibrated_by(airliners)
    at = np.linspace(20, 150, 8).tolist()
    run = run_of([15.0] * 5 + [50.0] * 3, at, seen=shapely.box(0, 0, width, 1000))
    west = sized(run, model, model)["west"]
    assert [r for r in west.reasons if ":" in r] == ["sizes_hardly_calibrated:0.625"]
    assert west.low is not None
    assert {size: [r for r in g.reasons if ":" in r] for size, g in groups(west).items()} == {
        "small": ["sizes_hardly_calibrated:1.000"],
        "medium": [],
        "large": [],
    }
    others = set(west.reasons) - {"sizes_hardly_calibrated:0.625"}
    assert all(others <= set(group.reasons) for group in groups(west).values())


def test_a_least_count_has_least_groups(calibrated: ModelSpec) -> None:
    run = run_of([15.0] * 5, np.linspace(20, 150, 5).tolist(), seen=shapely.box(0, 0, 180, 1000))
    west = sized(run, calibrated, calibrated)["west"]
    small = groups(west)["small"]
    assert (west.at_least, west.estimate, west.high) == (True, None, None)
    assert (small.estimate, small.high) == (None, None)
    assert small.low is not None
    assert small.expected == pytest.approx(5, abs=1e-3)
    assert "seen_less_than_half" in small.reasons


def test_what_is_known_of_lengths_changes_no_count() -> None:
    """Or whoever measured them would have every scene counted again."""
    assert counting_hash(MEASURED) == counting_hash(
        replace(MEASURED, classes={"plane": replace(MEASURED.classes["plane"], length_error=None)})
    )


def test_sizes_are_told_of_planes_alone() -> None:
    check_sized(CLASSES)
    with pytest.raises(CallInvalid, match="plane alone"):
        check_sized(["ship"])


WEST, EAST = (0.0, 0.0, 420.0, 400.0), (380.0, 0.0, 800.0, 400.0)


def frame(name: str, found: Detections, view: tuple[float, float, float, float], gsd_m: float) -> Frame:
    run = examples.run(examples.scene(name, acquisition="pass", gsd_m=gsd_m), found, view=view)
    return Frame(run, tuple(examples.counts(run)))


def test_of_united_frames_each_object_has_one_size_from_the_frame_that_shows_it() -> None:
    """Three planes, one of them in both frames: its box in the frame that saw less does not count."""
    west = frame("w.tif", examples.boxes([(100, 100), (405, 200)], (24.0, 20.0)), WEST, 0.5)
    east = frame("e.tif", examples.boxes([(405.3, 200.2), (600, 100)], (24.0, 20.0)), EAST, 1.0)
    look = unite([west, east], examples.site())
    known = replace(MEASURED, sha256=examples.MODEL.sha256)
    for frames in ([west, east], [east, west]):
        found = with_sizes(look.counts, frames, examples.site(), known)
        counts = {c.zone: c for c in found if c.class_name == "plane"}
        assert {zone: count.seen for zone, count in counts.items()} == {"west": 1, "east": 2, "*": 3}
        for count in counts.values():
            assert sum(number or 0.0 for number in expected(count)) == pytest.approx(count.seen)
        fine, coarse = (size_probabilities([24.0], gsd_m, (0.0, 0.02))[0] for gsd_m in (0.5, 1.0))
        assert expected(counts["*"]) == pytest.approx((2 * fine + coarse).tolist())
        assert all("frames_united" in group.reasons for group in groups(counts["*"]).values())
