"""`apronwatch series` after `apronwatch count`: rows in order of time, as JSON, CSV, chart and table."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Command
from tests.e2e.drawn import planes
from tests.e2e.weights import other_weights

ROW_KEYS = [
    "time", "time_precision",
    "site", "zone", "class", "seen", "at_least", "estimate", "low", "high", "observed_fraction", "status", "reasons",
    "scene", "run", "runs", "model",
]  # fmt: skip

TIMES = {"may": "2026-05-01T06:10:00Z", "march": "2026-03-03T08:15:00Z", "april": "2026-04-07T07:00:00+02:00"}


@pytest.fixture(scope="module")
def aprons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DrawnScene]:
    """The same apron on three days; to be read only."""
    folder = tmp_path_factory.mktemp("aprons")
    return {name: planes(folder, seed, name=name) for name, seed in (("may", 3), ("march", 4), ("april", 5))}


@pytest.fixture
def counted(apronwatch: Command, tmp_path: Path, aprons: dict[str, DrawnScene]) -> dict[str, dict]:
    """What `count` said of each day (in the order of the manifest, which is none), all of it archived."""
    manifest = tmp_path / "scenes.csv"
    rows = [f"{scene.files.image},{TIMES[name]}" for name, scene in aprons.items()]
    manifest.write_text("\n".join(["path,time", *rows]))
    answer = apronwatch("count", "--manifest", manifest, "--sites", aprons["may"].sites, "--json")
    assert answer.status == 0, answer.err
    return dict(zip(aprons, answer.document["scenes"], strict=True))


def test_rows_are_what_was_counted_in_order_of_time(apronwatch: Command, counted: dict[str, dict]) -> None:
    document = apronwatch("series", "synthetic-apron", "--json").document
    assert list(document)[:2] == ["apronwatch", "site"]
    assert document["site"] == "synthetic-apron"
    rows = document["rows"]
    assert all([key for key in row if key in ROW_KEYS] == ROW_KEYS for row in rows)
    times = [row["time"] for row in rows]
    assert times == sorted(times)
    assert list(dict.fromkeys(times)) == [
        "2026-03-03T08:15:00Z",
        "2026-04-07T05:00:00Z",
        "2026-05-01T06:10:00Z",
    ]
    for name, scene in counted.items():
        of_scene = [row for row in rows if row["scene"]["sha256"] == scene["sha256"]]
        assert {row["time"] for row in of_scene} == {scene["time"]}
        assert {row["run"] for row in of_scene} & {
            row["run"] for row in rows if row["scene"]["sha256"] != scene["sha256"]
        } == set(), name
        said = [{key: row[key] for key in ROW_KEYS[2:13]} for row in of_scene]
        assert sorted(said, key=_place) == sorted(scene["counts"], key=_place)
        assert {row["model"]["sha256"] for row in of_scene} == {scene["model"]["sha256"]}


def _place(count: dict) -> tuple[str, str]:
    return count["zone"], count["class"]


def test_one_zone_and_one_class(apronwatch: Command, counted: dict[str, dict]) -> None:
    words = ("series", "synthetic-apron", "--zone", "east", "--class", "plane", "--json")
    rows = apronwatch(*words).document["rows"]
    assert [(row["zone"], row["class"]) for row in rows] == [("east", "plane")] * 3
    expected = {
        scene["time"]: next(
            c["seen"] for c in scene["counts"] if (c["zone"], c["class"]) == ("east", "plane")
        )
        for scene in counted.values()
    }
    assert {row["time"]: row["seen"] for row in rows} == expected
    assert min(expected.values()) > 0


def test_a_file_a_chart_and_a_table(apronwatch: Command, folder: Path, counted: dict[str, dict]) -> None:
    words = ("series", "synthetic-apron", "--class", "plane", "--zone", "*")
    rows = apronwatch(*words, "--json").document["rows"]
    answer = apronwatch(*words, "--csv", "counts.csv", "--plot", "chart.png")
    assert answer.status == 0, answer.err
    with (folder / "counts.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(line["time"], int(line["seen"])) for line in table] == [(r["time"], r["seen"]) for r in rows]
    with Image.open(folder / "chart.png") as chart:
        chart.verify()
        assert min(chart.size) > 300
    lines = [line.split() for line in answer.out.splitlines() if " plane " in line]
    assert [line[0] for line in lines] == ["2026-03-03", "2026-04-07", "2026-05-01"]
    assert all(str(row["seen"]) in line for row, line in zip(rows, lines, strict=True))


def test_classes_that_the_weights_do_not_know_are_one_line_and_no_rows(
    apronwatch: Command, folder: Path, counted: dict[str, dict]
) -> None:
    answer = apronwatch("series", "synthetic-apron", "--csv", "all.csv")
    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    assert not any("not_modelled" in line for line in lines)
    assert lines[-1].startswith("These weights do not know ")
    assert lines[-1].endswith(": no number, which is not zero.")
    rows = apronwatch("series", "synthetic-apron", "--json").document["rows"]
    with (folder / "all.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    for status in ([row["status"] for row in rows], [line["status"] for line in table]):
        assert status.count("not_modelled") >= 9, "three looks in two zones and the whole site"
        shown = len(status) - status.count("not_modelled")
        assert sum(line.startswith("2026-") for line in lines) == shown


def test_which_of_several_weights_does_not_know_a_class_is_said(
    apronwatch: Command, counted: dict[str, dict], aprons: dict[str, DrawnScene]
) -> None:
    other_weights("stern", 0.3)
    scene = aprons["may"]
    words = ("--sites", scene.sites, "--time", TIMES["may"], "--model", "stern")
    assert apronwatch("count", scene.files.image, *words).status == 0
    said = [
        line for line in apronwatch("series", "synthetic-apron").out.splitlines() if "do not know" in line
    ]
    assert len(said) == 2
    assert any(line.startswith("The weights stern ") for line in said)


@pytest.mark.parametrize("bad", ["chart.gif", "chart", "gone/chart.png", "."])
def test_a_chart_that_cannot_be_written_leaves_no_table_either(
    refused: Command, counted: dict[str, dict], bad: str
) -> None:
    refused("series", "synthetic-apron", "--csv", "counts.csv", "--plot", bad)
    refused("series", "synthetic-apron", "--csv", "gone/counts.csv", "--plot", "chart.png")


def test_drawn_pictures_are_called_so_in_the_table(apronwatch: Command, counted: dict[str, dict]) -> None:
    said = apronwatch("series", "synthetic-apron").out
    assert said.count("Some of these pictures are synthetic: drawn, not taken.") == 1
    nothing = apronwatch("series", "synthetic-apron", "--json").out
    assert "drawn, not taken" not in nothing


@pytest.mark.parametrize(
    "words",
    [["nowhere"], ["synthetic-apron", "--class", "tank"], ["synthetic-apron", "--zone", "north"]],
)
def test_what_was_never_counted_is_refused(
    apronwatch: Command, refused: Command, counted: dict[str, dict], words: list[str]
) -> None:
    refused("series", *words)


def test_without_an_archive_there_is_no_series(refused: Command) -> None:
    refused("series", "base")
