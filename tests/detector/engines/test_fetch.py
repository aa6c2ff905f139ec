import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from apronwatch.engines import find_model, load_registry
from apronwatch.engines.fetch import fetch, is_safe
from apronwatch.errors import ModelCorrupted, ModelUnknown, NetworkUnavailable, OutputInvalid
from tests.web import serve

NAME = "yolo26n-obb"


def zipped(name: str, size: int = 768_000) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr(name, bytes(size))
    return made.getvalue()


WEIGHTS, OTHERS = zipped("yolo26n-obb/data.pkl"), zipped("yolo26n-obb/data.pkl", 768_001)


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    """A server on loopback that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served on loopback in place of the publisher's."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / f"{NAME}.pt").write_bytes(WEIGHTS)
    with serve(folder) as web:
        monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", web.url)
        yield folder


def test_a_fetch_pins_what_came(mirror: Path, weights_folder: Path) -> None:
    told: list[tuple[int, int]] = []
    fetched = fetch(NAME, progress=lambda done, total: told.append((done, total)))
    assert fetched.path == weights_folder / f"{NAME}.pt"
    assert fetched.path.read_bytes() == WEIGHTS
    assert (fetched.size_bytes, fetched.first) == (len(WEIGHTS), True)
    assert told[-1] == (len(WEIGHTS), len(WEIGHTS))
    found = find_model(NAME)
    assert (found.format, found.sha256, found.outputs[0], found.trusted) == (
        "torch",
        fetched.sha256,
        "plane",
        False,
    )
    assert sum(name is not None for name in found.outputs) == 5


def test_a_second_fetch_is_checked_against_the_first(mirror: Path) -> None:
    fetch(NAME)
    assert not fetch(NAME).first
    assert len(load_registry().files_of(NAME)) == 1


def test_other_bytes_than_pinned_are_not_kept(mirror: Path) -> None:
    first = fetch(NAME)
    (mirror / f"{NAME}.pt").write_bytes(OTHERS)
    with pytest.raises(ModelCorrupted, match="nothing was kept"):
        fetch(NAME)
    assert first.path.read_bytes() == WEIGHTS
    find_model(NAME)


def test_without_a_network_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, weights_folder: Path) -> None:
    with answering(200, {}, b"") as url:
        pass  # the port is closed again
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", url)
    with pytest.raises(NetworkUnavailable, match=r"APRONWATCH_WEIGHTS_URL=file:///") as error:
        fetch(NAME)
    assert "\n" not in str(error.value)
    assert not weights_folder.exists()


def test_a_folder_in_place_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{NAME}.pt").write_bytes(WEIGHTS)
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", tmp_path.as_uri())
    assert fetch(NAME).size_bytes == len(WEIGHTS)


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (404, {}, b"", "HTTP status 404"),
        (200, {}, b"<html>Welcome to the hotel</html>", "login page"),
        (200, {}, zipped("photos/one.jpg"), "are no weights"),
        (200, {}, WEIGHTS[:5000], "are no weights"),
        (200, {"Content-Length": "1000000"}, WEIGHTS[:5000], "broke off"),
        (302, {"Location": "http://example.invalid/w.pt"}, b"", "not https"),
        (302, {"Location": "file:///etc/hostname"}, b"", "HTTP status 302"),
    ],
)
def test_what_comes_must_be_the_weights(
    monkeypatch: pytest.MonkeyPatch,
    weights_folder: Path,
    status: int,
    headers: dict[str, str],
    body: bytes,
    message: str,
) -> None:
    with answering(status, headers, body) as url:
        monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", url)
        with pytest.raises(NetworkUnavailable, match=message):
            fetch(NAME)
    assert not weights_folder.exists()


def test_plain_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", "http://mirror.example")
    with pytest.raises(NetworkUnavailable, match="https only"):
        fetch(NAME)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/x.pt", True),
        ("http://localhost:80/x.pt", True),
        ("http://localhost.example.org/x.pt", False),
        ("ftp://example.org/x.pt", False),
    ],
)
def test_which_addresses_are_safe(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


def test_what_has_no_address_is_not_fetched() -> None:
    with pytest.raises(ModelUnknown, match="comes with the program"):
        fetch("plane-26n-obb-seed")
    with pytest.raises(ModelUnknown, match="known:"):
        fetch("yolo99")


def test_a_folder_that_cannot_be_written(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(tmp_path / "file" / "folder"))
    with pytest.raises(OutputInvalid, match="APRONWATCH_WEIGHTS"):
        fetch(NAME)
