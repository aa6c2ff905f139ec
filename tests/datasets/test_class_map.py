import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import ClassMapInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import ADAPTERS, adapter
from apronwatch_datasets.class_map import TARGETS, Fate, class_map
from apronwatch_datasets.records import UNCLASSED, horizontal_boxes


def rows() -> list[dict[str, str]]:
    text = files("apronwatch_datasets").joinpath("class_map.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_row_names_a_dataset_that_can_be_read_and_a_target() -> None:
    for row in rows():
        assert row["dataset"] in ADAPTERS, row
        assert row["target"] in TARGETS, row


def test_what_is_left_out_on_purpose_says_why() -> None:
    for row in rows():
        if row["target"] in {"ignore", "drop", "vehicle@size"}:
            assert row["reason"], row


def test_a_dataset_labels_completely_only_what_its_classes_can_say() -> None:
    for name in ADAPTERS:
        targets = {row["target"] for row in rows() if row["dataset"] == name}
        targets |= set(CLASSES) if name == "synthetic" else set()  # it speaks our own names
        said = targets | ({"vehicle_small", "vehicle_large"} if "vehicle@size" in targets else set())
        if targets:
            assert adapter(name).CARD.annotated <= said, name


@pytest.mark.parametrize(
    ("length_m", "name"),
    [(4.2, "vehicle_small"), (6.99, "vehicle_small"), (7.0, "vehicle_large"), (16, "vehicle_large")],
)
def test_a_vehicle_is_told_by_its_length(length_m: float, name: str) -> None:
    side = length_m / 0.5
    classes, fates = class_map("fair1m").assign(
        np.array(["other-vehicle"]), horizontal_boxes([10], [10], [10 + side], [14]), 0.5
    )
    assert CLASSES[classes[0]] == name
    assert fates[0] == Fate.KEPT


def test_a_vehicle_of_unknown_size_is_ignored_not_guessed() -> None:
    classes, fates = class_map("dior").assign(
        np.array(["vehicle"]), horizontal_boxes([0], [0], [9], [4]), None
    )
    assert (classes[0], fates[0]) == (UNCLASSED, Fate.IGNORED)


def test_our_own_names_stand_for_themselves_and_others_are_unknown() -> None:
    boxes = np.repeat(horizontal_boxes([0], [0], [9], [4]), 2, axis=0)
    classes, fates = class_map("coco").assign(np.array(["ship", "boat"]), boxes, None)
    assert classes.tolist() == [CLASSES.index("ship"), UNCLASSED]
    assert fates.tolist() == [Fate.KEPT, Fate.UNKNOWN]


def test_rows_of_ones_own_go_first(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("dataset,source_class,target,reason\ncoco,boat,ship,\ndota,plane,ignore,\n")
    assert class_map("coco", own).target("boat") == "ship"
    assert class_map("dota", own).target("plane") == "ignore"
    assert class_map("dota", own).target("ship") == "ship"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "columns a, b"),
        ("dataset,source_class,target,reason\ncoco,boat,yacht,\n", "target 'yacht'"),
        (
            "dataset,source_class,target,reason\ncoco,boat,ship,\ncoco,boat,plane,\n",
            "own.csv:3: a second row",
        ),
        ("", "columns none"),
        (
            "dataset,source_class,target,reason,complete\ncoco,boat,ship,,maybe\n",
            "own.csv:2: complete is 'maybe'",
        ),
        (
            "dataset,source_class,target,reason,complete\ncoco,boat,ignore,,yes\n",
            "own.csv:2: complete is yes for 'ignore'",
        ),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.csv"
    own.write_text(text)
    with pytest.raises(ClassMapInvalid, match=r"expected|keep one") as refusal:
        class_map("coco", own)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_completeness_by_a_user(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "dataset,source_class,target,reason,complete\n"
        "coco,boat,ship,,yes\ncoco,car,vehicle@size,,yes\ncoco,heli,helicopter,,No\ncoco,*,plane,,\n"
    )
    classes = class_map("coco", own)
    assert classes.ours(["boat"]) == {"ship"}
    assert classes.ours(["car"]) == {"vehicle_small", "vehicle_large"}
    assert classes.ours(["heli", "A320"]) == frozenset()
    assert classes.target("A320") == "plane"
