from collections.abc import Iterator
from pathlib import Path

import pytest

from apronwatch.archive import Archive
from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Skips, and says why, where no PostgreSQL can be started."""
    try:
        context = postgres.running()
        server = context.__enter__()
    except postgres.NoServer as why:
        pytest.skip(f"PostgreSQL: {why}")
    yield server
    context.__exit__(None, None, None)


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> str:
    return postgres_server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an archive may be made, on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "a b%.sqlite")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    with Archive.open(url) as opened:
        yield opened
