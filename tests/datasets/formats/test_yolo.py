"""YOLO's label text and lists of names, written and read again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apronwatch.errors import DatasetInvalid
from apronwatch.geometry import envelopes
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.formats.yolo import read_names, read_yolo, write_names, write_yolo
from apronwatch_datasets.source import Log

corners = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 5), st.just(4), st.just(2)), elements=st.floats(-99, 30_000)
)
sizes = st.tuples(st.integers(1, 30_000), st.integers(1, 30_000))
NAMES = ("plane", "ship", "tram")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corners, sizes, st.booleans())
def test_round_trip(tmp_path: Path, polygons: np.ndarray, size: tuple[int, int], oriented: bool) -> None:
    """Corners come back; of a horizontal box the upright hull."""
    path, log = tmp_path / "a.txt", Log(tmp_path)
    classes = np.arange(len(polygons)) % 3
    write_yolo(path, polygons, classes, size, oriented=oriented)
    objects = read_yolo(path, NAMES, size, log, oriented=oriented)
    assert objects is not None
    assert not log.faults
    assert objects.names.tolist() == [NAMES[k] for k in classes.tolist()]
    assert (objects.oriented == oriented).all()
    if oriented:
        np.testing.assert_allclose(objects.polygons, polygons, rtol=0, atol=1e-4)
    np.testing.assert_allclose(envelopes(objects.polygons), envelopes(polygons), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("line", "oriented", "expected"),
    [
        ("0 0.5 0.5 0.1 0.1", True, "a horizontal box"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", False, "an oriented box"),
        ("0 0.5 0.5 0.1", False, "4 fields"),
        ("-1 0.5 0.5 0.1 0.1", False, "class '-1'"),
        ("0.5 0.5 0.5 0.1 0.1", False, "class '0.5'"),
        ("0 0.5 0.5 0.1 nan", False, "not finite"),
        ("0 0.5 0.5 0.1 O.1", False, "no number"),
    ],
)
def test_lines_that_are_no_objects(tmp_path: Path, line: str, oriented: bool, expected: str) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    path.write_text(f"\n{line}\n")
    objects = read_yolo(path, NAMES, (100, 100), log, oriented=oriented)
    assert objects is not None
    assert len(objects) == 0
    assert [(fault.kind, fault.line) for fault in log.faults] == [(FaultKind.BAD_LINE, 2)]
    assert expected in log.faults[0].message


def test_no_text(tmp_path: Path) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    path.write_bytes(b"\xff\xfe\x00\x81")
    assert read_yolo(path, NAMES, (100, 100), log, oriented=True) is None
    assert [fault.kind for fault in log.faults] == [FaultKind.UNREADABLE_LABELS]


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1), unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_round_trip(tmp_path: Path, names: list[str]) -> None:
    """Any name, also one that YAML would take for a number, a truth value or nothing."""
    write_names(tmp_path / "data.yaml", names, {"train": "images", "val": "images"})
    assert read_names(tmp_path) == tuple(names)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("data.yaml", "names: [plane, 'no', tram]"),
        ("dota8.yaml", "path: dota8\nnames:\n  0: plane\n  1: 'no'\n  2: tram\n"),
        ("classes.txt", "plane\nno\n\ntram\n"),
        ("obj.names", "plane\r\nno\r\ntram\r\n"),
    ],
)
def test_names_in_any_file(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / "args.yaml").write_text("epochs: 3")
    (tmp_path / file).write_text(content)
    assert read_names(tmp_path) == ("plane", "no", "tram")


@pytest.mark.parametrize(
    "content",
    [
        "names: 3",
        "names: {1: plane}",
        "names: [",
        "names: {a: plane}",
        "names: {0: plane, a: ship}",
        "names: [plane, no]",
        "names: [plane, null]",
        "names: [plane, 2024-99-99]",
        "names: " + "[" * 20_000,
    ],
)
def test_names_that_cannot_be_understood(tmp_path: Path, content: str) -> None:
    (tmp_path / "data.yaml").write_text(content)
    with pytest.raises(DatasetInvalid, match=r"data\.yaml"):
        read_names(tmp_path)


def test_names_that_are_a_bomb(tmp_path: Path) -> None:
    """A few lines of aliases whose text would fill any memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    (tmp_path / "data.yaml").write_text("\n".join([*lines, "names: [plane, *a11]"]))
    with pytest.raises(DatasetInvalid, match="a name is a list") as refusal:
        read_names(tmp_path)
    assert len(str(refusal.value)) < 300
    (tmp_path / "data.yaml").write_text("\n".join([*lines, "names: {x: *a11}"]))
    with pytest.raises(DatasetInvalid, match="names are a dict"):
        read_names(tmp_path)
