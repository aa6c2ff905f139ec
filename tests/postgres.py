"""A real PostgreSQL server for the tests: pgserver's binaries, or Debian's, started in a folder of its own.

pgserver's own Python interface is left aside: run as root, it adds a system account and opens up the
permissions of every folder above its data. Its binaries alone do the same work as the account `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

START_TIMEOUT_S = 30


class NoServer(Exception):
    """Why there is no PostgreSQL to test with."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    process: subprocess.Popen[bytes]

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        import psycopg

        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://apronwatch:secret@/{database}?host={self.folder}"


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the context lasts; raises `NoServer`, which says why there can be none."""
    # PostgreSQL refuses to run as root; a socket's path may have 107 bytes, too few for pytest's folders.
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="apronwatch-pg-"))
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        binaries = _binaries(folder)
        _run_as(account, [binaries / "initdb", "-D", folder / "data", "-U", "apronwatch", "--auth=trust",
                          "--encoding=UTF8", "--locale=C", "--no-sync"], folder)  # fmt: skip
        process = _start(account, binaries, folder)
        try:
            yield _ready(Server(folder, process))
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: what it holds is thrown away
            process.wait(timeout=START_TIMEOUT_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    if find_spec("psycopg") is None:
        raise NoServer("psycopg is not installed: pip install 'apronwatch[postgres]'")
    spec = find_spec("pgserver")
    if spec is not None and spec.origin is not None:
        site_packages = Path(spec.origin).parents[1]
        if os.geteuid() == 0:  # an environment under /root cannot be entered by another account
            for part in ("pgserver/pginstall", "pgserver.libs"):
                shutil.copytree(
                    site_packages / part, folder / part, ignore=shutil.ignore_patterns("*.a", "include")
                )
            site_packages = folder
        return site_packages / "pgserver/pginstall/bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3]))
    if debian:
        return debian[-1].parent
    raise NoServer("neither pgserver (PyPI) nor Debian's package postgresql is installed")


def _start(account: pwd.struct_passwd | None, binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    # As safe as in earnest but for power cuts, and quicker.
    settings = ["listen_addresses=", "fsync=off", "max_connections=40"]
    command = [binaries / "postgres", "-D", folder / "data", "-k", folder]
    options = [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([*command, *options], stdout=log, stderr=log, **_as(account, folder))


def _run_as(account: pwd.struct_passwd | None, command: list[object], folder: Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **_as(account, folder))
    if done.returncode:
        raise NoServer(f"initdb failed: {' '.join(done.stderr.split())[-300:]}")


def _as(account: pwd.struct_passwd | None, folder: Path) -> dict[str, object]:
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    return {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **identity}


def _ready(server: Server) -> Server:
    import psycopg

    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
            return server
        except psycopg.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                said = (server.folder / "log").read_text(errors="replace").splitlines()[-1:]
                raise NoServer(f"the server did not start: {error}; its log ends with {said}") from error
            time.sleep(0.05)
