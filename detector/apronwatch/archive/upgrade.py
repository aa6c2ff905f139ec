"""Bringing an archive to the newest schema, after a backup."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from apronwatch.archive import schema
from apronwatch.archive.database import Location, connect, translated
from apronwatch.errors import ArchiveInvalid, ArchiveOutdated, ArchiveUnwritable


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did.

    Attributes:
        before, after: revisions; the same when there was nothing to do.
        backup: the copy that was made first; None when nothing was done, or on a server.
    """

    before: str
    after: str
    backup: Path | None


def upgrade(location: Location, *, backed_up: bool = False) -> Upgraded:
    """Run the migrations that an archive lacks, in one transaction; a SQLite file is copied first.

    Args:
        location: of the archive.
        backed_up: the user says that a PostgreSQL database is backed up.

    Raises:
        ArchiveInvalid: no archive there, or one of a newer schema.
        ArchiveOutdated: PostgreSQL without `backed_up`: the message says how to make the backup.
        ArchiveUnwritable: the backup or the archive could not be written; the archive is as before.
    """
    if location.file is not None and not location.file.exists():
        raise ArchiveInvalid(
            f"{location.name}: no archive there; give the one to upgrade: --archive FILE|URL"
        )
    # With them on, a table that Alembic makes anew would take the rows that refer to it along.
    engine = connect(location, foreign_keys=False)
    try:
        with translated(location.name, writing=False), engine.connect() as connection:
            before, known = schema.revision_of(connection), schema.revisions()
            if before not in known[:-1]:
                schema.check(location, connection)
                return Upgraded(known[-1], known[-1], None)
        backup = _backup(location, before, backed_up)
        with (
            translated(location.name, writing=True),
            engine.execution_options(writing=True).begin() as connection,
        ):
            _migrate(connection)
    finally:
        engine.dispose()
    return Upgraded(before, known[-1], backup)


def _backup(location: Location, revision: str, backed_up: bool) -> Path | None:
    """Copy a SQLite file beside itself, with what its journal still holds; on a server, insist on a dump."""
    if location.file is None:
        if backed_up:
            return None
        raise ArchiveOutdated(
            f"{location.name}: back it up first (`pg_dump -Fc -f apronwatch-{revision}.dump …`), "
            f"then run `apronwatch archive upgrade --yes`"
        )
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = location.file.with_name(f"{location.file.name}.backup-{revision}-{moment}.sqlite")
    try:
        with closing(sqlite3.connect(location.file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise ArchiveUnwritable(
            f"{copy}: the backup could not be written ({error}); the archive was not touched: make room"
            " or access"
        ) from error
    return copy


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        schema.lock(connection)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise ArchiveInvalid(
                f"{len(broken)} rows would refer to none, first in {broken[0][0]}; nothing was changed"
            )
