"""Small questions to web servers: what a file is, and the text of a small one."""

import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from apronwatch.errors import NetworkUnavailable, SceneUnreadable

TIMEOUT_S = 30.0
MAX_TEXT_BYTES = 64 << 20
RETRY_WAITS_S = (0.5, 2.0)
"""Pauses before a server that is busy or broken is asked again; after the last it counts as out of reach."""

_SIGNATURES = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig", "token", "access_token"})
_NO_HEAD = frozenset({400, 403, 405, 501})
# Buckets whose content may not be listed answer 403 for a missing key, too.
_MISSING = frozenset({403, 404, 410})


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
    path = printable(path)
    if not is_url(path):
        return path
    parts = urlsplit(path)
    signed = any(key.lower() in _SIGNATURES for key in parse_qs(parts.query))
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "" if signed else parts.query, parts.fragment))


def printable(text: str) -> str:
    """Text as it may be written in UTF-8: a byte of a file name that is none stands by its number."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def check_name(path: str) -> None:
    """Refuse what no file and no address can be called, and what GDAL is not handed.

    Raises:
        SceneUnreadable: a NUL byte, or bytes that are no UTF-8, are in it.
    """
    if "\0" in path:
        raise SceneUnreadable(f"{public(path)!r}: a NUL byte in the name; give a file or an http(s) address")
    if public(path) != path and not is_url(path):
        raise SceneUnreadable(f"{public(path)}: a file name that is no UTF-8 cannot be opened; rename it")


def stat(url: str) -> RemoteFile:
    """Ask for a file's entity tag, length and type.

    Raises:
        SceneUnreadable: the server refuses it.
        NetworkUnavailable: the server cannot be reached, or stays busy or broken.
    """
    try:
        return _asked(url)
    except urllib.error.HTTPError as error:
        raise _refused(url, error) from error


def version(url: str) -> str:
    """What changes when a file changes: its entity tag (without one: the date of its last change) and length.

    Raises:
        SceneUnreadable: the server refuses the file, or says neither.
        NetworkUnavailable: the server cannot be reached, or stays busy or broken.
    """
    found = stat(url)
    tag = found.etag or found.last_modified
    if tag is None or found.length is None:
        raise SceneUnreadable(
            f"{public(url)}: the server gives no length, or neither ETag nor Last-Modified, "
            "so the file could not be told from a later one; download it and give the file"
        )
    return f"{tag} {found.length}"


def exists(url: str) -> bool:
    """Whether a server has this file. Only an answer that says so counts as no.

    Raises:
        SceneUnreadable: the server answers otherwise.
        NetworkUnavailable: the server cannot be reached, or stays busy or broken.
    """
    try:
        _asked(url)
    except urllib.error.HTTPError as error:
        if error.code in _MISSING:
            return False
        raise _refused(url, error) from error
    return True


def _asked(url: str) -> RemoteFile:
    try:
        return _stat(urllib.request.Request(url, method="HEAD"))
    except urllib.error.HTTPError as error:
        if error.code not in _NO_HEAD:
            raise
    # Addresses signed for GET refuse HEAD; one byte says the same.
    return _stat(urllib.request.Request(url, headers={"Range": "bytes=0-0"}))


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
        NetworkUnavailable: the server cannot be reached, or stays busy or broken.
    """
    request = urllib.request.Request(url)
    try:
        with _opened(request) as answer:
            body: bytes = answer.read(MAX_TEXT_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise _refused(url, error) from error
    except (OSError, HTTPException) as error:
        raise _out_of_reach(request, error) from error
    if len(body) > MAX_TEXT_BYTES:
        raise SceneUnreadable(
            f"{public(url)}: over {MAX_TEXT_BYTES >> 20} MiB of text; expected a small document"
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SceneUnreadable(f"{public(url)}: no UTF-8 text; expected a STAC document") from error


def _opened(request: urllib.request.Request) -> Any:
    for wait_s in (*RETRY_WAITS_S, None):
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            if not _may_pass(error.code):
                raise
            if wait_s is None:
                raise _out_of_reach(request, f"it answers {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            raise _out_of_reach(request, getattr(error, "reason", error)) from error
        time.sleep(wait_s)
    raise AssertionError("the last turn returns or raises")


def _may_pass(status: int) -> bool:
    """Whether an answer speaks of the server's state, not of the file. 501 says that it never will."""
    return status in (408, 429) or (status >= 500 and status != 501)


def _out_of_reach(request: urllib.request.Request, reason: object) -> NetworkUnavailable:
    return NetworkUnavailable(
        f"{public(request.full_url)}: the server cannot be reached ({reason}); "
        "check the address and the network, or try again later"
    )


def _refused(url: str, error: urllib.error.HTTPError) -> SceneUnreadable:
    return SceneUnreadable(
        f"{public(url)}: the server answers {error.code} {error.reason}; check the address"
    )
