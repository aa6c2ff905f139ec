"""COCO's JSON: what of it is understood. The round trip is tested with `convert`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apronwatch.geometry import areas, rotated_boxes
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.formats.coco import CocoFile, read_coco
from apronwatch_datasets.source import Log


def read(folder: Path, log: Log, *annotations: dict[str, Any]) -> CocoFile:
    document = {
        "images": [{"id": 7, "file_name": "a.png", "date_captured": "2024-03-04T03:44:27+00:00"}],
        "categories": [{"id": 1, "name": "plane"}],
        "annotations": [{"image_id": 7, "category_id": 1, **annotation} for annotation in annotations],
    }
    (folder / "a.json").write_text(json.dumps(document))
    file = read_coco(folder / "a.json", log)
    assert file is not None
    return file


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(5, 90), st.floats(5, 90), st.floats(0.1, 1.4)),
    st.integers(1, 30),
)
def test_outline_of_a_box(tmp_path: Path, numbers: tuple[float, ...], steps: int) -> None:
    """Points along the sides of a box, in several parts or one, give that box."""
    box = rotated_boxes(*numbers)[0]
    sides = np.linspace(box, np.roll(box, -1, axis=0), steps, endpoint=False)
    outline = sides.transpose(1, 0, 2).reshape(-1, 2)
    rings = [outline.reshape(-1).tolist(), box[:3].reshape(-1).tolist()]
    file = read(tmp_path, Log(tmp_path), {"segmentation": rings}, {"segmentation": rings[:1]})
    for found in file.images[0].objects.polygons:
        assert areas(found[None])[0] == pytest.approx(areas(box[None])[0], rel=1e-6)
        distances = np.linalg.norm(found[:, None] - box[None], axis=-1)
        np.testing.assert_allclose(distances.min(axis=0), 0, atol=1e-4)


def test_closed_polygon_keeps_its_corners(tmp_path: Path) -> None:
    ring = [10, 0, 20, 10, 10, 20, 0, 10]
    file = read(tmp_path, Log(tmp_path), {"bbox": [0, 0, 20, 20], "segmentation": [[*ring, 10, 0]]})
    assert file.images[0].objects.polygons[0].reshape(-1).tolist() == ring
    assert file.images[0].objects.oriented.tolist() == [True]


def test_outline_of_one_point_has_no_area(tmp_path: Path) -> None:
    file = read(tmp_path, Log(tmp_path), {"segmentation": [[5, 6] * 3]})
    assert areas(file.images[0].objects.polygons).tolist() == [0]


def test_date_of_an_export_is_no_acquisition(tmp_path: Path) -> None:
    assert read(tmp_path, Log(tmp_path)).images[0].time is None


@pytest.mark.parametrize(
    "annotation",
    [
        {},
        {"bbox": []},
        {"bbox": [1, 2, 3]},
        {"bbox": "1 2 3 4"},
        {"bbox": [1, 2, "x", 4]},
        {"bbox": [1, 2, float("nan"), 4]},
        {"segmentation": [[1, 2, 3, 4]]},
        {"segmentation": [[1, 2, 3, 4, 5, 6, 7]]},
        {"bbox": [1, 2, 3, 4], "image_id": 8},
        {"bbox": [1, 2, 3, 4], "image_id": [7]},
        {"bbox": [1, 2, 10**400, 4]},
        {"segmentation": [[1, 2, 10**400, 4, 5, 6]]},
    ],
)
def test_annotations_that_are_no_objects(tmp_path: Path, annotation: dict[str, Any]) -> None:
    log = Log(tmp_path)
    file = read(tmp_path, log, annotation)
    assert len(file.images[0].objects) == 0
    assert log.lost == {"plane": 1}
    assert [(fault.kind, fault.line) for fault in log.faults] == [(FaultKind.BAD_LINE, 1)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", FaultKind.UNREADABLE_LABELS),
        (b'{"images": [', FaultKind.UNREADABLE_LABELS),
        (b"\xff\xfe\x00\x81", FaultKind.UNREADABLE_LABELS),
        (b"[" * 200_000, FaultKind.UNREADABLE_LABELS),
        (b"1" * 5000, FaultKind.UNREADABLE_LABELS),
        (b"[]", FaultKind.STRAY_FILE),
        (
            b'{"images": [{"id": [1], "file_name": "a"}], "annotations": [], "categories": []}',
            FaultKind.STRAY_FILE,
        ),
        (b'{"images": [], "annotations": [], "categories": [{"id": {}}]}', FaultKind.STRAY_FILE),
        (b'{"images": [], "annotations": []}', FaultKind.STRAY_FILE),
        (b'{"images": [{"id": 1}], "annotations": [], "categories": []}', FaultKind.STRAY_FILE),
        (b'{"images": [1], "annotations": [], "categories": []}', FaultKind.STRAY_FILE),
    ],
)
def test_no_document(tmp_path: Path, content: bytes, kind: FaultKind) -> None:
    (tmp_path / "a.json").write_bytes(content)
    log = Log(tmp_path)
    assert read_coco(tmp_path / "a.json", log) is None
    assert [fault.kind for fault in log.faults] == [kind]


def test_gsd_beyond_reading_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        f'{{"images": [{{"id": 1, "file_name": "a.png", "gsd_m": 1{"0" * 400}}}], "annotations": [], "categories": []}}'
    )
    file = read_coco(tmp_path / "a.json", Log(tmp_path))
    assert file is not None
    assert file.images[0].gsd_m is None


def test_a_category_that_is_no_id(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert not len(read(tmp_path, log, {"bbox": [1, 2, 3, 4], "category_id": [1]}).images[0].objects)
    assert log.lost == {"?": 1}
