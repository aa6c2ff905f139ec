"""Images near each other are of one place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch_datasets.places import EARTH_RADIUS_M, group_nearby

DEGREE_M = np.pi / 180 * EARTH_RADIUS_M
points = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def test_chains() -> None:
    """a and c lie too far apart, but b between them joins them."""
    km = 1000 / DEGREE_M
    centres = {"c": (0.0, 8 * km), "a": (0.0, 0.0), "b": (0.0, 4 * km), "d": (0.0, 14 * km)}
    assert group_nearby(centres, 5000) == {"a": "a", "b": "a", "c": "a", "d": "d"}


@pytest.mark.parametrize(
    ("one", "other"), [((179.999, 10.0), (-179.999, 10.0)), ((0.0, 89.999), (180.0, 89.999))]
)
def test_across_the_map_edge(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert group_nearby({"a": one, "b": other}, 1000) == {"a": "a", "b": "a"}


@pytest.mark.parametrize(("apart_m", "together"), [(4990, True), (5010, False)])
def test_distance(apart_m: float, together: bool) -> None:
    """At 60 degrees north a degree of longitude is half as long."""
    places = group_nearby({"a": (10.0, 60.0), "b": (10.0 + 2 * apart_m / DEGREE_M, 60.0)}, 5000)
    assert (places["a"] == places["b"]) is together


def test_nothing() -> None:
    assert group_nearby({}, 5000) == {}


@given(st.dictionaries(st.text(min_size=1, max_size=3), points, max_size=12), st.floats(1, 3_000_000))
def test_a_partition(centres: dict[str, tuple[float, float]], within_m: float) -> None:
    """Every image has one place, named after one of its images; the order of the images does not matter."""
    places = group_nearby(centres, within_m)
    assert places.keys() == centres.keys()
    assert all(places[place] == place for place in places.values())
    assert group_nearby(dict(reversed(centres.items())), within_m) == places
