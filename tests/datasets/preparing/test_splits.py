"""Splits go by place: places never part, names are obeyed, the seed decides the rest."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.errors import CallInvalid
from apronwatch_datasets.preparing import Options
from apronwatch_datasets.preparing.splits import Place, assign, read_splits

PLACES = {("a", f"p{k}"): 10 for k in range(20)}


def apart(weights: dict[Place, int]) -> dict[Place, int]:
    return {place: k for k, place in enumerate(sorted(weights))}


@given(
    st.dictionaries(
        st.sampled_from([(d, f"p{k}") for d in "abc" for k in range(12)]), st.integers(0, 50), min_size=1
    )
)
def test_every_place_has_a_split_and_a_single_place_goes_to_train(weights: dict[Place, int]) -> None:
    chosen = assign(weights, apart(weights), {}, Options())
    assert chosen.keys() == weights.keys()
    of_dataset = Counter(dataset for dataset, _ in weights)
    assert all(chosen[place] == "train" for place in weights if of_dataset[place[0]] == 1)


def test_shares_are_met_and_the_seed_decides_which() -> None:
    first = assign(PLACES, apart(PLACES), {}, Options())
    assert Counter(first.values()) == {"train": 16, "val": 2, "test": 2}
    assert first == assign(dict(reversed(PLACES.items())), apart(PLACES), {}, Options())
    assert first != assign(PLACES, apart(PLACES), {}, Options(seed=1))


def test_joined_places_stay_together_and_follow_a_name() -> None:
    groups = {place: k // 5 for k, place in enumerate(sorted(PLACES))}
    named = {("a", "p0"): "test"}
    chosen = assign(PLACES, groups, named, Options())
    for group in range(4):
        assert len({chosen[place] for place in PLACES if groups[place] == group}) == 1
    assert all(chosen[place] == "test" for place in PLACES if groups[place] == groups["a", "p0"])


def test_rest_goes_to_train(tmp_path: Path) -> None:
    file = tmp_path / "splits.csv"
    file.write_text("dataset,place,split\na,p3,calibration\na,p4,val\nb,p1,test\n")
    named = read_splits(file, list(PLACES))
    assert named == {("a", "p3"): "calibration", ("a", "p4"): "val"}
    chosen = assign(PLACES, apart(PLACES), named, Options(splits=file, rest="train"))
    assert Counter(chosen.values()) == {"train": 18, "val": 1, "calibration": 1}
    assert set(assign(PLACES, apart(PLACES), {}, Options(rest="train")).values()) == {"train"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dataset,split\n", "first line"),
        ("dataset,place,split\na,p1,dev\n", ":2: a,p1,dev"),
        ("dataset,place,split\na,p99,val\n", "no place 'p99'"),
        ("dataset,place,split\na,p1,val\na,p1,test\n", "named twice"),
    ],
)
def test_a_file_of_splits_that_is_wrong_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "splits.csv"
    file.write_text(text)
    with pytest.raises(CallInvalid, match=told):
        read_splits(file, list(PLACES))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gsds_m": ()},
        {"gsds_m": (0.3, 0.3)},
        # Tiles of both would be called 0.3m.
        {"gsds_m": (0.3, 0.30000001)},
        {"tile_px": 16},
        {"overlap_px": 600},
        {"shares": (0.5, 0.1, 0.1)},
        {"image_format": "tif"},
        {"backgrounds": 1.5},
        {"max_upscale": 0.5},
        {"workers": 0},
        {"rest": "val"},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CallInvalid):
        Options(**wrong)  # type: ignore[arg-type]
