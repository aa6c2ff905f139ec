"""How pixels become 8 bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from apronwatch.stretch import Stretch, majority, telling

TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]


def column(*values: float, dtype: str = "float32") -> np.ndarray:
    return np.array(values, dtype=dtype).reshape(-1, 1, 1)


def test_eleven_bits_in_sixteen_fill_the_eight() -> None:
    values = np.arange(2048, dtype=np.uint16)
    eight = Stretch.measure([values]).apply(values.reshape(32, 64, 1))
    assert (eight.min(), eight.max()) == (0, 255)
    assert 120 < eight.mean() < 135


def test_the_ends_are_the_percentiles_and_beyond_them_it_is_clipped() -> None:
    stretch = Stretch.measure([np.linspace(0.0, 1000.0, 100_001)])
    assert stretch.low == pytest.approx((5.0,))
    assert stretch.high == pytest.approx((995.0,))
    assert stretch.apply(column(-1e9, 5, 500, 995, 1e9))[:, 0, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("value", [0, 100])
def test_a_constant_band_is_black_and_divides_nothing_by_zero(dtype: str, value: int) -> None:
    pixels = np.full((4, 5, 1), value, dtype)
    assert not Stretch.measure([pixels.ravel()]).apply(pixels).any()


@pytest.mark.parametrize("value", [1e20, -3.4e38, 1e-20])
def test_a_constant_of_any_size_is_black(value: float) -> None:
    assert not Stretch.measure([np.full(9, value)]).apply(column(value, dtype="float64")).any()


@pytest.mark.parametrize("fill", [0, 1000, 65535])
@pytest.mark.parametrize("share", [0.6, 0.9, 0.999])
def test_fill_that_nobody_declared_does_not_whiten_the_picture(fill: int, share: float) -> None:
    picture = np.arange(200, 1200, dtype=np.uint16)
    sample = np.concatenate([picture, np.full(int(1000 * share / (1 - share)), fill, np.uint16)])
    assert Stretch.measure([sample]).low == pytest.approx((205,), abs=1)
    assert Stretch.measure([sample]).high == pytest.approx((1194,), abs=1)


def test_a_band_of_two_values_is_black_and_white() -> None:
    stretch = Stretch.measure([np.array([3] * 999 + [9], np.uint16)])
    assert stretch.apply(column(3, 9, dtype="uint16"))[:, 0, 0].tolist() == [0, 255]


@given(npst.arrays(np.int16, st.integers(0, 50), elements=st.integers(-2, 2)))
def test_the_majority_is_the_value_of_more_than_half(sample: np.ndarray) -> None:
    values, counts = np.unique(sample, return_counts=True)
    expected = values[2 * counts > sample.size]
    assert majority(sample) == (expected[0] if expected.size else None)
    assert telling(sample).size == sample.size - (counts.max() if expected.size else 0)


@pytest.mark.parametrize("sample", [np.zeros(0, np.uint16), np.full(9, np.nan, np.float32)])
def test_a_band_without_a_valid_pixel_has_a_stretch_too(sample: np.ndarray) -> None:
    stretch = Stretch.measure([sample])
    assert stretch.low < stretch.high


def test_nan_and_infinities_have_a_colour() -> None:
    stretch = Stretch("percentile", (0.0,), (1.0,))
    assert stretch.apply(column(np.nan, -np.inf, np.inf))[:, 0, 0].tolist() == [0, 0, 255]


def test_negative_values_of_signed_types() -> None:
    stretch = Stretch("percentile", (-100.0,), (100.0,))
    for dtype in ("int8", "int16", "int32"):
        assert stretch.apply(column(-100, 50, 100, dtype=dtype))[:, 0, 0].tolist() == [0, 191, 255]


@given(
    npst.arrays(np.int16, (3, 4, 3), elements=st.integers(-32768, 32767)),
    st.lists(st.integers(-20_000, 20_000), min_size=3, max_size=3),
    st.lists(st.integers(1, 9_000), min_size=3, max_size=3),
)
def test_the_bits_that_carry_a_value_do_not_matter(
    pixels: np.ndarray, low: list[int], span: list[int]
) -> None:
    stretch = Stretch("percentile", tuple(low), tuple(a + b for a, b in zip(low, span, strict=True)))
    eight = stretch.apply(pixels)
    exact = np.clip((pixels.astype(np.float64) - low) * 255 / np.array(span), 0, 255)
    assert np.abs(eight - exact).max() <= 0.501
    for dtype in ("float32", "float64", "int32"):
        assert np.abs(stretch.apply(pixels.astype(dtype)).astype(int) - eight).max() <= (dtype != "float32")


@given(npst.arrays(np.uint16, (8, 8, 1)))
def test_brighter_never_becomes_darker(pixels: np.ndarray) -> None:
    eight = Stretch.measure([pixels.ravel()]).apply(pixels)[..., 0].ravel()
    assert (np.diff(eight[np.argsort(pixels.ravel(), kind="stable")].astype(int)) >= 0).all()


def test_one_band_stands_three_times_and_three_keep_their_order() -> None:
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    assert np.array_equal(Stretch("none").apply(gray), np.repeat(gray, 3, axis=2))
    colours = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    assert np.array_equal(Stretch("none").apply(colours), colours)


def test_pixels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 5, 2\)"):
        Stretch("none").apply(np.zeros((4, 5, 2), np.uint8))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(1, 1e6)), min_size=1, max_size=3))
def test_the_dictionary_gives_it_back(bands: list[tuple[float, float]]) -> None:
    stretch = Stretch("percentile", tuple(low for low, _ in bands), tuple(low + span for low, span in bands))
    assert Stretch.from_dict(stretch.to_dict()) == stretch
    assert Stretch.from_dict(Stretch("none").to_dict()) == Stretch("none")


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("gamma", (), ()), ("percentile", (1.0,), (1.0,)), ("percentile", (0.0,), (1.0, 2.0))],
)
def test_a_stretch_that_makes_no_sense_is_refused(
    kind: str, low: tuple[float, ...], high: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        Stretch(kind, low, high)
