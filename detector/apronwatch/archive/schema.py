"""Which schema an archive has, and making a new one.

Revisions are four digits in one line without branches, so that a glance at the packaged files tells older
from newer: Alembic, slow to import, is loaded only to upgrade.
"""

from contextlib import closing
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
)

from apronwatch.archive.database import Location
from apronwatch.archive.models import Base
from apronwatch.errors import ArchiveInvalid, ArchiveOutdated

MIGRATIONS = Path(__file__).with_name("migrations")

_STAMP = Table(  # as Alembic makes it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def revisions() -> list[str]:
    """All revisions that this software knows, oldest first."""
    return sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def revision_of(connection: Connection) -> str | None:
    """The revision that an archive is at; None where there is no archive yet."""
    if not inspect(connection).has_table(_STAMP.name):
        return None
    return connection.scalar(select(_STAMP.c.version_num))


def check(location: Location, connection: Connection) -> None:
    """Refuse whatever is no archive of the newest schema.

    Raises:
        ArchiveOutdated: an older schema.
        ArchiveInvalid: a newer schema, or no archive.
    """
    found, known = revision_of(connection), revisions()
    if found is None:
        raise ArchiveInvalid(
            f"{location.name}: no archive there; expected one that `apronwatch count` made: give another"
        )
    if found not in known:
        raise ArchiveInvalid(
            f"{location.name}: schema {found} is unknown to this software (its newest is {known[-1]}); "
            f"expected an archive of this or an older release: update apronwatch, or give another archive"
        )
    if found != known[-1]:
        raise ArchiveOutdated(
            f"{location.name}: schema {found} is older than this software's {known[-1]}; "
            f"run `apronwatch archive upgrade --archive {location.name}`, which makes a backup first"
        )


def _refuse_others(location: Location, connection: Connection) -> None:
    """A file is an archive or nothing; a server's database may hold other tables beside ours (PostGIS)."""
    present = set(inspect(connection).get_table_names())
    clash = present if location.file is not None else present & set(Base.metadata.tables)
    if clash:
        raise ArchiveInvalid(
            f"{location.name}: a database of something else (it has tables {', '.join(sorted(clash)[:5])}); "
            f"expected an archive, or an empty database to make one in"
        )


def create(location: Location, engine: Engine) -> None:
    """Make the tables at the newest revision, unless another process was faster.

    They come from the models; a test holds them against what the migrations make.

    Raises:
        ArchiveInvalid: the database holds something else.
    """
    with engine.connect() as connection:
        if revision_of(connection) is None:
            _refuse_others(location, connection)  # before a byte of another program's file is changed
    if location.file is not None:
        with closing(engine.raw_connection()) as raw:  # before any transaction; the file keeps it
            raw.cursor().execute("PRAGMA journal_mode=WAL")
    with engine.execution_options(writing=True).begin() as connection:
        if location.file is None:
            lock(connection)
        if revision_of(connection) is not None:
            return
        Base.metadata.create_all(connection)
        _STAMP.create(connection)
        connection.execute(insert(_STAMP).values(version_num=revisions()[-1]))


def lock(connection: Connection) -> None:
    """Keep other processes from changing a PostgreSQL database's schema until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("apronwatch"))))
