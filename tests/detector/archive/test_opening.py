"""What can be opened, what is refused and how it is said; passwords never show."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from apronwatch.archive import Archive
from apronwatch.archive.database import Location, network_drive
from apronwatch.errors import ArchiveInvalid, ArchiveUnwritable
from tests.detector.archive import examples


def test_the_default_is_the_environment_then_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APRONWATCH_ARCHIVE", str(tmp_path / "named.sqlite"))
    Archive.open().close()
    monkeypatch.delenv("APRONWATCH_ARCHIVE")
    Archive.open().close()
    assert {p.name for p in tmp_path.glob("*.sqlite")} == {"named.sqlite", "apronwatch.sqlite"}


def test_an_archive_opens_again_with_what_it_holds(url: str) -> None:
    run = examples.run()
    with Archive.open(url) as archive:
        run_id = archive.store(run, examples.counts(run), examples.site())
    with Archive.open(url, create=False) as archive:
        assert archive.run(run_id).counts == tuple(examples.counts(run))


def test_a_missing_archive_is_not_made_to_read_from(tmp_path: Path, postgres_url: str) -> None:
    missing = tmp_path / "missing.sqlite"
    for where in (str(missing), postgres_url):
        with pytest.raises(ArchiveInvalid, match="expected"):
            Archive.open(where, create=False)
    assert not missing.exists()
    with pytest.raises(ArchiveInvalid):  # and the server's database is as empty as before
        Archive.open(postgres_url, create=False)


def test_an_empty_file_becomes_an_archive(tmp_path: Path) -> None:
    (tmp_path / "new.sqlite").touch()
    with Archive.open(tmp_path / "new.sqlite") as archive:
        assert archive.runs() == []


def test_what_is_no_archive_is_refused_and_left_alone(tmp_path: Path) -> None:
    picture = tmp_path / "picture.tif"
    picture.write_bytes(b"II*\0" + bytes(5000))
    other = tmp_path / "other.gpkg"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE gpkg_contents (table_name TEXT)")
    connection.close()
    for file, said in ((picture, "no archive"), (other, "something else .*gpkg_contents")):
        before = file.read_bytes()
        for create in (True, False):
            with pytest.raises(ArchiveInvalid) as error:
                Archive.open(file, create=create)
            assert "\n" not in str(error.value)
        with pytest.raises(ArchiveInvalid, match=said):
            Archive.open(file)
        assert file.read_bytes() == before


def test_a_database_with_tables_of_others_may_hold_an_archive_too(postgres_server, postgres_url: str) -> None:  # type: ignore[no-untyped-def]
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE spatial_ref_sys (srid int)")
    with Archive.open(postgres_url) as archive:
        assert archive.runs() == []
    clashing = postgres_server.new_database()
    with psycopg.connect(clashing) as connection:
        connection.execute("CREATE TABLE run (id int)")
    with pytest.raises(ArchiveInvalid, match="has tables run"):
        Archive.open(clashing)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnwritable, match="unable to open"):
        Archive.open(tmp_path / "none" / "a.sqlite")


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    run = examples.run()
    with Archive.open(file) as archive:
        archive.store(run, examples.counts(run), examples.site())
    raw = bytearray(file.read_bytes())
    raw[4096:] = os.urandom(len(raw) - 4096)
    file.write_bytes(raw)
    with pytest.raises(ArchiveInvalid, match="damaged"), Archive.open(file) as archive:
        archive.runs()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@localhost:1/x",
        "postgresql://localhost:1/x?user=ann&password=hunter2",
        "postgres://ann:hunter2@localhost:1/x",
        "mysql://ann:hunter2@localhost/x",
        "postgresql://ann:hunter2@[bad/x",
        "sqlite:///:memory:",
    ],
)
def test_no_message_shows_a_password(address: str) -> None:
    with pytest.raises((ArchiveInvalid, ArchiveUnwritable)) as error:
        Archive.open(address)
    shown: BaseException | None = error.value
    while shown is not None:
        assert "hunter2" not in str(shown)
        assert "\n" not in str(error.value)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


@pytest.mark.parametrize(
    "address",
    [
        ":memory:",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_an_archive_in_memory_is_refused(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchiveInvalid, match="would keep nothing"):
        Archive.open(address)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises((ArchiveInvalid, ArchiveUnwritable), match=r"ann:\*\*\*@localhost:1") as error:
        Archive.open("postgresql://ann:hunter2@localhost:1/x")
    assert "\n" not in str(error.value)


def test_network_drives_are_told_from_local_ones(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path}/my\\040share nfs4 rw 0 0\n"
        f"/dev/sdb1 {tmp_path}/my\\040share/local xfs rw 0 0\n"
    )
    share = tmp_path / "my share"
    (share / "local").mkdir(parents=True)
    assert network_drive(share / "a.sqlite", mounts) == "nfs4"
    assert network_drive(share / "local" / "a.sqlite", mounts) is None
    assert network_drive(tmp_path / "a.sqlite", mounts) is None
    assert network_drive(tmp_path / "a.sqlite", tmp_path / "no mounts here") is None


def test_an_archive_on_a_network_drive_opens_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apronwatch.archive.database.network_drive", lambda file: "nfs4")
    with pytest.warns(UserWarning, match="network drive"), Archive.open(tmp_path / "a.sqlite") as archive:
        assert archive.runs() == []


def test_opening_an_archive_does_not_load_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from apronwatch.archive import Archive; Archive.open(sys.argv[1]).close(); "
        "Archive.open(sys.argv[1]).close(); sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.sqlite"], check=True)


def test_sessions_of_a_server_in_another_time_zone_see_the_same_times(postgres_url: str) -> None:
    run = examples.run()
    with Archive.open(postgres_url) as archive:
        run_id = archive.store(run, examples.counts(run), examples.site())
        with archive._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            name = connection.scalar(text("SELECT current_database()"))
            connection.execute(text(f"ALTER DATABASE {name} SET timezone TO 'Asia/Damascus'"))
    with Archive.open(postgres_url) as archive:
        assert archive.run(run_id).scene == run.scene


def test_a_name_is_masked_and_a_path_is_as_given() -> None:
    assert Location.of("x/y.sqlite").name == "x/y.sqlite"
    assert Location.of("postgresql://ann:hunter2@host/x").name == "postgresql://ann:***@host/x"
