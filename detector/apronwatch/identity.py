"""What makes a scene the same scene again: the hash of its bytes; for an address what the server says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from apronwatch.errors import SceneUnreadable
from apronwatch.remote import is_url, public, version


@dataclass(frozen=True)
class Identity:
    """Which bytes a scene is made of.

    Attributes:
        key: `sha256:…`, or `etag:…` where a file of it is remote.
        sha256: None where a file of it is remote.
    """

    key: str
    sha256: str | None


def identify(files: Sequence[str]) -> Identity:
    """The identity of a scene made of files.

    One local file: the SHA-256 of its bytes, as `sha256sum FILE` prints it. Several: the SHA-256 of what
    `sha256sum A B C` prints in the folder of the scene for its files sorted by their names relative to that
    folder. With a remote file among them: the same over lines in which the entity tag (without one: the date
    of the last change) and the length stand for the hash, and the address for the name.

    Args:
        files: the scene's own file or address first, then its sidecars and members.

    Raises:
        SceneUnreadable: a file cannot be read, or a server names no version of it.
    """
    remote = any(is_url(name) for name in files)
    if len(files) == 1 and not remote:
        digest = _file_sha256(files[0])
        return Identity(f"sha256:{digest}", digest)
    folder = "." if is_url(files[0]) else str(Path(files[0]).absolute().parent)
    lines = sorted((_name(file, folder), _stamp(file)) for file in files)
    listing = "".join(f"{stamp}  {name}\n" for name, stamp in lines)
    digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    return Identity(f"etag:{digest}", None) if remote else Identity(f"sha256:{digest}", digest)


def _name(file: str, folder: str) -> str:
    return public(file) if is_url(file) else Path(relpath(file, folder)).as_posix()


def _stamp(file: str) -> str:
    return version(file) if is_url(file) else _file_sha256(file)


def _file_sha256(file: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SceneUnreadable(f"{file}: cannot be read ({error.strerror or error})") from error
