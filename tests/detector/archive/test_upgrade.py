"""Schemas: the models are what migrations make; older archives are refused, and upgraded after a backup."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from apronwatch.archive import Archive, schema
from apronwatch.archive.database import Location, connect
from apronwatch.archive.models import Base
from apronwatch.archive.upgrade import Upgraded, _migrate
from apronwatch.errors import ArchiveInvalid, ArchiveOutdated, ArchiveUnwritable
from apronwatch.preview import Preview
from tests.detector.archive import examples

NEXT = '''"""A later schema, made by this test: a column for each count, and scenes in a table made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Batch mode copies the table on SQLite, also the one that runs refer to."""
    with op.batch_alter_table("scene", recreate="auto") as batch:
        batch.add_column(sa.Column("orbit", sa.Text(), server_default="?", nullable=False))
        batch.alter_column("sensor", new_column_name="instrument")
    # then
'''


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The packaged migrations with one more."""
    return with_next(tmp_path / "migrations")


def with_next(folder: Path, then: str = "") -> Path:
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0003_next.py").write_text(NEXT.replace("# then", then))
    return folder


def filled(url: str) -> tuple[int, list[Any]]:
    run = examples.run()
    with Archive.open(url) as archive:
        run_id = archive.store(run, examples.counts(run), examples.site())
        return run_id, archive.series("base")


def described(connection: Connection) -> dict[str, Any]:
    """Tables as the database itself describes them."""
    found = inspect(connection)
    described: dict[str, Any] = {}
    for name in found.get_table_names():
        described[name] = {
            "columns": [{**c, "type": str(c["type"])} for c in found.get_columns(name)],
            "primary": found.get_pk_constraint(name),
            "foreign": sorted(found.get_foreign_keys(name), key=str),
            "unique": sorted(found.get_unique_constraints(name), key=str),
            "check": found.get_check_constraints(name),
            "indexes": sorted(found.get_indexes(name), key=str),
            "options": found.get_table_options(name),
        }
    return described


def test_the_migrations_make_what_the_models_say(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    Archive.open(url).close()
    other = str(tmp_path / "migrated.sqlite")
    if url.startswith("postgresql"):
        other = request.getfixturevalue("postgres_server").new_database()
    migrated, created = connect(Location.of(other)), connect(Location.of(url))
    with migrated.execution_options(writing=True).begin() as connection:
        _migrate(connection)
    with migrated.connect() as one, created.connect() as two:
        assert described(one) == described(two)
        assert (
            compare_metadata(MigrationContext.configure(one, opts={"compare_type": True}), Base.metadata)
            == []
        )
        assert schema.revision_of(one) == schema.revision_of(two)
    migrated.dispose()
    created.dispose()


def test_the_files_stand_in_the_order_of_the_migrations(later: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (schema.MIGRATIONS, later):
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        history = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
        assert schema.revisions() == history[::-1]


def test_an_older_archive_is_refused_then_upgraded_with_all_it_holds(
    url: str, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, rows = filled(url)
    with Archive.open(url) as archive:
        before = archive.run(run_id)
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with pytest.raises(ArchiveOutdated, match="apronwatch archive upgrade"):
        Archive.open(url)

    done = Archive.upgrade(url, backed_up=True)

    assert (done.before, done.after) == ("0002", "0003")
    engine = connect(Location.of(url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT orbit, instrument FROM scene")).all() == [("?", "WV03")]
        kept = [connection.scalar(text(f"SELECT count(*) FROM {t}")) for t in ("run", "detection", "zone")]
        assert kept == [1, len(before.detections), 2]
        assert connection.scalar(text("SELECT count(*) FROM count")) == len(before.counts)
    engine.dispose()
    assert Archive.upgrade(url, backed_up=True) == Upgraded("0003", "0003", None)
    if done.backup is not None:
        assert done.backup.name.startswith(f"{Path(url).name}.backup-0002-")
        monkeypatch.undo()
        with Archive.open(done.backup) as backup:
            assert backup.series("base") == rows


def as_released(url: str) -> None:
    """An archive of the first schema, with what it holds."""
    engine = connect(Location.of(url))
    with engine.execution_options(writing=True).begin() as connection:
        for column in ("noted_fractions", "preview"):
            connection.execute(text(f"ALTER TABLE run DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()


def test_runs_of_the_first_schema_have_no_preview_and_get_one_when_counted_again(url: str) -> None:
    run_id, rows = filled(url)
    as_released(url)
    with pytest.raises(ArchiveOutdated, match="schema 0001"):
        Archive.open(url)
    done = Archive.upgrade(url, backed_up=True)
    assert (done.before, done.after) == ("0001", schema.revisions()[-1])
    with Archive.open(url) as archive:
        assert archive.series("base") == rows
        old = archive.run(run_id)
        assert (old.preview, old.visibility.noted) == (None, {})
        again = replace(
            examples.run(),
            preview=Preview(examples.CRS, {(0, 0): np.full((128, 128), 7, np.uint8)}),
            visibility=replace(old.visibility, noted={"snow": {"west": 0.25}}),
        )
        assert archive.store(again, examples.counts(again), examples.site()) == run_id
        new = archive.run(run_id)
    assert (new.preview, new.visibility.noted) == (again.preview, {"snow": {"west": 0.25}})


def test_a_newer_archive_is_refused_by_older_software(
    url: str, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(url)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", later)
        Archive.upgrade(url, backed_up=True)
    for use in (Archive.open, Archive.upgrade):
        with pytest.raises(ArchiveInvalid, match=r"schema 0003 is unknown .* update apronwatch"):
            use(url)


@pytest.mark.parametrize("then", ["raise OSError('boom')", "op.execute('DELETE FROM scene')"])
def test_an_upgrade_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    file = tmp_path / "a.sqlite"
    _, rows = filled(str(file))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", with_next(tmp_path / "migrations", then))
        with pytest.raises((OSError, ArchiveInvalid), match=r"boom|refer to none"):
            Archive.upgrade(file)
    with Archive.open(file) as archive:
        assert archive.series("base") == rows
    assert len(list(tmp_path.glob("a.sqlite.backup-0002-*.sqlite"))) == 1


def test_a_server_is_upgraded_only_once_it_is_said_to_be_backed_up(
    postgres_url: str, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(postgres_url)
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with pytest.raises(ArchiveOutdated, match=r"pg_dump .*--yes") as error:
        Archive.upgrade(postgres_url)
    assert "secret" not in str(error.value)
    assert Archive.upgrade(postgres_url, backed_up=True).after == "0003"


def test_a_backup_that_cannot_be_made_stops_the_upgrade(
    tmp_path: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.sqlite"
    filled(str(file))
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    real = sqlite3.connect
    monkeypatch.setattr(
        "apronwatch.archive.upgrade.sqlite3.connect",
        lambda at: real(tmp_path / "none" / "b.sqlite") if "backup" in str(at) else real(at),
    )
    with pytest.raises(ArchiveUnwritable, match="backup"):
        Archive.upgrade(file)
    with pytest.raises(ArchiveOutdated):
        Archive.open(file)


def test_there_is_nothing_to_upgrade_in_a_new_or_missing_archive(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with pytest.raises(ArchiveInvalid, match="no archive there"):
        Archive.upgrade(file)
    assert not file.exists()
    filled(str(file))
    assert Archive.upgrade(file).backup is None
    assert [p.name for p in tmp_path.iterdir()] == ["a.sqlite"]
