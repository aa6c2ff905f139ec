"""Each box counts, or it is said why not; and the numbers are the boxes that count."""

import csv
import io

import numpy as np
import pytest
import shapely
from tests.detector.made import made_model, made_picture, made_run, pixel_site, square

from apronwatch.counting import count_run
from apronwatch.evidence.boxes import WHY_NOT, boxes_of, counted_objects, to_csv
from apronwatch.observation import Frame

SITE = pixel_site(west=square(0, 0, 400), east=square(300, 0, 400))
"""Two zones that overlap."""

BOXES = [
    ("plane", 100, 100, 0.9),  # west
    ("plane", 350, 100, 0.8),  # both
    ("plane", 600, 100, 0.31),  # east
    ("plane", 600, 300, 0.29),  # below the threshold
    ("plane", 900, 900, 0.9),  # outside
    ("plane", 200, 200, 0.9),  # hidden
    ("helicopter", 120, 300, 0.9),  # not modelled
]
HIDDEN = np.array([False] * 5 + [True, False])


@pytest.fixture
def frame() -> Frame:
    run = made_run(made_picture(), SITE, BOXES, hidden=HIDDEN)
    return Frame(run, tuple(count_run(run, SITE, made_model())))


def test_why(frame: Frame) -> None:
    (boxes,) = boxes_of([frame], SITE)
    assert boxes.why_not[:6] == ("", "", "", "below_threshold", "outside_zones", "under_mask")
    assert boxes.why_not[6] != ""
    assert set(boxes.why_not) - {""} <= set(WHY_NOT)


def test_the_numbers_are_the_boxes_that_count(frame: Frame) -> None:
    look = boxes_of([frame], SITE)
    for count in frame.counts:
        if count.seen is not None:
            assert len(counted_objects(look, count.zone, count.class_name)) == count.seen
    assert {c.zone: c.seen for c in frame.counts if c.class_name == "plane"} == {"west": 2, "east": 2, "*": 3}


def test_csv_names_both_zones_of_a_box_and_its_chip(frame: Frame) -> None:
    (boxes,) = boxes_of([frame], SITE)
    rows = list(csv.DictReader(io.StringIO(to_csv(boxes).decode(), newline="")))
    assert [row["zones"] for row in rows[:3]] == ["west", "west;east", "east"]
    assert [row["chip"] for row in rows] == ["1-1", "1-2", "1-3", "", "", "", ""]
    assert (rows[0]["x_px"], rows[0]["y_px"]) == ("100.0", "100.0")


def test_a_zone_named_like_a_formula_stays_text() -> None:
    site = pixel_site(**{"=1+1": square(0, 0, 400)})
    run = made_run(made_picture(), site, BOXES[:1])
    (boxes,) = boxes_of([Frame(run, tuple(count_run(run, site, made_model())))], site)
    assert "'=1+1" in to_csv(boxes).decode()


def test_no_box_at_all() -> None:
    run = made_run(made_picture(), SITE, [], seen=shapely.box(0, 0, 1000, 1000))
    look = boxes_of([Frame(run, tuple(count_run(run, SITE, made_model())))], SITE)
    assert len(counted_objects(look, "west", "plane")) == 0
    assert to_csv(look[0]).count(b"\n") == 1
