"""docs/json-output.md says what `--json` prints: its examples have the fields, its tables all the words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from apronwatch import cli, observation
from apronwatch.archive import Archive, acquisitions, outlines
from apronwatch.archive import series as looks
from apronwatch.counts import Count, Status
from apronwatch.run import ModelInfo
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


def test_count() -> None:
    documented = example("count --json")["scenes"][0]
    counts = tuple(Count.from_dict(plain) for plain in documented["counts"])
    model = ModelInfo("test-model", "ab" * 32)
    outcome = SceneOutcome(examples.scene(), model, Status.PARTIAL, (), counts)
    assert fields(outcome.to_dict()) == fields(documented)
    assert outcome.to_dict()["counts"] == documented["counts"]


@pytest.mark.parametrize(
    "word",
    [
        *Status,
        observation.UNITED,
        observation.TRUNCATED,
        acquisitions.UNITED_BY_DATE,
        acquisitions.ACQUISITION_ID_REUSED,
        outlines.OTHER_OUTLINE,
        looks.NOT_COMPARABLE,
    ],
)
def test_every_word_is_explained(word: str) -> None:
    assert f"| `{word}` |" in TEXT
