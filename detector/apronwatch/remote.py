"""Small questions to web servers: what a file is, and the text of a small one."""

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from apronwatch.errors import NetworkUnavailable, SceneUnreadable

TIMEOUT_S = 30.0
MAX_TEXT_BYTES = 64 << 20

_SIGNATURES = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig", "token", "access_token"})
_NO_HEAD = frozenset({400, 403, 405, 501})


@dataclass(frozen=True)
class RemoteFile:
    """What a server says of a file; None for what it keeps to itself."""

    etag: str | None
    last_modified: str | None
    length: int | None
    media_type: str


def is_url(path: str) -> bool:
    """Whether this is an `http` or `https` address."""
    return path.lower().startswith(("http://", "https://"))


def public(path: str) -> str:
    """A path or address as it may be archived and published: without user name, password and signature.

    A signature differs from day to day; without it the address names the same file each time.
    """
    if not is_url(path):
        return path
    parts = urlsplit(path)
    signed = any(key.lower() in _SIGNATURES for key in parse_qs(parts.query))
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "" if signed else parts.query, parts.fragment))


def stat(url: str) -> RemoteFile:
    """Ask for a file's entity tag, length and type.

    Raises:
        SceneUnreadable: the server refuses it.
        NetworkUnavailable: the server cannot be reached.
    """
    try:
        return _stat(urllib.request.Request(url, method="HEAD"))
    except urllib.error.HTTPError as error:
        if error.code not in _NO_HEAD:
            raise _refused(url, error) from error
    # Addresses signed for GET refuse HEAD; one byte says the same.
    try:
        return _stat(urllib.request.Request(url, headers={"Range": "bytes=0-0"}))
    except urllib.error.HTTPError as error:
        raise _refused(url, error) from error


def version(url: str) -> str:
    """What changes when a file changes: its entity tag (without one: the date of its last change) and length.

    Raises:
        SceneUnreadable: the server refuses the file, or says neither.
        NetworkUnavailable: the server cannot be reached.
    """
    found = stat(url)
    tag = found.etag or found.last_modified
    if tag is None or found.length is None:
        raise SceneUnreadable(
            f"{public(url)}: the server gives no length, or neither ETag nor Last-Modified, so the file "
            "could not be "
            "told from a later one; download it and give the file"
        )
    return f"{tag} {found.length}"


def exists(url: str) -> bool:
    """Whether a server gives this file.

    Raises:
        NetworkUnavailable: the server cannot be reached.
    """
    try:
        stat(url)
    except SceneUnreadable:
        return False
    return True


def _stat(request: urllib.request.Request) -> RemoteFile:
    with _opened(request) as answer:
        head = answer.headers
        total = (head.get("Content-Range") or "").rpartition("/")[2] or head.get("Content-Length") or ""
        return RemoteFile(
            head.get("ETag"),
            head.get("Last-Modified"),
            int(total) if total.isdigit() else None,
            head.get_content_type(),
        )


def fetch_text(url: str) -> str:
    """The text of a small file (a STAC item).

    Raises:
        SceneUnreadable: the server refuses it, it is no text, or it is larger than `MAX_TEXT_BYTES`.
        NetworkUnavailable: the server cannot be reached.
    """
    try:
        with _opened(urllib.request.Request(url)) as answer:
            body: bytes = answer.read(MAX_TEXT_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise _refused(url, error) from error
    if len(body) > MAX_TEXT_BYTES:
        raise SceneUnreadable(
            f"{public(url)}: over {MAX_TEXT_BYTES >> 20} MiB of text; expected a small document"
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SceneUnreadable(f"{public(url)}: no UTF-8 text; expected a STAC document") from error


def _opened(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NetworkUnavailable(
            f"{public(request.full_url)}: the server cannot be reached ({reason}); check the address and the "
            "network"
        ) from error


def _refused(url: str, error: urllib.error.HTTPError) -> SceneUnreadable:
    return SceneUnreadable(
        f"{public(url)}: the server answers {error.code} {error.reason}; check the address"
    )
