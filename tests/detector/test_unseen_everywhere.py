"""Ground that was not seen has no number, and less than half of it a least one, wherever a reader looks."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from apronwatch import cli
from apronwatch.archive import Archive
from apronwatch.report import words
from apronwatch.report.chart import series_figure
from tests.detector.archive import examples

LOOKS = {"all": (0, 0, 800, 400), "third": (0, 0, 267, 400), "none": (0, 0, 0, 0)}
"""What three looks, a day apart, saw of 800 m; a plane stands in the first third."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as opened:
        for n, (name, view) in enumerate(LOOKS.items()):
            found = examples.boxes([(100, 100)] if name != "none" else [])
            run = examples.run(examples.scene(f"{name}.tif", **examples.day(n)), found, view=view)
            opened.store(run, examples.counts(run), examples.site())
    return file


def series(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *more: str
) -> str:
    asked = [
        "apronwatch",
        "series",
        "base",
        "--class",
        "plane",
        "--zone",
        "*",
        "--archive",
        str(archive),
        *more,
    ]
    monkeypatch.setattr("sys.argv", asked)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    return capsys.readouterr().out


def test_table_json_and_csv(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = series(archive, capsys, monkeypatch).partition("\n\n")[0].splitlines()[2:]
    cells: list[list[str]] = [[c for c in line.split("  ") if c] for line in table]
    assert [row[3].strip() for row in cells] == ["1", "at least 1", "-"]

    rows: list[dict[str, Any]] = json.loads(series(archive, capsys, monkeypatch, "--json"))["rows"]
    assert [(r["seen"], r["at_least"]) for r in rows] == [(1, False), (1, True), (None, False)]
    assert (rows[2]["estimate"], rows[2]["low"], rows[2]["high"]) == (None, None, None)

    out = tmp_path / "out.csv"
    series(archive, capsys, monkeypatch, "--csv", str(out))
    with out.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [(r["seen"], r["at_least"]) for r in written] == [("1", "false"), ("1", "true"), ("", "")]


def test_chart_and_report(archive: Path) -> None:
    with Archive.open(archive) as opened:
        rows = opened.series("base", zone="*", class_name="plane")
    drawn = [line for axes in series_figure(rows, title="base").axes for line in axes.lines]
    seen = [line.get_ydata()[0] for line in drawn if line.get_gid() in ("seen", "less than half")]
    assert sorted(seen) == [1, 1]
    assert sum(line.get_gid() == "gap" for line in drawn) == 1
    assert [words.number(row.count) for row in rows] == ["1", "at least 1", "– not observed"]


@pytest.mark.parametrize("reason", ["snow:0.250", "haze:0.031", "seen_less_than_half", "united_by_content"])
def test_reasons_are_said_in_words(reason: str) -> None:
    assert words.explain(reason) != reason.replace("_", " ")
    assert words.reason_label("snow:0.250") == "snow over 25 % of the zone"
