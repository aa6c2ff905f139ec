"""A web server on loopback that serves a folder as an object store does, by ranges, and keeps a log.

It runs as a process of its own (`python -m tests.web`): GDAL holds Python's global lock while it opens a
file, so a server on a thread of the same process would never answer it.
"""

import json
import subprocess
import sys
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

TYPES = {".json": "application/geo+json", ".tif": "image/tiff", ".jpg": "image/jpeg"}
FLAGS = ("no-etags", "no-dates", "no-ranges", "no-heads")


class Request(NamedTuple):
    """One request as the server saw it."""

    method: str
    path: str
    sent_bytes: int


class Web:
    """A folder that is being served at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def requests(self) -> list[Request]:
        """All requests so far, in the order of their answers."""
        with urllib.request.urlopen(f"{self.url}/__log__", timeout=10) as answer:
            return [Request(*row) for row in json.load(answer)]

    def sent_bytes(self, name: str) -> int:
        """Bytes of one file that were sent."""
        return sum(one.sent_bytes for one in self.requests() if one.path.split("?")[0] == f"/{name}")


@contextmanager
def serve(folder: Path, *flags: str) -> Iterator[Web]:
    """Serve a folder on a free port of 127.0.0.1 until the block ends.

    `flags` are of `FLAGS`, or `fail=STATUS:SUFFIX:TIMES`: so often what ends so is answered by that status.
    """
    command = [sys.executable, "-m", "tests.web", str(folder), *(f"--{flag}" for flag in flags)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Web(process.stdout.readline().strip())
        finally:
            process.terminate()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    options: Any
    log: list[Request]
    failures_left = 0

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        file = self.folder / self.path.split("?")[0].lstrip("/")
        status, head, body = 404, {}, b""
        if self.path == "/__log__":
            status, body = 200, json.dumps(self.log).encode()
        elif (failing := self._failing()) is not None:
            status = failing
        elif not send and self.options.no_heads:
            status = 405
        elif file.is_file():
            status, head, body = self._file(file)
        self.send_response(status)
        for key, value in {**head, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.log.append(Request(self.command, self.path, len(body) if send else 0))
        if send:
            self.wfile.write(body)

    def _failing(self) -> int | None:
        status, suffix, _ = self.options.fail
        if Handler.failures_left == 0 or not self.path.split("?")[0].endswith(suffix):
            return None
        Handler.failures_left -= 1
        return int(status)

    def _file(self, file: Path) -> tuple[int, dict[str, str], bytes]:
        body, stat = file.read_bytes(), file.stat()
        head = {"Content-Type": TYPES.get(file.suffix, "application/octet-stream")}
        if not self.options.no_etags:
            head["ETag"] = f'"{stat.st_mtime_ns:x}"'
        if not self.options.no_dates:
            head["Last-Modified"] = self.date_time_string(int(stat.st_mtime))
        asked = self.headers.get("Range")
        if self.options.no_ranges:
            return 200, head, body
        head["Accept-Ranges"] = "bytes"
        if asked is None:
            return 200, head, body
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last or len(body)), len(body) - 1)
        head["Content-Range"] = f"bytes {start}-{stop}/{len(body)}"
        return 206, head, body[start : stop + 1]


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """GDAL hangs up as soon as it has the bytes it wanted."""


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    for flag in FLAGS:
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--fail", type=lambda text: text.split(":"), default=["503", "", "0"])
    Handler.options = parser.parse_args()
    Handler.failures_left = int(Handler.options.fail[2])
    Handler.folder, Handler.log = Handler.options.folder, []
    server = Server(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
