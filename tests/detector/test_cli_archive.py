"""`apronwatch archive …` and `apronwatch series`, as a user types them."""

import csv
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from apronwatch import cli
from apronwatch.archive import Archive
from apronwatch.counts import failed_counts
from tests.detector.archive import examples


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three looks: all of it, half of it, and a failure; in the archive that commands take without being told."""
    file = tmp_path / "apronwatch.sqlite"
    monkeypatch.setenv("APRONWATCH_ARCHIVE", str(file))
    place = examples.site()
    with Archive.open(file) as archive:
        for run in (
            examples.run(),
            examples.run(
                examples.scene("half.tif", **examples.day(1)),
                examples.boxes([(100, 100), (300, 200)]),
                view=(0, 0, 400, 400),
            ),
        ):
            archive.store(run, examples.counts(run), place)
        info = examples.scene("bad.tif", time_precision="day", **examples.day(2))
        archive.store_failure(
            info, examples.MODEL, {"n": 1}, place, failed_counts(place), "the engine failed on a tile"
        )
    return file


class Typed:
    """What a command line gave."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def run(*words: object, answer: str = "") -> Typed:
        monkeypatch.setattr("sys.argv", ["apronwatch", *map(str, words)])
        monkeypatch.setattr("sys.stdin", __import__("io").StringIO(answer))
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return Typed(int(end.value.code or 0), captured.out, captured.err)

    return run


def cells(table: str) -> list[list[str]]:
    """Rows of a printed table, without its header and rule and what stands below it."""
    rows = table.partition("\n\n")[0].splitlines()[2:]
    return [[c.strip() for c in line.split("  ") if c.strip()] for line in rows]


def test_series_prints_a_dash_where_nothing_can_be_said(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    done = typed("series", "base", "--class", "plane", "--zone", "east")
    assert done.status == 0
    assert cells(done.out) == [
        ["2024-12-10 12:00:00Z", "east", "plane", "1", "100.0", "complete", "uncalibrated"],
        ["2024-12-11 12:00:00Z", "east", "plane", "-", "0.0", "unseen", "partial"],
        ["2024-12-12", "east", "plane", "-", "-", "failed"],
    ]


def test_series_of_several_models_names_them_line_by_line(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    assert "model" not in typed("series", "base").out.splitlines()[0]
    run = examples.run(examples.scene("new.tif", **examples.day(3)), model=examples.OTHER_MODEL)
    with Archive.open(filled) as archive:
        archive.store(run, examples.counts(run), examples.site())
    done = typed("series", "base", "--class", "plane", "--zone", "*")
    assert done.out.splitlines()[0].split()[:2] == ["time", "model"]
    assert [row[1] for row in cells(done.out)] == ["test-model abababab"] * 3 + ["other-model cdcdcdcd"]
    assert "model" not in typed("series", "base", "--model", "other-model").out.splitlines()[0]


def test_series_as_json(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    done = typed("series", "base", "--class", "plane", "--zone", "*", "--json")
    document = json.loads(done.out)
    assert document["site"] == "base"
    first, half, failed = document["rows"]
    assert first == {
        "time": "2024-12-10T12:00:00Z",
        "time_precision": "second",
        "site": "base",
        "zone": "*",
        "class": "plane",
        "seen": 3,
        "at_least": False,
        "estimate": None,
        "low": None,
        "high": None,
        "observed_fraction": pytest.approx(1.0),
        "status": "complete",
        "reasons": ["no_mask", "uncalibrated"],
        "scene": {
            "path": "images/a.tif",
            "sha256": examples.scene().sha256,
            "identity": examples.scene().identity,
            "gsd_m": 0.5,
            "synthetic": False,
        },
        "run": 1,
        "runs": [1],
        "model": {"name": "test-model", "sha256": "ab" * 32},
        "geometry_sha256": examples.site().geometry_hash,
    }
    assert (half["seen"], half["status"]) == (2, "partial")
    assert (failed["seen"], failed["status"], failed["observed_fraction"]) == (None, "failed", None)


def test_series_to_csv_and_chart(filled: Path, typed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table, chart = tmp_path / "s.csv", tmp_path / "s.png"
    done = typed("series", "base", "--class", "plane", "--csv", table, "--plot", chart)
    assert done.status == 0
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3 * 3
    assert {r["seen"] for r in rows if r["status"] in ("failed", "unseen")} == {""}
    assert [r["seen"] for r in rows if r["zone"] == "*"] == ["3", "2", ""]
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_series_says_below_or_in_its_rows_where_no_mask_lay(filled: Path, typed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = ("series", "base", "--class", "plane", "--zone", "*")
    said = typed(*words).out
    assert (
        said.count("No mask lay over any look with a number: ground under a cloud counts as seen there") == 1
    )
    assert "no_mask" not in said, "a line below says it of every row"
    run = replace(examples.run(examples.scene("clear.tif", **examples.day(3))), masks_hash="clear")
    with Archive.open(filled) as archive:
        archive.store(run, examples.counts(run), examples.site())
    table = tmp_path / "s.csv"
    said = typed(*words, "--csv", table).out
    assert "No mask lay over 2 of the 3 looks with a number: " in said
    assert ["no_mask" in row[-1] for row in cells(said)] == [True, True, False, False]
    with table.open(newline="", encoding="utf-8") as lines:
        reasons = [row["reasons"].split(";") for row in csv.DictReader(lines)]
    assert ["no_mask" in told for told in reasons] == [True, True, False, False]
    rows = json.loads(typed(*words, "--json").out)["rows"]
    assert [row["reasons"] for row in rows] == [[word for word in told if word] for told in reasons]


def test_series_of_a_site_without_dates_says_so(typed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run = examples.run(examples.scene(time=None, time_precision=None, time_source=None))
    with Archive.open() as archive:
        archive.store(run, examples.counts(run), examples.site())
    done = typed("series", "base")
    assert done.status == 0
    assert "no look at this site has a time" in done.err
    assert cells(typed("archive", "runs").out)[0][2] == "undated"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("series", "elsewhere"), "no site elsewhere in this archive; it holds base"),
        (("series", "base", "--zone", "north"), "no zone north"),
        (("series", "base", "--class", "tank"), "tank"),
        (("series", "base", "--model", "none"), "no runs of model none"),
        (("archive", "runs", "--site", "elsewhere"), "it holds base"),
        (("archive", "redate", "77", "--time", "2024-12-01"), "no run 77"),
        (("archive", "redate", "1", "--time", "yesterday"), "ISO 8601"),
        (("archive", "remove", "77", "--yes"), "no run 77"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    filled: Path,
    typed,
    words: tuple[str, ...],
    said: str,  # type: ignore[no-untyped-def]
) -> None:
    before = filled.read_bytes()
    done = typed(*words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert filled.read_bytes() == before


def test_nothing_is_made_where_no_archive_is(typed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for words in (
        ("series", "base"),
        ("archive", "runs"),
        ("archive", "remove", "1"),
        ("archive", "upgrade"),
    ):
        done = typed(*words, "--archive", tmp_path / "none.sqlite")
        assert done.status == 2
        assert "none.sqlite" in done.err
    assert list(tmp_path.iterdir()) == []


def test_runs_as_table_and_json(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    rows = cells(typed("archive", "runs").out)
    assert [(r[0], r[1], r[3], r[-2], r[-1]) for r in rows] == [
        ("1", "base", "images/a.tif", "3", "done"),
        ("2", "base", "images/half.tif", "2", "done"),
        ("3", "base", "images/bad.tif", "-", "failed: the engine failed on a tile"),
    ]
    listed = json.loads(typed("archive", "runs", "--site", "base", "--json").out)["runs"]
    assert [(r["run"], r["status"], r["detections"]) for r in listed] == [
        (1, "done", 3),
        (2, "done", 2),
        (3, "failed", 0),
    ]
    assert listed[2]["failure"] == "the engine failed on a tile"


def test_redate_tells_old_and_new(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    done = typed("archive", "redate", "images/a.tif", "--time", "2024-12-20T09:30+03:00")
    assert done.out == "images/a.tif: 2024-12-20 06:30Z (was 2024-12-10 12:00:00Z)\n"
    with Archive.open(filled) as archive:
        assert archive.run(1).scene.time == examples.NOON + timedelta(days=9, hours=18, minutes=30)
        assert archive.run(1).scene.time_precision == "minute"


def test_remove_asks_first(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    done = typed("archive", "remove", "1", answer="n\n")
    assert done.status == 130
    with Archive.open(filled) as archive:
        assert len(archive.runs()) == 3
    assert typed("archive", "remove", "1", answer="y\n").status == 0
    done = typed("archive", "remove", "2", "--yes")
    assert done.out == "deleted run 2 (base, 2024-12-11 12:00:00Z, images/half.tif)\n"
    with Archive.open(filled) as archive:
        assert [r.run_id for r in archive.runs()] == [3]


def test_upgrade_of_the_newest_schema(filled: Path, typed) -> None:  # type: ignore[no-untyped-def]
    assert typed("archive", "upgrade").out == "schema 0002: nothing to do\n"
