import json
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch.geometry import areas
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_datasets.faults import FaultKind, counted


def test_fake(tmp_path: Path) -> None:
    truth = write_fake(tmp_path)
    dataset = load(adapter("synthetic"), tmp_path)
    assert len(dataset.images) == truth.images
    assert counted(dataset.faults) == truth.faults
    assert {name: sum(fates.values()) for name, fates in dataset.tally.items()} == truth.objects
    assert all(image.annotated == set(CLASSES) for image in dataset.images)
    assert [image.gsd_m for image in dataset.images] == [pytest.approx(0.5, rel=1e-3)] * 2


def test_boxes_lie_where_and_as_they_were_drawn(tmp_path: Path) -> None:
    write_fake(tmp_path)
    image = load(adapter("synthetic"), tmp_path).images[0]
    sides = np.linalg.norm(np.diff(image.objects.polygons, axis=1), axis=-1)
    planes = image.objects.classes == CLASSES.index("plane")
    assert sorted((sides[planes].max(axis=1) * 0.5).tolist()) == pytest.approx([21.94, 50.5], abs=0.6)
    assert (areas(image.objects.polygons) > 10).all()
    assert image.objects.oriented.all()
    assert 0 < image.objects.polygons.min() < image.objects.polygons.max() < 320


def test_decoys_are_background_and_what_cannot_be_seen_is_ignored(tmp_path: Path) -> None:
    write_fake(tmp_path)
    [truth] = (tmp_path / "scenario0" / "truth").glob("*.geojson")
    document = json.loads(truth.read_text())
    told = [feature["properties"] for feature in document["features"]]
    told[0]["kind"], told[1]["kind"], told[2]["hidden"], told[3]["covered"] = "decoy", "wreck", True, 0.8
    truth.write_text(json.dumps(document))
    dataset = load(adapter("synthetic"), tmp_path / "scenario0")
    assert dataset.tally["decoy"] == {"background": 1}
    assert dataset.tally["wreck"] == {"ignored": 1}
    assert int(dataset.images[0].objects.ignore.sum()) == 3
    assert not dataset.faults


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="apronwatch data synthesize"):
        load(adapter("synthetic"), tmp_path)


def test_one_feature_that_cannot_be_read_is_lost_alone(tmp_path: Path) -> None:
    write_fake(tmp_path)
    [truth] = (tmp_path / "scenario0" / "truth").glob("*.geojson")
    document = json.loads(truth.read_text())
    features = document["features"]
    del features[0]["properties"]["kind"]
    features[1]["geometry"]["coordinates"] = []
    features[2]["properties"]["covered"] = None
    truth.write_text(json.dumps(document))
    dataset = load(adapter("synthetic"), tmp_path / "scenario0")
    assert [(fault.kind, fault.line) for fault in dataset.faults] == [
        (FaultKind.BAD_LINE, 1),
        (FaultKind.BAD_LINE, 2),
        (FaultKind.BAD_LINE, 3),
    ]
    assert sum(fates.total() for fates in dataset.tally.values()) == len(features)
    assert sum(fates["dropped"] for fates in dataset.tally.values()) == 3
    assert dataset.images[0].objects.lines.tolist() == list(range(4, len(features) + 1))
