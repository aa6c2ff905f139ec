"""Every published box is held against those found now, counted or not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.detector.evidence.test_boxes import BOXES, HIDDEN, SITE
from tests.detector.made import made_model, made_picture, made_run

from apronwatch.counting import count_run
from apronwatch.errors import ApronwatchError
from apronwatch.evidence.boxcheck import Checked, check_boxes
from apronwatch.evidence.boxes import Boxes, boxes_of, to_csv, to_geojson
from apronwatch.observation import Frame
from apronwatch.version import __version__

MORE = [*BOXES, ("plane", 700, 700, 0.2), ("plane", 50, 380, 0.051)]


@pytest.fixture
def found() -> Boxes:
    run = made_run(made_picture(), SITE, MORE, hidden=np.append(HIDDEN, [False, False]))
    run.parameters["score_floor"] = 0.05
    (boxes,) = boxes_of([Frame(run, tuple(count_run(run, SITE, made_model())))], SITE)
    return boxes


def checked(folder: Path, found: Boxes, change: Callable[[Any], object]) -> Checked:
    """What is said of the boxes when their file is changed, the table beside it left as it is."""
    (folder / "frame-1").mkdir()
    run = found.run
    plain = json.loads(to_geojson(found, run.scene))
    change(plain)
    (folder / "frame-1" / "boxes.geojson").write_text(json.dumps(plain))
    (folder / "frame-1" / "boxes.csv").write_bytes(to_csv(found))
    model = vars(run.model) | {"synthetic_only": list(run.model.synthetic_only)}
    return check_boxes(folder, {"folder": "frame-1", "scene": run.scene.to_dict()}, model, __version__, found)


def nothing(_: object) -> None:
    pass


def test_unchanged_boxes_are_the_same(tmp_path: Path, found: Boxes) -> None:
    answer = checked(tmp_path, found, nothing)
    assert (answer.counted.both, answer.differs) == (3, ())


def test_boxes_that_do_not_count_are_missed_but_near_the_floor(tmp_path: Path, found: Boxes) -> None:
    answer = checked(tmp_path, found, lambda told: told["features"].__delitem__(slice(7, None)))
    assert (
        "frame-1/boxes.geojson: of boxes that do not count 0 are not found, and 1 are left out"
        in answer.differs
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"why_not": "outside_zones"}, "box 4: why_not outside_zones instead of below_threshold"),
        ({"zones": ["east", "west"]}, "box 4: zones east, west instead of east"),
        ({"score": 0.28}, "box 4: score 0.280 instead of 0.290"),
        ({"truncated": True}, "box 4: truncated True instead of False"),
        ({"class": "ship"}, "of boxes that do not count 1 are not found, and 1 are left out"),
        ({"id": 9}, "box 4: id 9, chip None instead of 4, None"),
        ({"chip": "1-1"}, "box 4: id 4, chip 1-1 instead of 4, None"),
        ({"width_m": 1.0}, "box 4: width_m 1.0, its corners say "),
    ],
)
def test_what_is_said_of_a_box(tmp_path: Path, found: Boxes, changed: dict[str, Any], said: str) -> None:
    answer = checked(tmp_path, found, lambda told: told["features"][3]["properties"].update(changed))
    assert any(line.startswith(f"frame-1/boxes.geojson: {said}") for line in answer.differs), answer.differs


def test_a_box_that_was_moved(tmp_path: Path, found: Boxes) -> None:
    def move(told: Any) -> None:
        ring = told["features"][0]["geometry"]["coordinates"][0]
        ring[:] = [[x + 3, y] for x, y in ring]

    answer = checked(tmp_path, found, move)
    assert answer.differs[0] == "frame-1/boxes.geojson: box 1: its corners lie elsewhere than those found"
    assert answer.differs[1] == "frame-1/boxes.csv: box 1 is not as in boxes.geojson beside it"


@pytest.mark.parametrize("value", [1e300, None, "10", [], 1e999])
def test_corners_that_are_none(tmp_path: Path, found: Boxes, value: object) -> None:
    def spoil(told: Any) -> None:
        told["features"][0]["geometry"]["coordinates"][0][0][0] = value

    try:
        answer = checked(tmp_path, found, spoil)
    except ApronwatchError:
        return
    assert answer.counted.lost or answer.differs
