"""DOTA's label text, written and read again."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.formats.dota_text import read_dota, write_dota
from apronwatch_datasets.records import Objects
from apronwatch_datasets.source import Log

corners = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 5), st.just(4), st.just(2)), elements=st.floats(-99, 30_000)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corners, st.none() | st.floats(0.01, 10), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_round_trip(tmp_path: Path, polygons: np.ndarray, gsd_m: float | None, time: datetime | None) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    names = np.array(["plane", "Boeing737", "tram"])[np.arange(len(polygons)) % 3]
    difficult = np.arange(len(polygons)) % 2 == 1
    objects = Objects.of(polygons, names, np.zeros(len(polygons)), difficult=difficult)
    write_dota(path, objects, names, gsd_m=gsd_m, time=time)
    text = read_dota(path, log)
    assert text is not None
    assert not log.faults
    np.testing.assert_allclose(text.objects.polygons, polygons, rtol=0, atol=1e-4)
    assert text.objects.names.tolist() == names.tolist()
    assert text.objects.difficult.tolist() == difficult.tolist()
    assert (text.gsd_m, text.time) == (gsd_m, time)


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("1 2 3 4 5 6 7 8", "?"),
        ("1 2 3 4", "?"),
        ("1 2 3 4 5 6 x 8 plane 0", "plane"),
        ("1 2 3 4 5 6 inf 8 plane 0", "plane"),
        ("1 2 3 4 5 6 7 8 plane 3", "plane"),
        ("1 2 3 4 5 6 7 8 small car 0", "small"),
    ],
)
def test_lines_that_are_no_objects(tmp_path: Path, line: str, lost: str) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    path.write_text(f"imagesource:GoogleEarth\ngsd:null\n{line}\n")
    text = read_dota(path, log)
    assert text is not None
    assert len(text.objects) == 0
    assert log.lost == {lost: 1}
    assert log.faults[0].line == 3


def test_fields_left_out_and_added(tmp_path: Path) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    path.write_text("\ufeff1 2 3 2 3 4 1 4 plane\r\n\r\n5 2 7 2 7 4 5 4 ship 1 0.75\r\n")
    text = read_dota(path, log, oriented=False)
    assert text is not None
    assert not log.faults
    assert text.objects.names.tolist() == ["plane", "ship"]
    assert text.objects.difficult.tolist() == [False, True]
    assert text.objects.lines.tolist() == [1, 3]
    assert not text.objects.oriented.any()


@pytest.mark.parametrize("gsd", ["null", "None", "0.0", "nan", "-1", ""])
def test_gsd_that_is_none(tmp_path: Path, gsd: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"acquisition dates:None\nimagesource:JL\ngsd:{gsd}\n")
    text = read_dota(path, Log(tmp_path))
    assert text is not None
    assert (text.gsd_m, text.time) == (None, None)


def test_no_text(tmp_path: Path) -> None:
    path, log = tmp_path / "a.txt", Log(tmp_path)
    path.write_bytes(b"\xff\xfe\x00\x81")
    assert read_dota(path, log) is None
    assert [fault.kind for fault in log.faults] == [FaultKind.UNREADABLE_LABELS]
