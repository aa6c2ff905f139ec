"""A number is never silently wrong: what each count says, and when it says nothing."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.counting import count_run
from apronwatch.counts import Count, Status, failed_counts
from apronwatch.errors import ClassUnknown
from apronwatch.taxonomy import CLASSES
from tests.detector.made import made_class, made_model, made_picture, made_run, pixel_site, square

SITE = pixel_site(west=square(0, 0, 400), east=square(400, 0, 400))


def counts_of(run, model=None, site=SITE, classes=CLASSES):
    return {(c.zone, c.class_name): c for c in count_run(run, site, model or made_model(), classes)}


def test_counts_by_zone_at_the_threshold_and_never_sums_the_total():
    overlapping = pixel_site(a=square(0, 0, 500), b=square(300, 0, 500))
    boxes = [
        ("plane", 100, 100, 0.9),
        ("plane", 400, 100, 0.3),
        ("plane", 420, 300, 0.29),
        ("plane", 990, 990, 0.9),
    ]
    found = counts_of(made_run(made_picture(), overlapping, boxes), site=overlapping)
    assert [found[zone, "plane"].seen for zone in ("a", "b", "*")] == [2, 1, 2]
    assert found["*", "plane"].status is Status.COMPLETE


@given(st.lists(st.tuples(st.integers(0, 800), st.integers(0, 400)), max_size=30))
def test_a_centre_on_a_border_counts_in_every_zone_that_it_touches(centres):
    found = counts_of(made_run(made_picture(), SITE, [("plane", x, y, 0.9) for x, y in centres]))
    assert found["west", "plane"].seen == sum(x <= 400 for x, _ in centres)
    assert found["east", "plane"].seen == sum(x >= 400 for x, _ in centres)
    assert found["*", "plane"].seen == len(centres)


def test_nothing_is_known_of_a_class_that_the_weights_do_not_know():
    found = counts_of(made_run(made_picture(), SITE, []))
    assert found["*", "plane"].seen == 0
    for name in set(CLASSES) - {"plane"}:
        assert (found["*", name].seen, found["*", name].status) == (None, Status.NOT_MODELLED)


def test_an_unseen_zone_has_no_number_and_half_a_zone_is_a_partial_one():
    run = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)], seen=shapely.box(0, 0, 200, 1000))
    found = counts_of(run)
    assert (found["east", "plane"].seen, found["east", "plane"].status) == (None, Status.UNSEEN)
    west = found["west", "plane"]
    assert (west.seen, west.status, west.observed_fraction) == (1, Status.PARTIAL, pytest.approx(0.5))
    assert found["*", "plane"].observed_fraction == pytest.approx(0.25)


@pytest.mark.parametrize("gsd_m", [0.05, 1.5])
def test_a_picture_too_coarse_or_too_fine_gives_no_number(gsd_m):
    found = counts_of(made_run(made_picture(gsd_m=gsd_m), SITE, [("plane", 100, 100, 0.9)]))
    assert (found["*", "plane"].seen, found["*", "plane"].status) == (None, Status.OUT_OF_RANGE)


def test_objects_too_small_for_the_picture_are_out_of_range():
    model = made_model(classes={"plane": made_class("plane", min_length_px=12.0, typical_min_length_m=10.0)})
    found = counts_of(made_run(made_picture(gsd_m=1.0), SITE, [], model=model), model)
    assert (found["*", "plane"].seen, found["*", "plane"].status) == (None, Status.OUT_OF_RANGE)


def test_a_reached_cap_marks_every_zone_that_it_touches():
    run = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)], saturated=shapely.box(500, 0, 900, 400))
    found = counts_of(run)
    assert found["west", "plane"].status is Status.COMPLETE
    assert (found["east", "plane"].status, found["east", "plane"].seen) == (Status.SATURATED, 0)
    assert (found["*", "plane"].status, found["*", "plane"].seen) == (Status.SATURATED, 1)


def test_all_statuses_that_apply_are_reasons_and_the_first_is_the_status():
    run = made_run(
        made_picture(gsd_m=2.0),
        SITE,
        [],
        seen=shapely.box(0, 0, 200, 1000),
        saturated=shapely.box(0, 0, 9, 9),
    )
    west = counts_of(run)["west", "plane"]
    assert west.status is Status.OUT_OF_RANGE
    assert west.reasons == ("out_of_range", "saturated", "partial")


def test_what_a_mask_hides_is_not_counted_and_that_is_said():
    boxes = [("plane", 100, 100, 0.9), ("plane", 200, 100, 0.9)]
    found = counts_of(made_run(made_picture(), SITE, boxes, hidden=[True, False]))
    assert found["west", "plane"].seen == 1
    assert "detections_under_mask_left_out" in found["west", "plane"].reasons
    assert "detections_under_mask_left_out" not in found["east", "plane"].reasons


def test_every_number_of_a_picture_without_a_mask_says_so_and_nothing_else_does():
    model = made_model(
        "plane",
        "ship",
        classes={"plane": made_class("plane"), "ship": made_class("ship", native_gsd_m=(2, 4))},
    )
    bare = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)], seen=square(0, 0, 390), model=model)
    clear = replace(bare, masks_hash="an all-clear mask")
    without, under = counts_of(bare, model), counts_of(clear, model)
    assert {c.status.value for c in without.values()} == {"partial", "unseen", "out_of_range", "not_modelled"}
    for place, count in without.items():
        assert ("no_mask" in count.reasons) is (count.seen is not None)
        told = tuple(reason for reason in count.reasons if reason != "no_mask")
        assert replace(count, reasons=told) == under[place]


def test_an_interval_is_never_invented():
    for c in counts_of(made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)])).values():
        assert (c.estimate, c.low, c.high) == (None, None, None)
        assert c.seen is None or "uncalibrated" in c.reasons


def test_a_class_learned_on_drawn_scenes_alone_says_so():
    model = made_model(classes={"plane": made_class("plane", synthetic_only=True)})
    assert (
        "synthetic_only"
        in counts_of(made_run(made_picture(), SITE, [], model=model), model)["*", "plane"].reasons
    )


def test_a_failed_run_has_no_numbers_at_all():
    failed = failed_counts(SITE)
    assert {c.zone for c in failed} == {"west", "east", "*"}
    assert all((c.seen, c.observed_fraction, c.status) == (None, None, Status.FAILED) for c in failed)


def test_no_count_can_be_made_that_claims_zero_without_a_look():
    with pytest.raises(ValueError, match="unseen"):
        Count("s", "z", "plane", 0, None, None, None, 0.0, Status.UNSEEN)
    with pytest.raises(ValueError, match="complete"):
        Count("s", "z", "plane", None, None, None, None, 1.0, Status.COMPLETE)


def test_counts_survive_the_round_trip():
    for c in counts_of(made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)])).values():
        assert Count.from_dict(c.to_dict()) == c


def test_an_unknown_class_is_refused_by_name():
    with pytest.raises(ClassUnknown, match="tank"):
        counts_of(made_run(made_picture(), SITE, []), classes=["plane", "tank"])


def test_classes_come_in_the_order_of_the_taxonomy():
    run = made_run(made_picture(), SITE, [])
    names = [c.class_name for c in count_run(run, SITE, made_model(), ["ship", "plane"]) if c.zone == "*"]
    assert names == ["plane", "ship"]
    assert np.all([c.site == "base" for c in count_run(run, SITE, made_model())])


def test_below_half_a_number_is_a_least_one_and_stays_out_of_statistics():
    run = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)], seen=shapely.box(0, 0, 180, 1000))
    west = counts_of(run)["west", "plane"]
    assert (west.seen, west.words, west.at_least, west.testable) == (1, "at least 1", True, False)
    assert "seen_less_than_half" in west.reasons
    run = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)], seen=shapely.box(0, 0, 202, 1000))
    found = counts_of(run)
    west, east = found["west", "plane"], found["east", "plane"]
    assert (west.words, west.testable, "seen_less_than_half" in west.reasons) == ("at least 1", True, False)
    assert (east.words, east.at_least, east.testable) == ("-", False, False)
    whole = counts_of(made_run(made_picture(), SITE, []))["west", "plane"]
    assert (whole.words, whole.at_least, whole.testable) == ("0", False, True)


def test_snow_and_haze_are_told_with_their_share_of_the_zone_and_hide_nothing():
    run = made_run(made_picture(), SITE, [("plane", 100, 100, 0.9)])
    noted = {"snow": {"west": 0.25, "*": 0.125}, "haze": {"west": 0.0005}}
    found = counts_of(replace(run, visibility=replace(run.visibility, noted=noted)))
    assert found["west", "plane"].status is Status.COMPLETE
    assert [r for r in found["west", "plane"].reasons if ":" in r] == ["snow:0.250"]
    assert [r for r in found["*", "plane"].reasons if ":" in r] == ["snow:0.125"]
    assert not any(":" in r for r in found["east", "plane"].reasons)
