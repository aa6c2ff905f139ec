"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images (APRONWATCH_DATA); the test is skipped where there is none."""
    folder = Path(os.environ.get("APRONWATCH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"real images: {folder} does not exist; set APRONWATCH_DATA to the folder that holds them"
        )
    return folder


@pytest.fixture(autouse=True)
def _own_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the archive or the weights of the person who runs it."""
    monkeypatch.setenv("APRONWATCH_ARCHIVE", str(tmp_path / "apronwatch.sqlite"))
    monkeypatch.delenv("APRONWATCH_WEIGHTS", raising=False)
