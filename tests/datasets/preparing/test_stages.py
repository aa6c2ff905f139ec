"""What the command line shows of the stages of a long preparation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apronwatch.cli import output
from apronwatch_datasets.cli.data.preparing import stages
from apronwatch_datasets.preparing import prepare
from tests.datasets.preparing.made import SMALL, dataset


def test_each_stage_has_a_bar_of_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, list[tuple[int, int]]]] = []
    open_bars: list[str] = []

    @contextmanager
    def bar(title: str) -> Iterator[output.Advance]:
        seen: list[tuple[int, int]] = []
        shown.append((title, seen))
        open_bars.append(title)
        assert open_bars == [title], "two bars at once"
        yield lambda done, total: seen.append((done, total))
        open_bars.remove(title)

    monkeypatch.setattr(output, "progress", bar)
    with stages() as advance:
        prepare([dataset(tmp_path / "in", number=3)], tmp_path / "out", SMALL, advance)
    assert [title for title, _ in shown] == ["checking made", "cutting", "comparing"]
    for _, seen in shown:
        assert seen == [(k + 1, seen[-1][1]) for k in range(len(seen))]
        assert seen[-1][0] == seen[-1][1]
    assert open_bars == []
