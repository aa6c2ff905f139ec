"""A run is visible whole or not at all: killed processes, several writers, full disks, files that are read-only."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event, text

from apronwatch.archive import Archive
from apronwatch.errors import ArchiveUnwritable
from apronwatch.run import Run
from tests.detector.archive import examples

REPOSITORY = Path(__file__).parents[3]


def big(name: str, boxes: int = 2000) -> Run:
    centres = np.random.default_rng(1).uniform(0, 400, (boxes, 2))
    return examples.run(examples.scene(name), examples.boxes(centres, (4, 3)))


def store(archive: Archive, run: Run) -> int:
    return archive.store(run, examples.counts(run), examples.site())


def in_a_process(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Python with these tests' modules, its output line by line."""
    prelude = (
        "import os, signal, sys\nfrom sqlalchemy import event\nfrom apronwatch.archive import Archive\n"
        "from tests.detector.archive import examples\n"
        "from tests.detector.archive.test_whole_or_not_at_all import big, store\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code, *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def check_whole(archive: Archive) -> list[str]:
    """Paths of the runs in an archive, after checking that each is complete and nothing else lies about."""
    paths = []
    for row in archive.runs():
        back = archive.run(row.run_id)
        wanted = big(Path(row.scene_path).name)
        np.testing.assert_array_equal(back.detections.polygons, wanted.detections.polygons)
        assert back.counts == tuple(examples.counts(wanted))
        paths.append(row.scene_path)
    with archive._engine.connect() as connection:
        for table in ("detection", "count"):
            strays = f"SELECT count(*) FROM {table} WHERE run_id NOT IN (SELECT id FROM run)"
            assert connection.scalar(text(strays)) == 0
        assert connection.scalar(text("SELECT count(*) FROM scene")) == len(paths)
    return paths


KILLED_AT_STATEMENT = """
for n in range(1, 40):
    child = os.fork()
    if child == 0:
        archive = Archive.open(sys.argv[1])
        passed = []
        @event.listens_for(archive._engine, "before_cursor_execute")
        def count(connection, cursor, statement, *_):
            passed.append(statement)
            if len(passed) == n:
                os.kill(os.getpid(), signal.SIGKILL)
        @event.listens_for(archive._engine, "commit")
        def commit(connection):
            count(connection, None, "COMMIT")
        store(archive, big("a.tif"))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    with Archive.open(sys.argv[1]) as archive:
        print(n, len(archive.runs()), flush=True)
"""


def test_killed_at_any_statement_leaves_nothing_and_the_next_try_is_complete(url: str) -> None:
    Archive.open(url).close()
    process = in_a_process(KILLED_AT_STATEMENT, url)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    killed = [line.split() for line in said.splitlines()]
    assert len(killed) >= 8  # at the least BEGIN, the scene, site, zones, run, boxes, counts, COMMIT
    assert {runs for _, runs in killed} == {"0"}
    with Archive.open(url) as archive:
        assert check_whole(archive) == ["images/a.tif"]


def test_killed_at_random_moments_leaves_only_whole_runs(url: str) -> None:
    Archive.open(url).close()
    chance = random.Random(20241210)
    names = [f"{n}.tif" for n in range(200)]
    code = "archive = Archive.open(sys.argv[1])\nfor n in range(200):\n print(store(archive, big(f'{n}.tif')), flush=True)"
    told = 0
    for _ in range(4):
        process = in_a_process(code, url)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(told + 1)]  # what is there, and one more
        assert all(lines)
        process.stdout.readline() if chance.random() < 0.5 else None
        try:
            process.wait(timeout=chance.uniform(0, 0.15))
        except subprocess.TimeoutExpired:
            process.kill()
        said = [*lines, *process.stdout.read().splitlines()]
        process.wait()
        with Archive.open(url) as archive:
            paths = check_whole(archive)
        assert len(paths) >= len(
            [line for line in said if line.strip()]
        )  # what was said to be stored is stored
        assert paths == [f"images/{name}" for name in names[: len(paths)]]
        told = len(paths)
    with Archive.open(url) as archive:
        assert store(archive, big(names[told])) > 0
        assert len(check_whole(archive)) == told + 1


def test_several_processes_store_the_same_and_other_scenes(url: str) -> None:
    code = (
        "print('ready', flush=True); sys.stdin.readline()\n"
        "with Archive.open(sys.argv[1]) as archive:\n"
        "    print(*[store(archive, big(f'{n}.tif')) for n in range(8)])"
    )
    processes = []
    for _ in range(3):  # into an archive that none has made yet
        process = in_a_process(code.replace("sys.stdin.readline()", "os.read(0, 1)"), url)
        processes.append(process)
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert said[0][1:] == said[1][1:] == said[2][1:]
    with Archive.open(url) as archive:
        assert sorted(check_whole(archive)) == [f"images/{n}.tif" for n in range(8)]


def test_two_connections_that_store_the_same_key_at_once_make_one_run(postgres_url: str) -> None:
    """The second has looked and found nothing when the first commits: the unique key decides."""
    run = examples.run()
    with Archive.open(postgres_url) as first, Archive.open(postgres_url) as second:
        ids: list[int] = []

        @event.listens_for(second._engine, "before_cursor_execute")
        def overtaken(connection: object, cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO scene") and not ids:
                ids.append(store(first, run))

        ids.append(store(second, run))
        assert ids[0] == ids[1]
        assert len(first.runs()) == 1
        assert first.run(ids[0]).counts == tuple(examples.counts(run))


def test_a_full_disk_is_told_and_the_archive_stays_intact(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as archive:
        store(archive, big("a.tif"))

        @event.listens_for(archive._engine, "connect")
        def small(connection: object, _: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
            connection.execute(f"PRAGMA max_page_count = {pages + 5}")  # type: ignore[attr-defined]

        archive._engine.dispose()
        with pytest.raises(ArchiveUnwritable, match="disk is full") as error:
            store(archive, big("b.tif"))
        assert "\n" not in str(error.value)
        assert check_whole(archive) == ["images/a.tif"]
    assert_intact_and_writable(file)


def test_a_file_that_may_not_grow_is_told_and_the_archive_stays_intact(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as archive:
        store(archive, big("a.tif"))
    code = """
import resource
from apronwatch.errors import ArchiveUnwritable
with Archive.open(sys.argv[1]) as archive:
    limit = os.path.getsize(sys.argv[1]) + 20_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    for n in range(9):
        try:
            store(archive, big(f"b{n}.tif"))
        except ArchiveUnwritable as error:
            print(error)
            break
"""
    process = in_a_process(code, file)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert said.count("\n") == 1
    assert f"{file}: could not be written" in said
    assert_intact_and_writable(file)


def assert_intact_and_writable(file: Path) -> None:
    with Archive.open(file) as archive:
        before = check_whole(archive)
        assert "images/a.tif" in before
        with archive._engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        store(archive, big("later.tif"))
        assert check_whole(archive) == [*before, "images/later.tif"]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write to anything: for a while, be nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_archive_can_be_read_and_not_written(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as archive:
        store(archive, big("a.tif"))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with Archive.open(file):  # keeps the journal's files there, which a reader without rights cannot make
        file.chmod(0o444)
        with unprivileged(), Archive.open(file) as archive:
            assert check_whole(archive) == ["images/a.tif"]
            with pytest.raises(ArchiveUnwritable, match="could not be written") as error:
                store(archive, big("b.tif"))
    assert "\n" not in str(error.value)
    file.chmod(0o644)
    assert_intact_and_writable(file)


def test_a_reader_of_a_server_cannot_write(postgres_url: str) -> None:
    run = examples.run()
    with Archive.open(postgres_url) as archive:
        run_id = store(archive, run)
        with archive._engine.begin() as connection:
            role = connection.scalar(text("SELECT 'reader_of_' || current_database()"))
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
            connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    with Archive.open(postgres_url.replace("apronwatch:secret", str(role))) as archive:
        assert archive.run(run_id).counts == tuple(examples.counts(run))
        with pytest.raises(ArchiveUnwritable, match="permission denied"):
            store(archive, examples.run(examples.scene("b.tif")))


def test_a_lost_connection_is_told(postgres_url: str) -> None:
    with Archive.open(postgres_url) as archive:
        killed: list[int] = []

        @event.listens_for(archive._engine, "before_cursor_execute")
        def cut(connection: object, cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO detection") and not killed:
                killed.append(cursor.connection.info.backend_pid)  # type: ignore[attr-defined]
                with Archive.open(postgres_url) as other, other._engine.connect() as helper:
                    helper.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": killed[0]})

        with pytest.raises(ArchiveUnwritable, match="could not be written") as error:
            store(archive, examples.run())
        assert "\n" not in str(error.value)
        assert archive.runs() == []
        assert store(archive, examples.run()) > 0


def test_an_interrupt_leaves_nothing(archive: Archive) -> None:
    @event.listens_for(archive._engine, "before_cursor_execute")
    def interrupt(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO count"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        store(archive, examples.run())
    event.remove(archive._engine, "before_cursor_execute", interrupt)
    assert archive.runs() == []
    assert store(archive, examples.run()) > 0
