"""Counts as CSV: an unknown number is an empty cell, and no cell is a formula."""

import csv
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas
import pytest

from apronwatch.archive.rows import SeriesRow
from apronwatch.counts import Count, SizeCount, Status
from apronwatch.errors import OutputInvalid
from apronwatch.interchange.counts_csv import COLUMNS, write_counts_csv


def _row(count: Count, **facts: Any) -> SeriesRow:
    given: dict[str, Any] = {
        "time": datetime(2024, 12, 13, 8, 15, tzinfo=UTC),
        "time_precision": "minute",
        "count": count,
        "scene_sha256": "cd" * 32,
        "scene_identity": "sha256:" + "cd" * 32,
        "scene_path": "/home/someone/base.tif",
        "run_id": 7,
        "run_ids": (7,),
        "model_name": "plane-n",
        "model_sha256": "ab" * 32,
        "geometry_sha256": "ef" * 32,
        "gsd_m": 0.5,
        "synthetic": False,
        "frames": 1,
    }
    return SeriesRow(**(given | facts))


SEEN = Count("base", "apron", "plane", 0, 1.5, 0.0, 3.0, 0.62, Status.PARTIAL, ("partial", "uncalibrated"))
UNSEEN = Count("base", "*", "ship", None, None, None, None, 0.0, Status.UNSEEN, ("unseen",))
FAILED = Count("base", "*", "ship", None, None, None, None, None, Status.FAILED, ("failed",))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_nothing_is_lost_and_unknown_is_empty(tmp_path: Path) -> None:
    write_counts_csv([_row(SEEN), _row(UNSEEN), _row(FAILED, scene_sha256=None)], tmp_path / "a.csv")
    seen, unseen, failed = _read(tmp_path / "a.csv")
    assert seen == {
        "time": "2024-12-13T08:15:00Z",
        "site": "base",
        "zone": "apron",
        "class": "plane",
        "seen": "0",
        "estimate": "1.5",
        "low": "0.0",
        "high": "3.0",
        "observed_fraction": "0.62",
        "status": "partial",
        "reasons": "partial;uncalibrated",
        "scene": "base.tif",
        "sha256": "cd" * 32,
        "gsd_m": "0.5",
        "model": "plane-n",
        "model_sha256": "ab" * 32,
        "run": "7",
        "time_precision": "minute",
        "synthetic": "false",
        "geometry_sha256": "ef" * 32,
        "at_least": "true",
    }
    assert [unseen[name] for name in ("seen", "at_least", "estimate", "low", "high")] == [""] * 5
    assert (unseen["observed_fraction"], failed["observed_fraction"], failed["sha256"]) == ("0.0", "", "")


def test_size_groups_stand_below_their_count_with_expected_in_place_of_seen(tmp_path: Path) -> None:
    known = SizeCount("small", 2.5, 3.0, 2.0, 4.0, ("partial",))
    unknown = SizeCount("large", None, None, None, None, ("partial", "lengths_not_measured"))
    count = Count("base", "apron", "plane", 3, 3.0, 2.0, 5.0, 0.62, Status.PARTIAL, ("partial",))
    rows = [_row(replace(count, by_size=(known, unknown))), _row(UNSEEN)]
    write_counts_csv(rows, tmp_path / "a.csv", by_size=True)
    names = ("class", "size", "seen", "expected", "at_least", "estimate", "low", "high", "status", "reasons")
    assert [tuple(row[name] for name in names) for row in _read(tmp_path / "a.csv")] == [
        ("plane", "", "3", "", "true", "3.0", "2.0", "5.0", "partial", "partial"),
        ("plane", "small", "", "2.5", "true", "3.0", "2.0", "4.0", "partial", "partial"),
        ("plane", "large", "", "", "", "", "", "", "partial", "partial;lengths_not_measured"),
        ("ship", "", "", "", "", "", "", "", "unseen", "unseen"),
    ]
    write_counts_csv(rows, tmp_path / "b.csv")
    assert list(_read(tmp_path / "b.csv")[0]) == list(COLUMNS)
    assert len(_read(tmp_path / "b.csv")) == 2


def test_a_spreadsheet_tells_zero_from_unknown(tmp_path: Path) -> None:
    write_counts_csv([_row(SEEN), _row(UNSEEN, synthetic=True)], tmp_path / "a.csv")
    table = pandas.read_csv(tmp_path / "a.csv", parse_dates=["time"])
    assert table["seen"].isna().tolist() == [False, True]
    assert table["seen"].sum() == 0
    assert table["synthetic"].tolist() == [False, True]
    assert str(table["time"].dt.tz) == "UTC"


def test_lines_end_as_rfc_4180_wants(tmp_path: Path) -> None:
    write_counts_csv([_row(SEEN), _row(UNSEEN)], tmp_path / "a.csv")
    written = (tmp_path / "a.csv").read_bytes()
    assert written.count(b"\r\n") == written.count(b"\n") == written.count(b"\r") == 3
    assert written.endswith(b"\r\n")


def test_no_rows_still_have_a_header(tmp_path: Path) -> None:
    write_counts_csv([], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == ",".join(COLUMNS).encode() + b"\r\n"


@pytest.mark.parametrize(
    "evil", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "=a,b\n=c"]
)
def test_names_from_strangers_are_not_run(tmp_path: Path, evil: str) -> None:
    count = Count(evil, evil, "plane", 1, None, None, None, 1.0, Status.COMPLETE)
    write_counts_csv([_row(count, scene_path=evil, model_name=evil)], tmp_path / "a.csv")
    (row,) = _read(tmp_path / "a.csv")
    assert row["site"] == row["zone"] == row["model"] == f"'{evil}"
    assert not [cell for cell in row.values() if re.match(r"[=+\-@\t\r]", cell)]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputInvalid, match="make it first"):
        write_counts_csv([], tmp_path / "missing" / "a.csv")
