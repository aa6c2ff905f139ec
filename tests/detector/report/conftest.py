"""One filled archive and its report for the whole folder: nothing here changes them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apronwatch.archive import Archive
from apronwatch.report.page import write_report

from . import place


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("place")
    with Archive.open(folder / "archive.sqlite") as archive:
        place.fill(archive, folder)
        yield archive


@pytest.fixture(scope="session")
def report(counted: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    write_report(counted, place.HOSTILE_SITE, out)
    return out
