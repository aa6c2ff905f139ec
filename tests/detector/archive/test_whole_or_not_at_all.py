"""A run is visible whole or not at all: killed processes, several writers, full disks, files that are read-only."""

import itertools
import multiprocessing
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text

from apronwatch.archive import Archive
from apronwatch.errors import ArchiveUnwritable
from apronwatch.run import Run
from tests.detector.archive import examples

PROCESSES = multiprocessing.get_context(
    "forkserver"
)  # a fork of these tests would take their threads' locks along
PROCESSES.set_forkserver_preload([__name__])


def big(name: str, boxes: int = 2000) -> Run:
    centres = np.random.default_rng(1).uniform(0, 400, (boxes, 2))
    return examples.run(examples.scene(name), examples.boxes(centres, (4, 3)))


def store(archive: Archive, run: Run) -> int:
    return archive.store(run, examples.counts(run), examples.site())


def in_a_process(work: Callable[..., None], *arguments: object) -> tuple[BaseProcess, Connection]:
    """Start a process that calls `work(connection, *arguments)`, and the other end of that connection."""
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(target=work, args=(there, *arguments))
    process.start()
    there.close()
    return process, here


def heard(connection: Connection) -> list[Any]:
    """All that a process said before it ended."""
    said = []
    try:
        while True:
            said.append(connection.recv())
    except EOFError:
        connection.close()
        return said


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


def store_and_die(_: Connection, url: str, at: int) -> None:
    """Store one run, and be killed before a statement or the commit."""
    with Archive.open(url) as archive:
        passed = itertools.count(1)

        def maybe_die(*_: object) -> None:
            if next(passed) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        for moment in ("before_cursor_execute", "commit"):
            event.listen(archive._engine, moment, maybe_die)
        store(archive, big("a.tif"))


def test_killed_at_any_statement_leaves_nothing_and_the_next_try_is_complete(url: str) -> None:
    Archive.open(url).close()
    for at in itertools.count(1):
        process, connection = in_a_process(store_and_die, url, at)
        process.join()
        connection.close()
        with Archive.open(url) as archive:
            if process.exitcode == 0:
                break
            assert process.exitcode == -signal.SIGKILL
            assert archive.runs() == []
    assert at > 8  # there were the scene, site, zones, run, boxes, counts, and the commit to be killed at
    with Archive.open(url) as archive:
        assert check_whole(archive) == ["images/a.tif"]
        store(archive, big("a.tif"))
        assert check_whole(archive) == ["images/a.tif"]


def store_many(connection: Connection, url: str, count: int) -> None:
    """Store runs one after the other, and say so after each."""
    connection.send("ready")
    connection.recv()
    with Archive.open(url) as archive:
        for n in range(count):
            connection.send(store(archive, big(f"{n}.tif")))


def test_killed_at_random_moments_leaves_only_whole_runs(url: str) -> None:
    Archive.open(url).close()
    chance = random.Random(20241210)
    stored = 0
    for _ in range(5):
        process, connection = in_a_process(store_many, url, 1000)
        assert connection.recv() == "ready"
        connection.send("go")
        told = [connection.recv() for _ in range(stored + 1)]  # what was there, and one more
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.join()
        told += heard(connection)
        with Archive.open(url) as archive:
            paths = check_whole(archive)
            assert paths == [f"images/{n}.tif" for n in range(len(paths))]
            assert [row.run_id for row in archive.runs()][: len(told)] == told  # once said, it is there
        assert len(paths) - len(told) in (0, 1)
        stored = len(paths)
    with Archive.open(url) as archive:
        store(archive, big(f"{stored}.tif"))
        assert len(check_whole(archive)) == stored + 1


def test_several_processes_make_one_archive_and_store_the_same_scenes(url: str) -> None:
    writers = [in_a_process(store_many, url, 6) for _ in range(3)]
    for _, connection in writers:
        assert connection.recv() == "ready"
    for _, connection in writers:
        connection.send("go")
    said = [heard(connection) for _, connection in writers]
    for process, _ in writers:
        process.join()
        assert process.exitcode == 0
    assert said[0] == said[1] == said[2]
    with Archive.open(url) as archive:
        assert sorted(check_whole(archive)) == [f"images/{n}.tif" for n in range(6)]


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


def store_until_full(connection: Connection, file: Path) -> None:
    """Store until the archive may not grow, and say how that is told."""
    with Archive.open(file) as archive:
        limit = file.stat().st_size + 20_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            for n in range(9):
                store(archive, big(f"b{n}.tif"))
        except ArchiveUnwritable as error:
            connection.send(str(error))


def test_a_file_that_may_not_grow_is_told_and_the_archive_stays_intact(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as archive:
        store(archive, big("a.tif"))
    process, connection = in_a_process(store_until_full, file)
    [said] = heard(connection)
    process.join()
    assert process.exitcode == 0
    assert said.startswith(f"{file}: could not be written")
    assert "\n" not in said
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


@pytest.fixture
def _heeding_ctrl_c() -> Iterator[None]:
    """A shell that runs the tests in the background has them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeding_ctrl_c")
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
