"""No reader can take a zone's plate for another zone's."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from apronwatch.counts import Count, Status
from apronwatch.report import canvas, labels
from apronwatch.report.labels import Ground, draw_labels, label

FRAME = shapely.box(0, 0, 1200, 900)


def count(zone, name, seen, status="complete", observed=1.0):
    return Count("base", zone, name, seen, None, None, None, observed, Status(status), ())


def drawn(ground, monkeypatch):
    """The plates drawn: (upper left corner, lines) each, and how many were left out."""
    plates = []
    monkeypatch.setattr(labels.canvas, "tag", lambda draw, at, lines, size: plates.append((at, lines, size)))
    left_out = draw_labels(ImageDraw.Draw(Image.new("RGB", (1200, 900)), "RGBA"), ground, [], 1.0)
    return plates, left_out


def plate_of(at, lines, size):
    width, height = canvas.tag_size(lines, size)
    return shapely.box(at[0], at[1], at[0] + width, at[1] + height)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.floats(-40, 40)),
        unique_by=lambda z: z[:2],
        max_size=8,
    )
)
def test_plates_lie_in_the_view_on_no_other_zone_and_on_no_other_plate(cells):
    zones = {
        f"zone {k}": shapely.affinity.rotate(
            shapely.box(200 * i + 40, 220 * j + 60, 200 * i + 160, 220 * j + 160), turn
        )
        for k, (i, j, turn) in enumerate(cells)
    }
    arrow = shapely.box(1116, 0, 1200, 84)
    with pytest.MonkeyPatch.context() as patch:
        plates, left_out = drawn(Ground(FRAME, zones, np.zeros((0, 2)), [arrow]), patch)
    assert left_out + len(plates) == len(zones)
    shapes = [plate_of(*plate) for plate in plates]
    for (_, lines, _), shape in zip(plates, shapes, strict=True):
        assert FRAME.contains(shape)
        assert not shape.intersects(arrow)
        others = [zone for name, zone in zones.items() if name != lines[0]]
        assert all(shape.intersection(zone).area <= 0.03 * shape.area for zone in others)
        assert shape.distance(zones[lines[0]]) < 12
    assert not any(a.intersects(b) for k, a in enumerate(shapes) for b in shapes[:k])


def test_a_zone_without_room_for_its_plate_is_counted(monkeypatch):
    zones = {f"{k}": shapely.box(0, 9 * k, 1200, 9 * k + 9) for k in range(100)}
    plates, left_out = drawn(Ground(FRAME, zones, np.zeros((0, 2)), []), monkeypatch)
    assert (len(plates), left_out) == (0, 100)


def test_a_plate_says_what_was_seen_or_why_nothing():
    assert label("north", [count("north", "plane", 3), count("north", "ship", 0)]) == ["north", "3 planes"]
    assert label("north", [count("north", "plane", 0)]) == ["north", "0 planes"]
    assert label("north", [count("north", "plane", None, "unseen", 0.0)]) == ["north", "– not observed"]
    partly = count("north", "plane", 1, "partial", 0.48)
    assert label("north", [partly, count("south", "plane", 9)]) == [
        "north",
        "at least 1 plane",
        "48 % observed",
    ]
    assert label("north", []) == ["north"]
