"""Fetching weights by name: over https, whole or not at all, pinned to the bytes of the first fetch."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from zipfile import BadZipFile, ZipFile

from apronwatch.engines.entries import FileEntry
from apronwatch.engines.pinning import check_pin, pin, replace_bytes
from apronwatch.engines.registry import load_registry, user_folder
from apronwatch.engines.specs import SUFFIXES
from apronwatch.errors import ModelUnknown, NetworkUnavailable, OutputInvalid
from apronwatch.version import __version__

CHUNK_BYTES = 1 << 18
TIMEOUT_S = 30

Progress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all; 0 when unknown)."""


@dataclass(frozen=True)
class Fetched:
    """What a fetch gave: the file, its size and hash, and whether its hash was pinned just now."""

    path: Path
    sha256: str
    size_bytes: int
    first: bool


def fetch(name: str, *, progress: Progress = lambda done, total: None) -> Fetched:
    """Get a model's weights from where its registry entry says, or from `APRONWATCH_WEIGHTS_URL`.

    The publisher states no SHA-256 for the official weights, so the first fetch pins the one it got; every
    later fetch and load must give the same.

    Raises:
        ModelUnknown: no such name, or a model that has no address.
        NetworkUnavailable: not reachable, broken off, or something else came than weights.
        ModelCorrupted: other bytes than those pinned.
        OutputInvalid: the folder of the weights cannot be written.
    """
    registry = load_registry()
    entry = registry.entry(name)
    if not entry.url:
        raise ModelUnknown(f"model {name!r} has no address to be fetched from: it comes with the program")
    file_name = PurePosixPath(urlsplit(entry.url).path).name
    mirror = os.environ.get("APRONWATCH_WEIGHTS_URL")
    url = f"{mirror.rstrip('/')}/{file_name}" if mirror else entry.url
    weights = _download(url, file_name, progress)
    sha256 = hashlib.sha256(weights).hexdigest()
    format = SUFFIXES[PurePosixPath(file_name).suffix]
    known = check_pin(registry, name, format, sha256, entry.url)
    path = user_folder() / file_name
    try:
        replace_bytes(path, weights)
    except OSError as error:
        raise OutputInvalid(
            f"{path}: cannot be written ({error.strerror}); APRONWATCH_WEIGHTS names another folder"
        ) from error
    if not known:
        pin(FileEntry(model=name, sha256=sha256, format=format, file=file_name, origin=entry.url))
    return Fetched(path, sha256, len(weights), not known)


def is_safe(url: str) -> bool:
    """Whether nobody on the way can exchange what comes: https, a local file, or this machine itself."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme in ("https", "file") or local


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        # urllib itself refuses to be led to a file, but not out of https.
        if not is_safe(newurl):
            raise URLError(f"led to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, file_name: str, progress: Progress) -> bytes:
    if not is_safe(url):
        raise NetworkUnavailable(
            f"{url}: weights are fetched over https only; correct APRONWATCH_WEIGHTS_URL"
        )
    try:
        request = Request(url, headers={"User-Agent": f"apronwatch/{__version__}"})
        with build_opener(_SafeRedirects).open(request, timeout=TIMEOUT_S) as response:
            total = int(response.headers.get("Content-Length") or 0)
            content = bytearray()
            while chunk := response.read(CHUNK_BYTES):
                content += chunk
                progress(len(content), total)
    except (OSError, HTTPException) as error:
        raise NetworkUnavailable(
            f"{url} could not be fetched ({_reason(error)}): check the network; or, on a machine without, "
            f"copy {file_name} into a folder and set APRONWATCH_WEIGHTS_URL=file:///that/folder"
        ) from error
    if total and len(content) != total:
        raise NetworkUnavailable(
            f"{url} broke off after {len(content)} of {total} bytes; nothing was kept: try again"
        )
    if not _holds_weights(content):
        raise NetworkUnavailable(
            f"{url} gave {len(content)} bytes that are no weights (beginning {bytes(content[:12])!r}): a "
            "login page of this network, perhaps; nothing was kept"
        )
    return bytes(content)


def _holds_weights(content: bytes | bytearray) -> bool:
    """A `.pt` file is a zip archive of a pickle and its tensors; the login page of a hotel's network is not."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            return any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())
    except BadZipFile:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP status {error.code}"
    reason = error.reason if isinstance(error, URLError) else error
    return str(getattr(reason, "strerror", None) or reason)
