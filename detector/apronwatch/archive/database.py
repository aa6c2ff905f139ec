"""Where an archive lies, how it is connected to, and what its database's errors mean."""

import json
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError

from apronwatch.errors import ApronwatchError, ArchiveInvalid, ArchiveUnwritable, ExtraMissing

VARIABLE = "APRONWATCH_ARCHIVE"
DEFAULT = "apronwatch.sqlite"

BUSY_TIMEOUT_S = 60
"""How long one writer of a SQLite archive waits for another."""

_NETWORK_DRIVES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs"}


_PERMISSION_DENIED = "42501"
"""PostgreSQL's code, among those of wrong statements."""


@dataclass(frozen=True)
class Location:
    """Where an archive is.

    Attributes:
        url: for SQLAlchemy.
        file: of a SQLite archive; None for a server.
        name: what messages call it: never with a password.
    """

    url: URL
    file: Path | None
    name: str

    @classmethod
    def of(cls, given: str | Path | None) -> "Location":
        """The archive at a path or URL; without one, `$APRONWATCH_ARCHIVE` or `apronwatch.sqlite` here.

        Raises:
            ArchiveInvalid: an address of another kind than SQLite or PostgreSQL, or a database in memory.
            ExtraMissing: a PostgreSQL address without its driver.
        """
        text = str(given or os.environ.get(VARIABLE) or DEFAULT)
        if ":memory:" in text or "mode=memory" in text:
            raise ArchiveInvalid(
                "an archive in memory (:memory:) would keep nothing; give a file or postgresql://…"
            )
        if "://" not in text:
            return cls(URL.create("sqlite", database=text), Path(text), text)
        try:
            url = make_url(text)
        except ArgumentError:
            # Its text may hold a password: neither it nor SQLAlchemy's message is shown.
            raise ArchiveInvalid("the archive's address is no URL; give a file or postgresql://…") from None
        backend = url.get_backend_name()
        if backend == "sqlite" and url.database:
            return cls(url, Path(str(url.database).removeprefix("file:")), _shown(url))
        if backend not in ("postgresql", "postgres"):
            raise ArchiveInvalid(f"an archive cannot be kept in {_shown(url)}; give a file or postgresql://…")
        if find_spec("psycopg") is None:
            raise ExtraMissing("a PostgreSQL archive needs its driver: pip install 'apronwatch[postgres]'")
        return cls(url.set(drivername="postgresql+psycopg"), None, _shown(url.set(drivername="postgresql")))


def _shown(url: URL) -> str:
    secret = {"password": "***"} if "password" in url.query else {}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def connect(location: Location, *, foreign_keys: bool = True) -> Engine:
    """An engine whose SQLite connections are durable and begin their own transactions.

    Warns when a SQLite archive lies on a network drive.
    """
    if location.file is None:
        return create_engine(location.url, json_serializer=_json, pool_pre_ping=True)
    drive = network_drive(location.file)
    if drive is not None:
        warnings.warn(
            f"{location.name} lies on a network drive ({drive}): SQLite's locks are not safe there; "
            f"use a local disk, or postgresql://…",
            stacklevel=4,
        )
    engine = create_engine(location.url, json_serializer=_json, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver begins no transaction before DDL or SELECT; SQLAlchemy's event below does instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer fails at once where another writes; a writer from the start waits.
        mode = "IMMEDIATE" if connection.get_execution_options().get("writing") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@contextmanager
def translated(name: str, *, writing: bool) -> Iterator[None]:
    """Turn what a database says of the world around it into one line; mistakes of ours stay what they are.

    Raises:
        ArchiveUnwritable: while writing: disk full, read-only, locked, connection lost.
        ArchiveInvalid: while reading, or for a damaged file.
    """
    try:
        yield
    except DBAPIError as error:
        denied = getattr(error.orig, "sqlstate", None) == _PERMISSION_DENIED
        if isinstance(error, IntegrityError | DataError | ProgrammingError) and not denied:
            raise
        raise _explained(name, error, writing) from error


def _explained(name: str, error: DBAPIError, writing: bool) -> ApronwatchError:
    said = " ".join(str(error.orig).split())
    if "malformed" in said or "not a database" in said:
        return ArchiveInvalid(
            f"{name}: damaged, or no archive ({said}); restore it from a backup, or give another"
        )
    if writing:
        return ArchiveUnwritable(
            f"{name}: could not be written ({said}); it is as it was before: make room or access, then repeat"
        )
    return ArchiveInvalid(f"{name}: could not be read ({said}); expected an archive that this user can open")


def network_drive(file: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The kind of network file system that a file lies on (`nfs4`); None for a local disk."""
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    real = file.absolute().parent.resolve()
    around = [
        (len(folder.parts), kind)
        for folder, kind in (_mount(line) for line in lines)
        if folder == real or folder in real.parents
    ]
    kind = max(around, default=(0, ""))[1]
    return kind if kind in _NETWORK_DRIVES else None


def _mount(line: str) -> tuple[Path, str]:
    _, folder, kind = line.split()[:3]
    return Path(folder.encode().decode("unicode_escape")), kind  # a space is written \040
