"""Previews: the same for the same ground, whatever the tiles and the order; alike only where the picture is."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.archive.acquisitions import SAME_PICTURE
from apronwatch.preview import CELL_M, Preview, PreviewMeter

CRS = "EPSG:32637"
WEST, NORTH, SIDE_M = 300_003.0, 3_920_001.0, 480
PIXELS = np.random.default_rng(7).integers(1, 255, (SIDE_M, SIDE_M, 3), dtype=np.uint8)


def preview(pixels=PIXELS, clear=None, cuts=(), gsd_m=1.0, order=1) -> Preview:
    """Of a square of 480 m, cut at some metres from its west into tiles that overlap their cores."""
    meter = PreviewMeter(CRS)
    clear = np.ones(pixels.shape[:2], np.bool_) if clear is None else clear
    to_plane = Affine(gsd_m, 0, WEST, 0, -gsd_m, NORTH)
    edges = [0.0, *sorted(cuts), float(SIDE_M)]
    for left, right in list(pairwise(edges))[::order]:
        core = (WEST + left, NORTH - SIDE_M, WEST + right, NORTH)
        meter.add(core, to_plane, pixels, clear)
    return meter.result()


@settings(max_examples=20)
@given(st.lists(st.floats(0.0, SIDE_M), max_size=4), st.sampled_from([1, -1]))
def test_it_does_not_depend_on_the_tiles(cuts: list[float], order: int) -> None:
    assert preview(cuts=cuts, order=order) == preview()


def test_a_cell_is_the_mean_of_its_seen_pixels_and_nothing_where_few_were_seen() -> None:
    """Checked against a plain loop over cells."""
    clear = np.random.default_rng(1).random((SIDE_M, SIDE_M)) < 0.9
    clear[:, 200:240] = False
    found = preview(clear=clear)
    east = np.floor((WEST + np.arange(SIDE_M) + 0.5) / CELL_M).astype(int)
    north = np.floor((NORTH - np.arange(SIDE_M) - 0.5) / CELL_M).astype(int)
    for x, y in [(east[0], north[0]), (east[100], north[50]), (east[220], north[3]), (east[-1], north[-1])]:
        inside = (north == y)[:, None] & (east == x)[None, :] & clear
        expected = round(PIXELS[inside].mean()) if inside.sum() >= 0.75 * CELL_M**2 else 0
        chunk = found._chunks.get((x // 128, y // 128))
        assert chunk is not None
        assert abs(int(chunk[y % 128, x % 128]) - expected) <= 1


def test_it_comes_back_from_its_bytes() -> None:
    found = preview(cuts=[100.0])
    assert Preview.from_bytes(found.to_bytes()) == found
    for broken in (b"", b"AWG1", b"AWP1 no zlib"):
        with pytest.raises(ValueError, match="preview"):
            Preview.from_bytes(broken)


def test_likeness_is_of_the_shared_ground_and_the_same_from_both_sides() -> None:
    other = np.random.default_rng(8).integers(1, 255, PIXELS.shape, dtype=np.uint8)
    half = np.zeros((SIDE_M, SIDE_M), np.bool_)
    half[:, :240] = True
    mixed = np.where(half[..., None], PIXELS, other)
    whole, left = preview(), preview(mixed, half)
    assert whole.likeness(left) == pytest.approx(1.0, abs=0.005)
    assert whole.likeness(preview(mixed)) == pytest.approx(0.5, abs=0.1)
    assert preview(mixed).likeness(whole) == pytest.approx(whole.likeness(preview(mixed)))
    assert abs(whole.likeness(preview(other)) or 0.0) < 0.1


def test_another_stretch_changes_nothing() -> None:
    dull = (60 + PIXELS * 0.5).astype(np.uint8)
    assert preview().likeness(preview(dull)) == pytest.approx(1.0, abs=0.01)


def test_nothing_is_said_of_little_or_even_ground_or_of_another_plane() -> None:
    sliver = np.zeros((SIDE_M, SIDE_M), np.bool_)
    sliver[:, :40] = True
    even = np.full_like(PIXELS, 100)
    moved = Preview("EPSG:32636", preview()._chunks)
    assert preview(even).likeness(preview(even)) is None
    assert preview().likeness(preview(clear=sliver)) is None
    assert preview().likeness(moved) is None


def test_real_pictures_of_one_place_at_two_times_are_not_alike_and_a_poor_copy_is(real_data: Path) -> None:
    """Two of the Airbus sample that lie upon each other to 0.3 pixels (found by matching their features)."""
    folder = real_data / "airbus_aircraft_sample" / "images"
    names = ("022f91f0-1434-401f-a11b-e315b7068100.jpg", "03f84930-e2be-4c19-9afc-0dc26d02538e.jpg")
    if not (folder / names[0]).is_file():
        pytest.skip("the Airbus aircraft sample is not among the real images")
    one, two = (cv2.imread(str(folder / name))[:960, :960] for name in names)
    poor = cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_COLOR)
    first, other, copy = (preview(pixels, gsd_m=0.5) for pixels in (one, two, poor))
    assert (first.likeness(copy) or 0) > SAME_PICTURE > (first.likeness(other) or 1)
