"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("apronwatch", deadline=None)  # a slow machine fails no test
settings.load_profile("apronwatch")

REPOSITORY = Path(__file__).resolve().parents[1]

BESIDE = ("shared", "data")
"""Where real images lie beside a checkout, unless APRONWATCH_DATA says otherwise."""


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images (APRONWATCH_DATA); the test is skipped where there is none."""
    told = os.environ.get("APRONWATCH_DATA")
    folder = Path(told) if told else REPOSITORY.parent.joinpath(*BESIDE)
    if not folder.is_dir():
        pytest.skip(
            f"real images: {folder} does not exist; set APRONWATCH_DATA to the folder that holds them"
        )
    return folder


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the archive or the weights of the person who runs it."""
    own = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("APRONWATCH_ARCHIVE", str(own / "apronwatch.sqlite"))
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(own / "weights"))
