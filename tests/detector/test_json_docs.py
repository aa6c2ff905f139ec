"""docs/json-output.md says what `--json` prints: its examples have the fields, its tables all the words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from apronwatch import cli, observation, sizing
from apronwatch.archive import Archive, acquisitions, outlines
from apronwatch.archive import series as looks
from apronwatch.counts import NO_MASK, SEEN_LESS_THAN_HALF, Count, Status
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED
from apronwatch.run import ModelInfo
from apronwatch.sizes import SIZES
from apronwatch.survey import SceneOutcome
from tests.detector.archive import examples

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "json-output.md").read_text(encoding="utf-8")


def example(title: str) -> dict[str, Any]:
    block = re.search(rf"^## `{title}`$.*?^```json\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    document: dict[str, Any] = json.loads(block[1])
    return document


def fields(value: Any) -> Any:
    """The names in a document, however deep."""
    if isinstance(value, dict):
        return {name: fields(inner) for name, inner in value.items()}
    return [fields(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def test_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = examples.run()
    with Archive.open(tmp_path / "a.sqlite") as archive:
        archive.store(run, examples.counts(run), examples.site())
    monkeypatch.setattr(
        "sys.argv", ["apronwatch", "series", "base", "--json", "--archive", str(tmp_path / "a.sqlite")]
    )
    with pytest.raises(SystemExit):
        cli.main()
    assert fields(json.loads(capsys.readouterr().out)) == fields(example("series --json"))


def test_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    with Archive.open(path) as archive:
        for n, many in enumerate((14, 13, 15, 14, 16, 12, 14, 15, 13, 3, 3, None)):
            seen = examples.boxes([(20 + 20 * k, 100) for k in range(many or 0)], (15, 12))
            view = (0.0, 0.0, 800.0, 400.0) if many else (0.0, 900.0, 100.0, 901.0)
            run = examples.run(examples.scene(f"{n}.tif", **examples.day(n)), seen, view=view)
            archive.store(run, examples.counts(run), examples.site())
    words = ["changes", "base", "--zone", "west", "--class", "plane", "--json", "--archive", str(path)]
    monkeypatch.setattr("sys.argv", ["apronwatch", *words])
    with pytest.raises(SystemExit):
        cli.main()
    document, documented = json.loads(capsys.readouterr().out), example("changes --json")
    assert fields(document) == fields(documented)
    for name in ("false_discoveries", "tests", "outlook"):
        assert f"| `{name}` |" in TEXT
    [series] = document["sites"][0]["series"]
    every = [*series, *series["alarms"][0], *series["current"]]
    assert [name for name in every if f"`{name}`" not in TEXT and f'"{name}"' not in TEXT] == []


def test_count() -> None:
    documented = example("count --json")["scenes"][0]
    counts = tuple(Count.from_dict(plain) for plain in documented["counts"])
    model = ModelInfo("test-model", "ab" * 32)
    outcome = SceneOutcome(examples.scene(), model, Status.PARTIAL, (), counts)
    assert fields(outcome.to_dict()) == fields(documented)
    assert outcome.to_dict()["counts"] == documented["counts"]


def test_by_size() -> None:
    section = TEXT.partition("\n## By size\n")[2].partition("\n## ")[0]
    block = re.search(r"^```json\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    documented = json.loads(block[1])
    count = Count.from_dict(documented)
    assert count.to_dict() == documented
    assert count.by_size is not None
    assert tuple(group.size for group in count.by_size) == SIZES
    assert sum(group.expected or 0.0 for group in count.by_size) == pytest.approx(count.seen)
    for name in count.by_size[0].to_dict():
        assert re.search(rf"^\|.*`{name}`", section, flags=re.MULTILINE), name


@pytest.mark.parametrize(
    "word",
    [
        sizing.LENGTHS_NOT_MEASURED,
        sizing.WEIGHTS_NOT_IN_REGISTRY,
        sizing.COUNTED_BY_OTHER_RULES,
        *Status,
        observation.UNITED,
        observation.TRUNCATED,
        SEEN_LESS_THAN_HALF,
        NO_MASK,
        f"{SIZES_HARDLY_CALIBRATED}:0.600",
        acquisitions.UNITED_BY_DATE,
        acquisitions.UNITED_BY_CONTENT,
        acquisitions.SAME_PICTURE_OTHER_TIME,
        acquisitions.ACQUISITION_ID_REUSED,
        outlines.OTHER_OUTLINE,
        looks.NOT_COMPARABLE,
    ],
)
def test_every_word_is_explained(word: str) -> None:
    assert f"| `{word}` |" in TEXT
