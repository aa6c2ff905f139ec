"""Noise lies still on the ground, without seams; fields in colour are what NumPy's broadcasting gives."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch_datasets.synthetic.frame import in_colour
from apronwatch_datasets.synthetic.noise import _lattice, _octave, ground_noise


def affine(
    gsd_m: float, degrees: float, east: float, north: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    c, s = gsd_m * np.cos(np.radians(degrees)), gsd_m * np.sin(np.radians(degrees))
    return np.array([[c, s, east], [s, -c, north]])


@given(
    gsd_m=st.floats(0.2, 1.5), degrees=st.floats(0, 360), east=st.floats(-3000, 3000),
    north=st.floats(-3000, 3000), cell_m=st.sampled_from([0.65, 1.9, 5.0]),
)  # fmt: skip
@settings(max_examples=30)
def test_blocks_join_without_a_seam(
    gsd_m: float, degrees: float, east: float, north: float, cell_m: float
) -> None:
    """OpenCV's own wrapping around, in one call, is the slow but plain way; it rounds places to 1/32 cell."""
    to_cells, shape = affine(gsd_m, degrees, east, north) / cell_m, (90, 170)
    to_cells[:, 2] %= 256
    kind = cv2.INTER_CUBIC if np.abs(to_cells[0, :2]).max() < 0.4 else cv2.INTER_LINEAR
    period = np.ascontiguousarray(_lattice(cell_m, 5)[4:260, 4:260])
    flags, wrap = kind | cv2.WARP_INVERSE_MAP, cv2.BORDER_WRAP
    plain = cv2.warpAffine(period, to_cells, shape[::-1], flags=flags, borderMode=wrap)
    assert np.abs(_octave(shape, to_cells, _lattice(cell_m, 5)) - plain).max() < 0.5
    assert np.abs(_octave(shape, to_cells, _lattice(cell_m, 5)) - plain).mean() < 0.05


@pytest.mark.parametrize("cells_m", [(75.0, 31.0, 13.0, 5.0), (3.1, 1.3, 0.65)])
def test_a_window_sees_the_noise_of_the_whole(cells_m: tuple[float, ...]) -> None:
    whole = ground_noise((400, 500), affine(0.5, 14, -90, 300), cells_m, 3, 0.8)
    shifted = affine(0.5, 14, -90, 300)
    shifted[:, 2] += shifted[:, :2] @ [160, 80]
    part = ground_noise((200, 300), shifted, cells_m, 3, 0.8)
    # Where spots are drawn coarser, the last pixels before the edge have nothing beyond it to lean on.
    assert np.abs(part - whole[80:280, 160:460])[16:-16, 16:-16].max() < 0.3
    assert np.corrcoef(part.ravel(), whole[80:280, 160:460].ravel())[0, 1] > 0.99


def test_noise_has_a_standard_deviation_near_one() -> None:
    for cells_m in ((13.0, 5.0), (3.1, 1.3, 0.65), (37.0, 15.0)):
        assert ground_noise((1200, 1200), affine(0.5, 30, 0, 0), cells_m, 8).std() == pytest.approx(
            1.0, abs=0.25
        )


def test_a_field_in_colour_is_the_field_times_the_colour() -> None:
    field = np.random.default_rng(1).random((40, 70), np.float32)[3:30, 5:60]
    colour, second = np.array([0.1, 0.2, 0.3], np.float32), np.array([1.0, 2.0, 3.0], np.float32)
    assert np.array_equal(in_colour(field), np.repeat(field[..., None], 3, axis=2))
    assert in_colour(field, colour) == pytest.approx(field[..., None] * colour, rel=1e-5)
    assert in_colour(field, colour, second) == pytest.approx(field[..., None] * colour + second, rel=1e-5)
