"""Size groups. Figures were computed apart from the formula sd^2 = 2 gsd^2 + (0.01 L)^2 + (0.02 L)^2 + (sd L)^2."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.calibration import ClassCalibration, RecallCalibration, ScoreCalibration
from apronwatch.intervals import interval
from apronwatch.sizes import SIZES, count_by_size, length_sd_m, size_probabilities

LENGTHS_M = (15, 25, 35, 53)
CURVE = ScoreCalibration("platt", (1.0, 0.0), 900, 800, 20, True, covariance=((0.01, 0), (0, 0.01)))
PLANE = ClassCalibration(0.2, CURVE, RecallCalibration((190,), (10,), 20, True, (10.0, 300.0)))


@pytest.mark.parametrize(
    ("gsd_m", "sd_m"),
    [
        (0.3, (0.5408326913195984, 0.70178344238091, 0.8902246907382428, 1.2587692401707313)),
        (0.5, (0.7826237921249264, 0.9013878188659973, 1.0547511554864495, 1.3800362314084367)),
        (0.6, (0.9124143795447329, 1.0161200716450787, 1.1543396380615196, 1.4575664650368436)),
        (1.0, (1.4534441853748634, 1.5206906325745548, 1.6163229875244614, 1.8451287217969377)),
    ],
)
def test_error_of_a_length(gsd_m: float, sd_m: tuple[float, ...]) -> None:
    np.testing.assert_allclose(length_sd_m(LENGTHS_M, gsd_m), sd_m, rtol=1e-12)


@pytest.mark.parametrize(
    ("length_m", "gsd_m", "small", "medium", "large"),
    [
        (21.9, 0.6, 0.9992, 0.0008, 0.0),  # Su-35
        (21.9, 1.0, 0.9808, 0.0192, 0.0),
        (22.5, 0.3, 0.9999, 0.0001, 0.0),  # Su-24
        (22.5, 1.0, 0.9521, 0.0479, 0.0),
        (23.3, 0.3, 0.9943, 0.0057, 0.0),  # Su-34
        (23.3, 0.6, 0.9561, 0.0439, 0.0),
        (23.3, 1.0, 0.8703, 0.1297, 0.0),
        (24.4, 0.3, 0.8073, 0.1927, 0.0),
        (24.4, 0.6, 0.7240, 0.2760, 0.0),
        (24.4, 1.0, 0.6539, 0.3461, 0.0),
        (29.3, 0.3, 0.0, 1.0, 0.0),  # An-26
        (29.3, 1.0, 0.0029, 0.9970, 0.0001),
        (73.3, 1.0, 0.0, 0.0, 1.0),  # An-124
    ],
)
def test_probabilities_of_sizes(
    length_m: float, gsd_m: float, small: float, medium: float, large: float
) -> None:
    np.testing.assert_allclose(size_probabilities(length_m, gsd_m), [[small, medium, large]], atol=6e-5)


@given(st.lists(st.floats(1, 100), max_size=20), st.floats(0.1, 2))
def test_every_aircraft_has_one_size(lengths_m: list[float], gsd_m: float) -> None:
    p = size_probabilities(lengths_m, gsd_m)
    assert p.shape == (len(lengths_m), 3)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("length_m", "sd_m"), [(15, 0.9246621004453465), (25, 1.433527118683145), (53, 2.9337689070545423)]
)
def test_what_the_detector_errs_by_is_added(length_m: float, sd_m: float) -> None:
    np.testing.assert_allclose(length_sd_m([length_m], 0.3, 0.05)[0], sd_m, rtol=1e-9)


@given(st.floats(5, 80), st.floats(-0.3, 0.3), st.floats(0.01, 0.2))
def test_a_bias_is_divided_out(length_m: float, bias: float, sd: float) -> None:
    told = size_probabilities([length_m * (1 + bias)], 0.5, (bias, sd))
    np.testing.assert_allclose(told, size_probabilities([length_m], 0.5, (0.0, sd)), atol=1e-9)


def test_each_length_has_the_error_of_its_own_pixels() -> None:
    both = size_probabilities([24.0, 24.0], [0.3, 1.0])
    alone = [size_probabilities([24.0], gsd_m)[0] for gsd_m in (0.3, 1.0)]
    np.testing.assert_array_equal(both, alone)
    assert both[0, 0] > both[1, 0]


def by_size(lengths_m: np.ndarray, calibration: ClassCalibration | None = PLANE, fraction: float = 1.0):  # type: ignore[no-untyped-def]
    return count_by_size(
        np.full(len(lengths_m), 0.95), lengths_m, 0.3, calibration, fraction,
        length_error=(0.0, 0.0), pass_gsd_m=0.3, threshold=0.2, real_image=True,
    )  # fmt: skip


def test_clear_lengths_count_in_their_group_as_if_alone() -> None:
    lengths = np.array([16.0] * 9 + [30.0] * 4 + [50.0] * 6)
    groups = by_size(lengths)
    assert tuple(groups) == SIZES
    for size, n in zip(SIZES, (9, 4, 6), strict=True):
        alone = interval(np.full(n, 0.95), np.full(n, 60.0), PLANE, 1.0, threshold=0.2, real_image=True)
        assert replace(groups[size], low=None) == replace(alone, low=None)
        assert groups[size].low == pytest.approx(alone.low, abs=1), "the others tell of the mix, too"


def test_a_length_on_the_border_counts_in_both_groups_with_a_wider_interval() -> None:
    clear, border = by_size(np.full(20, 16.0)), by_size(np.full(20, 25.0))
    assert border["small"].estimate == pytest.approx(10, abs=1)
    assert border["medium"].estimate == pytest.approx(10, abs=1)
    assert border["large"].estimate == 0
    width = {
        k: (v["small"].high or 0) - (v["small"].low or 0) for k, v in (("clear", clear), ("border", border))
    }
    assert width["border"] > width["clear"]


def test_none_of_a_size_that_hardly_calibrated_is_said_with_a_reason() -> None:
    """Of lengths of 35 to 75 m recall is known, so nobody knows how many small ones were missed."""
    known = replace(PLANE, recall=replace(PLANE.recall, lengths_px=(35.0, 75.0)))
    groups = count_by_size(
        np.full(4, 0.95), np.full(4, 50.0), 1.0, known, 1.0,
        length_error=(0.0, 0.0), pass_gsd_m=1.0, threshold=0.2, real_image=True,
    )  # fmt: skip
    assert groups["small"].high is not None
    said = {size: group.reasons for size, group in groups.items()}
    hardly = ("sizes_hardly_calibrated:1.000",)
    assert said == {"small": hardly, "medium": (), "large": ()}


def test_a_group_of_planes_that_hardly_calibrated_says_so_alone() -> None:
    """Where airliners alone calibrated: of three fighters beside six airliners, and of a group of none."""
    airliners = replace(PLANE, recall=replace(PLANE.recall, lengths_px=(35 / 0.3, 75 / 0.3)))
    lengths = np.array([16.0] * 3 + [50.0] * 6)
    groups, plain = by_size(lengths, airliners), by_size(lengths)
    assert {size: group.reasons for size, group in groups.items()} == {
        "small": ("sizes_hardly_calibrated:1.000",),
        "medium": (),
        "large": (),
    }
    assert all(group.reasons == () for group in plain.values())
    assert {size: replace(group, reasons=()) for size, group in groups.items()} == plain


def test_groups_are_refused_and_limited_as_the_whole_is() -> None:
    assert all(group.reasons == ("uncalibrated",) for group in by_size(np.full(3, 16.0), None).values())
    half = by_size(np.full(3, 16.0), PLANE, 0.4)
    assert all(group.high is None and group.low is not None for group in half.values())
