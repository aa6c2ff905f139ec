"""No folder of the maker's machine gets into what is published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.evidence.names import published, scene_name

FOLDERS = st.lists(
    st.text("abc dé-_", min_size=1, max_size=6).map(lambda t: f"x{t}x"), min_size=1, max_size=4
)


@given(
    FOLDERS,
    st.sampled_from(["/{}/scene.tif", "~/{}/scene.tif", "C:\\{}\\scene.tif", "\\\\host\\{}\\scene.tif"]),
)
def test_absolute_paths_lose_their_folders(folders: list[str], form: str) -> None:
    separator = "\\" if "\\" in form else "/"
    text = published(f"failed: {form.format(separator.join(folders))} broke off")
    assert text == "failed: scene.tif broke off"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scenes/jane/a.tif: truncated", "a.tif: truncated"),
        ("the server https://example.org/a/b.tif said no", "the server https://example.org/a/b.tif said no"),
        ("aircraft and/or helicopters", "aircraft and/or helicopters"),
        ("gdal_edit.py -a_nodata 0 FILE", "gdal_edit.py -a_nodata 0 FILE"),
    ],
)
def test_only_paths_are_touched(text: str, expected: str) -> None:
    assert published(text) == expected


def test_known_paths_go_by_their_names() -> None:
    assert published("my scenes/x y.tif: gone", ["my scenes/x y.tif"]) == "x y.tif: gone"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/20241201.tif", "20241201.tif"),
        ("/data/items.json#a/b", "items.json#a/b"),
        ("https://user:key@example.org/a/b.tif?sig=1", "https://example.org/a/b.tif"),
    ],
)
def test_scene_names(path: str, name: str) -> None:
    assert scene_name(path) == name
